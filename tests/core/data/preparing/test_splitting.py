"""A stratified split: every image in one part, each class by its share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.preparing.splitting import stratified_split
from mnist_core.errors import DatasetError


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=12).filter(lambda counts: max(counts) > 1),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_each_class_gives_its_share_and_keeps_an_image(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    train, test = stratified_split(labels, share, seed)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(labels)))
    assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
    held, kept = (np.bincount(labels[part], minlength=len(counts)) for part in (test, train))
    assert kept.min() >= 1 and len(test) >= 1
    wanted = min(max(round(share * len(labels)), 1), sum(counts) - len(counts))
    assert len(test) == wanted
    if min(share * np.array(counts)) >= 1 and max(share * np.array(counts) - counts) <= -1:
        assert (abs(held - share * np.array(counts)) < 1).all()
    assert all(np.array_equal(*pair) for pair in zip(stratified_split(labels, share, seed), (train, test), strict=True))


def test_what_can_not_be_split_is_refused():
    for labels, share in ((np.arange(5), 0.2), (np.zeros(1), 0.2), (np.zeros(9), 0.0), (np.zeros(9), 1.0)):
        with pytest.raises(DatasetError, match="expected"):
            stratified_split(labels, share, 0)
