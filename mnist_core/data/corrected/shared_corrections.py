"""One file of corrections that several people decide into at once."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.errors import CorrectionsError, advice_on, reason_of

PATIENCE = 10.0
"""Seconds to wait for others who write the file."""


def change_file(path: Path, change: Callable[[Corrections], Corrections]) -> Corrections:
    """Read a file of corrections, change it and write it, while nobody else does: no decision of two people is lost.

    Parameters
    ----------
    path : Path
        May not exist yet.
    change : callable
        Returns the new corrections, given those in the file.

    Raises
    ------
    CorrectionsError
        If it can't be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock")).acquire(timeout=PATIENCE)
    except Timeout as error:
        raise CorrectionsError(f"Can't write {path}: somebody else has been writing it for long. Try again.") from error
    except OSError as error:
        raise CorrectionsError(f"Can't write {path} ({reason_of(error)}): {advice_on(error)}.") from error
    with lock:
        changed = change(Corrections.read(path) if path.exists() else Corrections())
        changed.write(path)
    return changed
