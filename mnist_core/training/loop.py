"""Mini-batch gradient descent: a generator that trains one epoch per step.

>>> config = TrainingConfig(epochs=5)
>>> network = build_network(config, dataset)
>>> for epoch in train(config, dataset, network):
...     print(epoch.epoch, epoch.train_loss, epoch.train_accuracy)
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from mnist_core.data.batches import DataLoader, split_validation
from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.errors import EvaluationError
from mnist_core.evaluation.predict import evaluate
from mnist_core.nn.inplace import InplaceGradient
from mnist_core.nn.network import Network
from mnist_core.nn.schedules import learning_rate_factor
from mnist_core.training.config import TrainingConfig
from mnist_core.training.divergence import divergence
from mnist_core.training.memory import DataSize, check_memory, layer_sizes
from mnist_core.training.state import Best, TrainingState

DIVERGED_NATS = 100.0
"""Mean loss of an epoch above which training has diverged: the probability of the labels is e^-100 on average."""


CHECKED = 16
"""Images that show after each epoch whether the output of the network is still a number."""


class EpochMetrics(NamedTuple):
    """One row of ``metrics.csv``.

    ``train_loss`` and ``train_accuracy`` are means over the mini-batches of the epoch, each measured before its
    update. ``val_loss`` and ``val_accuracy`` are measured on the validation images after the epoch; NaN without any.
    Losses are cross-entropies in nats, without penalties and smoothing; accuracies are in [0, 1]. ``learning_rate`` is
    that of the last mini-batch; ``seconds`` is the time of this epoch, validation included.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


class Gradient(Protocol):
    """What computes the gradient of a mini-batch: :class:`InplaceGradient`, or code of a learner."""

    network: Network
    vector: np.ndarray

    def compute(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[float, int]:
        """Fill ``vector``; return the mean loss, and the number of images that are classified correctly."""


class BatchProgress(NamedTuple):
    """Progress within an epoch, reported after every mini-batch."""

    epoch: int
    images_done: int
    images_total: int
    loss: float


def build_network(config: TrainingConfig, dataset: Dataset) -> Network:
    """Make the untrained network of ``config``, with as many inputs as pixels and as many outputs as classes.

    Raises
    ------
    ConfigError
        If training it on these data would need too much memory.
    """
    data = DataSize.of(dataset)
    check_memory(config, data)
    return Network(layer_sizes(config, data), config.activation, config.seed, initialization=config.initialization)


def train(
    config: TrainingConfig,
    dataset: Dataset,
    network: Network | None = None,
    on_batch: Callable[[BatchProgress], None] | None = None,
    state: TrainingState | None = None,
    more_epochs: int = 0,
    gradient: Gradient | None = None,
) -> Iterator[EpochMetrics]:
    """Train by mini-batch gradient descent; a generator that yields after each epoch.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset
        Only its training set is used.
    network : Network, optional
        Trained in place; by default, :func:`build_network` makes one. With early stopping, it is the best model once
        the generator is exhausted.
    on_batch : callable, optional
        Called with a :class:`BatchProgress` after each mini-batch. If it raises an exception, training ends.
    state : TrainingState, optional
        Where training stands, kept up to date. Training that continues from it gives the same bits as training that
        was never interrupted.
    more_epochs : int, optional
        Epochs to train beyond ``config.epochs``, at the last learning rate of the schedule.
    gradient : Gradient, optional
        Of the same network; by default, :class:`InplaceGradient`, which is the only one that knows dropout and label
        smoothing.

    Yields
    ------
    EpochMetrics

    Raises
    ------
    ConfigError
        If it would need too much memory.
    TrainingError
        If the loss or the output is no longer a finite number, or the mean loss of an epoch is above
        :data:`DIVERGED_NATS`. Says which setting to change.
    """
    check_memory(config, DataSize.of(dataset))
    network = network or build_network(config, dataset)
    state = state or TrainingState.start(config, network)
    training, validation = split_validation(len(dataset.train_labels), config.validation_fraction, config.seed)
    loader = DataLoader(
        dataset.train_images, dataset.train_labels, config.batch_size, config.augmentation, config.seed,
        network.dtype, ahead=has_spare_core(),
    )  # fmt: skip
    gradient = gradient or InplaceGradient(network, config.dropout, config.label_smoothing)
    while state.epoch < config.epochs + more_epochs and not state.stops_early(config.patience):
        started = time.perf_counter()
        epoch = state.epoch + 1
        loss, accuracy, rate = _train_epoch(config, state, gradient, loader, training, on_batch)
        try:
            val_loss, val_accuracy = _validate(network, dataset, validation)
        except EvaluationError as error:
            raise divergence(config, state, "is no longer a number after the last update") from error
        state.epoch = epoch
        if config.patience and (state.best is None or val_loss < state.best.val_loss):
            state.best = Best(epoch, val_loss, network.parameters.copy())
        yield EpochMetrics(epoch, loss, accuracy, val_loss, val_accuracy, rate, time.perf_counter() - started)
    if state.best:
        network.parameters[:] = state.best.parameters


@np.errstate(over="ignore", invalid="ignore")  # a loss that is not finite ends training
def _train_epoch(
    config: TrainingConfig,
    state: TrainingState,
    gradient: Gradient,
    loader: DataLoader,
    training: np.ndarray,
    on_batch: Callable[[BatchProgress], None] | None,
) -> tuple[float, float, float]:
    """Train an epoch; return its mean loss and accuracy, and its last learning rate."""
    epoch, updates = state.epoch + 1, -(-len(training) // config.batch_size)
    rng = np.random.default_rng([config.seed, epoch, 2])
    loss_sum, correct, done = 0.0, 0, 0
    for number, (x, labels) in enumerate(loader.epoch(training, epoch)):
        loss, batch_correct = gradient.compute(x, labels, rng)
        if not math.isfinite(loss):
            raise divergence(config, state, f"became {loss}")
        progress = (epoch - 1 + number / updates) / config.epochs
        rate = config.learning_rate * learning_rate_factor(config.schedule, config.warmup, progress)
        state.optimizer.step(gradient.network.parameters, gradient.vector, rate)
        loss_sum += loss * len(labels)
        correct += batch_correct
        done += len(labels)
        if on_batch:
            on_batch(BatchProgress(epoch, done, len(training), loss))
    if loss_sum / done > DIVERGED_NATS:
        guessing = math.log(gradient.network.layer_sizes[-1])
        raise divergence(config, state, f"grew to {loss_sum / done:,.0f} nats (guessing gives {guessing:.1f})")
    return loss_sum / done, correct / done, rate


def has_spare_core() -> bool:
    """Whether the linear algebra library leaves a core for the thread that prepares the next mini-batches."""
    cores = os.cpu_count() or 1
    return cores > int(os.environ.get("OPENBLAS_NUM_THREADS") or cores)


def _validate(network: Network, dataset: Dataset, validation: np.ndarray) -> tuple[float, float]:
    """Mean loss and accuracy on the validation images, NaN if there are none.

    In any case, an output that is not a number ends training: without validation images, it is looked for on some of
    the training images.
    """
    if not len(validation):
        network.feed_forward(flatten(normalize(dataset.train_images[:CHECKED])))
        return math.nan, math.nan
    result = evaluate(network, dataset.train_images[validation], dataset.train_labels[validation])
    return result.loss, result.accuracy
