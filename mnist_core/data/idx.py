"""The IDX file format, in which MNIST is published: read it, write it, and nothing else.

An IDX file is a header followed by the values of one array, the last index changing fastest.
All numbers are big-endian, and the whole file may be gzip-compressed, as MNIST's are::

    byte 0, 1          zero
    byte 2             code of the data type, see ``DTYPES``
    byte 3             n, the number of dimensions
    byte 4 .. 3 + 4n   n sizes, each an unsigned 32-bit integer
    byte 4 + 4n ..     the values

Source: "The IDX file format" on Yann LeCun's MNIST page, http://yann.lecun.com/exdb/mnist/
"""

import gzip
import math
import os
import struct
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnist_core.data.packed import GZIP_MAGIC, GZIP_MAX_RATIO, GzipStream, Stream, read_up_to
from mnist_core.disk import write_atomically
from mnist_core.errors import IdxError, advice_on, reason_of, times

DTYPES: dict[int, np.dtype] = {
    0x08: np.dtype("uint8"),
    0x09: np.dtype("int8"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}

CODES = {dtype.str[1:]: code for code, dtype in DTYPES.items()}  # "i2" -> 0x0B, in either byte order

MAX_BYTES = 600_000_000
"""Bytes of the largest array that is read: gzip data may unpack to a thousand times its size. The largest relative of
MNIST, EMNIST ByClass, has 547 million."""

CHOOSE_ANOTHER = "Choose an IDX file, such as train-images-idx3-ubyte.gz."

FETCH_AGAIN = "The file is damaged or incomplete: copy or download it again."


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the array that an IDX file holds.

    A header is not trusted: memory is allocated only for bytes that arrive, and never for more than the
    header promises.

    Parameters
    ----------
    path : str or path-like
        A plain or gzip-compressed IDX file; its content decides which, not its name.

    Returns
    -------
    np.ndarray
        Of the shape in the header, ``(60000, 28, 28)`` for MNIST's training images, and of dtype uint8,
        int8, int16, int32, float32 or float64 in native byte order. A file without dimensions holds one
        value and gives shape ``()``. The array is read-only, so that nobody changes it for others who share
        it: ``.copy()`` returns a writable one.

    Raises
    ------
    IdxError
        If the file is missing, unreadable, not a regular file, or not exactly one well-formed IDX file.

    Examples
    --------
    >>> read_idx("train-labels-idx1-ubyte.gz")[:5]  # doctest: +SKIP
    array([5, 0, 4, 1, 9], dtype=uint8)
    """
    path = Path(path)
    try:
        if not path.is_file():  # checked before opening, because opening a pipe would wait for its writer
            raise _error(path, _kind(path), "an IDX file", "Check the path.")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.peek(2)[:2] != GZIP_MAGIC:
                return _read_array(file, path, size, f"{size:,} bytes")
            limit = GZIP_MAX_RATIO * size
            return _read_array(GzipStream(file), path, limit, f"gzip data of at most {limit:,} bytes unpacked")
    except (EOFError, zlib.error) as error:
        raise _error(path, f"corrupt gzip data ({error})", "an intact gzip file", FETCH_AGAIN) from error
    except OSError as error:
        found, advice = f"a file that can't be read ({reason_of(error)})", "Check its permissions and the disk."
        raise _error(path, found, "a readable one", advice) from error


def read_idx_stream(stream: Stream, name: str, size: int | None = None) -> np.ndarray:
    """Read an IDX array from a stream that is not compressed, as `read_idx` does from a file.

    Parameters
    ----------
    stream : Stream
    name : str
        Of the file, for messages.
    size : int, optional
        Bytes that it holds, if known: a header that promises more is then refused at once.
    """
    found = "what it holds" if size is None else f"{size:,} bytes"
    return _read_array(stream, Path(name), math.inf if size is None else size, found)


def write_idx(path: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write an array as an IDX file, completely or, on failure, not at all.

    Parameters
    ----------
    path : str or path-like
        Where to write; an existing file is replaced. A name that ends in ``.gz`` is gzip-compressed, without
        a name or time in it: equal arrays give equal files.
    array : np.ndarray
        Of any shape, byte order and memory layout, and of dtype uint8, int8, int16, int32, float32 or
        float64. No other dtype is converted silently.

    Raises
    ------
    IdxError
        If IDX has no such dtype, if a dimension does not fit 32 bits, or if the file can't be written.
    """
    path, array = Path(path), np.asarray(array)
    if array.dtype.str[1:] not in CODES:
        expected = "one of " + ", ".join(dtype.name for dtype in DTYPES.values())
        advice = "Convert to one that holds all values, for example with array.astype(np.uint8)."
        raise _error(path, f"an array of dtype {array.dtype}", expected, advice)
    if max(array.shape, default=0) >= 1 << 32:
        raise _error(path, f"an array of {times(array.shape)}", "sizes below 2**32", "Split the array.")
    packed = path.name.lower().endswith(".gz")

    def write(file: BinaryIO) -> None:
        with gzip.GzipFile("", "wb", 6, file, mtime=0) if packed else nullcontext(file) as stream:
            stream.write(idx_header(array))
            stream.write(idx_values(array).data)

    try:
        if path.exists() and not path.is_file():
            raise _error(path, _kind(path), "the name of a file", "Choose another path.")
        write_atomically(path, write)
    except OSError as error:
        found, advice = f"a path that can't be written ({reason_of(error)})", advice_on(error)
        raise _error(path, found, "a file in a writable folder", f"{advice[0].upper()}{advice[1:]}.") from error


def idx_header(array: np.ndarray) -> bytes:
    """Return the bytes before the values in the IDX file of an array, whose dtype must be one of ``DTYPES``."""
    return struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.str[1:]], array.ndim, *array.shape)


def idx_values(array: np.ndarray) -> np.ndarray:
    """Return an array as its values are in the file: big-endian, the last index changing fastest."""
    return np.asarray(array, dtype=DTYPES[CODES[array.dtype.str[1:]]], order="C")


def _read_array(stream: Stream, path: Path, limit: float, found: str) -> np.ndarray:
    """Read header and values from `stream`, which holds at most `limit` bytes: `found`, in words."""
    dtype, shape = _read_header(stream, path)
    header_size, data_size = 4 + 4 * len(shape), dtype.itemsize * math.prod(shape)
    promised, values = header_size + data_size, f"{times(shape)} {dtype.name}"
    expected = f"{promised:,} bytes (a header of {header_size} and {values})"
    if promised > limit:
        raise _error(path, found, expected, FETCH_AGAIN)
    if data_size > MAX_BYTES:
        advice = "Choose a part of the data: all of it would fill the memory."
        raise _error(path, values, f"at most {MAX_BYTES:,} bytes of values", advice)

    # Reading one byte too many shows whether anything follows, and makes gzip verify its checksum.
    data = read_up_to(stream, data_size + 1)
    if len(data) < data_size:
        raise _error(path, f"{header_size + len(data):,} bytes", expected, FETCH_AGAIN)
    if len(data) > data_size:
        raise _error(path, "further bytes at the end", expected, FETCH_AGAIN)
    try:
        array = np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    except ValueError as error:  # more than 64 dimensions, or sizes such as 0 x 4294967295 x 4294967295
        raise _error(path, values, f"a shape for NumPy ({error})", CHOOSE_ANOTHER) from error
    array.flags.writeable = False
    return array


def _read_header(stream: Stream, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """Read the big-endian dtype and the shape, as Python integers that can't overflow."""
    magic = read_up_to(stream, 4)
    if len(magic) < 4:
        found = f"a header of {len(magic)} bytes" if magic else "an empty file"
        raise _error(path, found, "a header of at least 4 bytes", FETCH_AGAIN)
    if magic[:2] != b"\0\0":
        expected = "one that begins with 0x0000, such as 0x00000803"
        raise _error(path, f"magic number 0x{magic.hex()}", expected, CHOOSE_ANOTHER)
    code, ndim = magic[2:]
    if code not in DTYPES:
        expected = "one of " + ", ".join(f"0x{known:02x} ({dtype.name})" for known, dtype in DTYPES.items())
        raise _error(path, f"dtype code 0x{code:02x}", expected, CHOOSE_ANOTHER)
    sizes = read_up_to(stream, 4 * ndim)
    if len(sizes) < 4 * ndim:
        expected = f"a header of {4 + 4 * ndim} bytes for {ndim} dimensions"
        raise _error(path, f"a header of {4 + len(sizes)} bytes", expected, FETCH_AGAIN)
    return DTYPES[code], struct.unpack(f">{ndim}I", sizes)


def _kind(path: Path) -> str:
    """Describe what is at `path` instead of a regular file."""
    if path.is_dir():
        return "a folder"
    return "a device or pipe" if path.exists() else "no file"


def _error(path: Path, found: str, expected: str, advice: str) -> IdxError:
    return IdxError(f"{path}: found {found}, but expected {expected}. {advice}")
