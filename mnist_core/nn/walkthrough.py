"""One mini-batch on its way through the recipe, with every intermediate result kept."""

from dataclasses import dataclass

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.nn.losses import cross_entropy
from mnist_core.nn.network import ForwardPass, Network
from mnist_core.nn.optimizers import SGD


@dataclass(frozen=True, eq=False)
class Walkthrough:
    """The result of :func:`walk_through`: every intermediate result of one update of a network."""

    network: Network
    """Before the update."""
    x: np.ndarray
    """Normalized, flattened images, shape (N, pixels)."""
    y: np.ndarray
    """One-hot rows, shape (N, classes)."""
    forward: ForwardPass
    deltas: list[np.ndarray]
    """``dC/dz`` of each layer."""
    loss: float
    gradients: list[tuple[np.ndarray, np.ndarray]]
    updated: Network
    """After the update."""
    loss_after: float
    """Loss of the same mini-batch with the updated network."""

    @property
    def gradient(self) -> np.ndarray:
        """All gradients as one vector in the order of ``Network.parameters``: weights, then biases."""
        return as_vector(self.gradients)


def as_vector(gradients: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Concatenate pairs of dC/dW and dC/db in the order of ``Network.parameters``."""
    weights, biases = zip(*gradients, strict=True)
    return np.concatenate([part.ravel() for part in (*weights, *biases)])


def walk_through(network: Network, images: np.ndarray, labels: np.ndarray, learning_rate: float) -> Walkthrough:
    """Feed a mini-batch forward, propagate the error back, and take one step of gradient descent.

    Parameters
    ----------
    network : Network
        Not changed.
    images : ndarray of uint8, shape (N, H, W)
    labels : ndarray of int, shape (N,)
    learning_rate : float

    Raises
    ------
    DatasetError
        If the images or labels do not fit the network.
    """
    x, y = flatten(normalize(images)), one_hot(labels, network.layer_sizes[-1])
    forward = network.forward_pass(x)
    loss, gradients = network.back_propagate(x, y, forward)
    updated = Network.from_arrays(network.to_arrays())
    SGD(network.num_parameters, dtype=network.dtype).step(updated.parameters, as_vector(gradients), learning_rate)
    loss_after = cross_entropy(updated.feed_forward(x), y)
    return Walkthrough(network, x, y, forward, network.deltas(forward, y), loss, gradients, updated, loss_after)


def checked_positions(walk: Walkthrough) -> np.ndarray:
    """Positions of the parameters to check: the two weights and the bias of each layer with the steepest slopes."""
    places_by_kind = walk.network.unpack(np.arange(walk.network.num_parameters))
    positions = []
    for kind in (0, 1):
        for places, gradient in zip(places_by_kind[kind], (pair[kind] for pair in walk.gradients), strict=True):
            steepest = np.argsort(-np.abs(gradient), axis=None, kind="stable")[: 2 - kind]
            positions += places.ravel()[steepest].tolist()
    return np.array(positions)


def parameter_name(network: Network, position: int) -> str:
    """Name of the parameter at a position of ``Network.parameters``, such as ``W1[405, 17]`` or ``b2[3]``."""
    for kind, views in zip("Wb", network.unpack(np.arange(network.num_parameters)), strict=True):
        for layer, places in enumerate(views, start=1):
            if places.flat[0] <= position <= places.flat[-1]:
                index = np.unravel_index(position - places.flat[0], places.shape)
                return f"{kind}{layer}[{', '.join(map(str, index))}]"
    raise IndexError(f"position is {position}, expected 0 to {network.num_parameters - 1}")
