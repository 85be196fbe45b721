"""The mean image of each class."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data import dataset
from mnist_core.data.dataset import class_means


@given(count=st.integers(1, 60), classes=st.integers(1, 5), seed=st.integers(0, 1000))
def test_equals_the_mean_of_each_class(count, classes, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 4, 3)).astype(np.uint8)
    labels = rng.integers(0, classes, count)
    means = class_means(images, labels, classes)
    for label in range(classes):
        expected = images[labels == label].mean(axis=0) if (labels == label).any() else np.zeros((4, 3))
        np.testing.assert_allclose(means[label], expected, rtol=1e-6)


def test_chunks_add_up(monkeypatch):
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2)
    labels = np.arange(10) % 3
    whole = class_means(images, labels, 3)
    monkeypatch.setattr(dataset, "CHUNK", 4)
    np.testing.assert_array_equal(class_means(images, labels, 3), whole)
