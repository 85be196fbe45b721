"""Initial parameters: their distributions, their seed, and the signal that they keep."""

import numpy as np
import pytest

from mnist_core.errors import ConfigError
from mnist_core.nn.initialization import INITIALIZATIONS
from mnist_core.nn.network import Network

GAINS = {"sigmoid": 1.0, "tanh": 1.0, "relu": 1.0, "leaky_relu": 1 / np.sqrt(1.0001), "gelu": 1.0844}

FORMULAS = {
    "uniform": lambda fan_in, fan_out, gain: (1 / np.sqrt(fan_in), 1 / np.sqrt(fan_in)),
    "glorot": lambda fan_in, fan_out, gain: (np.sqrt(6 / (fan_in + fan_out)), 0.0),
    "he": lambda fan_in, fan_out, gain: (np.sqrt(6 / fan_in) * gain, 0.0),
}


@pytest.mark.parametrize("activation", GAINS)
@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_a_seed_gives_the_same_bits_in_every_version(initialization, activation):
    """The draws of the first version, written out here: old seeds give the networks that they gave then."""
    network, rng = Network((30, 20, 10), activation, 7, initialization=initialization), np.random.default_rng(7)
    for weight, bias in zip(network.weights, network.biases, strict=True):
        limits = FORMULAS[initialization](*weight.shape, GAINS[activation])
        for parameters, limit in zip((weight, bias), limits, strict=True):
            expected = rng.uniform(-limit, limit, parameters.shape).astype(np.float32)
            if GAINS[activation] == 1:
                np.testing.assert_array_equal(parameters, expected)
            else:
                np.testing.assert_allclose(parameters, expected, rtol=1e-6)


def test_parameters_are_uniform_and_come_from_the_seed_alone():
    network, again, other = Network(), Network(), Network(seed=1)
    assert network.layer_sizes == (784, 128, 64, 10)
    assert network.num_parameters == 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    rng = np.random.default_rng(695)
    for weight, bias, fan_in in zip(network.weights, network.biases, (784, 128, 64), strict=True):
        limit = 1 / np.sqrt(fan_in)
        np.testing.assert_array_equal(weight, rng.uniform(-limit, limit, weight.shape).astype(np.float32))
        np.testing.assert_array_equal(bias, rng.uniform(-limit, limit, bias.shape).astype(np.float32))
        assert 0.95 * limit < np.abs(weight).max() <= np.float32(limit)
    assert all((a == b).all() for a, b in zip(network.weights, again.weights, strict=True))
    assert not any((a == b).all() for a, b in zip(network.weights, other.weights, strict=True))


@pytest.mark.parametrize(
    ("initialization", "limit", "biases"),
    [("uniform", 1 / np.sqrt(300), True), ("glorot", np.sqrt(6 / 800), False), ("he", np.sqrt(6 / 300), False)],
)
def test_initial_parameters_are_uniform_within_the_limits_of_their_scheme(initialization, limit, biases):
    network = Network((300, 500), initialization=initialization)
    weight, bias = network.weights[0], network.biases[0]
    assert 0.99 * limit < np.abs(weight).max() <= limit * (1 + 1e-6)
    assert weight.var() == pytest.approx(limit**2 / 3, rel=0.02)
    assert abs(weight.mean()) < 0.01 * limit
    assert (np.abs(bias).max() > 0.9 * limit) if biases else not bias.any()


@pytest.mark.parametrize(
    ("activation", "initialization"), [("tanh", "glorot"), ("relu", "he"), ("leaky_relu", "he"), ("gelu", "he")]
)
def test_fitting_initializations_keep_the_signal_through_many_layers(activation, initialization):
    x = np.random.default_rng(0).normal(size=(200, 256))

    def kept(initialization):
        network = Network((256,) * 11, activation, initialization=initialization, dtype=np.float64)
        signals = [np.sqrt(np.mean(z**2)) for z in network.forward_pass(x).weighted_inputs]
        return signals[-1] / signals[0]

    assert 0.2 < kept(initialization) < 2
    assert kept("uniform") < 0.1


def test_an_unknown_initialization_is_refused():
    with pytest.raises(ConfigError, match="initialization is 'random', expected one of uniform, glorot, he"):
        Network((4, 2), initialization="random")
