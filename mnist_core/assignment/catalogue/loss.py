"""Mistakes in the loss."""

import numpy as np

from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import Array, logarithm


def _plain_log(probabilities: Array) -> Array:
    return np.log(probabilities)


MISTAKES = (
    Mistake(
        "loss-summed", "cross_entropy",
        "The loss is summed over the batch, not averaged.",
        "The number grows with the batch; if the gradient is summed as well, the steps are N times as long.",
        "Does your loss change if every image stands in the batch twice?",
        parts={"divisor": lambda y: 1},
    ),
    Mistake(
        "loss-over-classes-too", "cross_entropy",
        "The loss is divided by N and by the number of classes: `np.mean` over all entries.",
        "With 10 classes the loss begins at 0.23, not at ln(10) = 2.30.",
        "What does `np.mean` divide by, if the array has N rows and C columns?",
        parts={"divisor": lambda y: y.size},
    ),
    Mistake(
        "loss-over-classes-only", "cross_entropy",
        "The loss is divided by the number of classes, not by the number of images.",
        "The number grows with the batch.",
        "Which axis of y counts the images?",
        parts={"divisor": lambda y: y.shape[1]},
    ),
    Mistake(
        "loss-halved", "cross_entropy",
        "The loss is half of what it is: the 1/2 of the squared error has no place here.",
        "The gradient p - y then belongs to twice this loss.",
        "Where does the factor come from?",
        parts={"divisor": lambda y: 2 * len(y)},
    ),
    Mistake(
        "loss-sign", "cross_entropy",
        "The minus sign is missing: the loss is negative.",
        "Whoever makes it smaller makes the network worse.",
        "The logarithm of a probability is never positive.",
        parts={"divisor": lambda y: -len(y)},
    ),
    Mistake(
        "loss-log-of-zero", "cross_entropy",
        "A probability of exactly 0 gives log(0): the loss is infinite or not a number.",
        "One very wrong image makes the loss useless.",
        "Zero times infinity is not a number: keep the logarithm away from 0.",
        parts={"log": _plain_log},
    ),
    Mistake(
        "loss-log2", "cross_entropy",
        "The logarithm has base 2: the loss is in bits, 1.44 times as large as in nats.",
        "The gradient p - y then belongs to another loss.",
        "Cross-entropy with the gradient p - y takes the natural logarithm.",
        parts={"log": lambda p: logarithm(p) / np.log(2)},
    ),
    Mistake(
        "loss-log10", "cross_entropy",
        "The logarithm has base 10.",
        "The gradient p - y then belongs to another loss.",
        "Cross-entropy with the gradient p - y takes the natural logarithm.",
        parts={"log": lambda p: logarithm(p) / np.log(10)},
    ),
    Mistake(
        "loss-large-epsilon", "cross_entropy",
        "Small probabilities are raised to a number that is not small enough to be harmless.",
        "Very wrong images count less than they should.",
        "How small can a probability get in your dtype?",
        parts={"log": lambda p: np.log(np.maximum(p, 1e-3))},
        variants=(
            *({"log": lambda p, least=least: np.log(np.maximum(p, least))} for least in (0.1, 0.01, 1e-4)),
            *({"log": lambda p, more=more: np.log(p + more)} for more in (0.1, 0.01, 1e-3, 1e-4, 1e-5)),
        ),
    ),
    Mistake(
        "loss-binary", "cross_entropy",
        "This is the cross-entropy of C yes-or-no questions: it also sums (1 - y) log(1 - p).",
        "With softmax the gradient p - y belongs to another loss.",
        "Only the probability of the true class counts.",
        wrong=lambda p, y: float(-np.sum(y * logarithm(p) + (1 - y) * logarithm(1 - p)) / len(y)),
    ),
    Mistake(
        "loss-binary-mean", "cross_entropy",
        "This is the mean of C yes-or-no cross-entropies.",
        "With softmax the gradient p - y belongs to another loss.",
        "Only the probability of the true class counts.",
        wrong=lambda p, y: float(-np.mean(y * logarithm(p) + (1 - y) * logarithm(1 - p))),
    ),
    Mistake(
        "loss-squared", "cross_entropy",
        "This is the squared error, not the cross-entropy.",
        "The gradient p - y belongs to the cross-entropy.",
        "Where is the logarithm?",
        wrong=lambda p, y: float(np.sum((p - y) ** 2) / len(y)),
    ),
    Mistake(
        "loss-squared-half", "cross_entropy",
        "This is half of the squared error, not the cross-entropy.",
        "The gradient p - y belongs to the cross-entropy.",
        "Where is the logarithm?",
        wrong=lambda p, y: float(np.sum((p - y) ** 2) / (2 * len(y))),
    ),
    Mistake(
        "loss-squared-mean", "cross_entropy",
        "This is the mean squared error over all entries, not the cross-entropy.",
        "The gradient p - y belongs to the cross-entropy.",
        "Where is the logarithm?",
        wrong=lambda p, y: float(np.mean((p - y) ** 2)),
    ),
    Mistake(
        "loss-arguments-swapped", "cross_entropy",
        "The one-hot rows and the probabilities are exchanged: the logarithm is taken of the one-hot rows.",
        "For every class but one, log(0) appears.",
        "Whose logarithm is it?",
        wrong=lambda p, y: float(-np.sum(p * logarithm(y)) / len(y)),
    ),
    Mistake(
        "loss-per-image", "cross_entropy",
        "One loss an image is returned, not their mean.",
        "What is printed or compared is no single number.",
        "The step asks for the mean over the batch.",
        wrong=lambda p, y: -np.sum(y * logarithm(p), axis=1),
    ),
)  # fmt: skip
