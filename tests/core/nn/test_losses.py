"""Softmax and cross-entropy: values of the textbook, and safe at the extremes."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.nn.losses import cross_entropy, softmax

rows = st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_safe_at_the_extremes(dtype):
    z = np.array([[-1e4, 0.0, 1e4], [1e4, 1e4, -1e4]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = softmax(z)
        loss = cross_entropy(p, np.array([[1, 0, 0], [0, 0, 1]], dtype))
    assert p.dtype == dtype
    assert p.tolist() == [[0, 0, 1], [0.5, 0.5, 0]]
    assert loss == pytest.approx(-np.log(np.finfo(dtype).tiny))


@given(rows, st.floats(-100, 100))
def test_softmax_sums_to_one_and_ignores_a_shift(row, shift):
    z = np.array([row])
    assert softmax(z).sum() == pytest.approx(1)
    assert softmax(z.astype(np.float32)).sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(softmax(z + shift), softmax(z), atol=1e-9)


def test_softmax_and_cross_entropy_have_the_values_of_the_textbook():
    p = softmax(np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    np.testing.assert_allclose(p, [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]], rtol=1e-14)
    loss = cross_entropy(p, np.array([[0, 1, 0], [0, 0, 1]]))
    assert loss == pytest.approx(np.log(4))  # both correct classes have a probability of 1/4
