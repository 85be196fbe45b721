"""The gradient in place equals that of the readable back-propagation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.preprocessing import one_hot
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.gradient_check import numerical_gradient
from mnist_core.nn.inplace import InplaceGradient
from mnist_core.nn.losses import cross_entropy, softmax
from mnist_core.nn.network import Network
from mnist_core.nn.walkthrough import as_vector

sizes = st.lists(st.integers(1, 7), min_size=2, max_size=5)


@given(sizes, st.integers(1, 9), st.integers(0, 99), st.sampled_from(list(ACTIVATIONS)))
def test_same_loss_gradients_and_hits_as_the_readable_way(sizes, count, seed, activation):
    rng = np.random.default_rng(seed)
    network = Network(sizes, activation, seed=seed, dtype=np.float64)
    x, labels = rng.random((count, sizes[0])), rng.integers(0, sizes[-1], count).astype(np.uint8)
    inplace = InplaceGradient(network)
    for _ in range(2):  # the second time in used buffers
        loss, correct = inplace.compute(x, labels)
        expected, gradients = network.back_propagate(x, one_hot(labels, sizes[-1]))
        assert loss == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert correct == (network.feed_forward(x).argmax(axis=1) == labels).sum()
        np.testing.assert_allclose(inplace.vector, as_vector(gradients), rtol=1e-9, atol=1e-12)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 99), st.sampled_from([np.float32, np.float64]))
def test_of_equal_probabilities_the_lowest_class_is_predicted(classes, count, seed, dtype):
    rng = np.random.default_rng(seed)
    network = Network((3, classes), dtype=dtype)
    network.parameters[:] = 0
    network.biases[-1][:] = rng.integers(0, 2, classes) * rng.choice(
        [1, 1e-12]
    )  # some equal, some equal but for a hair
    x, labels = rng.random((count, 3)).astype(dtype), rng.integers(0, classes, count)
    _, correct = InplaceGradient(network).compute(x, labels)
    assert correct == (network.feed_forward(x).argmax(axis=1) == labels).sum()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_with_dropout_and_smoothing_is_that_of_their_loss(activation):
    """The loss is written out here: a mask on the hidden activations, and targets partly spread over all classes."""
    network = Network((5, 6, 4, 3), activation, seed=2, dtype=np.float64)
    rng = np.random.default_rng(0)
    x, labels = rng.random((8, 5)), rng.integers(0, 3, 8)
    inplace = InplaceGradient(network, dropout=0.4, label_smoothing=0.2)
    inplace.compute(x, labels, np.random.default_rng(7))
    draws = np.random.default_rng(7)
    masks = [(draws.random((8, width)) < 0.6) / 0.6 for width in (6, 4)]
    targets = 0.8 * one_hot(labels, 3) + 0.2 / 3

    def loss():
        a = x
        for weight, bias, mask in zip(network.weights, network.biases, masks, strict=False):
            a = ACTIVATIONS[activation].function(a @ weight + bias) * mask
        return cross_entropy(softmax(a @ network.weights[-1] + network.biases[-1]), targets)

    slopes = numerical_gradient(loss, network.parameters, range(network.num_parameters))
    np.testing.assert_allclose(inplace.vector, slopes, rtol=1e-5, atol=1e-8)


def test_dropout_keeps_the_mean_and_leaves_out_its_share():
    network = Network((1, 2000, 2), seed=0)
    inplace = InplaceGradient(network, dropout=0.3)
    x, labels = np.ones((50, 1), np.float32), np.zeros(50, int)
    inplace.compute(x, labels, np.random.default_rng(0))
    (mask,) = inplace._buffers[50].masks
    assert np.mean(mask == 0) == pytest.approx(0.3, abs=0.01)
    assert mask.mean() == pytest.approx(1, abs=0.02)


def test_it_computes_in_the_dtype_of_the_network_and_reads_only():
    network = Network((6, 5, 3))
    x = np.random.default_rng(0).random((4, 6), np.float32)
    x.flags.writeable = False
    inplace = InplaceGradient(network, 0.2, 0.1)
    before = network.parameters.copy()
    inplace.compute(x, np.array([0, 1, 2, 0]), np.random.default_rng(0))
    assert inplace.vector.dtype == np.float32
    np.testing.assert_array_equal(network.parameters, before)
