"""Labels that may be wrong, by confident learning: what a network that never saw a digit says against its label.

C. Northcutt, L. Jiang, I. Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, 2021. The
probabilities must be out of sample (from cross-validation): a network that was trained on a wrong label believes it.
"""

from typing import NamedTuple

import numpy as np


class Suspects(NamedTuple):
    """Digits whose label is contradicted, the most suspicious first, arrays of shape (M,)."""

    index: np.ndarray
    label: np.ndarray
    """As given."""
    suggested: np.ndarray
    """What the network says instead."""
    self_confidence: np.ndarray
    """Probability of the given label."""
    confident: np.ndarray
    """Whether the digit counts in the confident joint: the suggested class is as sure as it usually is of its own."""


def class_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Mean probability of each class over the digits labelled as it, shape (C,); a class without digits gets 1."""
    classes = probabilities.shape[1]
    count = np.bincount(labels, minlength=classes)
    of_label = probabilities[np.arange(len(labels)), labels]
    total = np.bincount(labels, of_label, classes)
    return np.divide(total, count, out=np.ones(classes), where=count > 0)


def find_suspects(labels: np.ndarray, probabilities: np.ndarray) -> Suspects:
    """Find the digits that the network calls something else, and rank them by self-confidence, the lowest first.

    In the confident joint a digit belongs to class k if its probability reaches the class's threshold, the most
    probable of such classes if there are several. A digit that reaches that of another class than its label is marked.

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
    probabilities : ndarray of float, shape (N, C)
        Out of sample.
    """
    suggested = probabilities.argmax(axis=1)
    suspect = np.flatnonzero(suggested != labels)
    of_label = probabilities[suspect, labels[suspect]]
    order = np.argsort(of_label, kind="stable")
    suspect, of_label = suspect[order], of_label[order]
    suggested = suggested[suspect]
    confident = probabilities[suspect, suggested] >= class_thresholds(labels, probabilities)[suggested]
    return Suspects(suspect, labels[suspect], suggested, of_label, confident)
