"""The images and labels to learn from: the full MNIST, the sample of 6,000, or any other data set on disk.

A folder of four IDX files named as MNIST's is read here, as it is: images and labels, for training and for testing.
Fashion-MNIST or digits of your own work as well, because image size, number of classes and counts are read from the
files. Every other form is read by ``mnist_core.data.formats`` and prepared by ``mnist_core.data.preparing``. Nothing
here touches the network; ``mnist_core.data.published.download`` does.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pooch

from mnist_core.data.checksums import (
    FILE_NAMES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    content_checksum,
    same_content,
)
from mnist_core.data.classes import Classes
from mnist_core.data.fitting import check_fit
from mnist_core.data.idx import read_idx
from mnist_core.data.paths import absolute
from mnist_core.data.preprocessing import flatten, one_hot, unflatten
from mnist_core.data.published.catalogue import known_content, set_of_folder
from mnist_core.data.published.extended import extended_labels
from mnist_core.errors import DatasetError, IdxError, counted, reason_of, times
from mnist_core.untrusted import UntrustedText

if TYPE_CHECKING:
    from mnist_core.data.corrected.corrections import Corrections

SOURCES = ("auto", "full", "sample")

FOLDER_VARIABLE = "MNIST_DATA_DIR"

CLASS_LIST = "classes.txt"
"""Names the classes of the four files beside it, one a line."""

ROLES = {"training images", "training labels", "test images", "test labels"}
"""What the four files are, as ``formats.look`` calls it."""

CHUNK = 4096
"""Images that :func:`class_means` sums at once, which limits its memory."""

SAMPLE = Path(__file__).with_name("sample.npz")
"""Made by ``tools/make_sample.py``; its licence is in ``SAMPLE.md``."""

FORMER_SAMPLE = "mnist_5k.csv.gz"
"""File of the sample that earlier versions trained on, as named in the checksums of their runs."""


def read_only(array: np.ndarray) -> np.ndarray:
    """View of an array that can't be written to."""
    view = array.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels of a training and a test split; the arrays are read-only.

    Parameters
    ----------
    train_images, test_images : ndarray of uint8, shape (N, H, W)
        Grey values, 0 to 255.
    train_labels, test_labels : ndarray of uint8, shape (N,)
        The class of each image.
    name : UntrustedText
        "MNIST (full)", "MNIST (sample of 6,000)", or for any other data set the name of its folder.
    source : {"full", "sample"}
        Four files in a folder, or the sample included in the project.
    data_dir : str or None
        Absolute path of the folder that the files came from; None for the sample.
    checksums : dict of str to str
        SHA-256 (hexadecimal) of the unpacked content of each file, by its name as in ``FILE_NAMES``; of the file of
        the sample.
    file_checksums : dict of str to str
        SHA-256 of each file as it is, by its own name, as older versions recorded them.
    overshadowed : tuple of (str, str)
        Names of a file used and of one beside it that was not, although it holds something else.
    given_names : tuple of UntrustedText
        The name of each class from class 0 on, where somebody gave names: at least as many as the highest label needs.
    notes : tuple of UntrustedText
        How the data were prepared where they came in another form than four IDX files, in sentences.
    extra : dict of str to dict of str to ndarray, shape (N, ...)
        By split, "train" and "test", what else is known of each image, such as the "writer" of QMNIST.
    corrections : Corrections or None
        Those that were applied, if any: the arrays are no longer those of the files.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    name: UntrustedText
    source: str
    data_dir: str | None
    checksums: dict[str, str]
    file_checksums: dict[str, str] = field(default_factory=dict)
    overshadowed: tuple[tuple[str, str], ...] = ()
    given_names: tuple[UntrustedText, ...] = ()
    notes: tuple[UntrustedText, ...] = ()
    extra: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    corrections: "Corrections | None" = None

    def __post_init__(self) -> None:
        if self.given_names and len(self.given_names) <= self._highest_label:
            raise DatasetError(
                f"{self.name.plain}: found {counted(len(self.given_names), 'class name')}, but labels up to "
                f"{self._highest_label}; expected a name for each class from 0 on. Add the missing names."
            )
        for name in ("train_images", "train_labels", "test_images", "test_labels"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __repr__(self) -> str:
        return f"<Dataset {self.description}>"

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self.train_images.shape[1:]

    @property
    def num_classes(self) -> int:
        """One more than the highest label in either split, or how many names were given; a class may have no images."""
        return len(self.given_names) or 1 + self._highest_label

    @property
    def class_names(self) -> tuple[UntrustedText, ...]:
        """The name of each class: as given, otherwise "0", "1", and so on."""
        return self.given_names or tuple(UntrustedText(str(label)) for label in range(self.num_classes))

    @property
    def _highest_label(self) -> int:
        return int(max(self.train_labels.max(), self.test_labels.max()))

    @property
    def noun(self) -> str:
        """What an image shows, in a word: "digit" if the classes are the ten digits, otherwise "image"."""
        return self.classes.noun

    @property
    def classes(self) -> Classes:
        """The same names for people: each one line, none empty, and no two alike."""
        return Classes(self.class_names)

    @property
    def description(self) -> str:
        """Name, counts, image size and number of classes in one line."""
        return (
            f"{self.name.plain}: {len(self.train_images):,} training and {len(self.test_images):,} test images "
            f"of {times(self.image_shape)}, {self.num_classes} classes"
        )

    def known_of(self, split: str, index: int) -> UntrustedText:
        """What else is known of an image of "train" or "test", as "writer 12, nist_class 34"; mostly empty."""
        columns = self.extra.get(split, {})
        return UntrustedText(
            ", ".join(f"{name} {column[index]}" for name, column in columns.items() if column.ndim == 1)
        )

    def has_content(self, checksums: Mapping[str, str]) -> bool:
        """Tell whether recorded checksums, of content or, by an older version, of files, are those of this data."""
        return same_content(checksums, self.checksums) or dict(checksums) == self.file_checksums


def load_dataset(
    source: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Dataset:
    """Load a data set from disk; never from the network.

    Parameters
    ----------
    source : {"auto", "full", "sample"}
        "full": the data set at `data_dir`, otherwise at the path that the environment variable ``MNIST_DATA_DIR``
        names, otherwise the four files in the user's cache folder. "sample": the images that come with the
        project, 5,000 of MNIST's training set and 1,000 of its test set; `data_dir` is ignored. "auto": "full" if
        available, otherwise "sample"; but a path named by `data_dir` or ``MNIST_DATA_DIR`` must hold a data set.
    data_dir : path, optional
        A folder of four IDX files in MNIST naming, see `find_full`; or a file or folder in any format that
        ``mnist_core.data.preparing.prepared.open_dataset`` reads.
    progress : callable, optional
        Called with the share that is done, and what is being done, while other formats are read.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If `source` is unknown, a file is missing or unreadable, the files do not fit together, or the images have no
        labels.
    """
    if source not in SOURCES:
        raise DatasetError(f"Unknown data source {source!r}; expected one of: {', '.join(SOURCES)}.")
    if source == "sample":
        return _load_sample()
    folder, chosen_by = _choose_folder(data_dir)
    paths = _locate(folder)
    missing = [name for name in FILE_NAMES if name not in paths]
    if not missing:
        return _load_folder(folder, paths)
    if chosen_by == "default":
        if source == "auto":
            return _load_sample()
        raise DatasetError(_explain_missing(folder, chosen_by, missing))
    if not _exists(folder) or _is_empty(folder):
        raise DatasetError(_explain_missing(folder, chosen_by, missing))
    if _is_incomplete(paths):
        _check_whole(folder, _explain_missing(folder, chosen_by, missing))
    try:
        return _open(folder, progress)
    except DatasetError as error:
        if chosen_by == "argument":
            raise
        raise DatasetError(
            f"{error} The environment variable {FOLDER_VARIABLE} names this path: let it name another one, or unset it."
        ) from error


def _is_incomplete(paths: dict[str, Path]) -> bool:
    """Tell whether some of the four files are there, and not just the two to learn from: a copy that is not whole."""
    return bool(paths) and paths.keys() != {TRAIN_IMAGES, TRAIN_LABELS}


def _check_whole(folder: Path, explanation: str) -> None:
    """Raise DatasetError unless what is missing of the four files is there under another name."""
    from mnist_core.data.formats.look import look

    found = look(folder).files
    if not {file.role for file in found} >= ROLES:
        problems = [file.problem for file in found if file.problem]
        raise DatasetError(" ".join([explanation, *problems[:3]]))


def _exists(path: Path) -> bool:
    """Tell whether something is at a path, or it leads into a file, as that of a folder in a zip file does."""
    return path.exists() or any(parent.is_file() for parent in path.parents)


def _is_empty(path: Path) -> bool:
    try:
        return path.is_dir() and not any(path.iterdir())
    except OSError as error:
        raise unreadable(path, error) from error


def _open(path: Path, progress: Callable[[float, str], None] | None) -> Dataset:
    """Read and prepare a data set in another form."""
    from mnist_core.data.preparing.prepared import open_dataset  # which knows data sets, and takes time to load

    dataset = open_dataset(path, progress=progress)
    if not isinstance(dataset, Dataset):
        raise DatasetError(
            f"{path}: found {counted(len(dataset.images), 'image')} without labels, which can be predicted, but not be "
            "learned from. Choose data with labels."
        )
    return dataset


def find_full(data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the path that `load_dataset` reads the full data set from, without reading any file.

    A file may be plain or gzip-compressed, and its name may have a dot before "idx". Of several variants the first is
    used: ``train-images-idx3-ubyte.gz`` (so that a file verified by ``mnist_core.data.published.download`` wins), then
    ``train-images-idx3-ubyte``, ``train-images.idx3-ubyte.gz``, ``train-images.idx3-ubyte``.

    Parameters
    ----------
    data_dir : path, optional
        The folder or file to look at; by default what ``MNIST_DATA_DIR`` names, otherwise the user's cache folder.

    Returns
    -------
    Path or None
        Absolute; None if some of the four files are missing, or nothing is there. Whether data in another form can
        be read is not known before it is.

    Raises
    ------
    DatasetError
        If the folder can't be read.
    """
    folder, chosen_by = _choose_folder(data_dir)
    paths = _locate(folder)
    if len(paths) == len(FILE_NAMES):
        return folder
    other_form = chosen_by != "default" and _exists(folder) and not _is_incomplete(paths) and not _is_empty(folder)
    return folder if other_form else None


def has_all_files(folder: Path) -> bool:
    """Tell whether a folder holds the four IDX files of a data set, which are read as they are."""
    return len(_locate(folder)) == len(FILE_NAMES)


def cache_dir() -> Path:
    """Return the user's cache folder for this project, where downloads go; it may not exist yet."""
    return Path(pooch.os_cache("mnist-numpy-dashboard")).absolute()


def _choose_folder(data_dir: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """Return the folder to search, and what chose it: "argument", "environment" or "default"."""
    if data_dir is not None:
        if not os.fspath(data_dir):
            raise DatasetError("Found an empty path in place of a data set; expected that of a folder or a file.")
        return absolute(data_dir), "argument"
    if named := os.environ.get(FOLDER_VARIABLE):
        return absolute(named), "environment"
    return cache_dir(), "default"


def _locate(folder: Path) -> dict[str, Path]:
    """Map each of the four names to the file that holds it; a missing file is left out."""
    paths = {}
    try:
        for name in FILE_NAMES:
            if found := next((path for path in variants(folder, name) if path.is_file()), None):
                paths[name] = found
    except OSError as error:
        raise unreadable(folder, error) from error
    return paths


def unreadable(folder: Path, error: OSError) -> DatasetError:
    """Say that a folder can't be read."""
    return DatasetError(
        f"{folder}: can't be read ({reason_of(error)}), but the files of a data set were expected "
        f"there. Check the path and its permissions."
    )


def variants(folder: Path, name: str) -> list[Path]:
    """List the paths at which a file may be, the first one preferred."""
    names = [name, name.replace("-idx", ".idx")]
    return [folder / f"{variant}{suffix}" for variant in names for suffix in (".gz", "")]


def _explain_missing(folder: Path, chosen_by: str, missing: list[str]) -> str:
    found = f"found no {', no '.join(missing)} (plain or .gz)" if folder.is_dir() else "found no such folder or file"
    expected = f"{folder}: {found}, but expected the four files of a data set"
    if chosen_by == "argument":
        return f"{expected}. Choose a folder that holds them."
    if chosen_by == "environment":
        return (
            f"{expected}, because the environment variable {FOLDER_VARIABLE} names this folder. "
            f"Let it name a folder that holds them, or unset it."
        )
    return (
        f"{expected}. Fetch the full MNIST with `python -m mnist_core download`, "
        f"let the environment variable {FOLDER_VARIABLE} name a folder that holds it, or use the sample."
    )


def _load_folder(folder: Path, paths: dict[str, Path]) -> Dataset:
    try:
        arrays = {name: read_idx(path) for name, path in paths.items()}
        file_checksums = {path.name: pooch.file_hash(path) for path in paths.values()}
    except IdxError as error:
        raise DatasetError(_what_instead(folder, paths.values()) or str(error)) from error
    except OSError as error:
        raise DatasetError(
            f"{folder}: a file can't be read ({reason_of(error)}), but all four are needed. "
            f"Check their permissions and the disk they are on."
        ) from error
    check_fit(paths, arrays)
    checksums = {name: content_checksum(array) for name, array in arrays.items()}
    name, class_names = _names(folder, arrays, checksums)
    return Dataset(
        train_images=arrays[TRAIN_IMAGES],
        train_labels=arrays[TRAIN_LABELS].astype(np.uint8),
        test_images=arrays[TEST_IMAGES],
        test_labels=arrays[TEST_LABELS].astype(np.uint8),
        name=UntrustedText(name),
        source="full",
        data_dir=str(folder),
        checksums=checksums,
        file_checksums=file_checksums,
        overshadowed=tuple(_overshadowed(folder, paths, checksums)),
        given_names=tuple(map(UntrustedText, class_names)),
        extra=extended_labels(folder, arrays),
    )


def _names(folder: Path, arrays: dict[str, np.ndarray], checksums: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Name a data set and its classes: a published one by its content or, if nobody computed that, by its place."""
    if known := known_content(checksums):
        return known.full_title, known.class_names
    labels = max(int(arrays[name].max(initial=0)) for name in (TRAIN_LABELS, TEST_LABELS))
    claimed = set_of_folder(folder, cache_dir())
    if claimed and labels < (len(claimed.class_names) or 10):
        return f"{claimed.title} (unverified)", claimed.class_names
    return folder.resolve().name or str(folder), _class_list(folder, labels)


def _class_list(folder: Path, highest: int) -> tuple[str, ...]:
    """Read the names of the classes from a file beside the four, if it names them all."""
    from mnist_core.data.preparing.class_names import read_class_names

    path = folder / CLASS_LIST
    if not path.is_file() or path.is_symlink():
        return ()
    try:
        names = read_class_names(path)
    except DatasetError:  # it may be about something else
        return ()
    return names if len(names) > highest else ()


def _what_instead(folder: Path, paths: Iterable[Path]) -> str | None:
    """Say what one of the four files is in place of IDX, such as an HTML page, if that is known."""
    from mnist_core.data.formats.look import look

    names = {path.name for path in paths}
    wrong = [file for file in look(folder).files if file.name in names and file.kind != "IDX" and file.problem]
    return f"{folder}: {wrong[0].problem}" if wrong else None


def _overshadowed(folder: Path, paths: dict[str, Path], checksums: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the names of each file used and of another variant beside it that holds something else."""
    for name, used in paths.items():
        for path in variants(folder, name):
            if path != used and path.is_file():
                try:
                    same = content_checksum(read_idx(path)) == checksums[name]
                except IdxError:
                    same = False
                if not same:
                    yield used.name, path.name


def _load_sample() -> Dataset:
    """Read the 5,000 images to train and the 1,000 to test that ``tools/make_sample.py`` chose."""
    try:
        with SAMPLE.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = dict(content)
        checksum = pooch.file_hash(SAMPLE)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(
            f"{SAMPLE}: found no readable sample of MNIST ({reason_of(error)}), but it comes "
            f"with the project. Install the project again."
        ) from error
    count = len(arrays["train_labels"]) + len(arrays["test_labels"])
    return Dataset(
        **arrays,
        name=UntrustedText(f"MNIST (sample of {count:,})"),
        source="sample",
        data_dir=None,
        checksums={SAMPLE.name: checksum},
    )


def class_means(images: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Mean image of each class; a class without images is black.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
    labels : ndarray of int, shape (N,), range 0 ... num_classes - 1

    Returns
    -------
    ndarray of float64, shape (num_classes, H, W), range [0, 255]
    """
    sums = np.zeros((num_classes, images[0].size))
    for start in range(0, len(images), CHUNK):
        chunk = slice(start, start + CHUNK)  # one-hot rows times pixels sum the images of each class
        sums += one_hot(labels[chunk], num_classes).T @ flatten(images[chunk]).astype(np.float32)
    counts = np.bincount(labels, minlength=num_classes)
    return unflatten(sums / np.maximum(counts, 1)[:, np.newaxis], images.shape[1:])
