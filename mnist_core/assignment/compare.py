"""Compare a result with the expected one, and say what can be measured of their difference."""

import numpy as np

from mnist_core.assignment.reference import Array, Parameters

TOLERANCE = 1e-6
SINGLE_TOLERANCE = 1e-4
ROUNDING = 1e-13
"""What may be left of a sum that is 0."""


def as_array(value: object) -> Array | None:
    """A number or array as float64; None for anything else."""
    if isinstance(value, bool | int | float | np.generic):
        return np.asarray(value, np.float64)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value.astype(np.float64)
    if isinstance(value, list | tuple) and value:
        parts = [as_array(item) for item in value]
        if all(part is not None for part in parts) and len({part.shape for part in parts if part is not None}) == 1:
            return np.array(parts)
    return None


def same(value: object, expected: object, tolerance: float = TOLERANCE, floor: float = ROUNDING) -> bool:
    """Whether two numbers or arrays agree in shape and value; not-a-number agrees with itself.

    Parameters
    ----------
    value, expected : object
    tolerance : float
        Relative to the largest entry expected.
    floor : float
        Absolute.
    """
    a, b = as_array(value), as_array(expected)
    if a is None or b is None or a.shape != b.shape:
        return False
    finite = b[np.isfinite(b)]
    scale = np.abs(finite).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        return bool(np.allclose(a, b, rtol=tolerance, atol=max(tolerance * scale, floor), equal_nan=True))


def same_layers(value: Parameters, expected: Parameters, tolerance: float = TOLERANCE) -> bool:
    """Whether weights and biases of all layers agree."""
    return len(value) == len(expected) and all(
        same(a, b.ravel() if np.ndim(b) == 2 and len(b) == 1 and np.ndim(a) == 1 else b, tolerance)
        for pair, other in zip(value, expected, strict=True)
        for a, b in zip(pair, other, strict=True)
    )


def facts(value: object, expected: object, name: str = "the result") -> str:
    """Describe how a result differs: shape, not-a-number, a constant ratio or difference, correlation, first place."""
    a, b = as_array(value), as_array(expected)
    if a is None or b is None:
        return f"{name} is {_what(value)}; expected {_what(expected)}"
    if a.shape != b.shape:
        if a.size == b.size and a.shape == b.T.shape and same(a.T, b):
            return f"{name} has the shape {a.shape}, expected {b.shape}: it is transposed"
        return f"{name} has the shape {a.shape or 'of a number'}, expected {b.shape or 'a number'}"
    wrong = np.isnan(a) & ~np.isnan(b)
    if wrong.any():
        return f"{np.count_nonzero(wrong):,} of {a.size:,} entries of {name} are not numbers (first at {_first(wrong)})"
    return _numbers(a, b, name)


def _numbers(a: Array, b: Array, name: str) -> str:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, difference = a / b, a - b
    usable = np.isfinite(ratio)
    if (
        usable.any()
        and np.ptp(ratio[usable]) < 1e-6 * max(1.0, abs(ratio[usable][0]))
        and (a[~usable] == b[~usable]).all()
    ):
        return f"{name} is {ratio[usable][0]:.6g} times what was expected, everywhere"
    if a.size > 1 and np.ptp(difference) < 1e-9:
        return f"{name} is larger than expected by {difference.flat[0]:.6g}, everywhere"
    off = ~np.isclose(a, b, rtol=1e-6, atol=1e-12)
    place = _first(off)
    text = (
        f"{np.count_nonzero(off):,} of {a.size:,} entries of {name} differ, first at {place}: "
        f"{a[place] if a.ndim else a:.6g}, expected {b[place] if b.ndim else b:.6g}"
    )
    if a.size > 2 and a.std() > 0 and b.std() > 0:
        text += f"; correlation {np.corrcoef(a.ravel(), b.ravel())[0, 1]:.2f}"
    return text


def layer_facts(value: Parameters, expected: Parameters, prefix: str = "") -> str:
    """Describe the layers whose weights or biases differ."""
    found = [
        facts(a, b, f"{prefix}{letter}{layer}")
        for layer, (pair, other) in enumerate(zip(value, expected, strict=False), start=1)
        for letter, a, b in zip(("W", "b"), pair, other, strict=True)
        if not same(a, b)
    ]
    return "; ".join(found[:4]) or f"{len(value)} layers, expected {len(expected)}"


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(axis[0]) for axis in np.nonzero(mask)) if mask.ndim else ()


def _what(value: object) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    array = as_array(value)
    if array is not None:
        return "a number" if array.ndim == 0 else f"an array of shape {array.shape}"
    return str(value)[:80] if isinstance(value, str) else f"a {type(value).__name__}"
