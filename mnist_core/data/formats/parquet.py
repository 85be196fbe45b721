"""Parquet files of images and labels as Hugging Face's Hub has them, and tables of a column a pixel.

The Hub's image is a PNG file in a column ``image``, its label a number in a column ``label``; the names of the classes
are in the metadata. Files are parts of splits: ``train-00000-of-00001.parquet``, or ``train/0000.parquet``.
A process of its own reads them, see ``parquet_process``.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mnist_core.data.formats import parquet_process
from mnist_core.data.formats.files import File
from mnist_core.data.formats.names import natural, split_of
from mnist_core.data.formats.pictures import DamagedPictureError, of_one_size, read_picture
from mnist_core.data.formats.reading import FETCH_AGAIN, Reading
from mnist_core.data.formats.source import ALL
from mnist_core.data.formats.values import Contents, Part
from mnist_core.data.idx import MAX_BYTES
from mnist_core.data.npz import NpzError, read_npz
from mnist_core.errors import DatasetError, reason_of

PACKAGE = "pyarrow"
"""Streamlit brings it; without, there is no reading parquet files."""

SECONDS = 600

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the package mnist_core."""


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read the files of each split in the order of their numbers; the names of the classes if the metadata has them.

    Raises
    ------
    DatasetError
        If a file is damaged or holds no images, or pyarrow isn't installed.
    """
    ordered = sorted(files, key=lambda file: natural(file.name))
    found = contents(ordered, reading)
    pictures: dict[str, list[np.ndarray]] = {}
    labels: dict[str, list[np.ndarray]] = {}
    parts, names = [], None
    for file, arrays in zip(ordered, found, strict=True):
        split = split_of(file.name) or ALL
        names = names or (tuple(map(str, arrays["names"].tolist())) if "names" in arrays else None)
        if "ends" not in arrays:
            parts.append(Part(file.name, split, arrays["pixels"], arrays.get("labels")))
            continue
        pictures.setdefault(split, []).extend(_decoded(file.name, arrays, reading))
        if "labels" in arrays:
            labels.setdefault(split, []).append(arrays["labels"])
    for split, images in pictures.items():  # of all files of a split, so that they get one size
        known = np.concatenate(labels[split]) if split in labels else None
        name = next(file.name for file in ordered if (split_of(file.name) or ALL) == split)
        parts.append(Part(name, split, of_one_size(images, reading.notes), known))
    return Contents(sorted(parts, key=lambda part: part.split), names)


def _decoded(name: str, arrays: dict[str, np.ndarray], reading: Reading) -> list[np.ndarray]:
    content, start, images = arrays["pixels"].tobytes(), 0, []
    for number, end in enumerate(arrays["ends"].tolist()):
        try:
            images.append(read_picture(content[start:end])[0])
        except DamagedPictureError as error:
            raise DatasetError(
                f"{name}: image {number:,} {error}. Choose another file, or leave the row out."
            ) from error
        start = end
    return images


def contents(files: Sequence[File], reading: Reading, look: bool = False) -> list[dict[str, np.ndarray]]:
    """Take the arrays out of files, as ``parquet_process`` writes them.

    Parameters
    ----------
    files : sequence of File
    reading : Reading
    look : bool
        Whether only to count the rows.

    Raises
    ------
    DatasetError
        If a file is damaged or holds no images, or pyarrow isn't installed.
    """
    if find_spec(PACKAGE) is None:
        raise DatasetError(
            f"{files[0].name}: found a parquet file, which is read with the package {PACKAGE}, but that is not "
            f"installed. Install it: pip install {PACKAGE}"
        )
    try:
        with tempfile.TemporaryDirectory() as place:
            paths = [Path(place, str(number)) for number in range(len(files))]
            for file, path in zip(files, paths, strict=True):
                path.write_bytes(reading.whole(file))
            run_apart(paths, look)
            return [_result(file.name, Path(f"{path}.npz")) for file, path in zip(files, paths, strict=True)]
    except OSError as error:
        raise DatasetError(
            f"{tempfile.gettempdir()}: can't be written ({reason_of(error)}), but parquet files are unpacked there. "
            f"Free some space on its disk, or let the environment variable TMPDIR name another folder."
        ) from error


def run_apart(paths: list[Path], look: bool) -> None:
    """Let a process of its own read files; one that it can't read ends only that process."""
    command = [sys.executable, "-m", parquet_process.__name__, *(["--look"] if look else []), *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    try:
        subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return


def _result(name: str, path: Path) -> dict[str, np.ndarray]:
    ended = f"{name}: found {parquet_process.DAMAGED}, whose reader ended, but expected a whole one. {FETCH_AGAIN}"
    if not path.exists():
        raise DatasetError(ended)
    try:
        arrays = read_npz(path, 4 * MAX_BYTES, "biufU", texts=True)
    except NpzError as error:
        raise DatasetError(ended) from error
    if "error" in arrays:
        raise DatasetError(f"{name}: found {arrays['error'][0]}")
    return arrays
