"""How much memory training needs, from its settings and the size of the data alone, and the limit of it."""

import math
from typing import TYPE_CHECKING, NamedTuple

from mnist_core.data.batches import validation_size
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError
from mnist_core.evaluation.predict import images_at_once
from mnist_core.nn.network import num_parameters
from mnist_core.nn.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from mnist_core.training.config import TrainingConfig

MAX_TRAINING_BYTES = 2_000_000_000
"""Largest memory of a training run, besides that of Python and its libraries, some 100 MB."""

FLOAT_BYTES = 4
LOADED_BYTES = 9
"""Of each pixel that the data loader gathers: its grey value, and twice a float."""

AUGMENTED_BYTES = 40
"""Of each pixel that is augmented meanwhile: where it comes from, and what lies around that place."""


TEST_SHARE = 6
"""The test set counts as a sixth of the training set, as in MNIST."""

ELASTIC_BYTES = 500
"""Of each pixel of one image: the smooth patterns that an elastic distortion is drawn from."""


class DataSize(NamedTuple):
    """The size of a data set."""

    images: int
    """In the training set."""
    pixels: int
    """Of one image."""
    classes: int

    @classmethod
    def of(cls, dataset: Dataset) -> "DataSize":
        """Measure a loaded data set."""
        return cls(len(dataset.train_labels), math.prod(dataset.image_shape), dataset.num_classes)


MNIST = DataSize(60_000, 28 * 28, 10)
"""What settings are checked for while their data is not known."""


def layer_sizes(config: "TrainingConfig", data: DataSize) -> tuple[int, ...]:
    """Units of each layer of the network that learns the data: pixels, hidden layers, classes."""
    return (data.pixels, *config.hidden_layers, data.classes)


def training_bytes(config: "TrainingConfig", data: DataSize = MNIST) -> dict[str, int]:
    """Estimate the memory that training needs at its peak, without allocating any.

    Parameters
    ----------
    config : TrainingConfig
    data : DataSize
        That of MNIST by default.

    Returns
    -------
    dict of str to int
        Bytes by what decides them: ``hidden_layers`` (the parameters, their gradient, the state of the optimizer, the
        best parameters, and the copies of all of them in checkpoint and model), ``batch_size`` (activations, their
        deltas, dropout masks, and the images that are gathered and augmented), and ``data`` (its images, their
        probabilities, and the patterns of elastic distortions).
    """
    sizes = layer_sizes(config, data)
    kept = len(OPTIMIZERS[config.optimizer].state_names) + bool(config.patience)  # optimizer state, best parameters
    copied = 1 + kept  # in a checkpoint; the last one is kept until the next one is made, or a model with wide random
    vectors = 3 + kept + copied + max(copied, 3)  # numbers; the other three: parameters, gradient, scratch
    batch = min(config.batch_size, data.images)
    rows = batch + data.images % batch  # the last mini-batch has arrays of its own
    arrays = 3 if config.dropout else 2
    gathered = min(4 * batch, data.images) * data.pixels
    held_out = validation_size(data.images, config.validation_fraction)
    evaluated = max(held_out, data.images // TEST_SHARE)
    forward = min(images_at_once(sizes), evaluated) * sum(sizes)  # weighted inputs and activations
    return {
        "hidden_layers": FLOAT_BYTES * vectors * num_parameters(sizes),
        "batch_size": FLOAT_BYTES * rows * (arrays * sum(config.hidden_layers) + data.classes)
        + gathered * (LOADED_BYTES + AUGMENTED_BYTES * bool(config.augmentation)),
        "data": (data.images + data.images // TEST_SHARE + held_out) * data.pixels
        + data.pixels * ELASTIC_BYTES * bool(config.elastic)
        + FLOAT_BYTES * (2 * forward + 4 * evaluated * data.classes),
    }


def check_memory(config: "TrainingConfig", data: DataSize = MNIST) -> None:
    """Refuse settings whose training needs more than :data:`MAX_TRAINING_BYTES`.

    Raises
    ------
    ConfigError
        Says how much they need, and which setting to reduce.
    """
    parts = training_bytes(config, data)
    total = sum(parts.values())
    if total <= MAX_TRAINING_BYTES:
        return
    sizes = layer_sizes(config, data)
    largest = max(parts, key=parts.__getitem__)
    hidden = "-".join(map(str, config.hidden_layers))
    advice = {
        "hidden_layers": f"reduce hidden_layers ({hidden})" if hidden else "use smaller images",
        "batch_size": f"reduce batch_size ({config.batch_size:,})"
        + (" or switch augmentation off" if config.augmentation else ""),
        "data": "use fewer or smaller images",
    }[largest]
    needed = f"{total / 1e9:,.1f}"
    if float(needed.replace(",", "")) * 1e9 <= MAX_TRAINING_BYTES:
        needed = f"{math.ceil(total / 1e7) / 100:.2f}"
    raise ConfigError(
        f"Training {'-'.join(map(str, sizes))} ({num_parameters(sizes):,} parameters) on {data.images:,} images needs "
        f"about {needed} GB of memory, more than the {MAX_TRAINING_BYTES / 1e9:g} GB allowed: {advice}."
    )
