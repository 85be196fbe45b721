"""The training engine gives what the readable back-propagation gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.engine import INPLACE_ACTIVATIONS, Engine
from mnist_core.network import ACTIVATIONS, Network
from mnist_core.preprocessing import one_hot

sizes = st.lists(st.integers(1, 7), min_size=2, max_size=5)


@given(sizes, st.integers(1, 9), st.integers(0, 99))
def test_same_loss_gradients_and_hits_as_the_readable_way(sizes, count, seed):
    rng = np.random.default_rng(seed)
    network = Network(sizes, seed=seed, dtype=np.float64)
    x, labels = rng.random((12, sizes[0])), rng.integers(0, sizes[-1], 12).astype(np.uint8)
    batch = rng.permutation(12)[:count]
    engine = Engine(network)
    for _ in range(2):  # the second time in used buffers
        loss, correct = engine.back_propagate(x, labels, batch)
        expected, gradients = network.back_propagate(x[batch], one_hot(labels[batch], sizes[-1]))
        assert loss == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert correct == (network.feed_forward(x[batch]).argmax(axis=1) == labels[batch]).sum()
        for ours, theirs in zip(engine.gradients, gradients, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9, atol=1e-12)


def test_it_computes_in_the_dtype_of_the_network_and_reads_only():
    network = Network((6, 5, 3))
    x = np.random.default_rng(0).random((4, 6), np.float32)
    x.flags.writeable = False
    engine = Engine(network)
    before = [weight.copy() for weight in network.weights]
    engine.back_propagate(x, np.array([0, 1, 2, 0]), np.arange(4))
    assert {array.dtype for pair in engine.gradients for array in pair} == {np.dtype(np.float32)}
    for weight, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_in_place_equal_the_readable_ones(name):
    z = np.linspace(-9, 9, 101)
    function, derivative = ACTIVATIONS[name]
    activate, slope = INPLACE_ACTIVATIONS[name]
    a = z.copy()
    activate(a)
    np.testing.assert_allclose(a, function(z), rtol=1e-12, atol=1e-15)
    slope(a, np.empty_like(a))
    np.testing.assert_allclose(a, derivative(z), rtol=1e-9, atol=1e-12)


def test_both_know_the_same_activations():
    assert list(INPLACE_ACTIVATIONS) == list(ACTIVATIONS)
