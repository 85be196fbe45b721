"""Nearest neighbours against scikit-learn."""

import numpy as np
import pytest

from mnist_core.inspection.neighbours import nearest_neighbours

sklearn_neighbors = pytest.importorskip("sklearn.neighbors", reason="the oracle is scikit-learn")


def test_neighbours_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (300, 5, 4)).astype(np.uint8)
    found = nearest_neighbours(images[7], images, 6)
    peer = sklearn_neighbors.NearestNeighbors(n_neighbors=6, algorithm="brute").fit(images.reshape(300, -1) / 255)
    distance, index = peer.kneighbors(images[7].reshape(1, -1) / 255)
    assert found.index.tolist() == index[0].tolist()
    assert found.index[0] == 7
    np.testing.assert_allclose(found.distance, distance[0], atol=2e-3)


def test_count_may_be_the_number_of_images():
    images = np.arange(24, dtype=np.uint8).reshape(3, 4, 2)
    assert nearest_neighbours(images[0], images, 3).index.tolist() == [0, 1, 2]
