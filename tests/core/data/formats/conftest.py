"""Fixtures of the tests of formats."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def arrays():
    """A small data set of random square images."""
    rng = np.random.default_rng(0)
    sizes = (("train", 12), ("test", 5))
    return {split: (rng.integers(0, 256, (n, 6, 6), np.uint8), rng.integers(0, 10, n)) for split, n in sizes}
