"""Is the gradient right? Compare it with the slope that the loss itself shows when a parameter is nudged."""

from collections.abc import Callable, Sequence

import numpy as np

STEP = 1e-5
"""Near the cube root of the precision of float64, where the errors of rounding and of curvature are both small."""


def numerical_gradient(
    loss: Callable[[], float], parameters: np.ndarray, positions: Sequence[int] | np.ndarray, step: float = STEP
) -> np.ndarray:
    """Slope of a loss along some of its parameters, by central differences.

        dC/dw ~ (C(w + step) - C(w - step)) / (2 step)

    Back-propagation gets all slopes from one pass back; this takes two forward passes for each parameter, so it serves
    to check, not to train.

    Parameters
    ----------
    loss : callable
        Returns the loss at the present values of ``parameters``.
    parameters : ndarray of float64, shape (P,)
        Changed in place while the loss is measured; left as they were.
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
    """Distance of two gradients in relation to their size, ``|g - n| / (|g| + |n|)``, element by element; 0 where both are 0.

    In float64, below 1e-6 is as good as equal, and above 1e-3 there is a mistake.
    """
    size = np.abs(gradient) + np.abs(numeric)
    return np.divide(np.abs(gradient - numeric), size, out=np.zeros(np.shape(size)), where=size > 0)
