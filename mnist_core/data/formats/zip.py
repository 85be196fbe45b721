"""Zip files: a folder in one file, whatever is in it. Members are read in memory, and nothing is written to disk."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from mnist_core.data.formats.files import MAX_FILES, File, is_junk
from mnist_core.data.npz import END
from mnist_core.errors import DatasetError, reason_of

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

END_64 = struct.Struct("<4sQ2H2L4Q")
"""What a large archive has before its ``END`` as well: size and start of the list are the last two numbers."""

MAX_LIST = 64_000_000
"""Bytes of the list of files: a longer one would fill the memory."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)

INCOMPLETE = "a zip file that ends early or is damaged"

Read = TypeVar("Read")

FETCH_AGAIN = "Copy or download it again."


def members(path: Path, name: str) -> list[File]:
    """List the files in a zip file; without folders and what systems leave.

    Parameters
    ----------
    path : Path
        It stays open as long as a member may be read.
    name : str
        Of the zip file, for messages.

    Raises
    ------
    DatasetError
        If it is no zip file, incomplete, or has too many members.
    """
    try:
        with path.open("rb") as file:
            _check_list(file, name)
            state = os.fstat(file.fileno())
        archive = zipfile.ZipFile(path)
        listed = archive.infolist()
    except DatasetError:
        raise
    except Exception as error:  # a damaged zip file raises nearly everything
        raise DatasetError(
            f"{name}: found {INCOMPLETE} ({reason_of(error)}), but expected a whole one. {FETCH_AGAIN}"
        ) from error
    stamp = (state.st_size, state.st_mtime_ns)
    # ``is_dir`` takes an empty name for an error of its own
    named = sorted((_name(info), number) for number, info in enumerate(listed) if not info.filename.endswith("/"))
    return [_member(archive, listed[number], name, stamp) for name, number in named if name and not is_junk(name)]


def _name(info: zipfile.ZipInfo) -> str:
    """Its name with "/", as a path below the archive: a drive, a root or ".." means nothing, since none is written."""
    name = info.filename
    if not name.startswith(("/", ".")) and not any(odd in name for odd in ("\\", "//", "/.")):
        return name
    return "/".join(part for part in info.filename.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, stamp: tuple[object, ...]) -> File:
    problem = None
    if info.flag_bits & 1:
        problem = "is encrypted: unpack the zip file with its password, and choose the folder"
    elif info.compress_type not in PACKED:
        problem = f"is compressed in a way that isn't read (method {info.compress_type}): unpack the zip file first"
    return File(
        name,
        info.file_size,
        lambda: cast(BinaryIO, _Member(archive, info)),
        (*stamp, info.CRC),
        problem,
        packed=info.compress_size,
    )


class _Member:
    """The content of a member, in which every kind of damage is an ``EOFError``."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._left = info.file_size
        self._file = self._tried(lambda: archive.open(info))

    @staticmethod
    def _tried(action: Callable[[], Read]) -> Read:
        try:
            return action()
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error) as error:
            raise EOFError(f"in its zip file, {error}") from error

    def read(self, size: int = -1) -> bytes:
        data = self._tried(lambda: self._file.read(size if size >= 0 else self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "_Member":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_list(file: BinaryIO, name: str) -> None:
    """Check how long the list of files is, before ``zipfile`` makes an object of each."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END.size - 65535))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        raise DatasetError(f"{name}: found {INCOMPLETE}, but expected a whole one. {FETCH_AGAIN}")
    *_, count, length, _start, _comment = END.unpack_from(tail, at)
    large = tail.rfind(b"PK\x06\x06", 0, at)
    if large >= 0 and len(tail) - large >= END_64.size:
        *_, count, length, _start = END_64.unpack_from(tail, large)
    entries = count
    if length <= MAX_LIST and (end := size - len(tail) + (large if large >= 0 else at)) >= length:
        file.seek(end - length)
        entries = file.read(length).count(b"PK\x01\x02")
    if length > MAX_LIST or max(entries, count) > MAX_FILES:
        raise DatasetError(
            f"{name}: found a zip file of {count:,} files, but expected at most {MAX_FILES:,}. Choose a smaller one."
        )


def zip_at(path: Path) -> bool:
    """Tell whether a path is a zip file, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) in MAGIC
    except OSError:
        return False
