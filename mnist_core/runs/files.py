"""Read and write the files of a run folder: atomically, and without trusting what is there."""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from mnist_core.disk import write_atomically
from mnist_core.errors import RunError, advice_on, reason_of
from mnist_core.runs.locks import is_held
from mnist_core.untrusted import plain_text

RESERVE, RESERVE_BYTES = ".reserve", 65_536
"""Kept while a job works, and given up when the disk is full, so that there is room for the reason."""

LEFTOVER_SECONDS = 60.0
"""Age of a temporary file above which nobody writes it any more."""

CHANGED = "it was changed or damaged since it was written, as its SHA-256 shows"

WORKER_LOCK = "worker.lock"

LINGER_SECONDS = 2.0
"""A process may hold its lock for this long after it has written its result, and another one while it looks."""

LOOK_SECONDS = 0.05
"""Between two looks at a lock."""


def worker_lock(path: Path) -> FileLock:
    """Lock that a worker holds as long as it lives; the operating system frees it when the process ends."""
    return FileLock(path / WORKER_LOCK)


def is_busy(path: Path, patience: float = 0.0) -> bool:
    """Whether a process works on a run folder: one of its locks is held for ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while any(map(is_held, path.glob("*.lock"))):
        if time.monotonic() >= deadline:
            return True
        time.sleep(LOOK_SECONDS)
    return False


@contextmanager
def writing_to(folder: Path, action: str = "write to", alternative: str = "") -> Iterator[None]:
    """Turn an error of the disk into a sentence with advice that fits its cause: ``with writing_to(run.path): ...``.

    Parameters
    ----------
    folder : Path
        The folder that is written.
    action : str
        A verb, such that "Can't <action> <folder>" is English.
    alternative : str
        Follows the advice: what else would help, such as ", or choose another folder".

    Raises
    ------
    RunError
        In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"Can't {action} {folder} ({reason_of(error)}): {advice_on(error)}{alternative}.") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file atomically."""
    write_atomically(path, lambda file: file.write(json.dumps(content, indent=1, default=plain_text).encode()))


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays by name as an ``.npz`` archive, atomically."""
    write_atomically(path, lambda file: np.savez(file, **arrays))


def sweep(folder: Path, own: Iterable[str]) -> None:
    """Remove the temporary files that killed processes left in a run folder.

    Parameters
    ----------
    folder : Path
    own : iterable of str
        Names of the files that nobody but the caller writes now; of other files only old leftovers are removed.
    """
    names = set(own)
    for path in folder.glob(".*.tmp"):
        written = re.fullmatch(r"\.(.+)\.[\d-]+\.tmp", path.name)
        with suppress(OSError):  # somebody else was faster, or the disk does not allow it
            if (written and written[1] in names) or time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
                path.unlink()


def keep_reserve(folder: Path) -> None:
    """Write a small file into a run folder, to be given up when the disk is full."""
    with (folder / RESERVE).open("wb") as file:
        file.write(os.urandom(RESERVE_BYTES))  # what a file system can't compress
        file.flush()
        os.fsync(file.fileno())


def free_reserve(folder: Path) -> None:
    """Give up the small file of :func:`keep_reserve`."""
    (folder / RESERVE).unlink(missing_ok=True)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder, with what killed processes left there."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # removed while we count
            total += path.lstat().st_size if not path.is_dir() else 0
    return total


def sha256(path: Path) -> str:
    """Checksum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Checksums of those of these files that are there and can be read."""
    checksums = {}
    for name in names:
        if (folder / name).is_file():
            with suppress(OSError):
                checksums[name] = sha256(folder / name)
    return checksums


def check_sha256(path: Path, expected: str | None) -> None:
    """Check that a file is what was written; without a checksum, as in runs of older versions, nobody can tell.

    Raises
    ------
    ValueError
        Says in a clause that it is not.
    OSError
        If it can't be read.
    """
    if expected and path.is_file() and sha256(path) != expected:
        raise ValueError(CHANGED)


def check_content(content: bytes, expected: str | None) -> None:
    """Check the content of a file that has been read, as :func:`check_sha256` does that of a file."""
    if expected and hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(CHANGED)


def cut_half_line(path: Path) -> None:
    """Cut a last line that was not written to its end from a table, which needs no room on the disk."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)
