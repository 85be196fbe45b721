"""Bring pictures to grey levels and to the size of the images of a data set."""

import math

import numpy as np
from PIL import Image

from mnist_core.data.preprocessing import evenly_spread

CHUNK = 4096
"""Images converted at once, which limits the memory."""

LUMA = (19595, 38470, 7471)
"""Weights of red, green and blue in 1/65536, as Pillow has them: 0.299, 0.587 and 0.114 of ITU-R BT.601."""

FAINTEST = 16
"""Grey levels between paper and ink; with fewer, nothing is seen."""

WHITE, BLACK = 255, 0

LOOKED_AT = 200
"""Images that tell which paper is below transparent ones."""


def paper_below(images: np.ndarray) -> int:
    """Grey level to see transparent parts on: white, or black if nothing would be seen on white.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), (N, H, W, 3) or (N, H, W, 4)
    """
    if images.shape[-1] != 4 or images.ndim == 3:
        return WHITE
    some = images[evenly_spread(len(images), LOOKED_AT)]
    return BLACK if np.ptp(_luma(some, WHITE)) < FAINTEST else WHITE


def to_grey(images: np.ndarray, paper: int = WHITE) -> np.ndarray:
    """Turn pictures in colour into grey levels by luma; grey ones are returned as they are.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), (N, H, W, 3) or (N, H, W, 4)
    paper : int
        Grey level that transparent parts show; see :func:`paper_below`.

    Returns
    -------
    ndarray of uint8, shape (N, H, W)
    """
    if images.ndim == 3:
        return images
    grey = np.empty(images.shape[:3], np.uint8)
    for start in range(0, len(images), CHUNK):
        grey[start : start + CHUNK] = _luma(images[start : start + CHUNK], paper)
    return grey


def unrolled(images: np.ndarray, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Give images that are rows of pixels their height and width: those of a shape, or else of a square.

    Parameters
    ----------
    images : ndarray, shape (N, 1, P) for rows; others are returned as they are
    shape : (int, int), optional

    Raises
    ------
    ValueError
        If the pixels fit neither.
    """
    pixels = images.shape[2]
    if images.ndim != 3 or images.shape[1] != 1 or pixels == 1:
        return images
    if shape and shape[0] * shape[1] == pixels:
        return images.reshape(-1, *shape)
    side = math.isqrt(pixels)
    if side * side != pixels:
        raise ValueError(f"{pixels} pixels are no square")
    return images.reshape(-1, side, side)


def _luma(images: np.ndarray, paper: int) -> np.ndarray:
    red, green, blue = (images[..., channel].astype(np.uint32) * weight for channel, weight in enumerate(LUMA))
    grey = (red + green + blue + (1 << 15)) >> 16
    if images.shape[-1] == 4:
        alpha = images[..., 3].astype(np.uint32)
        grey = (grey * alpha + paper * (255 - alpha) + 127) // 255
    return grey.astype(np.uint8)


def fitted_size(size: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    """Return the largest height and width that an image of a size gets within a shape, in its proportions."""
    factor = min(shape[0] / size[0], shape[1] / size[1])
    height, width = (min(max(round(side * factor), 1), most) for side, most in zip(size, shape, strict=True))
    return height, width


def scaled(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scale images to fit a shape, in their proportions and centred on black.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
    shape : (int, int)

    Returns
    -------
    ndarray of uint8, shape (N, *shape)
        By Pillow's bilinear filter, which averages all pixels that a smaller one covers.
    """
    size = (images.shape[1], images.shape[2])
    if size == shape:
        return images
    height, width = fitted_size(size, shape)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    result = np.zeros((len(images), *shape), np.uint8)
    for image, target in zip(images, result, strict=True):
        small = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        target[top : top + height, left : left + width] = np.asarray(small)
    return result
