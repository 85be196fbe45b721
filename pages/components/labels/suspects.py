"""What a label check says about the images of a split, by their position in the original data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.evaluation.label_errors import METHODS, LabelIssues, find_label_issues
from mnist_core.jobs.label_check import FILES, read_probabilities, read_progress
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run
from pages.components.digits.picker import SPLITS
from pages.components.runs.picker import original_dataset, run_dataset, written
from pages.components.state import OneOf, Remembered, remembered

ANY = "any"
TITLES = {method.title: key for key, method in METHODS.items()}


def chosen_split() -> Remembered:
    """Split whose labels are looked at, as named in ``SPLITS``; shared by the pages of labels."""
    return remembered("label_split", "training set", url="split", parse=OneOf(tuple(SPLITS)))


def chosen_method() -> Remembered:
    """Title of the method that orders the label issues; shared by the pages of labels."""
    return remembered("label_method", "Self-confidence", url="method", parse=OneOf(tuple(TITLES)))


def chosen_labels(classes: int) -> tuple[Remembered, Remembered]:
    """Given and suggested label to filter the label issues by; shared by the pages of labels."""
    parse = OneOf((ANY, *range(classes)))
    return (
        remembered("issue_label", ANY, url="label", parse=parse),
        remembered("issue_suggested", ANY, url="suggested", parse=parse),
    )


def place_of(index: int, original: np.ndarray) -> int | None:
    """Where an image is in the data as a run has it, given the ascending ``original`` position of each; or None."""
    place = int(np.searchsorted(original, index))
    return place if place < len(original) and original[place] == index else None


@dataclass(frozen=True, eq=False)
class Checked:
    """A finished label check of a split."""

    issues: dict[str, LabelIssues]
    """By method; ``index`` counts in the data as the run has it."""
    probabilities: np.ndarray
    """Out of sample, shape (N, C), in the data as the run has it."""
    original: np.ndarray
    """Position in the original split of each image of the run, shape (N,)."""

    def opinion(self, index: int) -> np.ndarray | None:
        """Probabilities of an image of the original split; None if the run leaves it out."""
        return self.probabilities[place] if (place := place_of(index, self.original)) is not None else None

    def positions(self, method: str, label: int | str = ANY, suggested: int | str = ANY) -> np.ndarray:
        """Which label issues of a method, most suspicious first, have these labels: their numbers."""
        issues = self.issues[method]
        keep = np.ones(len(issues.index), bool)
        keep &= True if label == ANY else issues.label == label
        keep &= True if suggested == ANY else issues.suggested == suggested
        return np.flatnonzero(keep)


def checked(run: Run, split: str) -> Checked | None:
    """Read the label check of a split, named as in ``SPLITS``; None if it is not finished.

    Raises
    ------
    RunError
        If it is damaged.
    """
    progress = read_progress(run)
    if progress is None or progress.state != "finished" or not (split == "training set" or progress.tested):
        return None
    return _checked(run.path, run.dataset, SPLITS[split], *(written(run.path / name) for name in FILES))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={DatasetReference: repr})
def _checked(path: Path, reference: DatasetReference, split: str, *written: int) -> Checked:
    """Rank the label issues of a run once for all sessions, and again when one of its `FILES` is written."""
    run = find_run(path.name, path.parent)
    probabilities = read_probabilities(run, split)
    labels = getattr(run_dataset(run), f"{split}_labels")
    issues = {method: find_label_issues(labels, probabilities, method) for method in METHODS}
    corrections = run.corrections() or Corrections()
    return Checked(issues, probabilities, corrections.positions(original_dataset(run), split))
