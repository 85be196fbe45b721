"""Labels flipped on purpose: as many as asked for, the same for a seed, and counted when they are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError
from mnist_core.evaluation.label_noise import flip_at_random, flip_pairs, flipped_positions, repair, retrieval
from mnist_core.untrusted import UntrustedText

LABELS = np.arange(100, dtype=np.uint8) % 5
IMAGES = np.random.default_rng(0).integers(0, 256, (100, 2, 2), dtype=np.uint8)
DATA = Dataset(IMAGES, LABELS, IMAGES[:10], LABELS[:10], UntrustedText("five"), "full", None, {})


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1), st.integers(0, 1000))
def test_random_flips(share, seed):
    noise = flip_at_random(DATA, share, seed)
    assert noise == flip_at_random(DATA, share, seed)
    noisy = noise.apply(DATA)
    changed = np.flatnonzero(noisy.train_labels != LABELS)
    np.testing.assert_array_equal(changed, flipped_positions(noise))
    assert len(changed) == round(share * 100)
    np.testing.assert_array_equal(noisy.test_labels, DATA.test_labels)
    assert noisy.train_labels.max() < 5


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1), st.integers(0, 1000))
def test_pair_flips_stay_within_the_pair(share, seed):
    noise = flip_pairs(DATA, share, seed, [(1, 3)], "test")
    noisy = noise.apply(DATA)
    moved = noisy.test_labels != DATA.test_labels
    assert moved.sum() == 2 * round(share * 2)
    assert set(zip(DATA.test_labels[moved].tolist(), noisy.test_labels[moved].tolist(), strict=True)) <= {
        (1, 3),
        (3, 1),
    }
    np.testing.assert_array_equal(noisy.train_labels, LABELS)


def test_another_seed_flips_others_and_a_class_of_its_own_is_never_the_new_one():
    noise = flip_at_random(DATA, 1.0, 3)
    assert flip_at_random(DATA, 0.2, 1) != flip_at_random(DATA, 0.2, 2)
    assert {(one.old, one.new) for one in noise} == {(a, b) for a in range(5) for b in range(5) if a != b}


@settings(deadline=None, max_examples=30)
@given(st.sets(st.integers(0, 19), min_size=1), st.permutations(range(20)))
def test_precision_and_recall_count(flipped, ranking):
    found = retrieval(np.array(ranking), np.array(sorted(flipped)))
    for k in range(1, 21):
        hits = len(flipped & set(ranking[:k]))
        assert (found.precision_at(k), found.recall_at(k)) == pytest.approx((hits / k, hits / len(flipped)))
    at_hits = [found.precision_at(k + 1) for k in range(20) if ranking[k] in flipped]
    assert found.average_precision == pytest.approx(np.mean(at_hits))


def test_repairing_all_flips_gives_the_data_back():
    noise = flip_pairs(DATA, 0.5, 1, [(0, 4)])
    flipped = flipped_positions(noise)
    np.testing.assert_array_equal(repair(DATA, noise, flipped, LABELS[flipped]).apply(DATA).train_labels, LABELS)
    left = repair(DATA, noise, flipped, None).apply(DATA)
    np.testing.assert_array_equal(left.train_images, np.delete(IMAGES, flipped, axis=0))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: flip_at_random(DATA, 1.1, 0),
        lambda: flip_at_random(DATA, 0.1, -1),
        lambda: flip_pairs(DATA, 0.1, 0, [(1, 5)]),
        lambda: flip_pairs(DATA, 0.1, 0, [(1, 2), (2, 3)]),
        lambda: retrieval(np.arange(3), np.empty(0, int)),
    ],
)
def test_what_makes_no_sense_is_refused(attempt):
    with pytest.raises(ConfigError, match="expected"):
        attempt()
