"""McNemar's test against its formula in whole numbers."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.evaluation.significance import mcnemar


def arrays(both_correct, only_a, only_b, both_wrong):
    counts = (both_correct, only_a, only_b, both_wrong)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@given(st.tuples(*[st.integers(0, 400)] * 4))
def test_counts_and_the_p_value_of_the_exact_test(counts):
    result = mcnemar(*arrays(*counts))
    assert result[:4] == counts
    differing = result.only_a + result.only_b
    ways = sum(comb(differing, k) for k in range(min(result.only_a, result.only_b) + 1))
    assert result.p_value == pytest.approx(min(1, 2 * ways / 2**differing), rel=1e-9)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p_value"),
    [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 0.5), (5, 0, 0.0625), (5, 5, 1.0), (1, 5, 0.21875)],
)
def test_p_values_by_hand(only_a, only_b, p_value):
    assert mcnemar(*arrays(3, only_a, only_b, 4)).p_value == p_value
    assert mcnemar(*arrays(3, only_b, only_a, 4)).p_value == p_value


def test_large_counts_neither_overflow_nor_fail():
    assert mcnemar(*arrays(0, 6000, 4000, 0)).p_value == pytest.approx(1.2e-89, rel=0.05)
    assert mcnemar(*arrays(0, 50_000, 0, 0)).p_value == 0.0


def test_the_order_of_the_images_does_not_matter_but_the_pairing_does():
    a, b = arrays(50, 30, 10, 10)
    order = np.random.default_rng(1).permutation(100)
    assert mcnemar(a[order], b[order]) == mcnemar(a, b)
    assert mcnemar(b, a)[1:3] == mcnemar(a, b)[2:0:-1]


def test_arrays_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"found shapes \(3,\) and \(4,\)"):
        mcnemar(np.ones(3, bool), np.ones(4, bool))
