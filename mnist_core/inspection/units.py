"""Hidden units: their activations, and the connections that contribute most to them."""

from typing import NamedTuple

import numpy as np

from mnist_core.evaluation.predict import forward_in_chunks
from mnist_core.nn.network import Network


def hidden_activations(network: Network, images: np.ndarray) -> list[np.ndarray]:
    """Compute the activations of each hidden layer.

    Parameters
    ----------
    network : Network
    images : ndarray of uint8, shape (N, H, W)

    Returns
    -------
    list of ndarray of the network's dtype, shapes (N, units)
    """
    hidden = [np.empty((len(images), units), network.dtype) for units in network.layer_sizes[1:-1]]
    for chunk, activations in forward_in_chunks(network, images):
        for layer, activation in zip(hidden, activations[1:-1], strict=True):
            layer[chunk] = activation
    return hidden


def strongest(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the ``count`` largest values, largest first, ties in their order; all indices if there are fewer."""
    return np.argsort(-values, kind="stable")[:count]


def mean_by_class(values: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Average one value per image, shape (N,), over each class, shape (C,); NaN for a class without images."""
    counts = np.bincount(labels, minlength=num_classes)
    sums = np.bincount(labels, values, minlength=num_classes)
    return np.divide(sums, counts, out=np.full(num_classes, np.nan), where=counts > 0)


class Connection(NamedTuple):
    """How much a unit contributes to the weighted input of a unit in the next layer."""

    source: int
    target: int
    contribution: float


def strongest_connections(
    activation: np.ndarray, weight: np.ndarray, sources: np.ndarray, targets: np.ndarray, count: int
) -> list[Connection]:
    """Find the contributions ``a_i w_ij`` of largest magnitude among some units of two adjacent layers.

    Parameters
    ----------
    activation : ndarray, shape (fan_in,)
        Activations of the lower layer for one image.
    weight : ndarray, shape (fan_in, fan_out)
    sources, targets : ndarray of int
        Units to consider in the lower and in the upper layer.
    count : int
        Number of connections to return.

    Returns
    -------
    list of Connection, largest magnitude first
    """
    contributions = activation[sources, np.newaxis] * weight[np.ix_(sources, targets)]
    rows, columns = np.unravel_index(strongest(np.abs(contributions).ravel(), count), contributions.shape)
    return [
        Connection(int(sources[row]), int(targets[column]), float(contributions[row, column]))
        for row, column in zip(rows, columns, strict=True)
    ]
