"""Images that lie on their side or are dark on light are found, and others are left alone."""

from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.preparing.orientation import FEWEST, orientation
from mnist_core.data.preparing.polarity import is_dark_on_light


@pytest.fixture(scope="module")
def digits():
    """Images that the mean digits were not made from: those of other writers."""
    sample = load_dataset("sample")
    return sample.test_images, sample.test_labels


def subsets(images, labels, count=40, size=200):
    rng = np.random.default_rng(5)
    for _ in range(count):
        chosen = rng.choice(len(images), size, replace=False)
        yield images[chosen], labels[chosen]


def test_transposed_digits_are_found_in_every_subset_of_200_and_upright_ones_never_taken_for_such(digits):
    for images, labels in subsets(*digits):
        turned, upright = orientation(images.transpose(0, 2, 1), labels), orientation(images, labels)
        assert turned.transposed and turned.certain and turned.transposed_accuracy > 0.6
        assert not upright.transposed and not upright.certain
        assert orientation(images.transpose(0, 2, 1)).transposed and not orientation(images).certain


def test_labels_that_are_other_digits_confirm_nothing(digits):
    images, labels = digits
    found = orientation(images.transpose(0, 2, 1), (labels + 3) % 10)
    assert found.transposed and not found.certain


def test_other_sizes_are_compared_and_few_images_say_nothing(digits):
    images = digits[0][:200]
    large = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
    assert orientation(large.transpose(0, 2, 1)).transposed and not orientation(large).transposed
    assert orientation(images[: FEWEST - 1]) is None
    noise = np.random.default_rng(0).integers(256, size=(200, 28, 28)).astype(np.uint8)
    assert not orientation(noise).transposed and not orientation(noise.transpose(0, 2, 1)).transposed


def test_dark_on_light_is_found_in_every_subset_of_200_and_nothing_else_is_taken_for_it(digits):
    for images, _ in subsets(*digits):
        assert is_dark_on_light(255 - images) and not is_dark_on_light(images)
        assert is_dark_on_light(220 - images // 2)  # grey paper
    noise = np.random.default_rng(0).integers(256, size=(200, 28, 28)).astype(np.uint8)
    for other in (noise, np.full((9, 8, 8), 255, np.uint8), np.zeros((9, 8, 8), np.uint8), noise[:0], noise[:, :2]):
        assert not is_dark_on_light(other)


def test_fashion_is_neither():
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.exists():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    fashion = load_dataset("full", folder)
    for images, labels in subsets(fashion.test_images, fashion.test_labels, 10):
        assert not is_dark_on_light(images) and not orientation(images, labels).transposed
        assert not orientation(images.transpose(0, 2, 1), labels).certain
