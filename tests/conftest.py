"""Fixtures that test files share."""

import os
from pathlib import Path

# On cores that other processes also use, two BLAS threads mostly wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

from mnist_core.data.dataset import find_full
from mnist_core.data.idx import write_idx
from mnist_core.data.preparing import prepared

settings.register_profile("shared-machine", deadline=None)  # how long an example takes depends on the machine
settings.load_profile("shared-machine")


@pytest.fixture(scope="session", autouse=True)
def _prepared_datasets_of_tests(tmp_path_factory):
    """Keep the user's cache free of the data sets that tests prepare."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "cached_datasets", lambda: folder)
        yield


@pytest.fixture(scope="session")
def full_data_dir() -> Path:
    """The folder of the full MNIST, named by MNIST_DATA_DIR; without it the test is skipped."""
    named = os.environ.get("MNIST_DATA_DIR")
    if not named or not find_full(named):
        pytest.skip("needs the full MNIST: set MNIST_DATA_DIR to the folder of its four files")
    return Path(named).absolute()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A function that writes a small data set of random images and returns its folder.

    Labels count up from 0 and start over after `classes`, so every class occurs in splits of at least
    `classes` images.
    """

    def write(train=12, test=6, shape=(5, 4), classes=3, suffix=".gz", seed=0) -> Path:
        folder = tmp_path_factory.mktemp("own-digits")
        rng = np.random.default_rng(seed)
        for split, count in (("train", train), ("t10k", test)):
            images = rng.integers(256, size=(count, *shape), dtype=np.uint8)
            write_idx(folder / f"{split}-images-idx3-ubyte{suffix}", images)
            labels = (np.arange(count) % classes).astype(np.uint8)
            write_idx(folder / f"{split}-labels-idx1-ubyte{suffix}", labels)
        return folder

    return write
