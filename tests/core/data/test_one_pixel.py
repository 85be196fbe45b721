"""Images one row high, one column wide or of one pixel go through everything that prepares them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.augmentation import Augmentation, augment
from mnist_core.data.batches import DataLoader
from mnist_core.data.checks import dataset_warnings
from mnist_core.data.dataset import class_means, load_dataset
from mnist_core.data.preprocessing import denormalize, flatten, normalize, unflatten
from mnist_core.errors import PictureError
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.reading import read_picture
from tests.helpers import encode

SHAPES = [(1, 1), (1, 9), (9, 1), (1, 2), (2, 1), (2, 2)]
AMOUNTS = {"shift": 3.0, "rotation": 180.0, "scale": 0.9, "shear": 45.0, "elastic": 3.0}

thin = pytest.mark.parametrize("shape", SHAPES, ids=str)


def some_images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@thin
@pytest.mark.parametrize("amounts", [*({name: value} for name, value in AMOUNTS.items()), AMOUNTS], ids=str)
def test_augmentation_stays_within_the_grey_levels(shape, amounts):
    images = some_images(5, *shape)
    distorted = augment(images, Augmentation(**amounts), np.random.default_rng(1))
    assert distorted.shape == images.shape
    assert images.min() - 1e-3 <= distorted.min() <= distorted.max() <= images.max() + 1e-3


@thin
def test_preprocessing_and_mini_batches_keep_every_pixel(shape):
    images = some_images(7, *shape)
    np.testing.assert_array_equal(unflatten(flatten(denormalize(normalize(images))), shape), images)
    loader = DataLoader(images, np.zeros(7, np.uint8), 3, Augmentation(**AMOUNTS), seed=0)
    assert [batch.x.shape for batch in loader.epoch(np.arange(7), 1)] == [(n, images[0].size) for n in (3, 3, 1)]
    assert class_means(images, np.arange(7) % 2, 3).shape == (3, *shape)


@thin
def test_a_data_set_of_them_loads_and_is_checked(tiny_folder, shape):
    dataset = load_dataset("full", tiny_folder(train=40, test=100, shape=shape))
    assert dataset.image_shape == shape
    alike = [warning.found for warning in dataset_warnings(dataset) if "of a single grey level" in warning.found]
    assert alike == []  # an image of one pixel has no other


@given(
    height=st.sampled_from([1, 2, 3, 30]), width=st.sampled_from([1, 2, 3, 30]), size=st.sampled_from([1, 2, 3, 28]),
    several=st.sampled_from([None, True, False]), seed=st.integers(0, 20), levels=st.sampled_from([1, 2, 256]),
)  # fmt: skip
def test_a_thin_picture_is_digits_or_a_sentence(height, width, size, several, seed, levels):
    pixels = np.random.default_rng(seed).integers(0, levels, (height, width)) * (255 // max(levels - 1, 1))
    grey = read_picture(encode(pixels.astype(np.uint8)))
    try:
        assert find_digits(grey, several, size).images.shape[1:] == (size, size)
    except PictureError as error:
        assert "but expected" in str(error)
