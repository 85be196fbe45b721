"""IDX: MNIST's own format, under the names that people give its files. The codec is ``mnist_core.data.idx``."""

import math
import struct
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from mnist_core.data.formats.files import File
from mnist_core.data.formats.names import IMAGES, LABELS, plain_name, role_of, split_of
from mnist_core.data.formats.reading import Reading
from mnist_core.data.formats.source import ALL
from mnist_core.data.formats.values import Contents, Part
from mnist_core.data.idx import DTYPES, MAX_BYTES, read_idx_stream
from mnist_core.data.packed import DAMAGED, Stream
from mnist_core.errors import DatasetError, IdxError

QMNIST_COLUMNS = ("nist_series", "writer", "writer_digit", "nist_class", "nist_digit", "duplicate", "unused")
"""Columns after the digit: NIST's series of forms (0, 1 or 4), the writer, the number of the digit among those of the
writer, the class as NIST's code (30 to 39), its number in NIST's database, whether it is a duplicate, and a zero.

Source: C. Yadav and L. Bottou, *Cold Case: The Lost MNIST Digits*, 2019; https://github.com/facebookresearch/qmnist
"""


def header(head: bytes) -> tuple[np.dtype, tuple[int, ...]] | None:
    """Read dtype and shape from the first bytes; None if they are not all there."""
    if len(head) < 4 or head[2] not in DTYPES or len(head) < 4 + 4 * head[3]:
        return None
    return DTYPES[head[2]], struct.unpack_from(f">{head[3]}I", head, 4)


def promised(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    """Bytes of a whole file, unpacked."""
    return 4 + 4 * len(shape) + dtype.itemsize * math.prod(shape)


def role(name: str, dtype: np.dtype, shape: tuple[int, ...]) -> str:
    """Images or labels, by the shape; only for rows of values by the name."""
    if len(shape) == 2 and shape[1] > 1:
        labels = dtype.itemsize > 1 and dtype.kind == "i" and shape[1] <= 1 + len(QMNIST_COLUMNS)
        return LABELS if labels or (role_of(name) == LABELS and shape[1] <= 1000) else IMAGES
    return LABELS if len(shape) <= 2 else IMAGES


def home(name: str) -> str:
    """The folder of a file; of a file in a folder of the same name, as zips unpack, the folder above."""
    parent = PurePosixPath(name).parent
    if parent.name and plain_name(parent.name).replace(".", "-") == plain_name(name).replace(".", "-"):
        parent = parent.parent
    return "" if str(parent) == "." else str(parent)


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read files of one data set, and pair images with labels by their split."""
    arrays: dict[tuple[str, str], tuple[File, np.ndarray]] = {}
    for file in files:
        array = read_array(file, reading)
        split = split_of(file.name) or ALL
        kind = role(file.name, array.dtype, array.shape)
        if (other := role_of(file.name)) not in (None, kind):
            reading.notes.append(f"{file.short} holds {kind}, although it is called {other}: taken for what it holds.")
        if (split, kind) in arrays:
            raise DatasetError(
                f"{file.name}: found {kind} as in {arrays[split, kind][0].name}, but expected one file of them for "
                f"each split. Choose the folder of one data set."
            )
        arrays[split, kind] = file, array
    parts = []
    for (split, kind), (file, array) in arrays.items():
        if kind == IMAGES:
            _, labels = arrays.get((split, LABELS), (None, None))
            parts.append(_part(file.name, split, array, labels))
    for (split, kind), (file, array) in arrays.items():
        if kind == LABELS and (split, IMAGES) not in arrays:
            if not parts:
                raise DatasetError(
                    f"{file.name}: found {len(array):,} labels, but no images. Put the file of the images beside it."
                )
            reading.notes.append(f"{file.short} holds labels whose images are missing: left out.")
    return Contents(sorted(parts, key=lambda part: part.split))


def read_array(file: File, reading: Reading) -> np.ndarray:
    """Read one file; of a truncated download, say how much is missing."""
    with reading.open(file) as content:
        counted = _Counted(content)
        try:
            return read_idx_stream(counted, file.name)
        except (*DAMAGED, IdxError) as error:
            found = header(content.head)
            whole = promised(*found) if found else 0
            ends_early = isinstance(error, (EOFError, IdxError)) and counted.size < whole <= MAX_BYTES
            if not ends_early:
                raise
            missing = whole - counted.size
            raise DatasetError(
                f"{file.name}: found {counted.size:,} bytes of values and header, but expected {whole:,}: {missing:,}, "
                f"or {missing / whole:.0%}, are missing. The download was cut off: copy or download it again."
            ) from error


class _Counted:
    def __init__(self, stream: Stream) -> None:
        self._stream, self.size = stream, 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.size += len(data)
        return data


def _part(name: str, split: str, images: np.ndarray, labels: np.ndarray | None) -> Part:
    """Make a part; of QMNIST's wide labels the first column is the digit, and the others are kept."""
    if labels is None or labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind != "i":
        return Part(name, split, images, labels)
    qmnist = labels.shape[1] == 1 + len(QMNIST_COLUMNS)
    names = QMNIST_COLUMNS if qmnist else [f"column_{number}" for number in range(1, labels.shape[1])]
    extra = {column: labels[:, number].astype(np.int64) for number, column in enumerate(names, 1)}
    extra.pop("unused", None)
    return Part(name, split, images, labels[:, 0], extra)
