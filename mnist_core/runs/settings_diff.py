"""The settings in which runs differ."""

from collections.abc import Sequence
from typing import Any

from mnist_core.training.config import TrainingConfig


def differing_settings(configs: Sequence[TrainingConfig]) -> dict[str, list[Any]]:
    """Find the settings that are not the same in all ``configs``: the value in each of them, by name of the field."""
    settings = [config.to_dict() for config in configs]
    columns = {name: [values[name] for values in settings] for name in TrainingConfig.settings()}
    return {name: values for name, values in columns.items() if any(value != values[0] for value in values)}
