"""Write files so that a killed process leaves neither half a file nor, for long, a temporary one."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

T = TypeVar("T")


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
