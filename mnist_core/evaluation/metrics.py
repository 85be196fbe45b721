"""Metrics of class probabilities: accuracy and its interval, ROC, calibration, selective prediction, per-class scores.

N images of C classes have labels of shape (N,) and probabilities of shape (N, C).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy  # loads scipy.stats when it is first used: that takes most of a second

from mnist_core.errors import EvaluationError, times


def check_predictions(labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Check that there is a row of finite probabilities for each label, and a column.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), N of at least 1, range 0 ... C - 1
    probabilities : ndarray of float, shape (N, C)

    Raises
    ------
    EvaluationError
        Says what does not fit.
    """
    if not len(labels):
        raise EvaluationError("Found no image, expected at least one: choose data with images.")
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise EvaluationError(
            f"Found probabilities of shape {times(probabilities.shape)} for {len(labels):,} labels, expected a row for "
            "each: choose the data that the predictions are of."
        )
    classes = probabilities.shape[1]
    if not 0 <= labels.min() <= labels.max() < classes:
        raise EvaluationError(
            f"Found labels from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}, as the predictions are "
            f"of {classes} classes: choose the data that the predictions are of."
        )
    wrong = np.count_nonzero(~np.isfinite(probabilities).all(axis=1))
    if wrong:
        raise EvaluationError(
            f"The probabilities of {wrong:,} of {len(labels):,} images are not numbers (NaN), so nothing can be said "
            "of them: train the network again with a lower learning rate, or choose another one."
        )


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a fraction, such as an accuracy.

    With p = successes / trials, n = trials and z = 1.96:

        (p + z^2/2n -+ z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n)

    E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, 1927.
    """
    interval = scipy.stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def top_k_accuracy(labels: np.ndarray, probabilities: np.ndarray, k: int) -> float:
    """Compute the fraction of images whose label is among the k most probable classes; ties go to the lower class."""
    check_predictions(labels, probabilities)
    label_probability = probabilities[np.arange(len(labels)), labels][:, np.newaxis]
    tie = (probabilities == label_probability) & (np.arange(probabilities.shape[1]) < labels[:, np.newaxis])
    rank = np.sum((probabilities > label_probability) | tie, axis=1)
    return float(np.mean(rank < k))


def roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Compute the area under the ROC curve of each class against the rest, shape (C,).

    It is the probability that an image of the class gets a higher probability for it than an image of the rest, ties
    counting half: the Mann-Whitney statistic. With the ranks r among all N images, P of the class and Q of the rest:

        AUC = (sum of r over the class - P (P + 1) / 2) / (P Q)

    NaN where P or Q is 0. J. Hanley, B. McNeil, *The meaning and use of the area under a ROC curve*, 1982.
    """
    check_predictions(labels, probabilities)
    classes = probabilities.shape[1]
    own = labels[:, np.newaxis] == np.arange(classes)
    positives = own.sum(axis=0)
    pairs = positives * (len(labels) - positives)
    statistic = np.sum(scipy.stats.rankdata(probabilities, axis=0), axis=0, where=own) - positives * (positives + 1) / 2
    return np.divide(statistic, pairs, out=np.full(classes, np.nan), where=pairs > 0)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images in equal bins of confidence, arrays of shape (bins,); NaN where a bin is empty."""

    edges: np.ndarray
    """Edges of the bins, shape (bins + 1,)."""
    count: np.ndarray
    confidence: np.ndarray
    """Mean confidence."""
    accuracy: np.ndarray
    error: float
    """Expected calibration error: the mean gap between confidence and accuracy, weighted by count."""


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> Calibration:
    """Compare confidence with accuracy: of the images classified with 80 % confidence, are 80 % classified correctly?

        ECE = sum over the bins of (count / N) |accuracy - confidence|

    C. Guo et al., *On Calibration of Modern Neural Networks*, 2017.
    """
    check_predictions(labels, probabilities)
    confidence = probabilities.max(axis=1).astype(float)
    correct = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    position = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)  # bins are (a, b]
    count = np.bincount(position, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(position, confidence, bins) / count
        accuracy = np.bincount(position, correct, bins) / count
    error = float(np.nansum(count * np.abs(accuracy - mean_confidence)) / len(labels))
    return Calibration(edges, count, mean_confidence, accuracy, error)


class SelectivePrediction(NamedTuple):
    """Accuracy if the least confident images are refused, arrays of shape (N,), from none refused to all but one."""

    coverage: np.ndarray
    """Fraction of the images kept, range (0, 1]."""
    accuracy: np.ndarray
    """Accuracy on the images kept."""
    threshold: np.ndarray
    """Lowest confidence kept."""


def selective_prediction(labels: np.ndarray, probabilities: np.ndarray) -> SelectivePrediction:
    """Compute accuracy against coverage, refusing the least confident images first.

    C. Chow, *On optimum recognition error and reject tradeoff*, 1970.
    """
    check_predictions(labels, probabilities)
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    correct = (probabilities.argmax(axis=1) == labels)[order]
    kept = np.arange(len(order), 0, -1)
    accuracy = np.cumsum(correct[::-1])[::-1] / kept
    return SelectivePrediction(kept / len(order), accuracy, confidence[order])


class Scores(NamedTuple):
    """The metrics of this module for one set of predictions."""

    interval: tuple[float, float]
    """95 % confidence interval of the accuracy."""
    top_2: float
    top_3: float
    auc: np.ndarray
    """Area under the ROC curve of each class, shape (C,)."""
    calibration: Calibration
    selective: SelectivePrediction


def score(labels: np.ndarray, probabilities: np.ndarray) -> Scores:
    """Compute all :class:`Scores`."""
    check_predictions(labels, probabilities)
    correct = int(np.sum(probabilities.argmax(axis=1) == labels))
    return Scores(
        wilson_interval(correct, len(labels)),
        top_k_accuracy(labels, probabilities, 2),
        top_k_accuracy(labels, probabilities, 3),
        roc_auc(labels, probabilities),
        calibration(labels, probabilities),
        selective_prediction(labels, probabilities),
    )


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count how often each class (column) is predicted for each true class (row).

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
    """Scores of each class, arrays of shape (C,); 0 where the denominator is 0."""

    precision: np.ndarray
    """Fraction of the images predicted as this class that belong to it: TP / (TP + FP)."""
    recall: np.ndarray
    """Fraction of the images of this class that are predicted as it: TP / (TP + FN)."""
    f1: np.ndarray
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN)."""
    support: np.ndarray
    """Number of images of this class: TP + FN."""


def per_class_scores(confusion: np.ndarray) -> ClassScores:
    """Compute precision, recall, F1 and support of each class from a confusion matrix of shape (C, C)."""
    true_positives = np.diag(confusion)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)

    def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
        return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)

    return ClassScores(
        ratio(true_positives, predicted),
        ratio(true_positives, support),
        ratio(2 * true_positives, predicted + support),
        support,
    )
