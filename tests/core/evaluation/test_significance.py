"""McNemar's test against its formula in whole numbers, and the comparison with guessing."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.evaluation.significance import mcnemar, no_better_than_guessing


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


TEN_CLASSES = np.repeat(np.arange(10), 100)


def labels_of(common, other):
    return np.repeat([3, 7], [common, other])


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        (0.095, "9.50% is no better than guessing"),
        (0.1, "10.00% is no better than guessing"),
        (0.12, "12.00% is not clearly better than guessing"),
        (0.13, None),
        (1.0, None),
    ],
)
def test_an_accuracy_that_guessing_reaches_is_named(accuracy, said):
    found = no_better_than_guessing(accuracy, TEN_CLASSES)
    if said is None:
        assert found is None
    else:
        assert said in found
        assert "always answering 0, the most common of the 1,000 labels, gives 10.00%" in found


def test_guessing_answers_the_most_common_class_not_one_of_all_classes():
    assert "always answering 3" in no_better_than_guessing(0.9, labels_of(900, 100))
    assert no_better_than_guessing(0.95, labels_of(900, 100)) is None


def test_few_images_prove_little():
    assert no_better_than_guessing(1.0, labels_of(2, 1))
    assert no_better_than_guessing(1.0, labels_of(20, 10)) is None


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_with_a_single_class_accuracy_says_nothing(count):
    for accuracy in (0.0, 1.0):
        assert "of class 0" in no_better_than_guessing(accuracy, np.zeros(count, np.uint8))


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_bound_is_that_of_the_binomial_distribution(common, other, data):
    common, other = max(common, other), min(common, other)
    count = common + other
    correct = data.draw(st.integers(0, count))
    at_least = sum(comb(count, k) * common**k * other ** (count - k) for k in range(correct, count + 1))
    expected = at_least / count**count if count < 100 else None
    found = no_better_than_guessing(correct / count, labels_of(common, other))
    if correct <= common:
        assert found
    if expected is not None and abs(expected - 0.01) > 1e-9:
        assert (found is None) == (expected < 0.01)
