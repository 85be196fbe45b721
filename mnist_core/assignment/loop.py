"""Check the loop of training, whose result depends on how it shuffles: by what must be true of every one."""

from collections.abc import Callable

import numpy as np

from mnist_core.assignment.behaviour import finding_of
from mnist_core.assignment.cases import parameters_for
from mnist_core.assignment.compare import SINGLE_TOLERANCE, same_layers
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.learner import Learner
from mnist_core.assignment.reference import (
    Array,
    Parameters,
    back_propagate,
    feed_forward,
    one_hot,
    train,
    update,
)

SECONDS = 10.0
SIZES = (8, 6, 4)
COUNT, BATCH = 24, 5
WELL = 0.9


def patterns(count: int = COUNT) -> tuple[Array, Array]:
    """Images that are easy to tell apart: two bright pixels for each class, and a little noise."""
    random = np.random.default_rng(5)
    labels = np.arange(count) % SIZES[-1]
    x = random.random((count, SIZES[0])) * 0.2
    x[np.arange(count), 2 * labels] += 0.8
    x[np.arange(count), 2 * labels + 1] += 0.8
    return x, one_hot(labels, SIZES[-1])


def score(x: Array, y: Array, parameters: Parameters) -> float:
    """Accuracy by the reference."""
    return float(np.mean(feed_forward(x, parameters).argmax(axis=1) == y.argmax(axis=1)))


def whole_step_is_right(run: Callable[..., Parameters], x: Array, y: Array, start: Parameters) -> bool:
    """Whether one step with all images is that of the reference, whatever their order.

    If it is with equal labels, but not with the real ones, the labels have another order than their images.
    """
    return same_layers(run(COUNT, 1, COUNT, targets=y), train(x, y, start, 1, COUNT, 0.5, 1), SINGLE_TOLERANCE)


def divided_by_full_size(x: Array, y: Array, parameters: Parameters) -> Parameters:
    """An epoch in order, whose last, smaller batch is divided by the size of the others."""
    for begin in range(0, len(x), BATCH):
        batch = slice(begin, begin + BATCH)
        _, gradients = back_propagate(x[batch], y[batch], parameters)
        parameters = update(parameters, gradients, 0.5 * len(x[batch]) / BATCH)
    return parameters


def check_train(learner: Learner) -> Finding:
    """Train on a few easy images, and see whether they are learned."""
    x, y = patterns()
    start = parameters_for(SIZES, 2, 0.3)

    def run(count: int, epochs: int, batch: int, seed: int = 1, targets: Array = y) -> Parameters:
        return learner.train(x[:count], targets[:count], start, epochs, batch, 0.5, seed, seconds=SECONDS)

    short = run(COUNT, 1, BATCH)
    if same_layers(short, start):
        return finding_of("train", "train-no-learning")
    if same_layers(run(COUNT, 3, BATCH), short):
        return finding_of("train", "train-epochs-ignored")
    if learner.takes_train_seed and not same_layers(run(COUNT, 1, BATCH), short):
        return finding_of("train", "train-seed-ignored")
    if same_layers(run(4, 1, 8), start):
        return finding_of("train", "train-partial-batch-dropped")
    alike = np.tile(x[:1], (BATCH + 2, 1)), np.tile(y[:1], (BATCH + 2, 1))  # in any order the same
    if same_layers(
        learner.train(*alike, start, 1, BATCH, 0.5, 1, seconds=SECONDS),
        divided_by_full_size(*alike, start), SINGLE_TOLERANCE,
    ):  # fmt: skip
        return finding_of("train", "train-partial-batch-divided")
    others = np.roll(y, 1, axis=1)
    if same_layers(run(COUNT, 1, BATCH, targets=np.concatenate([y[:BATCH], others[BATCH:]])), short):
        return finding_of("train", "train-one-batch")
    learned, right = score(x, y, run(COUNT, 100, BATCH)), score(x, y, train(x, y, start, 100, BATCH, 0.5, 1))
    if right >= WELL > learned:
        if not whole_step_is_right(run, x, y, start) and whole_step_is_right(run, x, np.tile(y[0], (COUNT, 1)), start):
            return finding_of("train", "train-labels-not-shuffled")
        return Finding(
            "train", "wrong",
            sentence=f"After 100 epochs it knows {learned:.0%} of {COUNT} easy images, the reference {right:.0%}.",
        )  # fmt: skip
    return Finding("train", "correct")
