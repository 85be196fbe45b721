"""MATLAB's .mat files up to version 7: EMNIST's structure ``dataset.train.images`` and so on, or arrays with names.

Read here rather than by SciPy, whose reader ends the process on some damaged files. Of the format only what images need
is known: arrays of numbers, text, and structures of one element; everything else is passed over.
"""

import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from mnist_core.data.formats.arrays import pair
from mnist_core.data.formats.class_names import characters
from mnist_core.data.formats.files import File
from mnist_core.data.formats.names import IMAGES, LABELS, role_of, split_of
from mnist_core.data.formats.reading import ALWAYS, FETCH_AGAIN, MAX_RATIO, Reading
from mnist_core.data.formats.values import Contents
from mnist_core.data.idx import MAX_BYTES
from mnist_core.errors import DatasetError, times

HEADER = 128

MATRIX, COMPRESSED = 14, 15

STRUCT, CHAR, CLASSES = 2, 4, range(6, 16)
"""Classes of arrays that are read: structures, text, and ten kinds of numbers."""

TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1", 17: "u2"}
"""How numbers are stored, by the number of the type; the last two are text in UTF-8 and UTF-16."""

MAX_DEPTH = 8

MAX_ELEMENTS = 100_000


class MatError(ValueError):
    """A file isn't what it says; the message is a clause that follows its name."""


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read the arrays of all files, and find images and labels among them.

    A mapping as EMNIST's names the classes.
    """
    arrays: dict[str, np.ndarray] = {}
    names, first = None, 0
    for file in files:
        found = read_arrays(reading.whole(file), file.name)
        for name in [name for name in found if name.split("/")[-1].lower() == "mapping"]:
            names, first = _mapping(found.pop(name)) or (names, first)
        arrays |= {f"{file.name}/{name}": array for name, array in found.items()}
    parts, named = pair(_images_first(arrays), reading.notes)
    return Contents(parts, names or named, first)


def read_arrays(content: bytes, name: str) -> dict[str, np.ndarray]:
    """Read the arrays of a file by name; of structures, with "/" between the names.

    Raises
    ------
    DatasetError
        If the file is damaged or too large.
    """
    try:
        return parse(content)
    except MatError as error:
        raise DatasetError(f"{name}: {error}. {FETCH_AGAIN}") from error
    except (ValueError, IndexError, struct.error) as error:
        raise DatasetError(f"{name}: found a damaged MATLAB file ({error}). {FETCH_AGAIN}") from error


def _images_first(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Move the axis of the images to the front: MATLAB's habit is height x width x count."""
    counts = {split_of(name): array.size for name, array in arrays.items() if role_of(name.split("/")[-1]) == LABELS}
    found = {}
    for name, array in arrays.items():
        if array.ndim >= 3 and role_of(name.split("/")[-1]) in (IMAGES, None):
            count = counts.get(split_of(name), max(array.shape[0], array.shape[-1]))
            if array.shape[0] != count == array.shape[-1]:
                array = np.moveaxis(array, -1, 0)
        found[name] = array
    return found


def _mapping(array: np.ndarray) -> tuple[tuple[str, ...], int] | None:
    """The names of classes: rows of a label and the codes of its characters."""
    if array.ndim != 2 or not 2 <= array.shape[1] <= 4 or array.dtype.kind not in "iuf" or not 0 < len(array) < 10_000:
        return None
    rows = sorted(array.astype(np.int64).tolist())
    if [row[0] for row in rows] != list(range(rows[0][0], rows[0][0] + len(rows))):
        return None
    return tuple(characters(row[1:]) for row in rows), rows[0][0]


def parse(content: bytes) -> dict[str, np.ndarray]:
    """Read the arrays of a file by name; of structures, with "/" between the names.

    Source: *MAT-File Format*, The MathWorks, version 5.

    Raises
    ------
    MatError
        If it is damaged, incomplete, too large, too deep, or holds what is no array.
    """
    if len(content) < HEADER or content[126:128] not in (b"IM", b"MI"):
        raise MatError("found no header of a MATLAB file")
    parser = _Parser("<" if content[126:128] == b"IM" else ">")
    limit = min(2 * MAX_BYTES, max(MAX_RATIO * len(content), ALWAYS))
    at = HEADER
    while at < len(content):
        kind, start, end, after = parser.tag(content, at, padded=False)
        if end > len(content):
            raise MatError(f"found {len(content):,} bytes, but expected {end:,}: {end - len(content):,} are missing")
        element = memoryview(content)[at:after]
        if kind == COMPRESSED:
            element = memoryview(_unpacked(content[start:end], limit))
            limit -= len(element)
        parser.matrix(element, "", 1)
        at = after
    return parser.arrays


def _unpacked(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(data, max(1, limit))
    except zlib.error as error:
        raise MatError(f"found damaged data ({error})") from error
    if not stream.eof:
        raise MatError(f"found data that is incomplete, or of more than {limit:,} bytes")
    return unpacked


class _Parser:
    """Collects the arrays of a file of one byte order. Every size is checked against the bytes that are there."""

    def __init__(self, order: str) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._order, self._elements = order, 0

    def tag(self, data: bytes | memoryview, at: int, padded: bool = True) -> tuple[int, int, int, int]:
        """Type of an element, where its data starts and ends, and where the next begins."""
        if len(data) - at < 8:
            raise MatError("found the beginning of an element without its end")
        kind, size = struct.unpack_from(f"{self._order}2I", data, at)
        if kind >> 16:  # a small element, with its data in the tag
            return kind & 0xFFFF, at + 4, at + 4 + min(kind >> 16, 4), at + 8
        end = at + 8 + size
        return kind, at + 8, end, end + (-size % 8 if padded else 0)

    def _element(self, data: memoryview, at: int) -> tuple[int, memoryview, int]:
        """Type and data of an element, and where the next begins."""
        kind, start, end, after = self.tag(data, at)
        self._elements += 1
        if end > len(data) or self._elements > MAX_ELEMENTS:
            raise MatError(f"found an element that ends early, or more than {MAX_ELEMENTS:,} of them")
        return kind, data[start:end], after

    def matrix(self, data: memoryview, path: str, depth: int) -> None:
        """Keep an array of numbers or text; go into a structure of one element."""
        kind, body, _ = self._element(data, 0)
        if kind != MATRIX:
            raise MatError("found an element that is no array")
        if depth > MAX_DEPTH:
            raise MatError(f"found structures more than {MAX_DEPTH} deep")
        if not len(body):  # an empty array
            return
        _, flags, at = self._element(body, 0)
        matrix_class = int(self._numbers(5, flags)[0]) & 0xFF
        _, sizes, at = self._element(body, at)
        shape = tuple(map(int, self._numbers(5, sizes)))
        _, text, at = self._element(body, at)
        name = path or bytes(text).decode("latin-1")
        if matrix_class == STRUCT:
            self._structure(body, at, name, shape, depth)
        elif matrix_class in CLASSES or matrix_class == CHAR:
            kind, values, _ = self._element(body, at)
            self._keep(name, matrix_class, shape, self._numbers(kind, values))

    def _structure(self, body: memoryview, at: int, name: str, shape: tuple[int, ...], depth: int) -> None:
        _, length, at = self._element(body, at)
        _, names, at = self._element(body, at)
        size = int(self._numbers(5, length)[0])
        if math.prod(shape) != 1 or size < 1:
            return
        for start in range(0, len(names), size):
            field = bytes(names[start : start + size]).split(b"\0")[0].decode("latin-1")
            _, _, after = self._element(body, at)
            self.matrix(body[at:after], f"{name}/{field}", depth + 1)
            at = after

    def _numbers(self, kind: int, data: memoryview) -> np.ndarray:
        if kind not in TYPES or not len(data):
            raise MatError(f"found numbers of an unknown type, {kind}, or none")
        dtype = np.dtype(f"{self._order}{TYPES[kind]}")
        return np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype)

    def _keep(self, name: str, matrix_class: int, shape: tuple[int, ...], values: np.ndarray) -> None:
        """Keep an array; its first index changes fastest, and its numbers may be stored in fewer bytes."""
        if len(shape) < 2 or min(shape) < 0 or math.prod(shape) != len(values):
            raise MatError(f"found {len(values):,} values for an array of {times(shape)}")
        array = values.reshape(shape, order="F")
        if matrix_class == CHAR:
            rows = [bytes(row.astype(np.uint8)).decode("latin-1").rstrip() for row in array.reshape(shape[0], -1)]
            self.arrays[name] = np.array(rows)
        else:
            self.arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
