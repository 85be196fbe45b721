"""What is in a result, whichever of the usual ways it is returned."""

from typing import Any

import numpy as np

from mnist_core.assignment.convention import Convention, Misfit, leaves
from mnist_core.assignment.reference import Array


def probabilities_in(value: Any, shape: tuple[int, int], convention: Convention) -> Array:
    """Find the probabilities, (N, C), in what feed_forward returns, with or without what it kept for the way back.

    Raises
    ------
    Misfit
        If there is no array.
    """
    if isinstance(value, list | dict) and value:
        arrays = [convention.batch(leaf) for _, leaf in leaves(value) if isinstance(leaf, np.ndarray)]
        fitting = [array for array in arrays if array.shape == shape]
        sure = [array for array in fitting if np.allclose(array.sum(axis=1), 1)]
        if arrays:
            first = [array for array in fitting if array is arrays[0]]
            return np.asarray([*sure, *first, *reversed(fitting), arrays[0]][0], np.float64)
    if not isinstance(value, np.ndarray):
        raise Misfit(f"It returns no array but {_kind(value)}; expected probabilities of shape (N, C).")
    return convention.batch(np.asarray(value, np.float64))


def split_loss(value: Any) -> tuple[float | None, Any]:
    """Separate the loss from the gradients: first, last, alone, or not returned."""
    if _is_number(value):
        return float(value), None
    if isinstance(value, list):
        for position in (0, len(value) - 1):
            if value and _is_number(value[position]):
                rest = [item for k, item in enumerate(value) if k != position]
                return float(value[position]), rest[0] if len(rest) == 1 else rest
    return None, value


def same_arrays(value: Any, other: Any) -> bool:
    """Whether two structures hold the same arrays at the same places."""
    ours, theirs = dict(leaves(value)), dict(leaves(other))
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[path], theirs[path]) for path in ours)


def has_arrays(value: Any) -> bool:
    """Whether there is an array anywhere in a structure."""
    return any(isinstance(leaf, np.ndarray) for _, leaf in leaves(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, np.ndarray) and value.size == 1 and value.ndim == 0)


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__ if not isinstance(value, str) else str(value)
