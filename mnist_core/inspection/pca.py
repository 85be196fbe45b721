"""Principal component analysis: the directions in which the rows of a matrix vary most."""

from typing import NamedTuple

import numpy as np

from mnist_core.errors import EvaluationError


class PrincipalComponents(NamedTuple):
    """The result of :func:`principal_components`."""

    mean: np.ndarray
    """Mean of the rows, shape (D,)."""
    components: np.ndarray
    """Orthonormal directions, shape (K, D), largest variance first."""
    explained_variance_ratio: np.ndarray
    """Fraction of the total variance along each direction, shape (K,), range [0, 1]; 0 where nothing varies."""

    def project(self, rows: np.ndarray) -> np.ndarray:
        """Project rows onto the components, ``(N, D) -> (N, K)``: ``(X - mean) V``."""
        return (rows - self.mean) @ self.components.T


def principal_components(rows: np.ndarray, count: int = 2) -> PrincipalComponents:
    """Find the first principal components by singular value decomposition.

    With the centred rows ``X = U S V^T``, the rows of ``V^T`` are the components, and ``S^2 / (N - 1)`` the variances
    along them. The sign of a component is arbitrary: its largest coordinate is made positive, so that the same rows
    always give the same plot.

    Parameters
    ----------
    rows : ndarray of float, shape (N, D)
    count : int
        K, from 1 to min(N, D).

    Returns
    -------
    PrincipalComponents
        In float64.

    Raises
    ------
    ValueError
        If ``rows`` is not a matrix of at least two rows, or ``count`` is out of range.
    EvaluationError
        If a number in ``rows`` is not finite.
    """
    if rows.ndim != 2 or len(rows) < 2:
        raise ValueError(f"principal_components() got an array of shape {rows.shape}, expected at least two rows.")
    if not 1 <= count <= min(rows.shape):
        raise ValueError(f"count is {count}, expected 1 to {min(rows.shape)} for an array of shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise EvaluationError(
            "Found rows with numbers that are not finite (NaN or infinite), which have no principal components: choose "
            "another network."
        )
    mean = rows.mean(axis=0, dtype=np.float64)
    _, singular, directions = np.linalg.svd(rows - mean, full_matrices=False)
    variance = singular**2
    components = directions[:count]
    largest = np.abs(components).argmax(axis=1)
    components = components * np.where(components[np.arange(count), largest] < 0, -1, 1)[:, np.newaxis]
    return PrincipalComponents(mean, components, variance[:count] / (variance.sum() or 1.0))
