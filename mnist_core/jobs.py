"""Start and stop training processes. Only the run folder is shared with them: no signals, no fork."""

import subprocess
import sys
import threading
from pathlib import Path

from mnist_core.dataset import Dataset
from mnist_core.errors import RunError
from mnist_core.runs import DatasetReference, Run, create_run
from mnist_core.training import TrainingConfig

PROJECT = Path(__file__).resolve().parent.parent


def start(config: TrainingConfig, dataset: Dataset | DatasetReference, runs_dir: Path | None = None) -> Run:
    """Create a run and start a process that trains it, which goes on when this process ends.

    Raises
    ------
    RunError
        If the run folder can't be written, or no process can be started.
    """
    run = create_run(config, dataset, runs_dir)
    detached = (
        {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    try:
        with (run.path / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mnist_core.worker", str(run.path)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **detached,
            )
    except OSError as error:
        raise RunError(
            f"No training process could be started ({error}): end other programs, then start again."
        ) from error
    # An ended child that nobody waits for stays in the process table as long as the dashboard runs.
    threading.Thread(target=process.wait, daemon=True).start()
    return run


def request_stop(run: Run) -> None:
    """Ask the worker to stop; it keeps the parameters of the last complete epoch.

    Raises
    ------
    RunError
        If the run is not active, or its folder can't be written.
    """
    run = run.refresh()
    if not run.status.active:
        raise RunError(f"Run {run.id} is {run.status.state}: only a queued or running one can be stopped.")
    try:
        (run.path / "control").write_text("stop\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"Can't write to {run.path} ({error.strerror}): make the folder writable.") from error
