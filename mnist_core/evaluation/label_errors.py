"""Confident learning: find labels that may be wrong from the probabilities of a network that never saw them.

C. Northcutt, L. Jiang, I. Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, 2021. The
probabilities must be out of sample (from cross-validation): a network trained on a wrong label learns to predict it.
"""

from dataclasses import dataclass

import numpy as np

from mnist_core.evaluation.metrics import check_predictions


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
    """Whether the image is off the diagonal of the confident joint: the probability of ``suggested`` reaches the
    threshold of that class."""


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
    label_probability = probabilities[np.arange(len(labels)), labels]
    total = np.bincount(labels, label_probability, classes)
    return np.divide(total, count, out=np.ones(classes), where=count > 0)


def find_label_issues(labels: np.ndarray, probabilities: np.ndarray) -> LabelIssues:
    """Find the images that the network classifies as another class, lowest self-confidence first.

    An issue is confident if the probability of the suggested class k reaches the threshold ``t_k`` of
    :func:`class_thresholds`: the network is as sure as it usually is about images of that class.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), range 0 ... C - 1
    probabilities : ndarray of float, shape (N, C)
        Out of sample.

    Raises
    ------
    EvaluationError
        If a probability is not a number, or labels and probabilities don't fit.
    """
    check_predictions(labels, probabilities)
    suggested = probabilities.argmax(axis=1)
    label_probability = probabilities[np.arange(len(labels)), labels]
    issues = np.flatnonzero(suggested != labels)
    issues = issues[np.argsort(label_probability[issues], kind="stable")]
    suggested = suggested[issues]
    confident = probabilities[issues, suggested] >= class_thresholds(labels, probabilities)[suggested]
    return LabelIssues(issues, labels[issues], suggested, label_probability[issues], confident)
