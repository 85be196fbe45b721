"""Which settings differ between runs."""

from mnist_core.runs.settings_diff import differing_settings
from mnist_core.training.config import TrainingConfig


def test_only_differing_settings_are_named():
    configs = [TrainingConfig(), TrainingConfig(epochs=3), TrainingConfig(hidden_layers=())]
    assert differing_settings(configs) == {"epochs": [100, 3, 100], "hidden_layers": [[128, 64], [128, 64], []]}
    assert differing_settings(configs[:1]) == differing_settings([configs[0]] * 2) == {}
