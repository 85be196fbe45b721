"""Principal components against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mnist_core.data.dataset import load_dataset
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.inspection.pca import principal_components


@pytest.mark.parametrize(("shape", "count"), [((50, 8), 2), ((8, 50), 3), ((30, 1), 1), ((5, 5), 5)])
def test_equals_scikit_learn_up_to_sign(shape, count):
    PCA = pytest.importorskip("sklearn.decomposition", reason="the oracle is scikit-learn").PCA
    rows = np.random.default_rng(0).normal(size=shape) * np.linspace(3, 1, shape[1]) + 5
    ours, theirs = principal_components(rows, count), PCA(count, svd_solver="full").fit(rows)
    np.testing.assert_allclose(ours.mean, theirs.mean_)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, atol=1e-12)
    kept = slice(0, min(count, shape[0] - 1))  # the last one of as many rows as columns holds no variance
    signs = np.sign(np.sum(ours.components * theirs.components_, axis=1))
    np.testing.assert_allclose(ours.components[kept], (signs[:, None] * theirs.components_)[kept], atol=1e-9)
    np.testing.assert_allclose(ours.project(rows), theirs.transform(rows) * signs, atol=1e-9)


def test_equals_scikit_learn_on_digits_in_float32():
    PCA = pytest.importorskip("sklearn.decomposition", reason="the oracle is scikit-learn").PCA
    rows = flatten(normalize(load_dataset("sample").test_images[:300]))
    ours, theirs = principal_components(rows), PCA(2, svd_solver="full").fit(rows.astype(np.float64))
    np.testing.assert_allclose(np.abs(ours.project(rows)), np.abs(theirs.transform(rows.astype(np.float64))), atol=1e-5)


@given(arrays(np.float64, (6, 4), elements=st.floats(-100, 100)))
def test_components_are_orthonormal_and_ratios_sum_to_one(rows):
    found = principal_components(rows, 4)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(4), atol=1e-9)
    assert np.all(np.diff(found.explained_variance_ratio) <= 1e-12)
    assert found.explained_variance_ratio.sum() == pytest.approx(1) or np.ptp(rows, axis=0).max() < 1e-6


def test_the_direction_does_not_depend_on_the_sign_of_the_decomposition():
    rows = np.random.default_rng(1).normal(size=(20, 5))
    found = principal_components(rows, 3)
    largest = np.abs(found.components).argmax(axis=1)
    assert (found.components[np.arange(3), largest] > 0).all()


def test_rows_without_variance_project_to_one_point():
    found = principal_components(np.ones((4, 3)))
    assert found.explained_variance_ratio.tolist() == [0, 0]
    np.testing.assert_array_equal(found.project(np.ones((4, 3))), np.zeros((4, 2)))


@pytest.mark.parametrize(("shape", "count"), [((1, 4), 1), ((4,), 1), ((4, 3), 0), ((4, 3), 4), ((2, 9), 3)])
def test_bad_shapes_and_counts_are_refused(shape, count):
    with pytest.raises(ValueError, match="expected"):
        principal_components(np.ones(shape), count)
