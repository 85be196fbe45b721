"""Fixtures of the tests of formats."""

import numpy as np
import pytest

from mnist_core.data.formats import parquet, parquet_process


@pytest.fixture(scope="session", autouse=True)
def parquet_in_this_process():
    """Starting a process takes half a second; one test does."""
    run_apart = parquet.run_apart
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "run_apart", parquet_process.write)
        yield run_apart


@pytest.fixture(scope="session")
def arrays():
    """A small data set of random square images."""
    rng = np.random.default_rng(0)
    sizes = (("train", 12), ("test", 5))
    return {split: (rng.integers(0, 256, (n, 6, 6), np.uint8), rng.integers(0, 10, n)) for split, n in sizes}
