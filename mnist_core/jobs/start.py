"""Start, pause, stop and resume training processes. Only the run folder is shared with them: no signals, no fork."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import RunError
from mnist_core.jobs.job import JobKind, request_of, start_job, start_process
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import worker_lock
from mnist_core.runs.implementation import IMPLEMENTATION
from mnist_core.runs.run import RESULTS, Run, create_run
from mnist_core.runs.status import RESUMABLE, Status
from mnist_core.training.config import TrainingConfig

TRAINING = JobKind(
    "Run",
    "mnist_core.jobs.worker",
    "status.json",
    "control",
    worker_lock,
    lambda run: run.refresh().status,
    results=RESULTS,
    constants=("config.json",),
)


OWN_CODE = replace(TRAINING, module="mnist_core.assignment.worker")
"""Training with other code than ours; its room is above this one."""


def training_of(run: Run) -> JobKind[Status]:
    """The kind of job that trains a run: who computes the gradient decides."""
    return OWN_CODE if (run.path / IMPLEMENTATION).exists() else TRAINING


def start_run(
    config: TrainingConfig,
    dataset: Dataset | DatasetReference,
    runs_dir: Path | None = None,
    complete: Callable[[Path], None] | None = None,
    corrections: Corrections | None = None,
) -> Run:
    """Create a run and start a process that trains it, which continues when this process ends; or leave no run.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset or DatasetReference
    runs_dir : Path, optional
    complete : callable, optional
        Called with the folder before it appears, to write further files.
    corrections : Corrections, optional
        The labels to train and to test on; the original ones if there are none.

    Raises
    ------
    CorrectionsError
        If the corrections do not fit the data.
    RunError
        If the run folder can't be written, or no process can be started.
    ConfigError
        If the number of runs that may train at once is not a number.
    """
    run = create_run(config, dataset, runs_dir, complete, corrections)
    try:
        start_process(training_of(run), run, run.status)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def resume_run(run: Run, more_epochs: int = 0) -> Run:
    """Continue a run from its last checkpoint, bit for bit as if it had never paused.

    Parameters
    ----------
    run : Run
        Paused, stopped, failed or interrupted; or finished, with ``more_epochs``.
    more_epochs : int
        Epochs to train beyond the earlier ones.

    Raises
    ------
    RunError
        If the run is active or damaged, nothing is left to train, or no process can be started.
    """
    run = run.refresh().check()
    if run.status.state not in (*RESUMABLE, *(["finished"] if more_epochs else [])):
        raise RunError(f"Run {run.id} is {run.status.state}: only one of {', '.join(RESUMABLE)} can be resumed.")
    if run.stopped_early:
        raise RunError(
            f"Run {run.id} ended early after epoch {run.status.epoch}, because its validation loss no longer "
            "improved: start a new run with more patience to train longer."
        )
    more = run.status.more_epochs + more_epochs
    run.check_files()
    queued = replace(run.status, more_epochs=more, test_accuracy=None, test_loss=None)  # scores of the former model
    start_job(training_of(run), run, run.status, queued)
    return run.refresh()


def request(run: Run, verb: str) -> None:
    """Ask the worker to pause or to stop; it keeps the parameters of the last complete epoch.

    Parameters
    ----------
    run : Run
    verb : {"pause", "stop"}
        A stopped run is tested; a paused one waits untested. Both can be resumed.

    Raises
    ------
    RunError
        If the run is not active, or its folder can't be written.
    """
    run = run.refresh()
    if not run.status.active:
        raise RunError(f"Run {run.id} is {run.status.state}: only a queued or running one can be asked to {verb}.")
    request_of(TRAINING, run, verb)
