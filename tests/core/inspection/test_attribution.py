"""Attributions against numerical gradients."""

import numpy as np
import pytest

from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_times_input_is_the_numerical_gradient_times_the_pixel(activation):
    network = Network((12, 7, 5, 3), activation, dtype=np.float64)
    image = np.random.default_rng(0).integers(0, 256, (4, 3)).astype(np.uint8)
    attributions = gradient_times_input(network, image)
    assert attributions.shape == (3, 4, 3)
    x = image.reshape(1, 12) / np.float32(255)
    for pixel in range(12):
        step = np.zeros((1, 12))
        step[0, pixel] = 1e-6
        above, below = (network.forward_pass(x + sign * step).weighted_inputs[-1][0] for sign in (1, -1))
        gradient = (above - below) / 2e-6
        np.testing.assert_allclose(attributions.reshape(3, 12)[:, pixel], gradient * x[0, pixel], rtol=1e-4, atol=1e-8)


def test_attributions_of_relu_without_biases_sum_to_the_logits():
    network = Network((12, 7, 5, 3), "relu", initialization="he", dtype=np.float64)
    image = np.random.default_rng(1).integers(0, 256, (4, 3)).astype(np.uint8)
    logits = network.forward_pass(image.reshape(1, 12) / np.float32(255)).weighted_inputs[-1][0]
    np.testing.assert_allclose(gradient_times_input(network, image).sum(axis=(1, 2)), logits, rtol=1e-5)
