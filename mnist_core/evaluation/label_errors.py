"""Find labels that may be wrong from the probabilities of a network that never saw them.

The probabilities must be out of sample (from cross-validation, or of a test set): a network trained on a wrong label
learns to predict it. Three methods rank the images, from what the network says about the given label y:

    self-confidence      p(y | x)
    normalized margin    (p(y | x) - max over k != y of p(k | x) + 1) / 2
    confident learning   first the images off the diagonal of the confident joint, by self-confidence; then the others

C. Northcutt, L. Jiang, I. Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, 2021.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_core.evaluation.metrics import check_predictions

TOLERANCE = 1e-6
"""By which a probability may miss a threshold, since float32 adds with an error of this size."""


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Images whose label disagrees with the network, most suspicious first, arrays of shape (M,)."""

    index: np.ndarray
    label: np.ndarray
    """Given label."""
    suggested: np.ndarray
    """Most probable class."""
    self_confidence: np.ndarray
    """Probability of the given label."""
    confident: np.ndarray
    """Whether the image is off the diagonal of the confident joint; see :func:`off_diagonal`."""
    margin: np.ndarray
    """Normalized margin of the given label."""


@dataclass(frozen=True)
class Method:
    """A way to rank images by how suspicious their label is."""

    title: str
    about: str
    """One sentence."""
    score: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """From labels and probabilities a number for each image, the lower the more suspicious."""


def class_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Average the probability of each class over the images labelled as that class.

        t_k = mean of p(k | x) over the images x with label k

    Parameters
    ----------
    labels : ndarray of int, shape (N,), range 0 ... C - 1
    probabilities : ndarray of float, shape (N, C)

    Returns
    -------
    ndarray of float64, shape (C,)
        1 for a class without images.
    """
    check_predictions(labels, probabilities)
    classes = probabilities.shape[1]
    count = np.bincount(labels, minlength=classes)
    total = np.bincount(labels, self_confidence(labels, probabilities), classes)
    return np.divide(total, count, out=np.ones(classes), where=count > 0)


def off_diagonal(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Tell which images are off the diagonal of the confident joint, and classified as another class.

    The confident joint counts an image with label y as class

        k = argmax of p(j | x) over the classes j with p(j | x) >= t_j

    with the thresholds of :func:`class_thresholds`: the network is as sure of k as it usually is of images of that
    class. Off the diagonal is k != y; where the network classifies the image as y all the same, it is no issue.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), range 0 ... C - 1
    probabilities : ndarray of float, shape (N, C)

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    reached = probabilities >= class_thresholds(labels, probabilities) - TOLERANCE
    counted_as = np.where(reached, probabilities, -1).argmax(axis=1)
    return reached.any(axis=1) & (counted_as != labels) & (probabilities.argmax(axis=1) != labels)


def self_confidence(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probability of the given label, shape (N,), range [0, 1]."""
    return probabilities[np.arange(len(labels)), labels]


def normalized_margin(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """How far the given label is ahead of the best other class, shape (N,), range [0, 1]; below 1/2 it is behind."""
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = 0
    return (self_confidence(labels, probabilities) - others.max(axis=1) + 1) / 2


def _confident_learning(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return self_confidence(labels, probabilities) + ~off_diagonal(labels, probabilities)


METHODS = {
    "confident_learning": Method(
        "Confident learning",
        "First the images of which the network is as sure as it usually is of another class.",
        _confident_learning,
    ),
    "self_confidence": Method(
        "Self-confidence", "First the images whose given label has the lowest probability.", self_confidence
    ),
    "normalized_margin": Method(
        "Normalized margin",
        "First the images whose given label is farthest behind the most probable class.",
        normalized_margin,
    ),
}


def rank(labels: np.ndarray, probabilities: np.ndarray, method: str = "self_confidence") -> np.ndarray:
    """Order all images by how suspicious their label is.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), range 0 ... C - 1
    probabilities : ndarray of float, shape (N, C)
        Out of sample.
    method : str
        A key of :data:`METHODS`.

    Returns
    -------
    ndarray of int, shape (N,)
        Positions, most suspicious first.

    Raises
    ------
    EvaluationError
        If a probability is not a number, or labels and probabilities don't fit.
    """
    check_predictions(labels, probabilities)
    return np.argsort(METHODS[method].score(labels, probabilities), kind="stable")


def find_label_issues(labels: np.ndarray, probabilities: np.ndarray, method: str = "self_confidence") -> LabelIssues:
    """Find the images that the network classifies as another class, most suspicious first.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), range 0 ... C - 1
    probabilities : ndarray of float, shape (N, C)
        Out of sample.
    method : str
        A key of :data:`METHODS`. Confident learning leaves out the images that are not off the diagonal of the
        confident joint.

    Raises
    ------
    EvaluationError
        If a probability is not a number, or labels and probabilities don't fit.
    """
    ranking = rank(labels, probabilities, method)
    suggested = probabilities.argmax(axis=1)
    confident = off_diagonal(labels, probabilities)
    issue = confident if method == "confident_learning" else suggested != labels
    index = ranking[issue[ranking]]
    return LabelIssues(
        index,
        labels[index],
        suggested[index],
        self_confidence(labels, probabilities)[index],
        confident[index],
        normalized_margin(labels, probabilities)[index],
    )
