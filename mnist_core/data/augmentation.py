"""New training images from existing ones: each is randomly shifted, rotated, scaled, sheared and bent a little.

An output pixel at position p takes the grey value at p' in the original, found by the inverse of the distortion and
bilinear interpolation:

    p' = A (p - centre) + centre + shift + elastic(p)

A is a rotation, a shear and a scale. The elastic part is a random displacement of every pixel, smoothed by a Gaussian
so that neighbours move together (P. Simard, D. Steinkraus, J. Platt, *Best Practices for Convolutional Neural Networks
Applied to Visual Document Analysis*, 2003).
"""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

SMOOTHNESS_IN_IMAGE = 1 / 7
"""Standard deviation of the Gaussian that smooths elastic displacements, as a fraction of the side: 4 of 28 pixels."""

KEPT_VARIANCE = 0.99


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be distorted: each amount is drawn again for each image; 0 switches its part off.

    Parameters
    ----------
    shift : float
        Largest shift along each axis, in pixels.
    rotation : float
        Largest rotation in either direction, in degrees.
    scale : float
        Largest change of size: 0.1 is 10 % smaller to 10 % larger, along each axis.
    shear : float
        Largest shear in either direction, in degrees.
    elastic : float
        Root mean square of the elastic displacement of a pixel along each axis, in pixels.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


def augment(images: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Distort each image randomly.

    Parameters
    ----------
    images : ndarray of uint8 or float32, shape (N, H, W)
    augmentation : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (N, H, W)
        Within the range of values of ``images``; pixels from outside an image take the grey value of its border.
    """
    count, height, width = images.shape
    coefficients, terms = _affine(count, augmentation, rng), _pixel_positions(height, width)
    if augmentation.elastic:
        modes = _smooth_modes(height, width)
        strengths = rng.standard_normal((2 * count, len(modes)), np.float32)
        strengths *= np.float32(augmentation.elastic)
        coefficients = np.concatenate([coefficients, strengths], axis=1)
        terms = np.concatenate([terms, modes])
    sources = coefficients @ terms
    rows, columns = sources[:count], sources[count:]
    rows += np.float32((height - 1) / 2)
    columns += np.float32((width - 1) / 2)
    return bilinear(images, rows, columns).reshape(images.shape)


def _affine(count: int, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Draw the rows ``(A, shift)`` of the inverse map: first N for the row, then N for the column, shape (2 N, 3)."""
    angle, slant = (
        np.radians(rng.uniform(-largest, largest, count)) for largest in (augmentation.rotation, augmentation.shear)
    )
    tall, wide = 1 / (1 + rng.uniform(-augmentation.scale, augmentation.scale, (2, count)))
    moves = rng.uniform(-augmentation.shift, augmentation.shift, (2, count))
    cos, sin, slope = np.cos(angle), np.sin(angle), np.tan(slant)
    row_terms = [tall * cos, tall * sin, moves[0]]
    column_terms = [wide * (slope * cos - sin), wide * (slope * sin + cos), moves[1]]
    return np.concatenate([np.stack(row_terms, axis=1), np.stack(column_terms, axis=1)]).astype(np.float32)


@lru_cache(maxsize=8)
def _pixel_positions(height: int, width: int) -> np.ndarray:
    """Row and column of each pixel counted from the centre, and a row of ones, shape (3, H * W)."""
    rows, columns = np.mgrid[:height, :width].reshape(2, -1)
    ones = np.ones(height * width)
    return np.stack([rows - (height - 1) / 2, columns - (width - 1) / 2, ones]).astype(np.float32)


@lru_cache(maxsize=8)
def _smooth_modes(height: int, width: int) -> np.ndarray:
    """Patterns that, summed with standard normal strengths, give smoothed noise of mean square 1, shape (K, H * W).

    Smoothing is a linear map; all but 1 % of the variance of its output lies in few singular vectors, so noise that is
    drawn along those alone is smooth already (the Karhunen-Loeve expansion), for K numbers an image and not H * W.
    """
    (values_y, vectors_y), (values_x, vectors_x) = _smoothing_spectrum(height), _smoothing_spectrum(width)
    strengths = np.outer(values_y, values_x).ravel()
    order = np.argsort(-strengths, kind="stable")
    shares = np.cumsum(strengths[order] ** 2) / np.sum(strengths**2)
    kept = order[: np.searchsorted(shares, KEPT_VARIANCE) + 1]
    i, j = np.divmod(kept, len(values_x))
    modes = (vectors_y.T[i, :, np.newaxis] * vectors_x.T[j, np.newaxis, :]).reshape(len(kept), height * width)
    modes *= strengths[kept, np.newaxis]
    modes /= np.sqrt(np.mean(np.sum(modes**2, axis=0)))
    return modes.astype(np.float32)


def _smoothing_spectrum(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Singular values, and left singular vectors as columns, of Gaussian smoothing along one axis."""
    sigma = SMOOTHNESS_IN_IMAGE * length
    margin = int(np.ceil(3 * sigma))  # noise outside the image reaches into it, so that its border moves as its middle
    distance = np.arange(length)[:, np.newaxis] - np.arange(-margin, length + margin)
    vectors, values, _ = np.linalg.svd(np.exp(-0.5 * (distance / sigma) ** 2), full_matrices=False)
    return values, vectors


def bilinear(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Grey values between pixels: the mean of the four around a position, weighted by closeness.

    Parameters
    ----------
    images : ndarray of uint8 or float32, shape (N, H, W)
    rows, columns : ndarray of float32, shape (N, P)
        Positions in each image, moved to its border if they lie outside; overwritten.

    Returns
    -------
    ndarray of float32, shape (N, P)
    """
    count, height, width = images.shape
    if height < 2 or width < 2:  # a single row or column has no neighbours: double it
        images = np.repeat(np.repeat(images, 1 + (height < 2), axis=1), 1 + (width < 2), axis=2)
        count, height, width = images.shape
    grey = images.reshape(-1)
    top, left = _split(rows, height), _split(columns, width)
    index = (top * width + left).astype(np.intp)
    index += np.arange(count)[:, np.newaxis] * (height * width)
    upper = _between(grey, index, columns)
    index += width
    lower = _between(grey, index, columns)
    lower -= upper
    lower *= rows
    upper += lower
    return upper


def _split(positions: np.ndarray, length: int) -> np.ndarray:
    """Return the pixel before each position, which always has a next one; leave the distance in ``positions``."""
    np.clip(positions, 0, np.float32(length - 1), out=positions)
    before: np.ndarray = np.minimum(np.floor(positions), np.float32(length - 2))
    positions -= before
    return before


def _between(grey: np.ndarray, index: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Grey value at a ``distance`` of 0 to 1 from the pixel at ``index`` towards the next one."""
    left = grey.take(index, mode="wrap").astype(np.float32, copy=False)  # in range: this mode needs no copy to check it
    right = grey[1:].take(index, mode="wrap").astype(np.float32, copy=False)
    right -= left
    right *= distance
    left += right
    return left
