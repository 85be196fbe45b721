"""Out-of-sample probabilities of the data of a run, as a job in a process of its own.

``python -m mnist_core.jobs.label_check RUN_FOLDER`` trains a network for each fold of the training set on the other
folds, and one on the whole training set for the test set, with the hidden layers and the seed of the run and otherwise
the preset *fast*. In the run folder it writes ``cross_validation.json`` (its state), ``cross_validation.npz`` (the
probabilities of the training set and the number of complete folds; a restart continues with the next one) and
``cross_validation_test.npz`` (those of the test set), and it obeys ``cross_validation.control``.
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
from mnist_core.training.out_of_sample import FOLDS, cross_validate, probabilities_of_test_set
from mnist_core.untrusted import UntrustedText

NAME = "cross_validation"
FILES = (f"{NAME}.json", f"{NAME}.npz", f"{NAME}_test.npz")
"""State and probabilities."""

PARTS = FOLDS + 1
"""Networks to train: one for each fold, and one for the test set."""


@dataclass(frozen=True)
class Progress(JobStatus):
    """Content of ``cross_validation.json``."""

    fold: Annotated[int, Meta(ge=0, le=FOLDS)] = 0
    """Number of folds that are complete."""
    done: Fraction = 0.0
    """Fraction of the work, 0 to 1."""
    tested: bool = False
    """Whether the probabilities of the test set are there, too: older versions made none."""

    @property
    def part(self) -> str:
        """Which network is being trained."""
        return f"fold {self.fold + 1} of {FOLDS}" if self.fold < FOLDS else "test set"


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


def read_probabilities(run: Run, split: str = "train") -> np.ndarray:
    """Out-of-sample probabilities of the training or the test set of ``run.load_dataset()``, shape (N, C).

    Parameters
    ----------
    run : Run
    split : {"train", "test"}

    Raises
    ------
    RunError
        If they are missing, incomplete or damaged.
    """
    progress = read_progress(run)
    checksums = progress.checksums if progress else {}
    if split == "train":
        done, probabilities = _read(run.path, checksums)
    else:
        found = _read_arrays(run.path, f"{NAME}_test.npz", checksums, "probabilities")
        done, probabilities = FOLDS, found[0] if found else None
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
    """The number of complete folds, and the probabilities of the training set so far."""
    found = _read_arrays(path, f"{NAME}.npz", checksums, "done", "probabilities")
    return (int(found[0]), found[1]) if found else (0, None)


def _read_arrays(path: Path, name: str, checksums: dict[str, str], *keys: str) -> list[np.ndarray] | None:
    try:
        check_sha256(path / name, checksums.get(name))
        content = read_npz(path / name, MAX_BYTES[name], NUMBERS)
        return [content[key] for key in keys]
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"The probabilities in {path.name} can't be read ({name}: {reason_of(error)}): delete the file "
            "and start again."
        ) from error


def work(job: Job[Progress]) -> None:
    """Train on each set of folds but one, and save the probabilities of that one; then the same for the test set."""
    run, config = job.run, fold_settings(job.run)
    done, probabilities = _read(run.path, job.status.checksums)
    job.begin(fold=done, done=done / PARTS)
    dataset = run.load_dataset()
    if probabilities is None:
        probabilities = np.zeros((len(dataset.train_labels), dataset.num_classes), np.float32)

    def after_batch(batch: BatchProgress) -> None:
        fold_done = (batch.epoch - 1 + batch.images_done / batch.images_total) / config.epochs
        job.report(done=(done + fold_done) / PARTS)

    for fold, fold_probabilities in cross_validate(config, dataset, done=done, on_batch=after_batch):
        probabilities[fold] = fold_probabilities
        done += 1
        _write(run.path, done, probabilities)
        job.write(fold=done, done=done / PARTS)
    if _read_arrays(run.path, f"{NAME}_test.npz", job.status.checksums, "probabilities") is None:
        write_npz(
            run.path / f"{NAME}_test.npz", {"probabilities": probabilities_of_test_set(config, dataset, after_batch)}
        )
    job.end("finished", done=1.0, tested=True)


LABEL_CHECK = JobKind(
    "The cross-validation of run",
    "mnist_core.jobs.label_check",
    f"{NAME}.json",
    f"{NAME}.control",
    _lock,
    read_progress,
    f"-{NAME}",
    (f"{NAME}.npz", f"{NAME}_test.npz"),
)

if __name__ == "__main__":
    sys.exit(run_job(LABEL_CHECK, work))
