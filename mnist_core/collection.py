"""Digits of one's own as a data set: four IDX files in the MNIST naming."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from mnist_core.dataset import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from mnist_core.errors import DatasetError
from mnist_core.idx import write_idx

TEST_SHARE = 5


def pack_digits(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Pack labelled digits into a zip file; the folder that it unpacks to can be chosen as data.

    Each fifth digit, and at least one, is for testing, the others are for training.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), N of at least 2
    labels : ndarray of int, shape (N,), range 0 ... 255

    Returns
    -------
    bytes
        A zip file of ``train-images-idx3-ubyte.gz`` and its three companions.

    Raises
    ------
    DatasetError
        If there are fewer than two digits, since neither split may be empty.
    """
    if len(images) < 2:
        raise DatasetError(
            f"Found {len(images)} digits, but expected at least 2, one to train and one to test: draw another one."
        )
    test = np.arange(len(images)) % TEST_SHARE == min(TEST_SHARE, len(images)) - 1
    arrays = {
        TRAIN_IMAGES: images[~test],
        TRAIN_LABELS: labels[~test].astype(np.uint8),
        TEST_IMAGES: images[test],
        TEST_LABELS: labels[test].astype(np.uint8),
    }
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as archive:
        for name, array in arrays.items():
            path = Path(folder, f"{name}.gz")
            write_idx(path, array)
            archive.write(path, path.name)
    return packed.getvalue()
