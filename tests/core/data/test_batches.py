"""The validation split and the mini-batches of an epoch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.batches import epoch_batches, split_validation
from mnist_core.errors import ConfigError


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 9), st.integers(1, 9))
def test_batches_hold_every_image_once_in_an_order_of_their_seed_and_epoch(count, batch_size, seed, epoch):
    indices = np.arange(1000, 1000 + count)

    def order(seed, epoch):
        return np.concatenate(list(epoch_batches(indices, batch_size, seed, epoch))).tolist()

    batches = list(epoch_batches(indices, batch_size, seed, epoch))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (math.ceil(count / batch_size) - 1)
    assert sorted(np.concatenate(batches)) == indices.tolist()
    assert order(seed, epoch) == np.concatenate(batches).tolist()
    if count > 20:
        assert order(seed, epoch + 1) != order(seed, epoch) != order(seed + 1, epoch)


@given(st.integers(1, 500), st.floats(0, 0.9), st.integers(0, 5))
def test_a_validation_split_divides_all_images_by_its_seed(count, fraction, seed):
    held_out = max(1, round(count * fraction)) if fraction else 0
    if held_out >= count:
        with pytest.raises(ConfigError, match=f"leaves none of the {count} training images"):
            split_validation(count, fraction, seed)
        return
    training, validation = split_validation(count, fraction, seed)
    assert sorted([*training, *validation]) == list(range(count))
    assert len(validation) == held_out
    for part in (training, validation):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    np.testing.assert_array_equal(split_validation(count, fraction, seed)[0], training)
    if held_out > 10 and len(training) > 10:
        assert split_validation(count, fraction, seed + 1)[1].tolist() != validation.tolist()
