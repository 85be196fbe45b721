"""Signals and gradients on their way through the layers: what makes deep sigmoid networks hard to train."""

import math
from typing import NamedTuple

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network

PROBED = 128
"""Number of images, the first of the training set, that the statistics are computed on."""

SATURATED = 0.05
"""Fraction of the largest slope of the activation below which a unit counts as saturated on an image."""


class LayerStatistics(NamedTuple):
    """A row of ``layers.csv``; ``layer`` counts from 1, the last one is the output.

    ``gradient_rms`` and ``weight_rms`` are root mean squares over the layer's weights. ``activation_mean`` and
    ``activation_std`` are computed over its units and the probed images, and so is ``saturated``: the fraction of
    hidden activations whose slope is below 5 % of the largest one, so that hardly any gradient passes. ``dead`` is the
    fraction of hidden units whose slope is 0 on every probed image: in ReLU, those that are 0 on all of them. Both are
    NaN for the output; ``dead`` is NaN in runs of older versions.
    """

    epoch: int
    layer: int
    weight_rms: float
    gradient_rms: float
    activation_mean: float
    activation_std: float
    saturated: float
    dead: float = math.nan


COLUMNS = (*LayerStatistics._fields[:-2], "flat", "dead")
"""Columns of ``layers.csv``: the file keeps the former name of ``saturated``, so that old runs stay readable."""


class Measure(NamedTuple):
    """A column of :class:`LayerStatistics` in words for people."""

    name: str
    label: str
    explanation: str
    logarithmic: bool = False


MEASURES = (
    Measure(
        "gradient_rms",
        "gradient (root mean square)",
        "Size of the gradient in each layer. If the first layers are orders of magnitude below the last, the gradients "
        "vanish on the way back: compare six sigmoid layers with six ReLU layers and He initialization.",
        logarithmic=True,
    ),
    Measure(
        "activation_std",
        "activation (standard deviation)",
        "How much the activations of each layer vary across images and units. Near 0, the layer passes on no signal.",
    ),
    Measure(
        "saturated",
        "fraction of activations saturated",
        "Fraction of the activations, over units and images, whose slope is below 5 % of the largest one, so that "
        "hardly any gradient passes. A ReLU unit is 0 on about half of the images, which is how it works.",
    ),
    Measure(
        "dead",
        "fraction of units dead",
        f"Fraction of the units that pass no gradient for any of the {PROBED} images measured: in ReLU, those that are "
        "0 on all of them. Such a unit does not learn, unless the layers before it change.",
    ),
)
"""What is worth a chart."""


def layer_statistics(network: Network, dataset: Dataset, epoch: int) -> list[LayerStatistics]:
    """Compute the statistics of each layer in a forward and a backward pass without dropout and augmentation."""
    x = flatten(normalize(dataset.train_images[:PROBED]))
    y = one_hot(dataset.train_labels[:PROBED], network.layer_sizes[-1])  # it may know more classes than the data has
    forward = network.forward_pass(x)
    _, gradients = network.back_propagate(x, y, forward)
    rows = []
    for number, (z, a) in enumerate(zip(forward.weighted_inputs, forward.activations[1:], strict=True)):
        hidden = number < len(gradients) - 1
        saturated, dead = _without_slope(z, network.activation) if hidden else (math.nan, math.nan)
        sizes = _rms(network.weights[number]), _rms(gradients[number][0])
        spread = float(a.mean(dtype=np.float64)), float(a.std(dtype=np.float64))
        rows.append(LayerStatistics(epoch, number + 1, *sizes, *spread, saturated, dead))
    return rows


def _without_slope(z: np.ndarray, activation: str) -> tuple[float, float]:
    """Fraction of the activations of a layer that are saturated, and of its units that are dead."""
    slope = np.abs(ACTIVATIONS[activation].derivative(z))
    saturated = slope < SATURATED * ACTIVATIONS[activation].largest_slope
    return float(saturated.mean()), float((slope == 0).all(axis=0).mean())


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
