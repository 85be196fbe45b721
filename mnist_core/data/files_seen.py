"""What tells that a data set on disk has changed, without reading it."""

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mnist_core.data.checksums import FILE_NAMES
from mnist_core.data.dataset import CLASS_LIST, has_all_files, unreadable, variants
from mnist_core.data.formats.files import MAX_FILES
from mnist_core.data.formats.seen import list_files
from mnist_core.data.paths import absolute

MOST_SEEN = 500
"""Files of a folder whose times tell whether it has changed."""


def files_seen(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of each file that `load_dataset` looks at: they change when the data does.

    Of a folder with very many files, those are left out that come last, and the time of their folder stands for them.

    Parameters
    ----------
    path : Path
        A folder or a file.

    Raises
    ------
    DatasetError
        If it can't be read.
    """
    try:
        if not path.is_dir():
            return tuple(_seen(found, found.name) for found in _with_companions(path))
        usual = [found for name in FILE_NAMES for found in variants(path, name) if found.is_file()]
        usual += [found for found in (path / CLASS_LIST,) if found.is_file()]
        if has_all_files(path):
            return tuple(_seen(found, found.name) for found in usual)
        return tuple(_all_seen(path))
    except OSError as error:
        raise unreadable(path, error) from error


def every_file_seen(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of every file of a path, however many, sorted; a folder of 70,000 takes half a second.

    Raises
    ------
    DatasetError
        If it can't be read.
    """
    try:
        if not path.is_dir():
            return [_seen(found, found.name) for found in _with_companions(path)]
        found, folders = [], [(str(path), "")]
        for folder, prefix in folders:  # which grows
            with suppress(PermissionError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append((entry.path, f"{prefix}{entry.name}/"))
                    else:
                        state = entry.stat(follow_symlinks=entry.is_symlink() and entry.is_file())
                        found.append((f"{prefix}{entry.name}", state.st_size, state.st_mtime_ns))
                    if len(found) + len(folders) > MAX_FILES:
                        return []
        return sorted(found)
    except OSError as error:
        raise unreadable(path, error) from error


def stamp(path: str | os.PathLike[str]) -> str:
    """SHA-256 over what :func:`every_file_seen` finds: it changes when the data do, and nothing is read.

    Raises
    ------
    DatasetError
        If it can't be read.
    """
    path = absolute(path)
    found = repr((str(path), every_file_seen(path)))
    return hashlib.sha256(found.encode()).hexdigest()


def _seen(path: str | os.PathLike[str], name: str) -> tuple[str, int, int]:
    state = os.stat(path)  # noqa: PTH116  # of an entry of a folder as well
    return name, state.st_size, state.st_mtime_ns


def _with_companions(path: Path) -> Iterator[Path]:
    """Yield the files that are read if one is chosen: it, those beside it of the same data set, or the zip it is in."""
    if path.is_file():
        yield from (Path(file.location) for file in list_files(path) if file.location)
    else:
        yield from (parent for parent in path.parents if parent.is_file())


def _all_seen(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield each folder within a folder, and the first files, the upper ones first."""
    folders, files = deque([(folder, "")]), 0
    while folders:
        path, prefix = folders.popleft()
        yield _seen(path, prefix)
        if files >= MOST_SEEN:
            continue
        with suppress(PermissionError), os.scandir(path) as entries:
            for entry in islice(entries, MOST_SEEN):
                if entry.is_dir(follow_symlinks=False):
                    folders.append((Path(entry.path), f"{prefix}{entry.name}/"))
                elif entry.is_file():
                    files += 1
                    yield _seen(entry, f"{prefix}{entry.name}")
