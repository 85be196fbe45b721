"""Pixel attributions against numerical slopes, neighbours against scikit-learn."""

import numpy as np
import pytest

from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.inspection.neighbours import nearest_neighbours
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_times_input_is_the_numerical_slope_times_the_pixel(activation):
    network = Network((12, 7, 5, 3), activation, dtype=np.float64)
    image = np.random.default_rng(0).integers(0, 256, (4, 3)).astype(np.uint8)
    pulls = gradient_times_input(network, image)
    assert pulls.shape == (3, 4, 3)
    x = image.reshape(1, 12) / np.float32(255)
    for pixel in range(12):
        step = np.zeros((1, 12))
        step[0, pixel] = 1e-6
        above, below = (network.forward_pass(x + sign * step).weighted_inputs[-1][0] for sign in (1, -1))
        slope = (above - below) / 2e-6
        np.testing.assert_allclose(pulls.reshape(3, 12)[:, pixel], slope * x[0, pixel], rtol=1e-4, atol=1e-8)


def test_pulls_of_relu_without_biases_add_up_to_the_logits():
    network = Network((12, 7, 5, 3), "relu", initialization="he", dtype=np.float64)
    image = np.random.default_rng(1).integers(0, 256, (4, 3)).astype(np.uint8)
    logits = network.forward_pass(image.reshape(1, 12) / np.float32(255)).weighted_inputs[-1][0]
    np.testing.assert_allclose(gradient_times_input(network, image).sum(axis=(1, 2)), logits, rtol=1e-5)


def test_neighbours_are_those_of_scikit_learn():
    neighbors = pytest.importorskip("sklearn.neighbors", reason="the oracle is scikit-learn")
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (300, 5, 4)).astype(np.uint8)
    found = nearest_neighbours(images[7], images, 6)
    peer = neighbors.NearestNeighbors(n_neighbors=6, algorithm="brute").fit(images.reshape(300, -1) / 255)
    distance, index = peer.kneighbors(images[7].reshape(1, -1) / 255)
    assert found.index.tolist() == index[0].tolist()
    assert found.index[0] == 7
    np.testing.assert_allclose(found.distance, distance[0], atol=2e-3)


def test_all_images_may_be_asked_for():
    images = np.arange(24, dtype=np.uint8).reshape(3, 4, 2)
    assert nearest_neighbours(images[0], images, 3).index.tolist() == [0, 1, 2]
