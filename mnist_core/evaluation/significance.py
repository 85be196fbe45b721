"""Whether a classifier is more accurate than another one, or than guessing, or whether the difference may be chance."""

from typing import NamedTuple

import numpy as np
import scipy  # loads scipy.stats when it is first used

from mnist_core.data.classes import Classes

GUESSING_P_VALUE = 0.01
"""An accuracy counts as better than guessing if guessing reaches it with less than this probability."""


class McNemar(NamedTuple):
    """The result of :func:`mcnemar`: how many images each of two classifiers classifies correctly, and a p-value."""

    both_correct: int
    only_a: int
    """Images that only A classifies correctly."""
    only_b: int
    """Images that only B classifies correctly."""
    both_wrong: int
    p_value: float
    """Probability of counts at least as unequal if both are equally accurate."""


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> McNemar:
    """Test whether two classifiers differ in accuracy, by the images that only one of them classifies correctly.

    Let b and c be the numbers of images that only A and only B classifies correctly, and n = b + c. If both are equally
    accurate, each of the n images falls to either side like a fair coin, b ~ Binomial(n, 1/2), and the exact two-sided
    p-value is

        p = min(1, 2 P(X <= min(b, c)))

    It also holds for small counts, where the usual chi-squared approximation fails. If n = 0, p = 1.

    Parameters
    ----------
    correct_a, correct_b : ndarray of bool, shape (N,)
        Whether A and B classify each of the same N images correctly.

    Returns
    -------
    McNemar

    Raises
    ------
    ValueError
        If the shapes differ or are not (N,).

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947, pp. 153-157.

    Examples
    --------
    >>> mcnemar(np.array([True, True, True, False]), np.array([True, False, False, False]))
    McNemar(both_correct=1, only_a=2, only_b=0, both_wrong=1, p_value=0.5)
    """
    correct_a, correct_b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    if correct_a.shape != correct_b.shape or correct_a.ndim != 1:
        raise ValueError(f"found shapes {correct_a.shape} and {correct_b.shape}, expected the same (N,) twice")
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((~correct_a & correct_b).sum())
    both_correct = int((correct_a & correct_b).sum())
    differing = only_a + only_b
    p_value = float(scipy.stats.binomtest(only_a, differing).pvalue) if differing else 1.0
    return McNemar(both_correct, only_a, only_b, len(correct_a) - both_correct - only_a - only_b, p_value)


def no_better_than_guessing(accuracy: float, labels: np.ndarray, classes: Classes | None = None) -> str | None:
    """Say so if an accuracy is one that guessing may reach: always answering the class that most images belong to.

    With q the share of that class among the N images, guessing classifies X ~ Binomial(N, q) of N such images
    correctly. The accuracy k / N is better if

        P(X >= k) < 0.01

    Parameters
    ----------
    accuracy : float, range [0, 1]
        On the images of these labels.
    labels : ndarray of int, shape (N,), N of at least 1
    classes : Classes, optional
        The names of the classes; by default, their numbers.

    Returns
    -------
    str or None
        One sentence, which may name a class, or None if the accuracy is better than guessing.
    """
    counts = np.bincount(labels)
    common, count = int(counts.argmax()), len(labels)
    share = counts[common] / count
    name = classes[common].plain if classes else str(common)
    if share == 1:
        return (
            f"Every image is of class {name}: guessing is always correct, so the accuracy says nothing. "
            "Use data of two classes or more."
        )
    if scipy.stats.binomtest(round(accuracy * count), count, share, alternative="greater").pvalue < GUESSING_P_VALUE:
        return None
    verdict = "no better" if accuracy <= share else "not clearly better"
    return (
        f"An accuracy of {accuracy:.2%} is {verdict} than guessing: always answering {name}, the most common of "
        f"the {count:,} labels, gives {share:.2%}."
    )
