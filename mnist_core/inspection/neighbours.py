"""The training images nearest to an image."""

from dataclasses import dataclass

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize

CHUNK = 8192
"""Images compared at once, to bound the memory."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The K nearest images, nearest first, arrays of shape (K,)."""

    index: np.ndarray
    distance: np.ndarray
    """Euclidean distance of the pixels, scaled to [0, 1]."""


def nearest_neighbours(image: np.ndarray, images: np.ndarray, count: int) -> Neighbours:
    """Find the images nearest to an image by exhaustive search.

    All distances come from one matrix product:

        |a - b|^2 = |a|^2 - 2 a.b + |b|^2

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W)
    images : ndarray of uint8, shape (N, H, W)
    count : int
        At least 1; K is the smaller one of it and N.
    """
    return neighbours_of_each(image[np.newaxis], images, count)[0]


def neighbours_of_each(queries: np.ndarray, images: np.ndarray, count: int) -> list[Neighbours]:
    """Find the images nearest to each of some images, of shape (Q, H, W), in one pass over all; see above."""
    count = min(count, len(images))
    wanted = flatten(normalize(queries))
    squared = np.empty((len(wanted), len(images)), np.float32)
    for start in range(0, len(images), CHUNK):
        rows = flatten(normalize(images[start : start + CHUNK]))
        squared[:, start : start + CHUNK] = np.einsum("ij,ij->i", rows, rows) - 2 * (wanted @ rows.T)
    squared += np.einsum("ij,ij->i", wanted, wanted)[:, np.newaxis]
    return [_nearest(distances, count) for distances in squared]


def _nearest(squared: np.ndarray, count: int) -> Neighbours:
    nearest = np.argpartition(squared, count - 1)[:count]
    nearest = nearest[np.argsort(squared[nearest], kind="stable")]
    return Neighbours(nearest, np.sqrt(np.maximum(squared[nearest], 0)))
