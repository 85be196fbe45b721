"""Distortions of images against SciPy's interpolation and against what each part states."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from mnist_core.data.augmentation import Augmentation, _affine, _smooth_modes, augment, bilinear
from mnist_core.data.dataset import load_dataset

ALL = Augmentation(shift=2, rotation=20, scale=0.2, shear=20, elastic=1.5)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def images():
    return load_dataset("sample").train_images[:200]


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_interpolation_equals_that_of_scipy(count, height, width, seed):
    random = rng(seed)
    images = random.integers(0, 256, (count, height, width)).astype(np.uint8)
    rows, columns = random.uniform(-3, 12, (2, count, 40)).astype(np.float32)
    expected = [
        map_coordinates(image.astype(float), [y, x], order=1, mode="nearest")
        for image, y, x in zip(images, rows, columns, strict=True)
    ]
    np.testing.assert_allclose(bilinear(images, rows.copy(), columns.copy()), expected, atol=1e-3)


def test_an_augmentation_of_zeros_changes_nothing(images):
    assert not Augmentation()
    np.testing.assert_array_equal(augment(images, Augmentation(), rng()), images)


@pytest.mark.parametrize("shape", [(28, 28), (9, 17), (1, 5), (5, 1)])
def test_shape_dtype_and_range_are_kept(shape):
    images = rng().integers(20, 200, (7, *shape)).astype(np.uint8)
    out = augment(images, ALL, rng())
    assert (out.shape, out.dtype) == (images.shape, np.float32)
    assert 20 - 1e-3 <= out.min() <= out.max() <= 200 + 1e-3


def test_the_generator_decides_and_each_image_is_distorted_differently(images):
    np.testing.assert_array_equal(augment(images, ALL, rng(3)), augment(images, ALL, rng(3)))
    assert (augment(images, ALL, rng(3)) != augment(images, ALL, rng(4))).any()
    same = np.repeat(images[:1], 5, axis=0)
    assert len({image.tobytes() for image in augment(same, ALL, rng())}) == 5


def centres(images):
    """Centre of mass of each image, counted from its middle: rows, columns."""
    y, x = np.mgrid[:28, :28] - 13.5
    mass = images.sum(axis=(1, 2))
    return (images * y).sum(axis=(1, 2)) / mass, (images * x).sum(axis=(1, 2)) / mass


def test_a_shift_moves_by_up_to_its_pixels_in_both_directions(images):
    moved = centres(augment(images, Augmentation(shift=3), rng()))
    for axis, before in zip(moved, centres(images), strict=True):
        moves = axis - before
        assert 2.5 < np.abs(moves).max() <= 3.01
        assert abs(moves.mean()) < 0.4


def bar():
    """A vertical bar through the middle, odd so that it has a middle column: shape (1, 29, 29)."""
    image = np.zeros((1, 29, 29), np.float32)
    image[:, 4:25, 13:16] = 1
    return image


def slope(image):
    """Columns a bar goes to the left in each row further down."""
    rows = np.flatnonzero(image.sum(axis=1) > 1)
    columns = [(image[row] * np.arange(29)).sum() / image[row].sum() for row in rows]
    return -np.polyfit(rows, columns, 1)[0]


@pytest.mark.parametrize("part", ["rotation", "shear"])
def test_a_bar_is_rotated_or_sheared_by_up_to_its_degrees(part):
    out = augment(np.repeat(bar(), 200, axis=0), Augmentation(**{part: 20}), rng())
    angles = np.degrees(np.arctan([slope(image) for image in out]))
    assert 18 < np.abs(angles).max() < 21
    assert abs(angles.mean()) < 3


def test_a_scale_changes_the_area_by_both_of_its_axes():
    out = augment(np.repeat(bar(), 300, axis=0), Augmentation(scale=0.2), rng())
    area = out.sum(axis=(1, 2)) / bar().sum()
    assert 0.62 < area.min() < 0.75
    assert 1.3 < area.max() < 1.46
    assert area.mean() == pytest.approx(1, abs=0.03)


def test_affine_maps_are_the_products_of_their_parts():
    coefficients = _affine(1, Augmentation(rotation=30, shear=20, scale=0.1), rng(5)).reshape(2, 3)
    random = rng(5)
    angle, slant = np.radians(random.uniform(-30, 30, 1)[0]), np.radians(random.uniform(-20, 20, 1)[0])
    tall, wide = 1 / (1 + random.uniform(-0.1, 0.1, (2, 1)))[:, 0]
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, 0], [np.tan(slant), 1]])
    np.testing.assert_allclose(coefficients[:, :2], np.diag([tall, wide]) @ shear @ rotation, rtol=1e-5)
    np.testing.assert_array_equal(coefficients[:, 2], 0)


def test_elastic_displacements_are_smooth_and_of_the_requested_size():
    modes = _smooth_modes(28, 28)
    fields = (rng().standard_normal((4000, len(modes))) @ modes).reshape(-1, 28, 28)
    assert np.sqrt(np.mean(fields**2)) == pytest.approx(1, abs=0.02)
    assert np.sqrt(np.mean(fields**2, axis=0)).min() > 0.85  # at the border, too
    for distance in (1, 4, 8):  # white noise smoothed by a Gaussian is correlated as exp(-d^2 / (4 sigma^2))
        correlation = np.mean(fields[:, :, distance:] * fields[:, :, :-distance]) / np.mean(fields**2)
        assert correlation == pytest.approx(np.exp(-(distance**2) / (4 * 4**2)), abs=0.03)


def test_an_elastic_distortion_keeps_the_amount_of_ink(images):
    out = augment(images, Augmentation(elastic=1), rng())
    assert np.abs(out - images).mean() > 5
    assert out.sum() == pytest.approx(images.sum(), rel=0.03)
