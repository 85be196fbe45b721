"""How the weights and activations of each layer are distributed, and how that changes while a network learns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.nn.network import Network
from mnist_core.training.layer_statistics import PROBED

BINS = 32

COLUMNS = ("epoch", "layer", "kind", "low", "high", *(f"count_{number}" for number in range(1, BINS + 1)))
"""Columns of ``histograms.csv``."""

WEIGHT, ACTIVATION = "weight", "activation"

COUNTED = 200_000
"""Largest number of values counted per layer, evenly spread, so that a very large layer does not slow training down."""

EPOCHS_APART = 40
"""The gap between recorded epochs is at most a 40th of the epoch, so 10,000 epochs give 260 of them."""


class Histogram(NamedTuple):
    """A row of ``histograms.csv``: how many values lie in each of 32 equal intervals of [low, high].

    ``layer`` counts from 1, the last one is the output. ``kind`` is weight, or activation on the probed images.
    """

    epoch: int
    layer: int
    kind: str
    low: float
    high: float
    counts: tuple[int, ...]

    def to_row(self) -> str:
        """As a line of the table."""
        counts = ",".join(map(str, self.counts))
        return f"{self.epoch},{self.layer},{self.kind},{self.low:.9g},{self.high:.9g},{counts}"


def layer_histograms(network: Network, dataset: Dataset, epoch: int) -> list[Histogram]:
    """Count the weights of each layer, and its activations on the images of the layer statistics."""
    x = flatten(normalize(dataset.train_images[:PROBED]))
    activations = network.forward_pass(x).activations[1:]
    rows = []
    for layer, (weight, activation) in enumerate(zip(network.weights, activations, strict=True), start=1):
        rows.append(_histogram(epoch, layer, WEIGHT, weight))
        rows.append(_histogram(epoch, layer, ACTIVATION, activation))
    return rows


def _histogram(epoch: int, layer: int, kind: str, values: np.ndarray) -> Histogram:
    values = values.ravel()[:: -(-values.size // COUNTED)].astype(np.float64)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    size = max(abs(low), abs(high))
    if high - low < max(1e-12, 1e-8 * size):  # all values are equal, also as they are written
        margin = max(0.5, 1e-3 * size)
        low, high = low - margin, high + margin
    counts, _ = np.histogram(values, BINS, (low, high))
    return Histogram(epoch, layer, kind, float(low), float(high), tuple(counts.tolist()))


def is_due(epoch: int, last: int | None, apart: int = EPOCHS_APART) -> bool:
    """Whether ``epoch`` is far enough after the ``last`` recorded one: the gaps grow, to one ``apart``-th of it."""
    return last is None or epoch - last >= max(1, last / apart)


def on_common_bins(histograms: Sequence[Histogram], bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Fraction of the values of each histogram in ``bins`` equal intervals that are common to all of them.

    Within each of its own intervals, the values of a histogram count as evenly spread.

    Parameters
    ----------
    histograms : sequence of E Histogram, E of at least 1

    Returns
    -------
    edges : ndarray, shape (bins + 1,)
    fractions : ndarray, shape (E, bins)
        Each row sums to 1, or to 0 if a histogram has no values.
    """
    edges = np.linspace(min(row.low for row in histograms), max(row.high for row in histograms), bins + 1)
    fractions = np.empty((len(histograms), bins))
    for number, row in enumerate(histograms):
        own = np.linspace(row.low, row.high, len(row.counts) + 1)
        below = np.concatenate([[0], np.cumsum(row.counts)]) / max(sum(row.counts), 1)
        fractions[number] = np.diff(np.interp(edges, own, below))
    return edges, fractions
