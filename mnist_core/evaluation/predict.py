"""Run a network over a data set: its probabilities, and the images that it misclassifies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.errors import DatasetError
from mnist_core.evaluation.metrics import check_predictions, confusion_matrix
from mnist_core.nn.losses import cross_entropy
from mnist_core.nn.network import Network

CHUNK = 4096
"""Largest number of images fed forward at once."""

KEPT_VALUES = CHUNK * 4096
"""Activations of all layers that are kept at once, which bounds the memory: fewer images of a wide network."""


def images_at_once(layer_sizes: Sequence[int]) -> int:
    """Number of images to feed forward at once through layers of these sizes."""
    return max(1, min(CHUNK, KEPT_VALUES // sum(layer_sizes)))


def forward_in_chunks(network: Network, images: np.ndarray) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Feed raw images forward, a chunk at a time; yield the slice of each chunk and its activations by layer."""
    step = images_at_once(network.layer_sizes)
    for start in range(0, len(images), step):
        chunk = slice(start, start + step)
        yield chunk, network.forward_pass(flatten(normalize(images[chunk]))).activations


def predict(network: Network, images: np.ndarray) -> np.ndarray:
    """Compute the class probabilities of raw images.

    Parameters
    ----------
    network : Network
    images : ndarray of uint8, shape (N, H, W)

    Returns
    -------
    ndarray of the network's dtype, shape (N, C)

    Raises
    ------
    DatasetError
        If the image size does not fit the network.
    EvaluationError
        If the output of the network is not a number.
    """
    probabilities = np.empty((len(images), network.layer_sizes[-1]), network.dtype)
    for chunk, activations in forward_in_chunks(network, images):
        probabilities[chunk] = activations[-1]
    return probabilities


@dataclass(frozen=True, eq=False)
class Misclassified:
    """The misclassified images, most confident first, arrays of shape (M,)."""

    index: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    """Probability of the predicted class."""


def misclassified(labels: np.ndarray, probabilities: np.ndarray) -> Misclassified:
    """Find the misclassified images.

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
    probabilities : ndarray of float, shape (N, C)

    Raises
    ------
    EvaluationError
        If a probability is not a number, or labels and probabilities don't fit.
    """
    check_predictions(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return Misclassified(wrong, labels[wrong], predicted[wrong], confidence[wrong])


class PerImage(NamedTuple):
    """The prediction for each of N images, arrays of shape (N,)."""

    predicted: np.ndarray
    confidence: np.ndarray
    """Probability of the predicted class."""
    margin: np.ndarray
    """Confidence minus the probability of the second most probable class; the confidence if there is one class only."""
    loss: np.ndarray
    """Cross-entropy in nats: ``-log(p)`` of the label."""


def per_image(labels: np.ndarray, probabilities: np.ndarray) -> PerImage:
    """Describe each prediction, from probabilities of shape (N, C); a single class has no other one to come second.

    Raises
    ------
    EvaluationError
        If a probability is not a number, or labels and probabilities don't fit.
    """
    check_predictions(labels, probabilities)
    first = probabilities.max(axis=1)
    second = np.partition(probabilities, -2, axis=1)[:, -2] if probabilities.shape[1] > 1 else np.zeros_like(first)
    label_probability = probabilities[np.arange(len(labels)), labels]
    loss = 0 - np.log(np.maximum(label_probability, np.finfo(probabilities.dtype).tiny))  # 0 rather than -0
    return PerImage(probabilities.argmax(axis=1), first, first - second, loss)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of :func:`evaluate` on N images of C classes."""

    labels: np.ndarray
    """True labels, shape (N,)."""
    probabilities: np.ndarray
    """Shape (N, C)."""
    loss: float
    """Mean categorical cross-entropy in nats."""
    confusion_matrix: np.ndarray
    """Counts, shape (C, C), true classes as rows."""

    @cached_property
    def digits(self) -> PerImage:
        """The prediction for each image."""
        return per_image(self.labels, self.probabilities)

    @property
    def predicted(self) -> np.ndarray:
        """Most probable class of each image, shape (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def errors(self) -> int:
        """Number of misclassified images."""
        return int(self.confusion_matrix.sum() - np.trace(self.confusion_matrix))

    @property
    def accuracy(self) -> float:
        """Fraction of correctly classified images, range [0, 1]."""
        return float(np.trace(self.confusion_matrix) / self.confusion_matrix.sum())


def evaluate(network: Network, images: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Feed all images forward and compare the predictions with their labels.

    Parameters
    ----------
    network : Network
    images : ndarray of uint8, shape (N, H, W), N of at least 1
    labels : ndarray of int, shape (N,), range 0 ... C - 1

    Raises
    ------
    DatasetError
        If the image size or a label does not fit the network, or there is no image.
    EvaluationError
        If the output of the network is not a number.
    """
    classes = network.layer_sizes[-1]
    if not len(labels):
        raise DatasetError("Found no image, expected at least one: choose data with images.")
    if labels.max() >= classes:
        raise DatasetError(
            f"Found the label {labels.max()}, expected 0 to {classes - 1}, as the network has {classes} classes: "
            "evaluate it on a data set with the classes it was trained on."
        )
    probabilities = predict(network, images)
    return Evaluation(
        labels,
        probabilities,
        cross_entropy(probabilities, one_hot(labels, classes)),
        confusion_matrix(labels, probabilities.argmax(axis=1), classes),
    )
