"""What a training that diverged calls for."""

from dataclasses import replace

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import TrainingError
from mnist_core.training.config import LEARNING_RATES, TrainingConfig
from mnist_core.training.divergence import has_diverged, with_shorter_steps
from mnist_core.training.loop import train


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rate", [1e5, 2000.0])
def test_every_error_of_divergence_is_known_as_one(rate):
    config = TrainingConfig(epochs=5, learning_rate=rate, activation="relu")
    with pytest.raises(TrainingError) as error:
        list(train(config, load_dataset("sample")))
    assert has_diverged(str(error.value))


def test_other_errors_are_not():
    assert not has_diverged("This machine ran out of memory: use smaller hidden layers.")
    assert not has_diverged("")


@pytest.mark.parametrize(
    ("optimizer", "rate", "expected"),
    [
        ("sgd", 0.5, 0.1),
        ("sgd", 5.0, 0.1),
        ("sgd", 1e6, 0.1),
        ("sgd", 0.3, 0.05),
        ("momentum", 0.1, 0.02),
        ("adam", 1.0, 0.003),
        ("adamw", 0.005, 0.001),
        ("sgd", 0.0005, 0.0001),
        ("sgd", 0.0004, None),
        ("sgd", 1e-8, None),
    ],
)
def test_a_lower_round_rate_is_the_only_change(optimizer, rate, expected):
    config = TrainingConfig(optimizer=optimizer, learning_rate=rate, epochs=7, seed=3)
    calmer = with_shorter_steps(config)
    assert calmer == (None if expected is None else replace(config, learning_rate=expected))


def test_going_on_ends():
    config, rates = TrainingConfig(learning_rate=1e6), []
    while config:
        rates.append(config.learning_rate)
        config = with_shorter_steps(config)
    assert rates[1:] == sorted(set(rates[1:]), reverse=True)
    assert set(rates[1:]) <= set(LEARNING_RATES)
