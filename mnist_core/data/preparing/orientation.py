"""Whether handwriting lies on its side: EMNIST's files hold each image with rows and columns exchanged."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from mnist_core.data.dataset import class_means, load_dataset
from mnist_core.data.preparing.scaling import scaled
from mnist_core.data.preprocessing import evenly_spread, flatten, normalize

FEWEST = 30
"""Images from which on something is said."""

MOST = 1000
"""Images looked at, evenly spread."""

CLEAR = 0.75
"""Share of the images that must agree: of 200 of MNIST 85 % do at least, of Fashion-MNIST 68 % at most."""


@dataclass(frozen=True)
class Orientation:
    """What the strokes of some images say about their orientation.

    Parameters
    ----------
    transposed_share : float, range [0, 1]
        Share of the images that look more like a digit once rows and columns are exchanged.
    upright_accuracy, transposed_accuracy : float or None
        Share of the images whose most similar digit is their label, as they are and transposed; None without labels
        that are digits.
    """

    transposed_share: float
    upright_accuracy: float | None = None
    transposed_accuracy: float | None = None

    @property
    def transposed(self) -> bool:
        """Whether the strokes look transposed."""
        return self.transposed_share >= CLEAR

    @property
    def certain(self) -> bool:
        """Whether labels confirm it: transposed, at least twice as many images look like the digit that they are."""
        if self.upright_accuracy is None or self.transposed_accuracy is None:
            return False
        return self.transposed and self.transposed_accuracy >= max(2 * self.upright_accuracy, 0.3)


def orientation(images: np.ndarray, labels: np.ndarray | None = None) -> Orientation | None:
    """Compare images, as they are and transposed, with the mean digits of MNIST.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
        Light strokes on black.
    labels : ndarray of int, shape (N,), optional
        The digit that each image shows.

    Returns
    -------
    Orientation or None
        None for fewer than 30 images. Symmetrical images are of no opinion and count half.
    """
    if len(images) < FEWEST:
        return None
    chosen = evenly_spread(len(images), MOST)
    means = _mean_digits()
    square = scaled(images[chosen], (means.shape[1], means.shape[2]))
    upright, transposed = (_squared_distances(each, means) for each in (square, square.transpose(0, 2, 1)))
    gain = upright.min(axis=1) - transposed.min(axis=1)
    share = float((gain > 0).mean() + (gain == 0).mean() / 2)
    if labels is None:
        return Orientation(share)
    truth = labels[chosen]
    return Orientation(share, *(float((each.argmin(axis=1) == truth).mean()) for each in (upright, transposed)))


def _squared_distances(images: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Squared distance of each image to each mean, ``(N, 10)``, but for the square of the image itself."""
    centres = flatten(means)
    distances: np.ndarray = (centres**2).sum(axis=1) - 2 * flatten(normalize(images)) @ centres.T
    return distances


@cache
def _mean_digits() -> np.ndarray:
    """Mean images of the sample's ten classes, range [0, 1]."""
    sample = load_dataset("sample")
    means: np.ndarray = class_means(sample.train_images, sample.train_labels, sample.num_classes) / 255
    return means.astype(np.float32)
