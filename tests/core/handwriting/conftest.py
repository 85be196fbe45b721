"""What the tests of handwriting share."""

import pytest

from mnist_core.data.dataset import load_dataset


@pytest.fixture(scope="session")
def sample():
    return load_dataset("sample")
