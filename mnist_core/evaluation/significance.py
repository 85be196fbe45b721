"""How runs differ: in their settings, and in the digits that they get right."""

from typing import NamedTuple

import numpy as np


class McNemar(NamedTuple):
    """The result of :func:`mcnemar`: how many digits each of two classifiers gets right, and whether that may be chance."""

    both_right: int
    only_a: int
    """Digits that A gets right and B gets wrong."""
    only_b: int
    """Digits that B gets right and A gets wrong."""
    both_wrong: int
    p_value: float
    """Probability of counts at least as unequal, if both were equally good."""


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> McNemar:
    """Test whether two classifiers differ in accuracy, by the digits of one test set that only one of them gets right.

    If both were equally good, each of the n = b + c digits on which they differ would fall to either side like a fair coin:
    b ~ Binomial(n, 1/2). The p-value is that of the exact two-sided test, min(1, 2 P(X <= min(b, c))), which also holds for
    the small counts that the usual chi-squared approximation is not made for.

    Parameters
    ----------
    right_a, right_b : ndarray of bool, shape (N,)
        Whether A and B get each of the same N digits right.

    Returns
    -------
    McNemar

    Raises
    ------
    ValueError
        If the arrays have not the same shape.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947, pp. 153-157.

    Examples
    --------
    >>> mcnemar(np.array([True, True, True, False]), np.array([True, False, False, False]))
    McNemar(both_right=1, only_a=2, only_b=0, both_wrong=1, p_value=0.5)
    """
    right_a, right_b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    if right_a.shape != right_b.shape or right_a.ndim != 1:
        raise ValueError(f"found shapes {right_a.shape} and {right_b.shape}, expected the same (N,) twice")
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    both_right = int((right_a & right_b).sum())
    p_value = _two_sided(min(only_a, only_b), only_a + only_b)
    return McNemar(both_right, only_a, only_b, len(right_a) - both_right - only_a - only_b, p_value)


def _two_sided(fewer: int, tosses: int) -> float:
    """Twice the probability of at most ``fewer`` heads in ``tosses`` of a fair coin, at most 1; in whole numbers, so exact."""
    ways, total = 1, 0
    for heads in range(fewer + 1):
        total += ways
        ways = ways * (tosses - heads) // (heads + 1)
    return min(1.0, 2 * total / 2**tosses)
