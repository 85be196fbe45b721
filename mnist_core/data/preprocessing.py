"""From raw pixels and labels to what a network reads, and back.

>>> x = flatten(normalize(images))      # (N, 28, 28) uint8 -> (N, 784) float32 in [0, 1]
>>> y = one_hot(labels, 10)             # (N,) -> (N, 10) float32
"""

import numpy as np

from mnist_core.errors import DatasetError


def normalize(images: np.ndarray) -> np.ndarray:
    """Scale pixels from 0...255 to [0, 1].

    Parameters
    ----------
    images : ndarray of uint8, any shape

    Returns
    -------
    ndarray of float32, same shape, range [0, 1]
        ``images / 255``.

    Raises
    ------
    DatasetError
        If the dtype is not uint8: pixels that are scaled already would be scaled twice.
    """
    if images.dtype != np.uint8:
        raise DatasetError(
            f"normalize() got pixels of dtype {images.dtype}, expected uint8 (0 to 255): pass the raw images."
        )
    return images.astype(np.float32) / 255


def denormalize(pixels: np.ndarray) -> np.ndarray:
    """Invert :func:`normalize`: [0, 1] floats to uint8, rounded to the nearest grey level.

    Parameters
    ----------
    pixels : ndarray of float, any shape, range [0, 1]

    Returns
    -------
    ndarray of uint8, same shape
    """
    grey: np.ndarray = np.rint(np.clip(pixels, 0, 1) * 255)
    return grey.astype(np.uint8)


def flatten(images: np.ndarray) -> np.ndarray:
    """Join the pixel rows of each image into one row: ``(N, H, W) -> (N, H * W)``, any dtype."""
    return images.reshape(len(images), -1) if len(images) else images.reshape(0, int(np.prod(images.shape[1:])))


def unflatten(vectors: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Invert :func:`flatten`: ``(N, H * W) -> (N, H, W)``, any dtype."""
    return vectors.reshape(len(vectors), *image_shape)


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Turn each label into a row that is 1 at the label and 0 elsewhere.

    Row ``k`` of the identity matrix is the one-hot row of label ``k``, so this is a look-up in ``np.eye``.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), range 0 ... num_classes - 1
    num_classes : int

    Returns
    -------
    ndarray of float32, shape (N, num_classes)

    Raises
    ------
    DatasetError
        If a label lies outside ``0 ... num_classes - 1``.
    """
    labels = np.asarray(labels)
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise DatasetError(
            f"one_hot() got labels from {labels.min()} to {labels.max()}, "
            f"expected 0 to {num_classes - 1}: raise num_classes or correct the labels."
        )
    return np.eye(num_classes, dtype=np.float32)[labels]


def from_one_hot(rows: np.ndarray) -> np.ndarray:
    """Invert :func:`one_hot`: the position of each row's largest value, ``(N, C) -> (N,)`` int64."""
    return rows.argmax(axis=1)


def evenly_spread(count: int, most: int) -> np.ndarray:
    """Positions of at most ``most`` of ``count`` images, from the first to the last."""
    return np.linspace(0, count - 1, min(count, most)).astype(int)
