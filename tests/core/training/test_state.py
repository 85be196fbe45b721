"""The state of a training: taken out, put back, and refused if incomplete."""

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import ConfigError
from mnist_core.nn.network import Network
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import build_network, train
from mnist_core.training.state import TrainingState

EVERYTHING = {
    "activation": "relu", "initialization": "he", "optimizer": "adamw", "learning_rate": 0.003, "schedule": "one_cycle",
    "weight_decay": 0.01, "dropout": 0.1, "label_smoothing": 0.05, "validation_fraction": 0.1, "patience": 50,
    "shift": 1, "rotation": 8, "scale": 0.08, "shear": 8, "elastic": 0.8, "hidden_layers": (16, 8), "batch_size": 100,
}  # fmt: skip


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


def test_training_continues_from_its_state_with_everything_switched_on(sample):
    config = TrainingConfig(epochs=4, **EVERYTHING)
    whole = build_network(config, sample)
    rows = [row[:-1] for row in train(config, sample, whole)]

    first = build_network(config, sample)
    state = TrainingState.start(config, first)
    epochs = train(config, sample, first, state=state)
    ours = [next(epochs)[:-1] for _ in range(2)]
    arrays = {**first.to_arrays(), **state.to_arrays()}
    second = Network.from_arrays({name: array.copy() for name, array in first.to_arrays().items()})
    ours += [row[:-1] for row in train(config, sample, second, state=TrainingState.from_arrays(config, second, arrays))]
    assert ours == rows
    np.testing.assert_array_equal(second.parameters, whole.parameters)


def test_a_incomplete_state_is_refused(sample):
    config = TrainingConfig(**EVERYTHING)
    network = build_network(config, sample)
    arrays = TrainingState.start(config, network).to_arrays()
    for change in ({"optimizer.mean": None}, {"optimizer.square": np.zeros(3)}, {"steps": None}):
        broken = {name: array for name, array in {**arrays, **change}.items() if array is not None}
        with pytest.raises(ConfigError, match="training state is incomplete"):
            TrainingState.from_arrays(config, network, broken)
