"""The mini-batches of an epoch: which images, in which order, gathered, augmented and normalized."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np

from mnist_core.data.augmentation import Augmentation, augment
from mnist_core.errors import ConfigError

GATHERED = 4
"""Number of mini-batches gathered at once."""


def validation_size(count: int, fraction: float) -> int:
    """Images out of ``count`` that are kept for validation: any fraction above 0 keeps at least one."""
    return max(1, round(count * fraction)) if fraction > 0 else 0


def split_validation(count: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide ``range(count)`` randomly into training and validation positions.

    Parameters
    ----------
    count : int
        Size of the training set.
    fraction : float
        Fraction of it for validation; any fraction above 0 keeps at least one image.
    seed : int

    Returns
    -------
    training, validation : ndarray of int64
        Each in ascending order, together all of ``range(count)``.

    Raises
    ------
    ConfigError
        If no image would be left to train on.
    """
    held_out = validation_size(count, fraction)
    if held_out >= count:
        raise ConfigError(
            f"validation_fraction is {fraction}, which leaves none of the {count:,} training images: lower it."
        )
    order = np.random.default_rng([seed, 0]).permutation(count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def epoch_batches(indices: np.ndarray, batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Shuffle the training positions and cut them into mini-batches; the last one may be shorter.

    The order depends on ``seed`` and ``epoch`` alone, so training that resumes at epoch k sees the same mini-batches
    as training that was never interrupted.
    """
    order = np.random.default_rng([seed, epoch]).permutation(indices)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


class Batch(NamedTuple):
    """A mini-batch of N images, ready for the network."""

    x: np.ndarray
    """Normalized and flattened, shape (N, pixels); valid until the second next mini-batch is requested."""
    labels: np.ndarray
    """Shape (N,)."""


class DataLoader:
    """Prepares the mini-batches of each epoch.

    Parameters
    ----------
    images : ndarray of uint8, shape (M, H, W)
    labels : ndarray of int, shape (M,)
    batch_size : int
    augmentation : Augmentation
    seed : int
    dtype : dtype
        Of the pixels passed to the network.
    ahead : bool
        Whether a thread prepares the next mini-batches in the meantime. They are the same either way.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        augmentation: Augmentation,
        seed: int,
        dtype: np.typing.DTypeLike = np.float32,
        ahead: bool = False,
    ) -> None:
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.augmentation, self.seed, self.ahead = augmentation, seed, ahead
        pixels = images[0].size
        group = min(GATHERED * batch_size, len(images))
        self._grey = np.empty((group, *images.shape[1:]), np.uint8)
        self._x = [np.empty((group, pixels), dtype) for _ in range(2)]  # one in use, one being filled

    def epoch(self, training: np.ndarray, epoch: int) -> Iterator[Batch]:
        """Yield the mini-batches of an epoch over the positions ``training``."""
        groups = self._groups(training, epoch)
        for x, labels in one_ahead(groups) if self.ahead else groups:
            for start in range(0, len(labels), self.batch_size):
                batch = slice(start, start + self.batch_size)
                yield Batch(x[batch], labels[batch])

    def _groups(self, training: np.ndarray, epoch: int) -> Iterator[Batch]:
        batches = epoch_batches(training, self.batch_size, self.seed, epoch)
        rng = np.random.default_rng([self.seed, epoch, 1])
        buffers = self._x
        while group := list(islice(batches, GATHERED)):
            positions = np.concatenate(group)
            grey = self._grey[: len(positions)]
            np.take(self.images, positions, axis=0, out=grey, mode="clip")  # the default mode makes another copy
            distorted = augment(grey, self.augmentation, rng) if self.augmentation else grey
            x = buffers[0][: len(positions)]
            np.divide(distorted.reshape(x.shape), np.float32(255), out=x)
            buffers = buffers[::-1]
            yield Batch(x, self.labels[positions])


def one_ahead(items: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the same items while a thread prepares the next one."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item
