"""Out-of-sample probabilities of a training set, as a job in a process of its own.

``python -m mnist_core.jobs.label_check RUN_FOLDER`` trains a network for each fold on the other folds, with the hidden
layers and the seed of the run and otherwise the preset *fast*. In the run folder it writes ``cross_validation.json``
(its state) and ``cross_validation.npz`` (the probabilities and the number of complete folds; a restart continues with
the next one), and it obeys ``cross_validation.control``.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from filelock import FileLock
from msgspec import Meta

from mnist_core.data.npz import NUMBERS, read_npz
from mnist_core.errors import RunError, reason_of
from mnist_core.jobs.job import Job, JobKind, request_of, run_job, start_job
from mnist_core.runs.files import check_sha256, write_npz
from mnist_core.runs.run import Run
from mnist_core.runs.schema import MAX_BYTES, Fraction, damage_of
from mnist_core.runs.status import JobStatus
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.loop import BatchProgress
from mnist_core.training.out_of_sample import FOLDS, cross_validate
from mnist_core.untrusted import UntrustedText

NAME = "cross_validation"
FILES = (f"{NAME}.json", f"{NAME}.npz")
"""State and probabilities."""


@dataclass(frozen=True)
class Progress(JobStatus):
    """Content of ``cross_validation.json``."""

    fold: Annotated[int, Meta(ge=0, le=FOLDS)] = 0
    """Number of folds that are complete."""
    done: Fraction = 0.0
    """Fraction of the work, 0 to 1."""


def fold_settings(run: Run) -> TrainingConfig:
    """Settings of each fold's training."""
    return replace(PRESETS["fast"].config, hidden_layers=run.config.hidden_layers, seed=run.config.seed)


def read_progress(run: Run) -> Progress | None:
    """Read the state of the cross-validation of a run; None if there never was one."""
    path = run.path / f"{NAME}.json"
    try:
        return Progress.read(path, run.path / f"{NAME}.lock")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return Progress("failed", error=UntrustedText(str(damage_of(path.name, error, "Check the labels again."))))


def read_probabilities(run: Run) -> np.ndarray:
    """Out-of-sample probabilities of the training set, shape (N, C).

    Raises
    ------
    RunError
        If they are missing, incomplete or damaged.
    """
    progress = read_progress(run)
    done, probabilities = _read(run.path, progress.checksums if progress else {})
    if probabilities is None or done < FOLDS:
        raise RunError(f"The cross-validation of run {run.id} is not finished: start it again.")
    return probabilities


def start_label_check(run: Run) -> None:
    """Start the job, or continue with its next fold.

    Raises
    ------
    RunError
        If it is active, or the folder can't be written.
    """
    progress = read_progress(run)
    if progress and progress.active:
        raise RunError(f"The cross-validation of run {run.id} is under way already.")
    start_job(LABEL_CHECK, run, progress, progress or Progress())


def stop_label_check(run: Run) -> None:
    """Ask the job to end; complete folds are kept.

    Raises
    ------
    RunError
        If the folder can't be written.
    """
    request_of(LABEL_CHECK, run, "stop")


def _write(path: Path, done: int, probabilities: np.ndarray) -> None:
    write_npz(path / f"{NAME}.npz", {"probabilities": probabilities, "done": np.array(done)})


def _lock(path: Path) -> FileLock:
    return FileLock(path / f"{NAME}.lock")


def _read(path: Path, checksums: dict[str, str]) -> tuple[int, np.ndarray | None]:
    """The number of complete folds, and the probabilities so far."""
    try:
        check_sha256(path / f"{NAME}.npz", checksums.get(f"{NAME}.npz"))
        content = read_npz(path / f"{NAME}.npz", MAX_BYTES[f"{NAME}.npz"], NUMBERS)
        return int(content["done"]), content["probabilities"]
    except FileNotFoundError:
        return 0, None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"The probabilities in {path.name} can't be read ({NAME}.npz: {reason_of(error)}): delete the file "
            "and start again."
        ) from error


def work(job: Job[Progress]) -> None:
    """Train on each set of folds but one, and save the probabilities of that one."""
    run, config = job.run, fold_settings(job.run)
    done, probabilities = _read(run.path, job.status.checksums)
    job.begin(fold=done, done=done / FOLDS)
    dataset = run.dataset.load()
    if probabilities is None:
        probabilities = np.zeros((len(dataset.train_labels), dataset.num_classes), np.float32)

    def after_batch(batch: BatchProgress) -> None:
        fold_done = (batch.epoch - 1 + batch.images_done / batch.images_total) / config.epochs
        job.report(done=(done + fold_done) / FOLDS)

    for fold, fold_probabilities in cross_validate(config, dataset, done=done, on_batch=after_batch):
        probabilities[fold] = fold_probabilities
        done += 1
        _write(run.path, done, probabilities)
        job.write(fold=done, done=done / FOLDS)
    job.end("finished")


LABEL_CHECK = JobKind(
    "The cross-validation of run",
    "mnist_core.jobs.label_check",
    f"{NAME}.json",
    f"{NAME}.control",
    _lock,
    read_progress,
    f"-{NAME}",
    (f"{NAME}.npz",),
)

if __name__ == "__main__":
    sys.exit(run_job(LABEL_CHECK, work))
