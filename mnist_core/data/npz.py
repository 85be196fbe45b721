"""Read an .npz archive that may be damaged or made to harm: sizes and types are checked before any array is made."""

import io
import math
import os
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")

NUMBERS = "fiu"
"""Kinds of dtypes that hold numbers."""

END = struct.Struct("<4s4H2LH")
"""What a zip file ends with: signature, two numbers of the disk, two counts of files, size and start of their list, and
the length of a comment."""

CLASS_NAMES = "class_names"
"""Name of the array, and of the entry in metadata, that holds the names of the classes from class 0 on."""

NAMES = "U"
"""The kind of dtype that holds a name, such as that of the activation."""


class NpzError(ValueError):
    """An archive can't be read; the message is a clause that follows the name of the file in a sentence."""


class NpzDamageError(NpzError):
    """Its bytes are not those that NumPy wrote."""


class NpzPickleError(NpzError):
    """It holds a pickle, and reading one runs code of whoever wrote it."""


def read_npz(
    source: bytes | Path,
    max_bytes: float,
    kinds: str = NUMBERS + NAMES,
    max_arrays: int = 100,
    stored: bool = False,
    texts: bool = False,
) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` archive by name.

    Parameters
    ----------
    source : bytes or Path
        Content of the archive, or its file.
    max_bytes : float
        Largest sum of the sizes of the arrays.
    kinds : str
        Allowed ``dtype.kind``; text is allowed only as a single value of at most 32 characters, and in
        :data:`CLASS_NAMES`.
    max_arrays : int
        Largest number of arrays.
    stored : bool
        Whether compressed arrays are refused: in few bytes they could hold very many.
    texts : bool
        Whether arrays of many texts are allowed, of any length.

    Raises
    ------
    NpzError
        Says what is wrong with the content.
    OSError
        If the file can't be read.
    """
    if isinstance(source, bytes) and source.count(b"PK\x01\x02") > max_arrays:  # before ZipFile lists all entries
        raise NpzError(f"holds more than {max_arrays} files")
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check_directory(file, archive)
                _check_archive(members, max_bytes, max_arrays, stored)
                for member in members:
                    _check_member(archive, member, kinds, texts)
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
    except NpzError:
        raise
    except Exception as error:  # a damaged zip file raises nearly everything
        if isinstance(error, OSError) and error.errno:
            raise
        raise NpzDamageError(f"is damaged ({error})") from error


def _check_directory(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Check that the list of files is whole: a damaged length could hide some of them in a comment."""
    file.seek(-END.size, os.SEEK_END)
    signature, *_, count, _size, _start, comment = END.unpack(file.read(END.size))
    if signature != b"PK\x05\x06" or comment or any(member.comment for member in archive.infolist()):
        raise NpzDamageError("is damaged (its list of files has a comment, which NumPy does not write)")
    if count != len(archive.infolist()):
        raise NpzDamageError(f"is damaged (it lists {len(archive.infolist())} of {count} files)")


def _check_archive(members: list[zipfile.ZipInfo], max_bytes: float, max_arrays: int, stored: bool) -> None:
    if len(members) > max_arrays:
        raise NpzError(f"holds more than {max_arrays} files")
    if any(member.filename.endswith(PICKLE_SUFFIXES) for member in members):
        raise NpzPickleError("holds a pickle")
    size = sum(member.file_size for member in members)
    if size > max_bytes:
        raise NpzError(f"holds {size:,} bytes, expected at most {max_bytes:,}")
    if stored and any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise NpzError("is compressed")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise NpzError("is compressed in a way that NumPy does not write")


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, kinds: str, texts: bool) -> None:
    """Check that an array has the size that its header promises, and an allowed type."""
    with archive.open(member) as file:
        check_array(cast(BinaryIO, file), member.file_size, member.filename, kinds, texts)


def check_array(file: BinaryIO, size: int, name: str, kinds: str, texts: bool = True) -> None:
    """Check the header of an ``.npy`` file of ``size`` bytes, as `read_npz` checks those in an archive."""
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(file)]
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        raise NpzPickleError("holds a pickle")
    named = name == f"{CLASS_NAMES}.npy"
    long_text = not texts and not named and (dtype.itemsize > 128 or (dtype.kind in "US" and shape))
    if dtype.kind not in kinds or long_text:
        raise NpzError(f"holds an array of dtype {dtype} in {name!r}")
    declared, found = math.prod(shape) * dtype.itemsize, size - file.tell()
    if declared != found:
        raise NpzDamageError(f"is damaged ({name} declares {declared:,} bytes and has {found:,})")
