"""Signals and gradients on their way through the layers: what makes deep sigmoid networks hard to train."""

from typing import NamedTuple

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network

PROBED = 128
"""Number of images, the first of the training set, that the statistics are computed on."""

SATURATED = 0.05
"""Fraction of the largest slope of the activation below which a unit counts as saturated."""


class LayerStatistics(NamedTuple):
    """A row of ``layers.csv``; ``layer`` counts from 1, the last one is the output.

    ``gradient_rms`` and ``weight_rms`` are root mean squares over the layer's weights. ``activation_mean`` and
    ``activation_std`` are computed over its units and the probed images, and so is ``saturated``: the fraction of
    hidden activations whose slope is below 5 % of the largest one, so that hardly any gradient passes; NaN for the
    output.
    """

    epoch: int
    layer: int
    weight_rms: float
    gradient_rms: float
    activation_mean: float
    activation_std: float
    saturated: float


COLUMNS = (*LayerStatistics._fields[:-1], "flat")
"""Columns of ``layers.csv``: the file keeps the former name of ``saturated``, so that old runs stay readable."""


def layer_statistics(network: Network, dataset: Dataset, epoch: int) -> list[LayerStatistics]:
    """Compute the statistics of each layer in a forward and a backward pass without dropout and augmentation."""
    x = flatten(normalize(dataset.train_images[:PROBED]))
    y = one_hot(dataset.train_labels[:PROBED], dataset.num_classes)
    forward = network.forward_pass(x)
    _, gradients = network.back_propagate(x, y, forward)
    activation = ACTIVATIONS[network.activation]
    rows = []
    for number, (z, a) in enumerate(zip(forward.weighted_inputs, forward.activations[1:], strict=True)):
        hidden = number < len(gradients) - 1
        saturated = (
            np.mean(np.abs(activation.derivative(z)) < SATURATED * activation.largest_slope) if hidden else np.nan
        )
        weight, gradient = network.weights[number], gradients[number][0]
        rows.append(LayerStatistics(epoch, number + 1, _rms(weight), _rms(gradient), a.mean(), a.std(), saturated))
    return rows


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(array**2)))
