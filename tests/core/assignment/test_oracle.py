"""The reference, and the network itself, beside automatic differentiation by autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.scipy.special import logsumexp

from mnist_core.assignment.cases import batch_for, cases_of, parameters_for
from mnist_core.assignment.compare import same_layers
from mnist_core.assignment.reference import back_propagate, sigmoid_derivative
from mnist_core.assignment.whole import central_differences
from mnist_core.nn.network import Network

HIDDEN = {
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.maximum(z, 0),
}


def loss_of(parameters, x, y, hidden):
    """Mean cross-entropy from the logits, written another way than ours."""
    a = x
    for weights, bias in parameters[:-1]:
        a = hidden(anp.dot(a, weights) + bias)
    weights, bias = parameters[-1]
    logits = anp.dot(a, weights) + bias
    return anp.mean(logsumexp(logits, axis=1) - anp.sum(logits * y, axis=1))


@pytest.mark.parametrize("case", cases_of("back_propagate"), ids=lambda case: case.about)
def test_the_reference_has_the_gradient_of_automatic_differentiation(case):
    x, y, parameters = case.args
    loss, gradients = back_propagate(x, y, parameters)
    assert loss == pytest.approx(loss_of(parameters, x, y, HIDDEN["sigmoid"]), rel=1e-12)
    assert same_layers(gradients, grad(loss_of)(parameters, x, y, HIDDEN["sigmoid"]), 1e-11)


def test_the_slope_of_sigmoid():
    z = np.linspace(-30, 30, 241)
    expected = grad(lambda value: anp.sum(HIDDEN["sigmoid"](value)))(z)
    np.testing.assert_allclose(sigmoid_derivative(z), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("activation", HIDDEN)
@pytest.mark.parametrize("sizes", [(6, 3), (6, 5, 3), (7, 5, 4, 6, 3)], ids=str)
def test_the_network_has_the_gradient_of_automatic_differentiation(activation, sizes):
    network = Network(sizes, activation, seed=3, dtype=np.float64)
    network.parameters *= 2
    x, y = batch_for(5, sizes[0], sizes[-1], 4)
    loss, gradients = network.back_propagate(x, y)
    parameters = list(zip(network.weights, network.biases, strict=True))
    assert loss == pytest.approx(loss_of(parameters, x, y, HIDDEN[activation]), rel=1e-12)
    assert same_layers(gradients, grad(loss_of)(parameters, x, y, HIDDEN[activation]), 1e-11)


def test_central_differences_are_near_automatic_differentiation():
    x, y = batch_for(3, 4, 3, 8)
    parameters = parameters_for((4, 3, 3), 4)
    measured = central_differences(lambda: loss_of(parameters, x, y, HIDDEN["sigmoid"]), parameters)
    assert same_layers(measured, grad(loss_of)(parameters, x, y, HIDDEN["sigmoid"]), 1e-7)
