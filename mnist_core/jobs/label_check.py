"""Out-of-sample probabilities of a training set, as a job in a process of its own.

``python -m mnist_core.jobs.label_check RUN_FOLDER`` trains a network for each fold on the other folds, with the hidden
layers and the seed of the run and else the preset *fast*. In the run folder it writes ``cross_validation.json`` (how it
stands), ``cross_validation.npz`` (the probabilities, and how many folds are done: a restart goes on there), and it
listens to ``cross_validation.control``.
"""

import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from filelock import FileLock

from mnist_core.errors import RunError
from mnist_core.jobs.job import Every, claimed, error_sentence, work_on_folder
from mnist_core.jobs.queue import wait_for_slot
from mnist_core.jobs.start import start_process
from mnist_core.runs.files import write_atomically, write_json, writing_to
from mnist_core.runs.run import Run
from mnist_core.runs.status import JobStatus
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.loop import BatchProgress
from mnist_core.training.out_of_sample import FOLDS, cross_validate

STATUS_SECONDS = 0.25

NAME = "cross_validation"


@dataclass(frozen=True)
class Progress(JobStatus):
    """Content of ``cross_validation.json``."""

    LIMITS: ClassVar[dict[str, float]] = {"fold": FOLDS, "done": 1}

    fold: int = 0
    """Number of folds that are complete."""
    done: float = 0.0
    """Fraction of the work, 0 to 1."""


def fold_settings(run: Run) -> TrainingConfig:
    """Settings of each fold's training."""
    return replace(PRESETS["fast"].config, hidden_layers=run.config.hidden_layers, seed=run.config.seed)


def read_progress(run: Run) -> Progress | None:
    """How the cross-validation of a run stands; None if there never was one."""
    path = run.path / f"{NAME}.json"
    try:
        return Progress.read(path, _lock(run.path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return Progress("failed", error=f"Its state can't be read ({path.name}: {error}): start it again.")


def read_probabilities(run: Run) -> np.ndarray:
    """Out-of-sample probabilities of the training set, shape (N, C).

    Raises
    ------
    RunError
        If they are not there, not complete, or damaged.
    """
    done, probabilities = _read(run.path)
    if done < FOLDS:
        raise RunError(f"The cross-validation of run {run.id} is not finished: start it again.")
    return probabilities


def start_label_check(run: Run) -> None:
    """Start the job, or let it go on with its next fold.

    Raises
    ------
    RunError
        If it is under way, or the folder can't be written.
    """
    progress = read_progress(run)
    if progress and progress.active:
        raise RunError(f"The cross-validation of run {run.id} is under way already.")

    def is_unchanged() -> bool:
        latest = read_progress(run)
        return (latest and latest.heartbeat) == (progress and progress.heartbeat)

    job = f"The cross-validation of run {run.id}"
    with claimed(job, _lock(run.path), run.path / f"{NAME}.control", is_unchanged):
        write_json(run.path / f"{NAME}.json", asdict(Progress(heartbeat=time.time())))
    start_process(run, "mnist_core.jobs.label_check")


def stop_label_check(run: Run) -> None:
    """Ask the job to end; the folds that are done are kept.

    Raises
    ------
    RunError
        If the folder can't be written.
    """
    with writing_to(run.path):
        write_atomically(run.path / f"{NAME}.control", lambda file: file.write(b"stop\n"))


def _lock(path: Path) -> FileLock:
    return FileLock(path / f"{NAME}.lock")


def _read(path: Path) -> tuple[int, np.ndarray | None]:
    """Folds that are done, and the probabilities so far."""
    try:
        with np.load(path / f"{NAME}.npz", allow_pickle=False) as content:
            return int(content["done"]), content["probabilities"]
    except FileNotFoundError:
        return 0, None
    except Exception as error:  # a damaged zip file raises nearly everything
        raise RunError(
            f"The probabilities in {path.name} can't be read ({NAME}.npz: {error}): delete the file and start again."
        ) from error


class Stopped(Exception):
    """Somebody asked the job to end."""


class _Reporter:
    """Writes the progress of the job several times a second, and looks whether it is to end."""

    def __init__(self, path: Path, done: int, epochs: int) -> None:
        self.path, self.done, self.epochs = path, done, epochs
        self.share = done / FOLDS
        self.due = Every(STATUS_SECONDS)

    def after_batch(self, batch: BatchProgress) -> None:
        of_fold = (batch.epoch - 1 + batch.images_done / batch.images_total) / self.epochs
        self.share = (self.done + of_fold) / FOLDS
        self.look("running")

    def look(self, state: str) -> None:
        if not self.due():
            return
        if (self.path / f"{NAME}.control").exists():
            raise Stopped
        self.write(state)

    def write(self, state: str, error: str | None = None) -> None:
        progress = Progress(state, self.done, self.share, heartbeat=time.time(), error=error)
        write_json(self.path / f"{NAME}.json", asdict(progress))


def work(run: Run) -> None:
    """Do the job; errors become the state *failed* with one sentence."""
    config = fold_settings(run)
    reporter = _Reporter(run.path, 0, config.epochs)
    try:
        reporter.done, probabilities = _read(run.path)
        with ExitStack() as held:
            wait_for_slot(run.path.parent, f"{run.id}-{NAME}", held, lambda: reporter.look("queued"))
            reporter.write("running")
            dataset = run.dataset.load()
            if probabilities is None:
                probabilities = np.zeros((len(dataset.train_labels), dataset.num_classes), np.float32)
            folds = cross_validate(config, dataset, done=reporter.done, on_batch=reporter.after_batch)
            for fold, of_fold in folds:
                probabilities[fold] = of_fold
                reporter.done += 1
                content = {"probabilities": probabilities, "done": np.array(reporter.done)}
                write_atomically(run.path / f"{NAME}.npz", lambda file, content=content: np.savez(file, **content))
        reporter.write("finished")
    except Stopped:
        reporter.write("stopped")
    except Exception as error:
        with suppress(OSError):  # the disk may be what failed
            reporter.write("failed", error_sentence(error, run.path))
        raise


if __name__ == "__main__":
    sys.exit(work_on_folder(_lock, work))
