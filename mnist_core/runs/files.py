"""Read and write the files of a run folder: atomically, and without trusting what is there."""

import csv
import json
import os
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


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; ValueError if the file holds something else."""
    content = _retry_while_locked(lambda: json.loads(path.read_text(encoding="utf-8")))
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


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
    for _ in range(20):
        try:
            return action()
        except PermissionError:
            time.sleep(0.05)
    return action()


def complete_rows(path: Path, columns: tuple[str, ...]) -> list[list[str]]:
    """Rows of a table below its header, without a last line that is still being written; none without a file.

    A table of an older version may lack the last columns: they are filled with ``nan``.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    header = lines[0].split(",") if lines else []
    missing = ["nan"] * (len(columns) - len(header)) if tuple(header) == columns[: len(header)] else []
    return [[*row, *missing] for row in csv.reader(lines[1:]) if len(row) + len(missing) == len(columns)]
