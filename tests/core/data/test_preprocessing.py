"""Preprocessing and its inverses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mnist_core.data.preprocessing import denormalize, flatten, from_one_hot, normalize, one_hot, unflatten
from mnist_core.errors import DatasetError

images = arrays(np.uint8, st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 5)))


@given(images)
def test_normalize_is_a_division_by_255_and_can_be_undone(pixels):
    scaled = normalize(pixels)
    assert scaled.dtype == np.float32
    assert scaled.shape == pixels.shape
    np.testing.assert_allclose(scaled, pixels / 255.0, rtol=1e-6)
    np.testing.assert_array_equal(denormalize(scaled), pixels)


def test_normalize_reaches_both_ends():
    assert normalize(np.array([0, 255], np.uint8)).tolist() == [0.0, 1.0]


def test_normalize_refuses_pixels_that_are_scaled_already():
    with pytest.raises(DatasetError, match="float32, expected uint8"):
        normalize(np.zeros(3, np.float32))


@given(images)
def test_flatten_joins_the_rows(pixels):
    rows = flatten(pixels)
    assert rows.shape == (len(pixels), pixels.shape[1] * pixels.shape[2])
    for image, row in zip(pixels, rows, strict=True):
        assert row.tolist() == [value for line in image.tolist() for value in line]
    np.testing.assert_array_equal(unflatten(rows, pixels.shape[1:]), pixels)


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1)))))
def test_one_hot_has_a_single_one_at_the_label(case):
    classes, labels = case
    rows = one_hot(np.array(labels, int), classes)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[float(k == label) for k in range(classes)] for label in labels]
    assert from_one_hot(rows).tolist() == labels


@pytest.mark.parametrize("labels", [[0, 3], [-1, 2]])
def test_one_hot_refuses_labels_outside(labels):
    with pytest.raises(DatasetError, match="expected 0 to 2"):
        one_hot(np.array(labels), 3)


@pytest.mark.parametrize(
    ("value", "grey"), [(0.0, 0), (1.0, 255), (0.5, 128), (100.4 / 255, 100), (100.6 / 255, 101), (-0.2, 0), (1.7, 255)]
)
def test_denormalize_rounds_and_stays_within_the_grey_levels(value, grey):
    restored = denormalize(np.array([[value]], np.float32))
    assert restored.dtype == np.uint8
    assert restored.tolist() == [[grey]]


def test_no_images_are_no_rows():
    rows = flatten(np.empty((0, 28, 28), np.uint8))
    assert rows.shape == (0, 784)
    assert unflatten(rows, (28, 28)).shape == (0, 28, 28)
    assert one_hot(np.empty(0, np.uint8), 10).shape == (0, 10)


def test_errors_name_what_was_found_and_the_remedy():
    with pytest.raises(DatasetError, match=r"got pixels of dtype int64, expected uint8 .*: pass the raw images"):
        normalize(np.array([0, 255]))
    with pytest.raises(DatasetError, match="got labels from 1 to 7, expected 0 to 4: raise num_classes"):
        one_hot(np.array([1, 7], np.uint8), 5)
