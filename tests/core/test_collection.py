"""Digits of one's own become a folder that can be chosen as data."""

import io
import zipfile

import numpy as np
import pytest

from mnist_core.collection import pack_digits
from mnist_core.dataset import load_dataset
from mnist_core.errors import DatasetError


@pytest.mark.parametrize("count", [2, 4, 5, 12])
def test_the_folder_can_be_loaded(tmp_path, count):
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    labels = np.arange(count) % 10
    with zipfile.ZipFile(io.BytesIO(pack_digits(images, labels))) as archive:
        archive.extractall(tmp_path)
    data = load_dataset("full", tmp_path)
    assert len(data.train_labels) + len(data.test_labels) == count
    assert len(data.test_labels) == max(count // 5, 1)
    back = np.concatenate([data.train_images, data.test_images])
    order = np.argsort([np.flatnonzero((images == image).all(axis=(1, 2)))[0] for image in back])
    np.testing.assert_array_equal(back[order], images)
    np.testing.assert_array_equal(np.concatenate([data.train_labels, data.test_labels])[order], labels)


def test_one_digit_is_too_few():
    with pytest.raises(DatasetError, match="Found 1 digits, but expected at least 2"):
        pack_digits(np.zeros((1, 28, 28), np.uint8), np.array([3]))
