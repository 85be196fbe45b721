"""Mini-batch gradient descent: a validated configuration and a generator that trains one epoch a step.

>>> config = TrainingConfig(epochs=5)
>>> network = build_network(config, dataset)
>>> for epoch in train(config, dataset, network):
...     print(epoch.epoch, epoch.train_loss, epoch.train_accuracy)
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from mnist_core.dataset import Dataset
from mnist_core.engine import Engine
from mnist_core.errors import ConfigError, TrainingError
from mnist_core.evaluation import evaluate
from mnist_core.network import ACTIVATIONS, Network
from mnist_core.preprocessing import flatten, normalize

RANGES = {
    "epochs": (1, 10_000),
    "batch_size": (1, 100_000),
    "learning_rate": (1e-8, 1e6),
    "seed": (0, 2**32 - 1),
    "hidden_layers": (1, 10_000),
    "validation_fraction": (0.0, 0.9),
}
"""Smallest and largest allowed value of each numeric field of :class:`TrainingConfig`."""

MAX_HIDDEN_LAYERS = 10


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides how a network is trained; the defaults are the reference recipe.

    Parameters
    ----------
    epochs : int
        Passes over the training set.
    batch_size : int
        Images in a mini-batch; the last one of an epoch may be shorter.
    learning_rate : float
        Length of a step along the negative gradient.
    seed : int
        Seed of the initial parameters, the shuffling and the validation split.
    hidden_layers : sequence of int
        Units of each hidden layer; empty for none.
    activation : str
        Activation of the hidden layers.
    validation_fraction : float
        Share of the training set that is kept out of training, to measure on.

    Raises
    ------
    ConfigError
        Names the field, the value found and the range expected.
    """

    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 0.5
    seed: int = 695
    hidden_layers: tuple[int, ...] = (128, 64)
    activation: str = "sigmoid"
    validation_fraction: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "seed"):
            _check_number(name, getattr(self, name), Integral)
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("learning_rate", "validation_fraction"):
            _check_number(name, getattr(self, name), Real)
            object.__setattr__(self, name, float(getattr(self, name)))
        if not isinstance(self.hidden_layers, list | tuple) or len(self.hidden_layers) > MAX_HIDDEN_LAYERS:
            raise ConfigError(
                f"hidden_layers is {self.hidden_layers!r}, expected a list of at most {MAX_HIDDEN_LAYERS} layer sizes."
            )
        for units in self.hidden_layers:
            _check_number("hidden_layers", units, Integral)
        object.__setattr__(self, "hidden_layers", tuple(int(units) for units in self.hidden_layers))
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            raise ConfigError(f"activation is {self.activation!r}, expected one of {', '.join(ACTIVATIONS)}.")

    def to_dict(self) -> dict:
        """Plain types, as they are written to ``config.json``."""
        return {**asdict(self), "hidden_layers": list(self.hidden_layers)}

    @classmethod
    def from_dict(cls, values: dict) -> "TrainingConfig":
        """Invert :meth:`to_dict`; an unknown field is a :class:`ConfigError`."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(
                f"Unknown field {unknown[0]!r}: this version knows {', '.join(f.name for f in fields(cls))}."
            )
        return cls(**values)


def _check_number(name: str, value: object, kind: type) -> None:
    low, high = RANGES[name]
    expected = f"{'a whole number' if kind is Integral else 'a number'} from {low:,} to {high:,}"
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ConfigError(f"{name} is {value!r}, expected {expected}.")
    if not low <= value <= high:  # false for NaN, too
        raise ConfigError(f"{name} is {value:,}, expected {expected}.")


class EpochMetrics(NamedTuple):
    """One row of ``metrics.csv``.

    ``train_loss`` and ``train_accuracy`` are means over the mini-batches of the epoch, each measured before its
    update. ``val_loss`` and ``val_accuracy`` are measured on the validation share after the epoch, and NaN without one.
    Losses are in nats, accuracies in [0, 1]; ``seconds`` is the time of this epoch, validation included.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


class BatchProgress(NamedTuple):
    """Where training stands within an epoch, told after every mini-batch."""

    epoch: int
    images_done: int
    images_total: int
    loss: float


def build_network(config: TrainingConfig, dataset: Dataset) -> Network:
    """Make the untrained network of ``config``, with as many inputs as pixels and as many outputs as classes."""
    pixels = math.prod(dataset.image_shape)
    return Network((pixels, *config.hidden_layers, dataset.num_classes), config.activation, config.seed)


def validation_size(count: int, fraction: float) -> int:
    """Images out of ``count`` that are kept for validation: any share above 0 keeps at least one."""
    return max(1, round(count * fraction)) if fraction > 0 else 0


def split_validation(count: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide ``range(count)`` at random into training and validation positions.

    Parameters
    ----------
    count : int
        Size of the training set.
    fraction : float
        Share of it for validation; any share above 0 keeps at least one image.
    seed : int

    Returns
    -------
    training, validation : ndarray of int64
        Each in ascending order, together all of ``range(count)``.

    Raises
    ------
    ConfigError
        If nothing would be left to train on.
    """
    held_out = validation_size(count, fraction)
    if held_out >= count:
        raise ConfigError(
            f"validation_fraction is {fraction}, which leaves none of the {count:,} training images: lower it."
        )
    order = np.random.default_rng([seed, 0]).permutation(count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def epoch_batches(indices: np.ndarray, batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Shuffle the training positions and cut them into mini-batches, the last one as short as it comes.

    The order depends on ``seed`` and ``epoch`` alone, so training that goes on at epoch k sees the same batches as
    training that never paused.
    """
    order = np.random.default_rng([seed, epoch]).permutation(indices)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def gradient_descent_step(network: Network, gradients: list, learning_rate: float) -> None:
    """Move every parameter down its gradient, in place: ``w <- w - learning_rate * dC/dw``.

    The gradients are used up: they hold the steps afterwards.
    """
    rate = network.dtype.type(learning_rate)
    for weight, bias, (weight_gradient, bias_gradient) in zip(network.weights, network.biases, gradients, strict=True):
        weight_gradient *= rate
        weight -= weight_gradient
        bias_gradient *= rate
        bias -= bias_gradient


def train(
    config: TrainingConfig,
    dataset: Dataset,
    network: Network | None = None,
    on_batch: Callable[[BatchProgress], None] | None = None,
    epochs_done: int = 0,
) -> Iterator[EpochMetrics]:
    """Train by mini-batch gradient descent; a generator that yields after each epoch.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset
        Only its training set is touched.
    network : Network, optional
        Trained in place; made by :func:`build_network` where none is given.
    on_batch : callable, optional
        Called with a :class:`BatchProgress` after each mini-batch. An exception that it raises ends the training.
    epochs_done : int, optional
        Epochs that ``network`` was trained before. What follows is, bit for bit, what would have followed then.

    Yields
    ------
    EpochMetrics

    Raises
    ------
    TrainingError
        If the loss is no longer a finite number.
    """
    network = network or build_network(config, dataset)
    training, validation = split_validation(len(dataset.train_labels), config.validation_fraction, config.seed)
    x = flatten(normalize(dataset.train_images)).astype(network.dtype, copy=False)
    labels = dataset.train_labels
    engine = Engine(network)
    for epoch in range(epochs_done + 1, config.epochs + 1):
        started = time.perf_counter()
        loss_sum, correct, done = 0.0, 0, 0
        for batch in epoch_batches(training, config.batch_size, config.seed, epoch):
            loss, batch_correct = engine.back_propagate(x, labels, batch)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"The loss became {loss} in epoch {epoch}: the steps are too long. Lower the learning rate "
                    f"(it is {config.learning_rate:g}) and start again."
                )
            gradient_descent_step(network, engine.gradients, config.learning_rate)
            loss_sum += loss * len(batch)
            correct += batch_correct
            done += len(batch)
            if on_batch:
                on_batch(BatchProgress(epoch, done, len(training), loss))
        val_loss, val_accuracy = _validate(network, dataset, validation)
        yield EpochMetrics(
            epoch,
            loss_sum / done,
            correct / done,
            val_loss,
            val_accuracy,
            config.learning_rate,
            time.perf_counter() - started,
        )


def _validate(network: Network, dataset: Dataset, validation: np.ndarray) -> tuple[float, float]:
    if not len(validation):
        return math.nan, math.nan
    result = evaluate(network, dataset.train_images[validation], dataset.train_labels[validation])
    return result.loss, result.accuracy
