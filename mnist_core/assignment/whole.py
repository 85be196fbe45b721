"""Check all functions together."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mnist_core.assignment.cases import batch_for, parameters_for
from mnist_core.assignment.compare import layer_facts, same_layers
from mnist_core.assignment.finding import Finding, Numbers
from mnist_core.assignment.learner import Learner
from mnist_core.assignment.reference import (
    Array,
    Parameters,
    back_propagate,
    cross_entropy,
    feed_forward,
    initialize,
    one_hot,
    update,
)
from mnist_core.data.dataset import Dataset, load_dataset

STEP = 1e-5
GRADIENT_TOLERANCE = 1e-4
"""More than an epsilon in the logarithm makes, and less than any mistake."""
BY_HEART = 200
"""Updates in which twenty images are learned by heart."""
EPOCH_IMAGES, EPOCH_BATCH, EPOCH_RATE = 5000, 128, 0.5
SINGLE_EPOCH_TOLERANCE = 0.01


@dataclass(frozen=True)
class WholeCheck:
    """A check that needs several functions at once."""

    needs: tuple[str, ...]
    run: Callable[[Learner, int], Finding]
    """Gets the seed of the inputs, too."""


def check_gradient(learner: Learner, seed: int) -> Finding:
    """Compare the gradient with central differences of the learner's own loss, in float64.

    ``dL/dw = (L(w + h) - L(w - h)) / 2h + O(h^2)``.
    """
    if learner.convention.single:
        return Finding("gradient", "skipped", sentence="Parameters are float32: central differences need float64.")
    x, y = batch_for(3, 4, 3, seed + 8)
    parameters = parameters_for((4, 3, 3), seed + 4)
    measured = central_differences(lambda: _loss(learner, x, y, parameters), parameters)
    _, gradients = learner.back_propagate(x, y, parameters)
    worst = max(
        np.abs(a - b).max() / max(np.abs(b).max(), 1e-8)
        for pair, other in zip(gradients, measured, strict=True)
        for a, b in zip(pair, other, strict=True)
    )
    if worst > GRADIENT_TOLERANCE:
        return Finding(
            "gradient", "wrong",
            sentence=f"The gradient is not that of the loss: {layer_facts(gradients, measured)}.",
            numbers=Numbers.of("dW1", gradients[0][0], measured[0][0]),
        )  # fmt: skip
    return Finding("gradient", "correct", sentence=f"Largest relative difference {worst:.1e}.")


def central_differences(loss: Callable[[], float], parameters: Parameters) -> Parameters:
    """Measure the gradient of a loss by moving each parameter a little up and down, in place."""
    measured = []
    for pair in parameters:
        slopes = []
        for array in pair:
            slope = np.empty_like(array)
            for place in np.ndindex(array.shape):
                kept = array[place]
                array[place] = kept + STEP
                above = loss()
                array[place] = kept - STEP
                slope[place] = (above - loss()) / (2 * STEP)
                array[place] = kept
            slopes.append(slope)
        measured.append((slopes[0], slopes[1]))
    return measured


def _loss(learner: Learner, x: Array, y: Array, parameters: Parameters) -> float:
    return float(learner.array_function("cross_entropy")(learner.feed_forward(x, parameters), y))


@cache
def _sample() -> Dataset:
    return load_dataset("sample")


def sample(count: int, seed: int) -> tuple[Array, Array, Array]:
    """Some images of the sample, their one-hot rows and labels."""
    dataset = _sample()
    chosen = np.random.default_rng(seed).permutation(len(dataset.train_labels))[:count]
    labels = dataset.train_labels[chosen]
    return dataset.train_images[chosen].reshape(count, -1) / 255, one_hot(labels, 10), labels


def check_first_loss(learner: Learner, seed: int) -> Finding:
    """With small weights all classes are equally probable: the loss is ln(10)."""
    x, y, _ = sample(100, seed)
    small = [(0.01 * weights, 0.01 * bias) for weights, bias in initialize((784, 128, 64, 10), seed + 695)]
    loss = _loss(learner, x, y, small)
    if not abs(loss - math.log(10)) < 0.01:
        return Finding(
            "first_loss", "wrong", sentence=f"With small weights the loss is {loss:.4f}, expected ln(10) = 2.3026."
        )
    return Finding("first_loss", "correct", sentence=f"{loss:.4f}, expected 2.3026.")


def check_by_heart(learner: Learner, seed: int) -> Finding:
    """A network that can't learn twenty images by heart learns nothing."""
    x, y, labels = sample(20, seed)
    parameters, right = initialize((784, 32, 10), seed + 695), initialize((784, 32, 10), seed + 695)
    for _ in range(BY_HEART):
        _, gradients = learner.back_propagate(x, y, parameters)
        parameters = learner.update(parameters, gradients, 1.0)
        right = update(right, back_propagate(x, y, right)[1], 1.0)
    known = int((feed_forward(x, parameters).argmax(axis=1) == labels).sum())
    reference = int((feed_forward(x, right).argmax(axis=1) == labels).sum())
    sentence = f"{known} of 20 images after {BY_HEART} updates; the reference knows {reference}."
    return Finding("by_heart", "correct" if known >= reference - 1 else "wrong", sentence=sentence)


def check_one_epoch(learner: Learner, seed: int) -> Finding:
    """Train an epoch on the sample beside the reference, batch by batch."""
    x, y, labels = sample(EPOCH_IMAGES, seed)
    start = initialize((784, 32, 10), seed + 695)
    parameters, right = start, start
    order = np.random.default_rng(seed + 695).permutation(len(x))
    for begin in range(0, len(x), EPOCH_BATCH):
        batch = order[begin : begin + EPOCH_BATCH]
        _, gradients = learner.back_propagate(x[batch], y[batch], parameters)
        parameters = learner.update(parameters, gradients, EPOCH_RATE)
        right = update(right, back_propagate(x[batch], y[batch], right)[1], EPOCH_RATE)
    tolerance = SINGLE_EPOCH_TOLERANCE if learner.convention.single else 1e-6
    scores = [
        (cross_entropy(p, y), float(np.mean(p.argmax(axis=1) == labels)))
        for p in (feed_forward(x, parameters), feed_forward(x, right))
    ]
    sentence = (
        f"Loss {scores[0][0]:.4f} and accuracy {scores[0][1]:.1%} after an epoch; "
        f"the reference has {scores[1][0]:.4f} and {scores[1][1]:.1%}."
    )
    return Finding("one_epoch", "correct" if same_layers(parameters, right, tolerance) else "wrong", sentence=sentence)


WHOLE_CHECKS = {
    "gradient": WholeCheck(("feed_forward", "cross_entropy", "back_propagate"), check_gradient),
    "first_loss": WholeCheck(("feed_forward", "cross_entropy"), check_first_loss),
    "by_heart": WholeCheck(("back_propagate", "update"), check_by_heart),
    "one_epoch": WholeCheck(("back_propagate", "update"), check_one_epoch),
}
"""The checks of :data:`mnist_core.assignment.contract.WHOLE`."""
