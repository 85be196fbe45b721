"""The distributions that the first weights and biases are drawn from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Initialization:
    """Uniform distributions around 0 that the weights and the biases of a layer are drawn from."""

    label: str
    """Its name for people."""
    explanation: str
    """One sentence."""
    limits: Callable[[int, int, float], tuple[float, float]]
    """From fan_in, fan_out and the gain of the activation: the largest weight and the largest bias."""


def uniform_limits(fan_in: int, fan_out: int, gain: float) -> tuple[float, float]:
    """Weights and biases up to ``1 / sqrt(fan_in)``."""
    limit = float(1 / np.sqrt(fan_in))
    return limit, limit


def glorot_limits(fan_in: int, fan_out: int, gain: float) -> tuple[float, float]:
    """Weights up to ``sqrt(6 / (fan_in + fan_out))``, biases 0 (X. Glorot, Y. Bengio, 2010)."""
    return float(np.sqrt(6 / (fan_in + fan_out))), 0.0


def he_limits(fan_in: int, fan_out: int, gain: float) -> tuple[float, float]:
    """Weights up to ``gain sqrt(6 / fan_in)``, biases 0 (K. He et al., 2015)."""
    return gain * float(np.sqrt(6 / fan_in)), 0.0


INITIALIZATIONS: dict[str, Initialization] = {
    "uniform": Initialization(
        "uniform", "Weights and biases up to 1/sqrt(inputs of the layer): the reference recipe.", uniform_limits
    ),
    "glorot": Initialization(
        "Glorot",
        "Keeps the variance of signals and gradients where the activation is nearly linear: fits sigmoid and tanh.",
        glorot_limits,
    ),
    "he": Initialization("He", "Makes up for the half of the inputs that ReLU and its relatives suppress.", he_limits),
}
"""Initializations by name."""
