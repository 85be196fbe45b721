"""Two classifiers on original and on corrected test labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.data.corrections import Corrections, decide
from mnist_core.data.dataset import Dataset
from mnist_core.evaluation.labelings import Duel, caution, labelings
from mnist_core.evaluation.metrics import wilson_interval
from mnist_core.evaluation.significance import mcnemar
from mnist_core.untrusted import UntrustedText

LABELS = np.arange(12, dtype=np.uint8) % 3
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 2, 2), dtype=np.uint8)
DATA = Dataset(IMAGES, LABELS, IMAGES, LABELS, UntrustedText("three"), "full", None, {})
classes = st.lists(st.integers(0, 2), min_size=12, max_size=12).map(np.array)


def test_the_original_labels_come_first_and_each_other_ones_once():
    test = decide(DATA, "test", [(0, 1), (1, None)])
    train = decide(DATA, "train", [(0, 1)])
    kept = decide(DATA, "test", [(2, 2)])  # found correct
    found = labelings(DATA, [None, test, train, kept, test.merge(train)[0]])
    assert [one.corrections for one in found] == [None, test]
    assert found[0].kept.all()
    assert found[1].labels[0] == 1
    assert np.flatnonzero(~found[1].kept).tolist() == [1]


@settings(deadline=None, max_examples=15)
@given(classes, classes, st.dictionaries(st.integers(0, 11), st.none() | st.integers(0, 2), max_size=6))
def test_a_duel_is_that_on_the_corrected_data(a, b, decisions):
    corrections = decide(DATA, "test", decisions.items())
    duel = Duel(labelings(DATA, [corrections])[-1], a, b)
    corrected, kept = corrections.apply(DATA), corrections.positions(DATA, "test")
    right_a, right_b = a[kept] == corrected.test_labels, b[kept] == corrected.test_labels
    assert (duel.accuracy_a, duel.accuracy_b) == pytest.approx((right_a.mean(), right_b.mean()))
    assert duel.interval_a == wilson_interval(int(right_a.sum()), len(kept))
    assert duel.interval_b == wilson_interval(int(right_b.sum()), len(kept))
    assert duel.test == mcnemar(right_a, right_b)
    assert duel.only_a.tolist() == kept[right_a & ~right_b].tolist()
    assert duel.only_b.tolist() == kept[right_b & ~right_a].tolist()
    assert duel.per_class(3).sum(axis=0).tolist() == [duel.images, right_a.sum(), right_b.sum()]
    for label, counts in enumerate(duel.per_class(3)):
        of_class = corrected.test_labels == label
        assert counts.tolist() == [of_class.sum(), right_a[of_class].sum(), right_b[of_class].sum()]


def test_caution_only_where_only_test_labels_changed():
    test, train = decide(DATA, "test", [(0, 1)]), decide(DATA, "train", [(0, 1)])
    both = test.merge(train)[0]
    for first, second in ((None, test), (test, None), (train, both)):
        assert "Only test labels were corrected" in caution(first, second)
    found_correct = Corrections(tuple(decide(DATA, "test", [(2, 2)])))
    for first, second in ((None, None), (None, train), (test, both), (both, both), (None, found_correct)):
        assert caution(first, second) is None
