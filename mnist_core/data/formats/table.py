"""All formats in one table, in the order in which they are looked for; a zip file may hold any of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mnist_core.data.formats import csv, idx, mat, npz, parquet, pictures
from mnist_core.data.formats.files import File
from mnist_core.data.formats.kinds import CSV, IDX, MAT, NUMPY, PARQUET, PICTURE
from mnist_core.data.formats.reading import Reading
from mnist_core.data.formats.values import Contents


@dataclass(frozen=True)
class Format:
    """One way to keep images and labels.

    Parameters
    ----------
    name : str
        What a source calls it.
    kind : str
        Of its files, as in ``kinds``.
    holds : str
        What it is, for people.
    read : callable
        Reads the files of one data set.
    """

    name: str
    kind: str
    holds: str
    read: Callable[[Sequence[File], Reading], Contents]


FORMATS = (
    Format("IDX", IDX, "MNIST's own four files, plain or compressed", idx.read),
    Format("NumPy", NUMPY, "an .npz file with arrays such as x_train and y_train, or .npy files", npz.read),
    Format("parquet", PARQUET, "parquet files of images and labels, as on the Hub", parquet.read),
    Format("MATLAB", MAT, "a .mat file up to version 7, such as EMNIST's", mat.read),
    Format("CSV", CSV, "a table with a row of pixels an image, and the label first or named", csv.read),
    Format("pictures", PICTURE, "a folder of PNG, JPEG, BMP, GIF, TIFF or PGM files for each class", pictures.read),
)

NAMES = f"{', '.join(form.name for form in FORMATS)}, or a zip file of them"
