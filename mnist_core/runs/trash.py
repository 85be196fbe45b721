"""Delete run folders so that it can be undone: they wait in ``<runs>/.trash/``, which :func:`list_runs` ignores."""

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from mnist_core.errors import RunError
from mnist_core.runs.files import LINGER_SECONDS, is_busy, writing_to
from mnist_core.runs.run import Run, default_runs_dir, read_run

KEEP_SECONDS = 3600.0


def delete_run(run: Run) -> None:
    """Move a run folder into the trash.

    Raises
    ------
    RunError
        If the run is active, is gone, or its folder can't be moved.
    """
    if run.path.is_dir():  # taking its lock would create the folder again
        run = run.refresh()
    if run.status.active:
        raise RunError(f"Run {run.id} is {run.status.state}: pause or stop it first, then delete it.")
    if is_busy(run.path, LINGER_SECONDS):
        raise RunError(
            f"Run {run.id} is being worked on: wait a moment, or stop the check of its labels first, then delete it."
        )
    trash = run.path.parent / ".trash"
    with writing_to(run.path, "delete"):
        try:
            trash.mkdir(exist_ok=True)
            shutil.rmtree(trash / run.id, ignore_errors=True)
            os.utime(run.path)  # tells when it was deleted
            run.path.rename(trash / run.id)
        except FileNotFoundError as error:
            raise RunError(f"Run {run.id} is no longer there: it was deleted elsewhere.") from error


def restore_run(run_id: str, runs_dir: Path | None = None) -> Run:
    """Move a run back out of the trash.

    Raises
    ------
    RunError
        If it no longer exists, or a run with its id is.
    """
    root = Path(runs_dir or default_runs_dir())
    if (root / run_id).exists():
        raise RunError(f"Run {run_id} is in {root} already: delete that one to have the deleted one back.")
    try:
        (root / ".trash" / run_id).rename(root / run_id)
    except OSError as error:
        raise RunError(f"Run {run_id} can't be brought back ({error.strerror}): it was removed for good.") from error
    return read_run(root / run_id)


def empty_trash(runs_dir: Path | None = None, run_ids: Iterable[str] = (), older_than: float = KEEP_SECONDS) -> None:
    """Remove for good the deleted runs with these ids, and those deleted longer than ``older_than`` seconds ago.

    What can't be removed now is left for the next time.
    """
    trash = Path(runs_dir or default_runs_dir()) / ".trash"
    unwanted = set(run_ids)
    for folder in trash.iterdir() if trash.is_dir() else ():
        try:
            old = time.time() - folder.stat().st_mtime > older_than
        except OSError:  # another session was faster
            continue
        if old or folder.name in unwanted:
            shutil.rmtree(folder, ignore_errors=True)
