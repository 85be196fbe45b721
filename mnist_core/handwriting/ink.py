"""Separate ink from paper: from a grey picture to ink on black."""

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_core.errors import PictureError

SMALLEST_CONTRAST = 16
"""In grey levels between paper and ink; below it, there is no ink."""

DARKEST_LIGHT = 48
"""Grey level of shaded paper below which its ink is no longer amplified."""


def ink_on_black(grey: np.ndarray, light_paper: bool | None = None) -> np.ndarray:
    """Show the ink bright on black, whatever the colours of ink and paper, and however uneven the light.

    The paper is what remains of the picture when everything narrow is removed (a morphological opening, with a window
    twice as wide as the strokes); the ink is the difference (the top-hat transform). Whatever is fainter than the
    noise is paper.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    light_paper : bool, optional
        Whether the ink is darker than the paper; by default, :func:`is_light_paper` tells.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        0 is paper, 255 the strongest ink; all 0 if there is no ink.
    """
    if light_paper is None:
        light_paper = is_light_paper(grey)
    pixels = 255 - grey if light_paper else grey
    small, factor = reduced(pixels, 128)
    paper = _paper(small)
    if factor > 1:
        paper = np.asarray(Image.fromarray(paper).resize(pixels.shape[::-1], Image.Resampling.BILINEAR))
    difference = pixels.astype(np.float32) - paper
    if light_paper:  # paper and ink reflect a fraction of the light, so contrast fades in the shade
        difference *= 255 / np.maximum(255 - paper.astype(np.float32), DARKEST_LIGHT)
    ink = np.maximum(difference, 0)

    noise = 1.4826 * np.median(np.abs(np.diff(difference, axis=1))) / np.sqrt(2) if ink.shape[1] > 1 else 0
    strongest = np.percentile(ink[ink >= max(otsu(ink), 1)], 95) if ink.max(initial=0) >= 1 else 0
    if strongest < max(SMALLEST_CONTRAST, 5 * noise):
        return np.zeros(grey.shape, np.uint8)
    floor = min(3 * noise, strongest / 2)
    levels: np.ndarray = np.rint(255 * np.clip((ink - floor) / (strongest - floor), 0, 1))
    return levels.astype(np.uint8)


def _paper(small: np.ndarray) -> np.ndarray:
    """Remove bright ink from a small picture, with twice the narrowest window that reveals nearly all contrast."""
    longest = max(small.shape)
    windows = sorted({longest // part | 1 for part in (40, 28, 20, 14, 10, 8, 6)})
    contrast = [np.percentile(small - _opened(small, window), 98) for window in windows]
    enough = next(window for window, value in zip(windows, contrast, strict=True) if value >= 0.9 * max(contrast))
    return _opened(small, 2 * enough + 1)


def _opened(image: np.ndarray, window: int) -> np.ndarray:
    return ndimage.grey_opening(image, (window, window), mode="nearest")


def is_light_paper(grey: np.ndarray) -> bool:
    """Tell whether the ink is darker than the paper.

    A quadratic surface of grey levels is fitted to the paper: first to the border of the picture, which is mostly
    paper, then repeatedly to every pixel as bright as the surface. Ink is what differs from it most.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    """
    small, _ = reduced(grey, 64)
    height, width = small.shape
    level = small.astype(np.float64).ravel()
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
    rim = max(min(height, width) // 16, 1)
    frame = np.ones((height, width), bool)
    frame[rim:-rim, rim:-rim] = False
    border = frame.ravel()
    rest = level - np.median(level[border])
    keep = border & (np.abs(rest) <= max(3 * np.median(np.abs(rest[border])), 20))
    for _ in range(5):
        surface = terms @ np.linalg.lstsq(terms[keep], level[keep], rcond=None)[0]
        rest = level - surface
        keep = np.abs(rest) <= max(3 * np.median(np.abs(rest[keep])), 8)
    low, high = np.percentile(rest, (1, 99))
    return bool(-low > high)


def otsu(grey: np.ndarray) -> float:
    """Find the threshold that separates dark from bright pixels best.

    It maximizes the variance between the two classes, with their fractions w and means m:

        w0 w1 (m0 - m1)^2

    N. Otsu, *A threshold selection method from gray-level histograms*, 1979.

    Parameters
    ----------
    grey : ndarray of numbers from 0 to 255

    Returns
    -------
    float
        Bright pixels lie above it.
    """
    counts, edges = np.histogram(grey, bins=256, range=(0, 256))
    below = np.cumsum(counts)
    sums = np.cumsum(counts * edges[:-1])
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between = np.nan_to_num(between, nan=0.0)
    best = np.flatnonzero(between == between.max())  # all thresholds in a gap of the histogram are equally good
    return float((best[0] + best[-1]) / 2)


def reduced(image: np.ndarray, longest: int) -> tuple[np.ndarray, int]:
    """Shrink an image by a whole factor to at most ``longest`` pixels per side; return it and the factor."""
    factor = -(-max(image.shape) // longest)
    return (np.asarray(Image.fromarray(image).reduce(factor)), factor) if factor > 1 else (image, 1)


def no_ink() -> PictureError:
    """Build the error for a picture without ink."""
    return picture_error("no ink", "a drawing", "Draw one, with more contrast to the paper.")


def picture_error(found: str, expected: str, advice: str) -> PictureError:
    """Build an error in three parts: what was found, what was expected, what to do."""
    return PictureError(f"Found {found}, but expected {expected}. {advice}")
