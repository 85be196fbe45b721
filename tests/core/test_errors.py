"""What the messages of all rooms share."""

import pytest

from mnist_core.errors import ModelError, times


@pytest.mark.parametrize(
    ("shape", "text"), [((28, 28), "28x28"), ((60000, 28, 28), "60000x28x28"), ((7,), "7"), ((), "a single value")]
)
def test_sizes_are_written_one_way(shape, text):
    assert times(shape) == text


def test_a_message_that_quotes_very_much_keeps_its_beginning_and_its_advice():
    error = ModelError(f"model.npz is damaged ({'x' * 100_000}): copy it again.")
    assert len(str(error)) <= 2000
    assert str(error).startswith("model.npz is damaged (xxx")
    assert str(error).endswith("xxx): copy it again.")
