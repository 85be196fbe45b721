"""The files that a path holds: a folder and what is below it, a zip file and what is in it, or one file.

Nothing is opened that isn't a regular file of the folder itself: no pipe, no device, no link to elsewhere.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mnist_core.errors import DatasetError, reason_of

MAX_FILES = 300_000
"""Files that are listed: EMNIST has up to 814,255 images, but as pictures nobody has more than 280,000 of them."""

MAX_DEPTH = 8
"""Folders within folders that are searched."""

JUNK = frozenset(("thumbs.db", "desktop.ini", "__macosx"))
"""What systems leave in folders, besides hidden files."""


@dataclass(frozen=True, eq=False)
class File:
    """One file that may be read.

    Parameters
    ----------
    name : str
        Its path below what was chosen, with "/"; text from outside.
    size : int
        Bytes as stored: of a file in a zip, unpacked from the zip.
    open : callable
        Returns the content as a binary stream, to be closed.
    stamp : tuple
        Changes when the file does.
    problem : str or None
        Why it isn't read: a clause that follows its name.
    location : str or None
        Its path, unless it is in a zip file.
    packed : int or None
        Bytes in the zip file, if it is in one.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]
    stamp: tuple[object, ...] = ()
    problem: str | None = None
    location: str | None = None
    packed: int | None = None

    @property
    def short(self) -> str:
        """The name without its folders."""
        return self.name.split("/")[-1]


def is_junk(name: str) -> bool:
    """Tell whether a file or one of its folders is hidden, or something that a system left."""
    return any(part.startswith(".") or part.lower() in JUNK for part in name.split("/"))


def file_at(location: str, name: str, state: os.stat_result) -> File:
    """Describe a regular file of a known state."""
    stamp = name, state.st_size, state.st_mtime_ns
    return File(name, state.st_size, partial(_open_regular, location), stamp, location=location)


def _open_regular(location: str) -> BinaryIO:
    """Open a file unless something else took its place; a pipe would wait for its writer."""
    descriptor = os.open(location, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb")  # noqa: PTH123
    os.close(descriptor)
    raise OSError("no longer a regular file")


def files_below(folder: Path, depth: int = MAX_DEPTH) -> tuple[File, ...]:
    """List the files in a folder and its sub-folders, sorted by name.

    Parameters
    ----------
    folder : Path
    depth : int
        How many folders deep, 1 for the folder alone.

    Raises
    ------
    DatasetError
        If the folder can't be read, or holds more than ``MAX_FILES`` files.
    """
    root = folder.resolve()
    found: list[File] = []
    try:
        for entry, name in _walk(root, "", depth):
            found.append(_file_of(entry, name, root))
            if len(found) > MAX_FILES:
                raise DatasetError(
                    f"{folder}: found more than {MAX_FILES:,} files, but expected one data set. "
                    f"Choose the folder of the data set itself."
                )
    except OSError as error:
        raise DatasetError(
            f"{folder}: can't be read ({reason_of(error)}), but the files of a data set were expected there. "
            f"Check the path and its permissions."
        ) from error
    return tuple(found)


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[os.DirEntry[str], str]]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if is_junk(entry.name):
            continue
        if not entry.is_dir(follow_symlinks=False):
            yield entry, f"{prefix}{entry.name}"
        elif depth > 1:
            try:
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", depth - 1)
            except PermissionError:
                yield entry, f"{prefix}{entry.name}"


def _file_of(entry: os.DirEntry[str], name: str, root: Path) -> File:
    """Describe an entry of a folder; its size is looked up only here."""
    if entry.is_dir(follow_symlinks=False):
        return _unread(name, "is a folder that can't be read: check its permissions")
    if entry.is_symlink():
        try:
            target = Path(entry.path).resolve(strict=True)
        except (OSError, RuntimeError):
            return _unread(name, "is a link to nothing: copy the file itself there")
        if not target.is_relative_to(root):
            return _unread(name, "is a link to another folder, which isn't followed: choose that one, or copy the file")
        if not target.is_file():
            return _unread(name, "is a link to something that isn't a file")
        return file_at(str(target), name, target.stat())
    if not entry.is_file(follow_symlinks=False):
        return _unread(name, "is a device or pipe, not a file")
    return file_at(entry.path, name, entry.stat())


def _unread(name: str, problem: str) -> File:
    def refuse() -> BinaryIO:
        raise OSError(problem)

    return File(name, 0, refuse, (name, problem), problem)
