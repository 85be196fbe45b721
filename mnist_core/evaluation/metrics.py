"""Scores of class probabilities: how sure a figure is, and how far a confidence can be trusted.

N digits of C classes have labels of shape (N,) and probabilities of shape (N, C).
"""

import math
from typing import NamedTuple

import numpy as np


def wilson_interval(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Interval that holds the true share with a confidence of 95 %.

    With p = successes / trials and n = trials:

        (p + z^2/2n -+ z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n)

    E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, 1927.
    """
    share, squared = successes / trials, z * z / trials
    middle = share + squared / 2
    half = z * math.sqrt(share * (1 - share) / trials + squared / (4 * trials))
    return (middle - half) / (1 + squared), (middle + half) / (1 + squared)


def top_k_accuracy(labels: np.ndarray, probabilities: np.ndarray, k: int) -> float:
    """Share of digits whose label is among the k most probable classes; of equal probabilities the lower class counts."""
    of_label = probabilities[np.arange(len(labels)), labels][:, np.newaxis]
    classes = np.arange(probabilities.shape[1])
    before = (probabilities > of_label) | ((probabilities == of_label) & (classes < labels[:, np.newaxis]))
    return float(np.mean(before.sum(axis=1) < k))


def roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each class against the rest, shape (C,); NaN where a class or its rest is empty.

    It is the probability that a digit of the class gets a higher probability for it than one of the rest, equal ones
    counting half: the Mann-Whitney statistic, from the ranks (J. Hanley, B. McNeil, 1982).
    """
    areas = np.full(probabilities.shape[1], np.nan)
    for label in range(len(areas)):
        values, counts = np.unique(probabilities[:, label], return_counts=True)
        mean_rank = np.cumsum(counts) - (counts - 1) / 2
        ranks = mean_rank[np.searchsorted(values, probabilities[:, label])]
        own = labels == label
        positives, negatives = int(own.sum()), int(len(own) - own.sum())
        if positives and negatives:
            areas[label] = (ranks[own].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    return areas


class Calibration(NamedTuple):
    """Digits in equal intervals of confidence, arrays of shape (bins,); NaN where an interval is empty."""

    edges: np.ndarray
    """Ends of the intervals, shape (bins + 1,)."""
    count: np.ndarray
    confidence: np.ndarray
    """Mean confidence."""
    accuracy: np.ndarray
    error: float
    """Expected calibration error: the mean gap between the two, weighed by count."""


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> Calibration:
    """Compare confidence with accuracy: of the digits classified with 80 % confidence, are 80 % right?

    ECE = sum over the bins of (count / N) |accuracy - confidence|: C. Guo et al., *On Calibration of Modern Neural
    Networks*, 2017.
    """
    confidence = probabilities.max(axis=1).astype(float)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    position = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)  # intervals (a, b]
    count = np.bincount(position, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(position, confidence, bins) / count
        accuracy = np.bincount(position, right, bins) / count
    error = float(np.nansum(count * np.abs(accuracy - mean_confidence)) / len(labels))
    return Calibration(edges, count, mean_confidence, accuracy, error)


class SelectivePrediction(NamedTuple):
    """What is gained by refusing the digits of lowest confidence, arrays of shape (N,), from none refused to all but one."""

    rejected: np.ndarray
    """Share that is refused."""
    accuracy: np.ndarray
    """Of those that are kept."""
    threshold: np.ndarray
    """Lowest confidence that is kept."""


def selective_prediction(labels: np.ndarray, probabilities: np.ndarray) -> SelectivePrediction:
    """Accuracy against the share of rejected digits, the least confident first (C. Chow, 1970)."""
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    kept = np.arange(len(order), 0, -1)
    accuracy = np.cumsum(right[::-1])[::-1] / kept
    return SelectivePrediction(1 - kept / len(order), accuracy, confidence[order])


class Scores(NamedTuple):
    """All scores of this module for one set of predictions."""

    interval: tuple[float, float]
    """Of the accuracy, with a confidence of 95 %."""
    top_2: float
    top_3: float
    auc: np.ndarray
    """Of each class, shape (C,)."""
    calibration: Calibration
    selective: SelectivePrediction


def score(labels: np.ndarray, probabilities: np.ndarray) -> Scores:
    """Compute all of them."""
    right = int(np.sum(probabilities.argmax(axis=1) == labels))
    return Scores(
        wilson_interval(right, len(labels)),
        top_k_accuracy(labels, probabilities, 2),
        top_k_accuracy(labels, probabilities, 3),
        roc_auc(labels, probabilities),
        calibration(labels, probabilities),
        selective_prediction(labels, probabilities),
    )


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count for each true class (row) how often each class (column) was predicted.

    Parameters
    ----------
    labels, predicted : ndarray of int, shape (N,), range 0 ... num_classes - 1

    Returns
    -------
    ndarray of int64, shape (num_classes, num_classes)
    """
    cell = labels.astype(np.int64) * num_classes + predicted
    return np.bincount(cell, minlength=num_classes**2).reshape(num_classes, num_classes)


class ClassScores(NamedTuple):
    """Scores of each class, arrays of shape (C,); a quotient with nothing below the line counts as 0."""

    precision: np.ndarray
    """Of the digits predicted as this class, the share that is: TP / (TP + FP)."""
    recall: np.ndarray
    """Of the digits of this class, the share that was found: TP / (TP + FN)."""
    f1: np.ndarray
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN)."""
    support: np.ndarray
    """Number of digits of this class: TP + FN."""


def per_class_scores(confusion: np.ndarray) -> ClassScores:
    """Precision, recall, F1 and support of each class from a confusion matrix of shape (C, C)."""
    true_positives = np.diag(confusion)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)

    def quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)

    return ClassScores(
        quotient(true_positives, predicted),
        quotient(true_positives, support),
        quotient(2 * true_positives, predicted + support),
        support,
    )
