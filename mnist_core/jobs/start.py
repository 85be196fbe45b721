"""Start, pause, stop and resume training processes. Only the run folder is shared with them: no signals, no fork."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

from mnist_core.data.dataset import Dataset
from mnist_core.errors import RunError
from mnist_core.jobs.job import claimed
from mnist_core.jobs.queue import blas_threads
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import worker_lock, write_atomically, write_json, writing_to
from mnist_core.runs.run import Run, create_run
from mnist_core.runs.status import RESUMABLE
from mnist_core.training.config import TrainingConfig

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Read by the linear algebra libraries when NumPy is loaded."""

PROJECT = Path(__file__).resolve().parents[2]


def start_run(config: TrainingConfig, dataset: Dataset | DatasetReference, runs_dir: Path | None = None) -> Run:
    """Create a run and start a process that trains it, which goes on when this process ends.

    Raises
    ------
    RunError
        If the run folder can't be written, or no process can be started.
    """
    run = create_run(config, dataset, runs_dir)
    start_process(run, "mnist_core.jobs.worker")
    return run


def resume_run(run: Run, more_epochs: int = 0) -> Run:
    """Let a run go on from its last checkpoint, to the bit as if it had never paused.

    Parameters
    ----------
    run : Run
        Paused, stopped, failed or interrupted; or finished, if ``more_epochs`` are asked for.
    more_epochs : int
        Epochs to train beyond those asked for before.

    Raises
    ------
    RunError
        If the run is under way, or there is nothing left to train, or no process can be started.
    """
    run = run.refresh()
    if run.problem:
        raise RunError(f"Run {run.id} is damaged: {run.problem}")
    if run.status.state not in (*RESUMABLE, *(["finished"] if more_epochs else [])):
        raise RunError(f"Run {run.id} is {run.status.state}: only one of {', '.join(RESUMABLE)} can be resumed.")
    if run.stopped_early:
        raise RunError(
            f"Run {run.id} ended early after epoch {run.status.epoch}, because its validation loss no longer became "
            "better: start a new run with more patience to train longer."
        )

    def is_unchanged() -> bool:
        return run.refresh().status.heartbeat == run.status.heartbeat

    with claimed(f"Run {run.id}", worker_lock(run.path), run.path / "control", is_unchanged):
        more = run.status.more_epochs + more_epochs
        status = replace(run.status, state="queued", heartbeat=time.time(), more_epochs=more, error=None)
        status = replace(status, test_accuracy=None, test_loss=None)  # they will be those of another model
        write_json(run.path / "status.json", asdict(status))
    start_process(run, "mnist_core.jobs.worker")
    return run.refresh()


def start_process(run: Run, module: str) -> None:
    """Start a process that works on a run folder and goes on when this process ends.

    Raises
    ------
    RunError
        If it can't be started.
    """
    detached = (
        {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    try:
        with (run.path / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, str(run.path)],
                cwd=PROJECT,
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(run.config.blas_threads or blas_threads()))},
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


def request(run: Run, what: str) -> None:
    """Ask the worker to pause or to stop; it keeps the parameters of the last complete epoch.

    Parameters
    ----------
    run : Run
    what : {"pause", "stop"}
        A stopped run is tested; a paused one waits untested. Both can be resumed.

    Raises
    ------
    RunError
        If the run is not active, or its folder can't be written.
    """
    run = run.refresh()
    if not run.status.active:
        raise RunError(f"Run {run.id} is {run.status.state}: only a queued or running one can be asked to {what}.")
    with writing_to(run.path):
        write_atomically(run.path / "control", lambda file: file.write(f"{what}\n".encode()))
