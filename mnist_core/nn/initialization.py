"""The distributions that the first weights and biases are drawn from."""

import numpy as np

INITIALIZATIONS = ("uniform", "glorot", "he")


def initial_limits(initialization: str, fan_in: int, fan_out: int) -> tuple[float, float]:
    """Bounds of the uniform distributions that the weights and the biases of a layer are drawn from.

    uniform   weights and biases 1/sqrt(fan_in): the reference recipe
    glorot    weights sqrt(6 / (fan_in + fan_out)), biases 0: keeps the variance of signals and gradients where the
              activation is nearly linear, so it fits sigmoid and tanh (X. Glorot, Y. Bengio, 2010)
    he        weights sqrt(6 / fan_in), biases 0: makes up for the half that ReLU sets to 0 (K. He et al., 2015)
    """
    if initialization == "uniform":
        return (1 / np.sqrt(fan_in),) * 2
    return np.sqrt(6 / (fan_in + fan_out if initialization == "glorot" else fan_in)), 0.0
