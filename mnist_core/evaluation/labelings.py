"""Two classifiers on one test set whose labels were corrected: who is better depends on whose labels count."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnist_core.data.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.evaluation.metrics import wilson_interval
from mnist_core.evaluation.significance import McNemar, mcnemar


@dataclass(frozen=True, eq=False)
class Labeling:
    """The labels of a test set of N images, as they are or as somebody corrected them."""

    corrections: Corrections | None
    """None for the original labels."""
    labels: np.ndarray
    """Of all images of the original test set, shape (N,)."""
    kept: np.ndarray
    """Whether an image was not left out, shape (N,)."""


def labelings(dataset: Dataset, corrections: Iterable[Corrections | None]) -> list[Labeling]:
    """List the ways to label a test set: the original one first, then each different one.

    Parameters
    ----------
    dataset : Dataset
        Not corrected.
    corrections : iterable of Corrections or None
        Those of several runs.

    Raises
    ------
    CorrectionsError
        If they do not fit the data.
    """
    found = [Labeling(None, dataset.test_labels, np.ones(len(dataset.test_labels), bool))]
    for one in corrections:
        if one is None or not one.changes("test"):
            continue
        corrected = one.apply(dataset)
        labels, kept = dataset.test_labels.copy(), np.zeros(len(dataset.test_labels), bool)
        kept[one.positions(dataset, "test")] = True
        labels[kept] = corrected.test_labels
        if not any(np.array_equal(kept, other.kept) and np.array_equal(labels, other.labels) for other in found):
            found.append(Labeling(one, labels, kept))
    return found


@dataclass(frozen=True, eq=False)
class Duel:
    """Two classifiers A and B on one labeling of N images."""

    labeling: Labeling
    predicted_a: np.ndarray
    """Most probable class of each image of the original test set, shape (N,)."""
    predicted_b: np.ndarray

    @property
    def images(self) -> int:
        """Images that were not left out."""
        return int(self.labeling.kept.sum())

    def correct(self, predicted: np.ndarray) -> np.ndarray:
        """Whether each image that was not left out is classified correctly, shape (images,)."""
        return (predicted == self.labeling.labels)[self.labeling.kept]

    @property
    def accuracy_a(self) -> float:
        """Share of correctly classified images, range [0, 1]."""
        return float(self.correct(self.predicted_a).mean())

    @property
    def accuracy_b(self) -> float:
        """Share of correctly classified images, range [0, 1]."""
        return float(self.correct(self.predicted_b).mean())

    @property
    def interval_a(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy of A."""
        return wilson_interval(int(self.correct(self.predicted_a).sum()), self.images)

    @property
    def interval_b(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy of B."""
        return wilson_interval(int(self.correct(self.predicted_b).sum()), self.images)

    @cached_property
    def test(self) -> McNemar:
        """Whether the difference may be chance."""
        return mcnemar(self.correct(self.predicted_a), self.correct(self.predicted_b))

    @property
    def only_a(self) -> np.ndarray:
        """Positions in the original test set of the images that only A classifies correctly."""
        return self._only(self.predicted_a, self.predicted_b)

    @property
    def only_b(self) -> np.ndarray:
        """Positions in the original test set of the images that only B classifies correctly."""
        return self._only(self.predicted_b, self.predicted_a)

    def _only(self, winner: np.ndarray, loser: np.ndarray) -> np.ndarray:
        truth = self.labeling.labels
        return np.flatnonzero(self.labeling.kept & (winner == truth) & (loser != truth))

    def per_class(self, classes: int) -> np.ndarray:
        """Images of each class, and how many of them A and B classify correctly, shape (classes, 3)."""
        truth = self.labeling.labels[self.labeling.kept]
        columns = [np.ones(len(truth), bool), self.correct(self.predicted_a), self.correct(self.predicted_b)]
        return np.stack([np.bincount(truth[column], minlength=classes) for column in columns], axis=1)


def caution(first: Corrections | None, second: Corrections | None) -> str | None:
    """Warn where two runs were trained on the same labels and only their test labels differ.

    Returns
    -------
    str or None
        A sentence, or None if there is nothing to warn of.
    """
    if _changes(first, "train") != _changes(second, "train") or _changes(first, "test") == _changes(second, "test"):
        return None
    return (
        "Only test labels were corrected: both were trained on the same labels, so a higher accuracy on the corrected "
        "ones says that the measure changed, not that a network got better. Whoever corrects where a network disagrees "
        "moves its score up; judge by the labels that were fixed before."
    )


def _changes(corrections: Corrections | None, split: str) -> dict[int, int | None]:
    return {one.index: one.new for one in corrections or () if one.split == split and one.changes}
