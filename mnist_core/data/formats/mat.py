"""MATLAB's .mat files up to version 7: EMNIST's structure ``dataset.train.images`` and so on, or arrays with names.

SciPy reads them. What it would be given is walked through before: how much it unpacks to, and how deep it goes.
"""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mnist_core.data.formats.arrays import pair
from mnist_core.data.formats.class_names import characters
from mnist_core.data.formats.files import File
from mnist_core.data.formats.names import IMAGES, LABELS, role_of, split_of
from mnist_core.data.formats.reading import ALWAYS, FETCH_AGAIN, MAX_RATIO, Reading
from mnist_core.data.formats.values import Contents
from mnist_core.data.idx import MAX_BYTES
from mnist_core.errors import DatasetError

HEADER = 128

MATRIX, COMPRESSED = 14, 15

CELL, STRUCT, CHAR, FIRST_NUMBER, LAST_NUMBER = 1, 2, 4, 6, 15
"""Classes of arrays that are read; objects, functions and sparse arrays are not."""

SIZES = {CELL: 1, STRUCT: 1, 6: 8, 7: 4, 8: 1, 9: 1, 10: 2, 11: 2, 12: 4, 13: 4, 14: 8, 15: 8}
"""Bytes of a value in memory, by the class of the array; a character takes 4."""

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
        check(content)
        from scipy.io import loadmat

        with warnings.catch_warnings(action="ignore"):
            loaded = loadmat(io.BytesIO(content))
        return dict(_flattened({key: value for key, value in loaded.items() if not key.startswith("__")}))
    except ImportError as error:
        raise DatasetError(
            f"{name}: found a MATLAB file, which is read with the package scipy, but that is not installed. "
            f"Install it: pip install scipy"
        ) from error
    except MatError as error:
        raise DatasetError(f"{name}: {error}. {FETCH_AGAIN}") from error
    except MemoryError:
        raise
    except Exception as error:  # SciPy raises errors of many kinds for damaged data
        raise DatasetError(f"{name}: found a damaged MATLAB file ({error}). {FETCH_AGAIN}") from error


def _flattened(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for key, value in values.items():
        if not isinstance(value, np.ndarray):
            continue
        if value.dtype.names:
            if value.size == 1:
                fields = value.reshape(-1)[0]
                yield from _flattened({name: fields[name] for name in value.dtype.names}, f"{prefix}{key}/")
        elif value.dtype.kind in "buifUS":
            yield prefix + key, value


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


def check(content: bytes) -> None:
    """Walk through a file, to be sure that reading it takes a bounded memory and stack.

    Source: *MAT-File Format*, The MathWorks, version 5.

    Raises
    ------
    MatError
        If it is damaged, incomplete, too large, too deep, or holds what is no array.
    """
    if len(content) < HEADER or content[126:128] not in (b"IM", b"MI"):
        raise MatError("found no header of a MATLAB file")
    order = "<" if content[126:128] == b"IM" else ">"
    unpacked, count, at = 0, 0, HEADER
    limit = min(2 * MAX_BYTES, max(MAX_RATIO * len(content), ALWAYS))
    while at < len(content):
        kind, start, end, after = _tag(content, at, order, padded=False)
        if end > len(content):
            raise MatError(f"found {len(content):,} bytes, but expected {end:,}: {end - len(content):,} are missing")
        element = memoryview(content)[at:after]
        if kind == COMPRESSED:
            data = _unpacked(content[start:end], limit - unpacked)
            unpacked += len(data)
            element = memoryview(data)
        count = _walk(element, order, 1, count)
        at = after


def _unpacked(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(data, max(1, limit))
    except zlib.error as error:
        raise MatError(f"found damaged data ({error})") from error
    if not stream.eof:
        raise MatError(f"found data that is incomplete, or of more than {limit:,} bytes")
    return unpacked


def _tag(data: bytes | memoryview, at: int, order: str, padded: bool = True) -> tuple[int, int, int, int]:
    """Type of an element, where its data starts and ends, and where the next begins."""
    if len(data) - at < 8:
        raise MatError("found the beginning of an element without its end")
    kind, size = struct.unpack_from(f"{order}2I", data, at)
    if kind >> 16:  # a small element, with its data in the tag
        return kind & 0xFFFF, at + 4, at + 4 + min(kind >> 16, 4), at + 8
    end = at + 8 + size
    return kind, at + 8, end, end + (-size % 8 if padded else 0)


def _walk(data: memoryview, order: str, depth: int, count: int) -> int:
    """Check one matrix and what is in it; return how many elements were seen."""
    kind, at, end, _ = _tag(data, 0, order)
    if kind != MATRIX or end > len(data):
        raise MatError("found an element that is no array, or ends early")
    if depth > MAX_DEPTH:
        raise MatError(f"found structures more than {MAX_DEPTH} deep")
    if at == end:  # an empty array
        return count + 1
    _, start, _, at = _tag(data, at, order)
    matrix_class = struct.unpack_from(f"{order}I", data, start)[0] & 0xFF
    _, start, stop, _ = _tag(data, at, order)
    values = math.prod(struct.unpack_from(f"{order}{min(stop - start, 256) // 4}i", data, start))
    if (
        not 0
        <= values * SIZES.get(matrix_class, 4)
        <= (MAX_ELEMENTS if matrix_class in (CELL, STRUCT) else 2 * MAX_BYTES)
    ):
        raise MatError(f"found an array of {values:,} values, more than the memory can take")
    if matrix_class not in (CELL, STRUCT, CHAR) and not FIRST_NUMBER <= matrix_class <= LAST_NUMBER:
        raise MatError("found an object, a function or a sparse array, but expected arrays of numbers")
    while at < end:
        count += 1
        if count > MAX_ELEMENTS:
            raise MatError(f"found more than {MAX_ELEMENTS:,} elements")
        kind, _, stop, after = _tag(data, at, order)
        if stop > end:
            raise MatError("found an element that ends early")
        if kind == MATRIX:
            count = _walk(data[at:stop], order, depth + 1, count)
        at = after
    return count
