"""Read a file without trusting its size; write one so that a killed process leaves neither half of it nor, for long, a
temporary one."""

import os
import shutil
import stat
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

T = TypeVar("T")


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
        raise ValueError(f"it has {found.st_size / 1e6:,.1f} MB, expected at most {most / 1e6:,.1f}")
    with retry_while_locked(lambda: path.open("rb")) as file:
        return file.read(most)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, sync it to the disk, and rename it into place."""
    writer = f"{os.getpid()}-{threading.get_native_id()}"  # two sessions of the dashboard may write the same file
    temporary = path.with_name(f".{path.name}.{writer}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        retry_while_locked(lambda: temporary.replace(path))
    finally:
        temporary.unlink(missing_ok=True)


def retry_while_locked(action: Callable[[], T]) -> T:
    """On Windows a file that another process has open for a moment can't be replaced or read: try for a second."""
    for _ in range(20 if sys.platform == "win32" else 0):
        try:
            return action()
        except PermissionError:
            time.sleep(0.05)
    return action()


def remove_leftovers(folder: Path, prefix: str, seconds: float) -> None:
    """Remove the temporary folders of killed processes; one younger than ``seconds`` may still be in use."""
    for leftover in folder.glob(f"{prefix}*"):
        with suppress(OSError):  # another process was faster
            if time.time() - leftover.stat().st_mtime > seconds:
                shutil.rmtree(leftover, ignore_errors=True)
