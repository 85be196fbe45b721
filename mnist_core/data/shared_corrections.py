"""One file of corrections that several people decide into at once."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from mnist_core.data.corrections import Corrections
from mnist_core.errors import CorrectionsError, advice_on


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
        lock = FileLock(path.with_name(f".{path.name}.lock")).acquire(timeout=10)
    except OSError as error:  # a lock that stays taken is one, too
        reason = error.strerror or "somebody else is writing it"
        raise CorrectionsError(f"Can't write {path} ({reason}): {advice_on(error)}.") from error
    with lock:
        changed = change(Corrections.read(path) if path.exists() else Corrections())
        changed.write(path)
    return changed
