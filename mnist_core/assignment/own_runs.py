"""Start runs that are trained with a learner's code, or with a mistake of the catalogue."""

import math
from collections.abc import Iterable
from pathlib import Path

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.source import parse_submission
from mnist_core.assignment.training import effective, trains
from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import AssignmentError
from mnist_core.jobs.start import start_run
from mnist_core.runs.about import About
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.implementation import CODE, IMPLEMENTATION, Implementation, code_of, read_implementation
from mnist_core.runs.run import Run
from mnist_core.runs.schema import MAX_TEXT, write_record
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText

NEEDED = "back_propagate"
"""The one function that training can't do without: for all others there is ours."""

PARTED = 0.05
"""Relative difference of two losses that counts as parted."""
LEAST_PARTED = 0.01
"""A difference below this, in nats, is no difference between two curves that have both come down."""

NO_CODE = (
    "The code that this run was trained with is not here, since it does not travel with an exported run: train the "
    "file again."
)


def start_own_run(
    config: TrainingConfig,
    dataset: Dataset | DatasetReference,
    name: str,
    content: bytes,
    finding: str = "",
    runs_dir: Path | None = None,
    corrections: Corrections | None = None,
) -> Run:
    """Train a learner's file; it is kept in the run folder.

    Parameters
    ----------
    config : TrainingConfig
        Settings that only our code knows, such as dropout, are left at their defaults.
    dataset : Dataset or DatasetReference
    name : str
        Of the file.
    content : bytes
    finding : str
        What a check found, to be shown on the run: a wrong implementation may be trained, too.
    runs_dir : Path, optional
    corrections : Corrections, optional

    Raises
    ------
    AssignmentError
        If the file is no Python, or has no function to train with.
    RunError
        If the run folder can't be written, or no process can be started.
    """
    submission = parse_submission(name, content)
    if NEEDED not in submission.functions:
        raise AssignmentError(f"{name} has no function {NEEDED}: write it first, then train.")

    def complete(folder: Path) -> None:
        (folder / f"{CODE}{Path(name).suffix.lower()}").write_bytes(content)
        record = Implementation(UntrustedText(name[: About.MAX_NAME]), None, UntrustedText(finding[:MAX_TEXT]))
        write_record(folder / IMPLEMENTATION, record)
        About.of(name[: About.MAX_NAME], tags=("own code",)).write(folder)

    return start_run(effective(config), dataset, runs_dir, complete, corrections)


def start_mistaken_run(
    config: TrainingConfig,
    dataset: Dataset | DatasetReference,
    mistake: str,
    runs_dir: Path | None = None,
    corrections: Corrections | None = None,
) -> Run:
    """Train the reference with a mistake, to see what it does.

    Raises
    ------
    AssignmentError
        If it is no mistake that training meets.
    RunError
        If the run folder can't be written, or no process can be started.
    """
    record = MISTAKES.get(mistake)
    if record is None or not trains(record):
        raise AssignmentError(f"{mistake!r} is no mistake that can be trained: choose one of another step.")

    def complete(folder: Path) -> None:
        implementation = Implementation(UntrustedText(record.id), record.id, UntrustedText(record.sentence))
        write_record(folder / IMPLEMENTATION, implementation)
        About.of(record.id, tags=("mistake",)).write(folder)

    return start_run(effective(config), dataset, runs_dir, complete, corrections)


def start_beside(run: Run, runs_dir: Path | None = None) -> Run:
    """Train our own code with the same settings, seed and data, to be compared with a run of other code."""
    name = f"Reference beside {run.about.name.plain or run.id}"[: About.MAX_NAME]

    def complete(folder: Path) -> None:
        About.of(name, tags=("reference",)).write(folder)

    return start_run(run.config, run.dataset, runs_dir, complete, run.corrections())


def start_again(
    run: Run, config: TrainingConfig, runs_dir: Path | None = None, corrections: Corrections | None = None
) -> Run:
    """Start a run with other settings or labels, and with whatever code trained this one.

    Parameters
    ----------
    run : Run
    config : TrainingConfig
    runs_dir : Path, optional
    corrections : Corrections, optional
        Those of this run if there are none.

    Raises
    ------
    AssignmentError
        If that code is no longer there.
    RunError
        If the run folder can't be written, or no process can be started.
    """
    corrections = run.corrections() if corrections is None else corrections
    implementation = read_implementation(run.path)
    if implementation is None:
        return start_run(config, run.dataset, runs_dir, corrections=corrections)
    if implementation.mistake is not None:
        return start_mistaken_run(config, run.dataset, implementation.mistake, runs_dir, corrections)
    path = code_of(run.path)
    if path is None:
        raise AssignmentError(NO_CODE)
    name, finding = implementation.name.plain, implementation.finding.plain
    return start_own_run(config, run.dataset, name, path.read_bytes(), finding, runs_dir, corrections)


def parted(
    ours: Iterable[EpochMetrics], theirs: Iterable[EpochMetrics]
) -> tuple[int, tuple[EpochMetrics, EpochMetrics] | None]:
    """Compare the training losses of the epochs that two runs have both completed.

    Parameters
    ----------
    ours, theirs : iterable of EpochMetrics
        Of a run, and of the reference beside it; rows may be missing.

    Returns
    -------
    epochs : int
        How many epochs both have a row of.
    first : tuple of EpochMetrics or None
        The rows of the first epoch whose losses differ.
    """
    reference = {row.epoch: row for row in theirs}
    pairs = [(row, reference[row.epoch]) for row in ours if row.epoch in reference]
    return len(pairs), next((pair for pair in pairs if _differ(*(row.train_loss for row in pair))), None)


def _differ(loss: float, reference: float) -> bool:
    apart = abs(loss - reference)
    return math.isnan(apart) or not apart <= max(PARTED * reference, LEAST_PARTED)
