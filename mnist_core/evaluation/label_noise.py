"""Flip labels on purpose, and measure how well a ranking finds them again: the truth is known for once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.data.corrected.corrections import Corrections, arrays_of, decide
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError
from mnist_core.untrusted import UntrustedText

WHO = UntrustedText("label noise")

PAIRS = ((4, 9),)
"""The two classes of MNIST that are confused most."""


def flip_at_random(dataset: Dataset, share: float, seed: int, split: str = "train") -> Corrections:
    """Give a share of the images of a split another label, each of the other classes with the same probability.

    Parameters
    ----------
    dataset : Dataset
        Not corrected.
    share : float, range [0, 1]
        Of the images of the split; rounded to whole images.
    seed : int, at least 0
        The same seed flips the same labels.
    split : {"train", "test"}

    Returns
    -------
    Corrections
        ``old`` is the true label, ``new`` the flipped one.

    Raises
    ------
    ConfigError
        If the share is out of range, or there is one class only.
    """
    rng = _generator(share, seed)
    _, labels = arrays_of(dataset, split)
    classes = dataset.num_classes
    if classes < 2:
        raise ConfigError(f"{dataset.name.plain} has one class, expected two or more: there is no other label.")
    flipped = rng.choice(len(labels), round(share * len(labels)), replace=False)
    new = (labels[flipped].astype(int) + rng.integers(1, classes, len(flipped))) % classes
    return _noise(dataset, split, flipped, new, f"random, {share:.3%}, seed {seed}")


def flip_pairs(
    dataset: Dataset, share: float, seed: int, pairs: Sequence[tuple[int, int]] = PAIRS, split: str = "train"
) -> Corrections:
    """Give a share of the images of some classes the label of the class that each is paired with, in both directions.

    Parameters
    ----------
    dataset : Dataset
        Not corrected.
    share : float, range [0, 1]
        Of the images of each of these classes; rounded to whole images.
    seed : int, at least 0
        The same seed flips the same labels.
    pairs : sequence of (int, int)
        Different classes, each in one pair.
    split : {"train", "test"}

    Raises
    ------
    ConfigError
        If the share is out of range, or the pairs are no pairs of different classes of the data set.
    """
    rng = _generator(share, seed)
    _, labels = arrays_of(dataset, split)
    named = [label for pair in pairs for label in pair]
    if len(set(named)) < len(named) or not all(0 <= label < dataset.num_classes for label in named):
        raise ConfigError(
            f"pairs is {pairs!r}, expected pairs of different classes from 0 to {dataset.num_classes - 1}, each class "
            "once."
        )
    flipped, new = [np.empty(0, int)], [np.empty(0, int)]
    for label, other in (direction for a, b in pairs for direction in ((a, b), (b, a))):
        of_class = np.flatnonzero(labels == label)
        flipped.append(rng.choice(of_class, round(share * len(of_class)), replace=False))
        new.append(np.full(len(flipped[-1]), other))
    names = ", ".join(f"{a} and {b}" for a, b in pairs)
    return _noise(dataset, split, np.concatenate(flipped), np.concatenate(new), f"{names}, {share:.3%}, seed {seed}")


def _generator(share: float, seed: int) -> np.random.Generator:
    if not 0 <= share <= 1:
        raise ConfigError(f"share is {share!r}, expected a number from 0 to 1.")
    if seed < 0:
        raise ConfigError(f"seed is {seed!r}, expected a whole number from 0 on.")
    return np.random.default_rng([seed, 13])


def _noise(dataset: Dataset, split: str, flipped: np.ndarray, new: np.ndarray, how: str) -> Corrections:
    return decide(dataset, split, zip(flipped.tolist(), new.tolist(), strict=True), WHO, why=UntrustedText(how))


def flipped_positions(noise: Corrections, split: str = "train") -> np.ndarray:
    """Positions of the flipped labels in a split, ascending."""
    return np.array([one.index for one in noise if one.split == split and one.changes], int)


@dataclass(frozen=True, eq=False)
class Retrieval:
    """How well a ranking finds the flipped labels; arrays of shape (N,), one value for each length of its beginning."""

    flipped: int
    """How many there are to find."""
    precision: np.ndarray
    """Share of flipped labels among the first k = 1 ... N images, range [0, 1]."""
    recall: np.ndarray
    """Share of all flipped labels that are among the first k images, range [0, 1]."""

    @property
    def average_precision(self) -> float:
        """Mean of the precision at the rank of each flipped label: the area below precision over recall."""
        steps = np.diff(self.recall, prepend=0)
        return float(self.precision @ steps)

    def precision_at(self, count: int) -> float:
        """Precision among the first ``count`` images, at least 1."""
        return float(self.precision[count - 1])

    def recall_at(self, count: int) -> float:
        """Recall among the first ``count`` images, at least 1."""
        return float(self.recall[count - 1])


def retrieval(ranking: np.ndarray, flipped: np.ndarray) -> Retrieval:
    """Compare a ranking of all images of a split with the labels that were flipped.

    Parameters
    ----------
    ranking : ndarray of int, shape (N,)
        Positions, most suspicious first, as :func:`mnist_core.evaluation.label_errors.rank` gives them.
    flipped : ndarray of int, shape (M,), M of at least 1

    Raises
    ------
    ConfigError
        If nothing was flipped.
    """
    if not len(flipped):
        raise ConfigError("Found no flipped label, expected at least one: flip a larger share.")
    hits = np.cumsum(np.isin(ranking, flipped))
    return Retrieval(len(flipped), hits / np.arange(1, len(ranking) + 1), hits / len(flipped))


def repair(
    dataset: Dataset, noise: Corrections, suspects: np.ndarray, suggested: np.ndarray | None, split: str = "train"
) -> Corrections:
    """Join label noise with what a method would do about it, without looking at the truth.

    Parameters
    ----------
    dataset : Dataset
        Not corrected.
    noise : Corrections
        Of flips only.
    suspects : ndarray of int, shape (M,)
        Positions of the images that the method suspects.
    suggested : ndarray of int, shape (M,), or None
        Their new labels; None to leave them out.
    split : {"train", "test"}
    """
    new = [None] * len(suspects) if suggested is None else suggested.tolist()
    decided = decide(dataset, split, zip(suspects.tolist(), new, strict=True), WHO, why=UntrustedText("repaired"))
    return noise.adding(*decided)
