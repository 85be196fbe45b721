"""Central differences, and the walk whose gradient they check."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.preprocessing import one_hot
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.gradient_check import numerical_gradient, relative_error
from mnist_core.nn.losses import cross_entropy
from mnist_core.nn.network import Network
from mnist_core.nn.walkthrough import as_vector, checked_positions, parameter_name, walk_through

SIZES = (12, 5, 4, 3)


@pytest.fixture
def walk():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(4, 3, 4), dtype=np.uint8)
    return walk_through(Network(SIZES, seed=1, dtype=np.float64), images, np.array([2, 0, 1, 2]), 0.3)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_slopes_of_a_cubic_are_known(values):
    w = np.array(values)
    slopes = numerical_gradient(lambda: float(w[0] ** 3 + 2 * w[1] - w[0] * w[2]), w, [0, 1, 2])
    np.testing.assert_allclose(slopes, [3 * w[0] ** 2 - w[2], 2, -w[0]], atol=1e-7)
    assert w.tolist() == values


def test_parameters_are_put_back_when_the_loss_raises():
    w = np.array([1.0, 2.0])

    def loss():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        numerical_gradient(loss, w, [1])
    assert w.tolist() == [1, 2]


def test_only_the_positions_asked_for_are_nudged():
    w, seen = np.zeros(5), set()

    def loss():
        seen.update(np.flatnonzero(w).tolist())
        return 0.0

    assert numerical_gradient(loss, w, [3, 1]).tolist() == [0, 0]
    assert seen == {1, 3}


def test_relative_error():
    np.testing.assert_allclose(
        relative_error(np.array([1.0, 0, -1, 2]), np.array([1.0, 0, 1, 0])), [0, 0, 1, 1]
    )  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(5, 3), (6, 1, 2), (7, 5, 4), (4, 6, 5, 3, 2), SIZES], ids=str)
def test_back_propagation_agrees_everywhere(sizes, activation):
    rng = np.random.default_rng(2)
    network = Network(sizes, activation, seed=1, dtype=np.float64)
    x, y = rng.random((6, sizes[0])), one_hot(rng.integers(0, sizes[-1], 6), sizes[-1])
    loss, gradients = network.back_propagate(x, y)
    assert loss == pytest.approx(cross_entropy(network.feed_forward(x), y))
    numeric = numerical_gradient(
        lambda: cross_entropy(network.feed_forward(x), y), network.parameters, range(network.num_parameters)
    )
    gradient = as_vector(gradients)
    assert np.linalg.norm(gradient - numeric) / np.linalg.norm(gradient + numeric) < 1e-8


def test_a_wrong_gradient_is_noticed(walk):
    positions = checked_positions(walk)
    nudged = Network.from_arrays(walk.network.to_arrays())
    numeric = numerical_gradient(
        lambda: cross_entropy(nudged.feed_forward(walk.x), walk.y), nudged.parameters, positions
    )
    assert relative_error(walk.gradient[positions], numeric).max() < 1e-6
    assert relative_error(1.01 * walk.gradient[positions], numeric).min() > 1e-3


def test_the_walk_is_one_step_of_gradient_descent(walk):
    loss, gradients = walk.network.back_propagate(walk.x, walk.y)
    assert walk.loss == loss
    np.testing.assert_array_equal(walk.gradient, as_vector(gradients))
    np.testing.assert_array_equal(walk.updated.parameters, walk.network.parameters - 0.3 * walk.gradient)
    assert walk.loss_after == cross_entropy(walk.updated.feed_forward(walk.x), walk.y) < walk.loss
    np.testing.assert_array_equal(walk.network.parameters, Network(SIZES, seed=1, dtype=np.float64).parameters)


def test_deltas_are_what_the_biases_add_up(walk):
    for delta, (_, bias) in zip(walk.deltas, walk.gradients, strict=True):
        np.testing.assert_allclose(delta.sum(axis=0), bias)
    np.testing.assert_allclose(walk.deltas[-1], (walk.forward.activations[-1] - walk.y) / 4)


def test_parameters_are_named_as_they_are_indexed(walk):
    network = Network(SIZES)
    for position in range(network.num_parameters):
        network.parameters[:] = 0
        network.parameters[position] = 7
        name, _, index = parameter_name(network, position).partition("[")
        array = network.to_arrays()[name]
        assert array[tuple(map(int, index.rstrip("]").split(", ")))] == 7
    with pytest.raises(IndexError, match="position is"):
        parameter_name(network, network.num_parameters)


def test_checked_are_the_steepest_of_each_layer(walk):
    names = [parameter_name(walk.network, position) for position in checked_positions(walk)]
    assert [name.partition("[")[0] for name in names] == ["W1", "W1", "W2", "W2", "W3", "W3", "b1", "b2", "b3"]
    assert np.abs(walk.gradient[checked_positions(walk)[0]]) == np.abs(walk.gradients[0][0]).max()
