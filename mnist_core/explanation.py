"""Why a digit was classified as it was: what its pixels pulled towards, and which training digits lie nearest."""

from typing import NamedTuple

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network

CHUNK = 8192


def gradient_times_input(network: Network, image: np.ndarray) -> np.ndarray:
    """How much each pixel pulled towards each class: the slope of the class's logit at the pixel, times the pixel.

    With z the logits and x the pixels, ``x_i dz_k/dx_i``: to first order what the logit would lose without the pixel
    (A. Shrikumar et al., *Not Just a Black Box*, 2016). In a network of ReLU without biases they add up to the logit.

    Parameters
    ----------
    network : Network
    image : ndarray of uint8, shape (H, W)

    Returns
    -------
    ndarray of the network's dtype, shape (C, H, W)
    """
    x = flatten(normalize(image[np.newaxis]))
    weighted_inputs = network.forward_pass(x).weighted_inputs
    _, derivative = ACTIVATIONS[network.activation]
    slopes = np.eye(network.layer_sizes[-1], dtype=network.dtype)
    for layer in reversed(range(len(network.weights))):
        slopes = slopes @ network.weights[layer].T
        if layer:
            slopes *= derivative(weighted_inputs[layer - 1])
    return (slopes * x).reshape(-1, *image.shape)


class Neighbours(NamedTuple):
    """The nearest images, the nearest first, arrays of shape (K,)."""

    index: np.ndarray
    distance: np.ndarray
    """Euclidean, of pixels in [0, 1]."""


def nearest_neighbours(image: np.ndarray, images: np.ndarray, count: int) -> Neighbours:
    """Find the images nearest to one, exactly: ``|a - b|^2 = |a|^2 - 2 a.b + |b|^2``, all products a.b at once.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W)
    images : ndarray of uint8, shape (N, H, W)
    count : int
        K, at most N.
    """
    query = flatten(normalize(image[np.newaxis]))[0]
    squared = np.empty(len(images), np.float32)
    for start in range(0, len(images), CHUNK):
        rows = flatten(normalize(images[start : start + CHUNK]))
        squared[start : start + CHUNK] = np.einsum("ij,ij->i", rows, rows) - 2 * (rows @ query)
    squared += query @ query
    nearest = np.argpartition(squared, count - 1)[:count]
    nearest = nearest[np.argsort(squared[nearest], kind="stable")]
    return Neighbours(nearest, np.sqrt(np.maximum(squared[nearest], 0)))
