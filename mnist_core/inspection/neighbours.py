"""The training images nearest to an image, by distance."""

from typing import NamedTuple

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.inspection.attribution import CHUNK


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
