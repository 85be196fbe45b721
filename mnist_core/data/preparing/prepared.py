"""Open data in any form: read, prepared and kept, so that the next start takes no longer than with IDX files."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, replace
from itertools import islice
from pathlib import Path

import numpy as np

from mnist_core.data import dataset as data
from mnist_core.data.dataset import Dataset
from mnist_core.data.files_seen import every_file_seen
from mnist_core.data.formats.look import read_source
from mnist_core.data.formats.source import ALL, PREPARED, TEST, TRAIN, Progress, Source, Split
from mnist_core.data.paths import absolute
from mnist_core.data.preparing.prepare import PLAIN, Choices, Unlabelled, name_of_path, prepare
from mnist_core.data.preparing.prepared_file import is_prepared, read_prepared, save_prepared, write_prepared
from mnist_core.data.published.catalogue import known_content
from mnist_core.errors import DatasetError

__all__ = ["cached_datasets", "is_plain", "open_dataset", "open_source", "save_prepared"]

VERSION = 1
"""Of what :func:`prepare` makes of a source: raised when it changes, so that nothing older is taken from the cache."""

MAX_CACHE = 4_000_000_000
"""Bytes of all data sets in the cache; the ones longest not used are deleted first."""

MAX_KEYS = 500

JUST_NOW = 2_000_000_000
"""Nanoseconds in which a file may change twice without a new time: younger ones are read again."""

LEFTOVER_SECONDS = 3600.0


def cached_datasets() -> Path:
    """Folder of the data sets that were prepared before."""
    return data.cache_dir() / "prepared"


def open_dataset(
    path: str | os.PathLike[str], choices: Choices | None = None, progress: Progress | None = None
) -> Dataset | Unlabelled:
    """Read and prepare what a path holds, or take it from the cache.

    The cache knows the result by the checksum of the source and the choices, and the checksum by names, sizes and times
    of the files: as long as these are the same, nothing of the source is read again.

    Parameters
    ----------
    path : path
        A file or folder in one of the formats of ``formats.table``, or a file that :func:`save_prepared` wrote.
    choices : Choices, optional
        What of the preparation is decided; the rest is found out.
    progress : callable, optional
        Called with the share that is done, and what is being done.

    Returns
    -------
    Dataset or Unlabelled

    Raises
    ------
    DatasetError
        If it can't be read, or is no data set.
    """
    path = _only_prepared(absolute(path))
    choices = choices or PLAIN
    if is_prepared(path):
        kept = read_prepared(path)
        return kept if choices == PLAIN else _renamed(prepare(_as_source(kept, path), choices), kept)
    stamp = _stamp(path)
    cached = _find(_known_checksum(stamp), choices, path)
    if cached is None:
        source = read_source(path, progress)
        cached = _find(source.checksum, choices, path)
        if cached is None:
            cached = prepare(source, choices)
            _keep(cached, source.checksum, choices)
        _keep_checksum(stamp, source.checksum)
    return cached


def is_plain(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder of four IDX files named as MNIST's, which `load_dataset` takes as they are."""
    path = absolute(path)
    return path.is_dir() and data.has_all_files(path)


def open_source(path: str | os.PathLike[str], progress: Progress | None = None) -> Source:
    """Read what a path holds without preparing it, to see what could be made of it.

    Raises
    ------
    DatasetError
        If it can't be read.
    """
    path = _only_prepared(absolute(path))
    return _as_source(read_prepared(path), path) if is_prepared(path) else read_source(path, progress)


def _only_prepared(path: Path) -> Path:
    """Return the prepared file in a folder that holds nothing else, and any other path as it is."""
    with suppress(OSError):
        if path.is_dir():
            names = [entry.name for entry in islice(path.iterdir(), 10) if not entry.name.startswith(".")]
            if len(names) == 1 and not (path / names[0]).is_symlink() and is_prepared(path / names[0]):
                return path / names[0]
    return path


def _as_source(kept: Dataset | Unlabelled, path: Path) -> Source:
    """Take a prepared data set as what something else can be made of."""
    if isinstance(kept, Unlabelled):
        splits = {ALL: Split(kept.images, None)}
        return Source(path, PREPARED, splits, None, "", False, tuple(note.plain for note in kept.notes))
    splits = {
        TRAIN: Split(kept.train_images, kept.train_labels.astype(np.int64), kept.extra.get(TRAIN, {})),
        TEST: Split(kept.test_images, kept.test_labels.astype(np.int64), kept.extra.get(TEST, {})),
    }
    names = tuple(name.plain for name in kept.given_names) or None
    return Source(path, PREPARED, splits, names, "", False, tuple(note.plain for note in kept.notes))


def _renamed(made: Dataset | Unlabelled, kept: Dataset | Unlabelled) -> Dataset | Unlabelled:
    """Keep the name of a file that something else was made of, unless it is that of certain images."""
    return made if _is_published(kept) else replace(made, name=kept.name)


def _is_published(kept: Dataset | Unlabelled) -> bool:
    return isinstance(kept, Dataset) and known_content(kept.checksums) is not None


def _stamp(path: Path) -> str | None:
    """What changes with the files of a path: names, sizes and times; None if that can't be told."""
    try:
        files = every_file_seen(path)
    except DatasetError:
        return None
    if not files or time.time_ns() - max(changed for _, _, changed in files) < JUST_NOW:
        return None
    return _digest(str(path), files)


def _digest(*parts: object) -> str:
    digest = hashlib.sha256(f"{VERSION}".encode())
    for part in parts:
        digest.update(f"{part!r}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:40]


def _known_checksum(stamp: str | None) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        if stamp:
            return (cached_datasets() / f"{stamp}.key").read_text("ascii")[:64]
    return None


def _keep_checksum(stamp: str | None, checksum: str) -> None:
    with suppress(OSError):  # without a cache, everything is read again
        if stamp:
            (cached_datasets() / f"{stamp}.key").write_text(checksum, "ascii")


def _entry(checksum: str, choices: Choices) -> Path:
    return cached_datasets() / f"{_digest(checksum, astuple(choices))}.npz"


def _find(checksum: str | None, choices: Choices, path: Path) -> Dataset | Unlabelled | None:
    """Take a data set from the cache, under the name of the path in use."""
    if checksum is None:
        return None
    entry = _entry(checksum, choices)
    try:
        if not entry.is_file():
            return None
        kept = read_prepared(entry)
        os.utime(entry)
    except (OSError, DatasetError):  # damaged: it is made again
        return None
    name = kept.name if _is_published(kept) else name_of_path(path)
    return replace(kept, name=name, data_dir=str(path))


def _keep(prepared: Dataset | Unlabelled, checksum: str, choices: Choices) -> None:
    """Put a data set into the cache, if the disk allows it, and make room."""
    with suppress(OSError):
        cached_datasets().mkdir(parents=True, exist_ok=True)
        write_prepared(prepared, _entry(checksum, choices))
        for old in _superfluous(cached_datasets()):
            old.unlink(missing_ok=True)


def _superfluous(folder: Path) -> Iterator[Path]:
    """Yield the files of the cache that are too many, those first that were not used for longest."""
    entries, keys = [], []
    for path in folder.iterdir():
        state = path.stat()
        if path.suffix == ".tmp" and time.time() - state.st_mtime > LEFTOVER_SECONDS:  # of a process that was killed
            yield path
        elif path.suffix == ".npz":
            entries.append((state.st_mtime_ns, state.st_size, path))
        elif path.suffix == ".key":
            keys.append((state.st_mtime_ns, path))
    total = 0
    for number, (_, size, path) in enumerate(sorted(entries, reverse=True)):
        total += size
        if number and total > MAX_CACHE:
            yield path
    yield from (path for _, path in sorted(keys, reverse=True)[MAX_KEYS:])
