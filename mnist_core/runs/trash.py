"""Delete run folders so that it can be undone: they wait in ``<runs>/.trash/``, which :func:`list_runs` ignores."""

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mnist_core.errors import RunError, advice_on, reason_of
from mnist_core.runs.files import LINGER_SECONDS, is_busy, writing_to
from mnist_core.runs.run import Run, default_runs_dir, read_run

KEEP_SECONDS = 3600.0

RUN_ID_GLOB = "[0-9]" * 8 + "-" + "[0-9]" * 6 + "-*"


def delete_run(run: Run) -> None:
    """Move a run folder into the trash.

    Raises
    ------
    RunError
        If the run is active, is gone, or its folder can't be moved.
    """
    run = run.refresh()
    if run.status.active:
        raise RunError(f"Run {run.id} is {run.status.state}: pause or stop it first, then delete it.")
    trash = run.path.parent / ".trash"
    with writing_to(run.path, "delete"):
        if is_busy(run.path, LINGER_SECONDS):
            raise RunError(
                f"Run {run.id} is being worked on: wait a moment, or stop the check of its labels, then delete it."
            )
        try:
            trash.mkdir(exist_ok=True)
            _remove(trash / run.id)
            follow = os.utime not in os.supports_follow_symlinks
            os.utime(run.path, follow_symlinks=follow)  # tells when it was deleted
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
        reason = "it was removed for good" if isinstance(error, FileNotFoundError) else advice_on(error)
        raise RunError(f"Run {run_id} can't be brought back ({reason_of(error)}): {reason}.") from error
    return read_run(root / run_id)


def empty_trash(runs_dir: Path | None = None, run_ids: Iterable[str] = (), older_than: float = KEEP_SECONDS) -> None:
    """Remove for good the deleted runs with these ids, and those deleted more than ``older_than`` seconds ago.

    Drafts that a killed creation or import left behind are removed, too, after an hour. What can't be removed now is
    left for the next time.
    """
    root = Path(runs_dir or default_runs_dir())
    unwanted = {root / ".trash" / run_id for run_id in run_ids}
    drafts = {*root.glob(".import-*"), *root.glob(f".{RUN_ID_GLOB}")}
    for path in (*root.glob(".trash/*"), *drafts):
        try:
            old = time.time() - path.lstat().st_mtime > (KEEP_SECONDS if path in drafts else older_than)
        except OSError:  # another session was faster
            continue
        if old or path in unwanted:
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a folder, the link to one, or a file, as far as possible."""
    if path.is_symlink() or path.is_file():
        with suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
