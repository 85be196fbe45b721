"""Activations of hidden units, and the connections that contribute most to them."""

import numpy as np
import pytest

from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.evaluation import predict as evaluation
from mnist_core.inspection.units import hidden_activations, mean_by_class, strongest, strongest_connections
from mnist_core.nn.network import Network


def test_hidden_activations_equal_those_of_the_forward_pass_for_any_chunk_size(monkeypatch):
    images = np.random.default_rng(0).integers(256, size=(23, 3, 4), dtype=np.uint8)
    network = Network((12, 7, 5, 3))
    expected = network.forward_pass(flatten(normalize(images))).activations[1:-1]
    monkeypatch.setattr(evaluation, "CHUNK", 10)
    found = hidden_activations(network, images)
    assert [array.shape for array in found] == [(23, 7), (23, 5)]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert hidden_activations(Network((12, 3)), images) == []


def test_strongest_sorts_and_ties_keep_their_order():
    assert strongest(np.array([1, 5, 5, 2]), 3).tolist() == [1, 2, 3]
    assert strongest(np.array([1.0]), 3).tolist() == [0]


def test_means_of_classes():
    means = mean_by_class(np.array([1.0, 2, 6]), np.array([0, 2, 2], np.uint8), 4)
    np.testing.assert_array_equal(means, [1, np.nan, 4, np.nan])


def test_connections_are_the_largest_products():
    activation, weight = np.array([1.0, 0.5, 9.0]), np.array([[1.0, -3], [4, 0.1], [100, 100]])
    found = strongest_connections(activation, weight, np.array([0, 1]), np.array([0, 1]), 3)
    assert [connection[:2] for connection in found] == [(0, 1), (1, 0), (0, 0)]
    assert [connection.contribution for connection in found] == pytest.approx([-3, 2, 1])
    assert len(strongest_connections(activation, weight, np.array([2]), np.array([1]), 9)) == 1
