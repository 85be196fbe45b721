"""Is the gradient correct? Compare it with the slope of the loss that is measured when a parameter is nudged."""

from collections.abc import Callable, Sequence

import numpy as np

STEP = 1e-5
"""Near the cube root of the precision of float64, where the errors of rounding and of curvature are both small."""


def numerical_gradient(
    loss: Callable[[], float], parameters: np.ndarray, positions: Sequence[int] | np.ndarray, step: float = STEP
) -> np.ndarray:
    """Slope of a loss along some of its parameters, by central differences.

        dC/dw ~ (C(w + step) - C(w - step)) / (2 step)

    Back-propagation computes all slopes in one backward pass; this needs two forward passes per parameter, so it is for
    checking, not for training.

    Parameters
    ----------
    loss : callable
        Returns the loss at the current values of ``parameters``.
    parameters : ndarray of float64, shape (P,)
        Changed in place while the loss is measured, and restored afterwards.
    positions : sequence of int, shape (K,)
        Which parameters to nudge.
    step : float

    Returns
    -------
    ndarray of float64, shape (K,)
    """
    slopes = np.empty(len(positions))
    for number, position in enumerate(positions):
        value = parameters[position]
        try:
            parameters[position] = value + step
            above = loss()
            parameters[position] = value - step
            below = loss()
        finally:
            parameters[position] = value
        slopes[number] = (above - below) / (2 * step)
    return slopes


def relative_error(gradient: np.ndarray, numeric: np.ndarray) -> np.ndarray:
    """Relative error of two gradients, ``|g - n| / (|g| + |n|)``, element by element; 0 if both are 0.

    In float64, an error below 1e-6 counts as equal, and an error above 1e-3 means a mistake.
    """
    size = np.abs(gradient) + np.abs(numeric)
    return np.divide(np.abs(gradient - numeric), size, out=np.zeros(np.shape(size)), where=size > 0)
