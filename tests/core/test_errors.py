"""What the messages of all rooms share."""

import pytest

from mnist_core.errors import times


@pytest.mark.parametrize(
    ("shape", "text"), [((28, 28), "28x28"), ((60000, 28, 28), "60000x28x28"), ((7,), "7"), ((), "a single value")]
)
def test_sizes_are_written_one_way(shape, text):
    assert times(shape) == text
