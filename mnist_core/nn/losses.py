"""Softmax and categorical cross-entropy."""

import numpy as np


def softmax(z: np.ndarray) -> np.ndarray:
    """Turn each row of logits into probabilities ``exp(z_k) / sum_j exp(z_j)``.

    The row's largest logit is subtracted first: the quotient stays the same, and ``exp`` can't overflow.

    Parameters
    ----------
    z : ndarray of float, shape (N, C)

    Returns
    -------
    ndarray of the same dtype, shape (N, C)
        Each row is positive and sums to 1.
    """
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, y: np.ndarray) -> float:
    """Categorical cross-entropy, the mean over the rows of ``-sum_k y_k log(p_k)``, in nats.

    Parameters
    ----------
    probabilities : ndarray of float, shape (N, C)
    y : ndarray of float, shape (N, C)
        One-hot rows.

    Returns
    -------
    float, at least 0
        A probability of exactly 0 counts as the smallest positive number of its dtype, so the loss stays finite.
    """
    smallest = np.finfo(probabilities.dtype).tiny
    return 0.0 - float(np.sum(y * np.log(np.maximum(probabilities, smallest)))) / len(y)  # 0 rather than -0
