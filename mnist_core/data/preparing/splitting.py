"""Hold images back for testing where a data set comes without a test set."""

import numpy as np

from mnist_core.errors import DatasetError


def stratified_split(labels: np.ndarray, test_share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose images at random for testing, from each class its share.

    Each class gives the whole number of images below its share; the classes with the largest rest give one more
    until the sum is right (the method of largest remainders). A class keeps at least one image to learn from.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), N at least 2
    test_share : float, range (0, 1)
    seed : int
        The same seed chooses the same images.

    Returns
    -------
    train, test : ndarray of int64
        Indices in ascending order; each image is in one of them, and neither is empty.

    Raises
    ------
    DatasetError
        If the share is out of its range, there are fewer than two images, or no class has two.
    """
    if not 0 < test_share < 1:
        raise DatasetError(f"Found a test share of {test_share:g}, but expected one between 0 and 1, such as 0.2.")
    classes, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max(initial=0) < 2:
        raise DatasetError(
            f"Found {len(labels)} images and {len(classes)} classes without a test set, but expected a class of at "
            "least two images, to learn from one and to test with the other. Add images."
        )
    wanted = min(max(round(test_share * len(labels)), 1), int((counts - 1).sum()))
    quota = np.minimum(_largest_remainders(test_share * counts, wanted), counts - 1)
    while quota.sum() < wanted:  # classes of one image gave none: others do
        quota[np.argmax((counts - 1) * test_share - quota + (quota < counts - 1) * len(labels))] += 1
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(members[shuffled], kind="stable")]
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = place < np.repeat(quota, counts)
    return np.sort(by_class[~chosen]), np.sort(by_class[chosen])


def _largest_remainders(shares: np.ndarray, total: int) -> np.ndarray:
    """Round shares to whole numbers of a given sum, at most that of the shares rounded up."""
    whole = np.floor(shares).astype(np.int64)
    rest = np.argsort(whole - shares, kind="stable")[: max(total - int(whole.sum()), 0)]
    whole[rest] += 1
    return whole
