"""Fit one digit as MNIST's images were: cropped, scaled, centred."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from mnist_core.handwriting.ink import SOFT_EDGE, no_ink, reduced, spread
from mnist_core.handwriting.segmentation import THINNEST_STROKE, Box, components

BOX_SHARE = 20 / 28
"""Share of the image that MNIST's digits fill at most."""


class Steps(NamedTuple):
    """The stations of a digit on its way to an image of MNIST, arrays of uint8."""

    cropped: np.ndarray
    """The ink's bounding box."""
    scaled: np.ndarray
    """Fitted into 20 x 20 pixels, the aspect ratio kept."""
    centred: np.ndarray
    """Laid into 28 x 28 pixels, the centre of mass in the middle: what a network reads."""


def to_mnist(ink: np.ndarray, size: int = 28) -> np.ndarray:
    """Turn the picture of one digit into an image as MNIST has them; see :func:`steps_to_mnist`.

    Parameters
    ----------
    ink : ndarray of uint8, shape (H, W)
        Bright ink on black, as :func:`ink_on_black` makes it.
    size : int
        Height and width of the image.

    Returns
    -------
    ndarray of uint8, shape (size, size)

    Raises
    ------
    PictureError
        If there is no ink.
    """
    return steps_to_mnist(ink, size).centred


def steps_to_mnist(ink: np.ndarray, size: int = 28) -> Steps:
    """Crop a digit to its ink, scale it into a box of 20/28 of ``size``, and centre it by its centre of mass.

    Specks that are far smaller than the digit, and shadows that are nowhere as dark, are left out. A stroke that would
    be thinner than 1.5 pixels is made thicker first, as if drawn with a thicker pen.

    Raises
    ------
    PictureError
        If there is no ink.
    """
    strongest = int(ink.max(initial=0))
    if strongest == 0:
        raise no_ink()
    mask = ink > SOFT_EDGE * strongest
    pieces = components(mask)
    labels = pieces.labels(mask)
    dark = np.bincount(labels[ink > 0.6 * strongest], minlength=len(pieces.area) + 1)[1:]
    meant = (pieces.area >= 0.01 * pieces.area.sum()) & (dark >= 0.1 * pieces.area)
    keep = mask & np.concatenate([[False], meant])[labels] if meant.any() else mask
    rows, columns = (np.flatnonzero(keep.any(axis=axis)) for axis in (1, 0))
    box = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
    cropped = np.where(keep | ~mask, ink, 0)[box.slices]
    scaled = _scale(cropped, round(BOX_SHARE * size))
    return Steps(cropped, scaled, _centre(scaled, size))


def _scale(cropped: np.ndarray, longest: int) -> np.ndarray:
    """Resize to ``longest`` pixels along the longer side, anti-aliased, with strokes that are thick enough."""
    cropped, _ = reduced(cropped, 8 * longest)
    factor = longest / max(cropped.shape)
    mask = np.pad(cropped > 0.5 * cropped.max(), 1)
    edges = np.count_nonzero(np.diff(mask, axis=0)) + np.count_nonzero(np.diff(mask, axis=1))
    stroke = factor * 2.5 * np.count_nonzero(mask) / max(edges, 1)  # an edge runs along both sides, often slanted
    if stroke < THINNEST_STROKE:
        grow = round((THINNEST_STROKE - stroke) / factor / 2)
        cropped = spread(np.pad(cropped, grow), 2 * grow + 1, np.max)
        factor = longest / max(cropped.shape)
    height, width = (max(round(side * factor), 1) for side in cropped.shape)
    scaled = np.asarray(Image.fromarray(cropped).resize((width, height), Image.Resampling.LANCZOS), np.float32)
    return np.rint(scaled * (255 / max(scaled.max(), 1))).astype(np.uint8)


def _centre(scaled: np.ndarray, size: int) -> np.ndarray:
    """Lay a digit into a black square of ``size``, as near to its centre of mass as it fits."""
    centred = np.zeros((size, size), np.uint8)
    place = []
    for axis, length in enumerate(scaled.shape):
        weight = scaled.sum(axis=1 - axis, dtype=np.float64)
        mass = weight @ np.arange(length) / weight.sum()  # in MNIST it lies at row and column 14, counted from 0
        start = min(max(round(size / 2 - mass), 0), size - length)
        place.append(slice(start, start + length))
    centred[tuple(place)] = scaled
    return centred
