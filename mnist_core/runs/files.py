"""Read and write the files of a run folder: atomically, and without trusting what is there."""

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from mnist_core.errors import RunError, advice_on
from mnist_core.untrusted import UntrustedText

T = TypeVar("T")

LINGER_SECONDS = 2.0
"""A process may hold its lock for this long after it has written its result, and another one while it looks."""


def worker_lock(path: Path) -> FileLock:
    """Lock that a worker holds as long as it lives; the operating system frees it when the process ends."""
    return FileLock(path / "worker.lock")


def is_busy(path: Path, patience: float = 0.0) -> bool:
    """Whether a process works on a run folder: a lock in it stays held for ``patience`` seconds."""
    for lock in path.glob("*.lock"):
        try:
            with FileLock(lock).acquire(timeout=patience):
                pass
        except Timeout:
            return True
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
        reason = f"{error.strerror or error}"
        raise RunError(f"Can't {action} {folder} ({reason}): {advice_on(error)}{alternative}.") from error


def read_bounded(path: Path, most: int) -> bytes:
    """Read a file whole, if it has no more than ``most`` bytes.

    Raises
    ------
    OSError
        If it can't be read.
    ValueError
        Says in a clause that it is too large, or no plain file.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise ValueError("it is no plain file")
    if found.st_size > most:
        raise ValueError(f"it has {found.st_size / 1e6:,.1f} MB, expected at most {most / 1e6:,.0f}")
    with _retry_while_locked(lambda: path.open("rb")) as file:
        return file.read(most)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file atomically."""
    write_atomically(path, lambda file: file.write(json.dumps(content, indent=1, default=_to_json).encode()))


def _to_json(value: object) -> str:
    if isinstance(value, UntrustedText):
        return value.plain
    raise TypeError(f"{value!r} can't be written as JSON")


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays by name as an ``.npz`` archive, atomically."""
    write_atomically(path, lambda file: np.savez(file, **arrays))


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, sync it to the disk, and rename it into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        _retry_while_locked(lambda: temporary.replace(path))
    finally:
        temporary.unlink(missing_ok=True)


def _retry_while_locked(action: Callable[[], T]) -> T:
    """On Windows a file that another process has open for a moment can't be replaced or read: try for a second."""
    for _ in range(20 if sys.platform == "win32" else 0):
        try:
            return action()
        except PermissionError:
            time.sleep(0.05)
    return action()
