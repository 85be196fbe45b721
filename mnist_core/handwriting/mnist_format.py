"""Fit one digit as MNIST's images were: cropped, scaled, centred."""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_core.handwriting.ink import no_ink, reduced
from mnist_core.handwriting.segmentation import label_pieces

BOX_FRACTION = 20 / 28
"""Fraction of the image's side that MNIST's digits span at most."""

SOFT_EDGE = 0.3
"""Fraction of the ink's darkness up to which a pixel is the soft edge of a stroke."""

THINNEST_STROKE = 1.5
"""In pixels of the scaled digit; scaling makes a thinner stroke fade."""


class Steps(NamedTuple):
    """The steps from a picture of a digit to an MNIST image, arrays of uint8."""

    cropped: np.ndarray
    """The ink's bounding box."""
    scaled: np.ndarray
    """Scaled to fit 20x20 pixels, keeping the aspect ratio."""
    centred: np.ndarray
    """Placed in 28x28 pixels with the centre of mass in the middle: the input of a network."""


def to_mnist(ink: np.ndarray, size: int = 28) -> np.ndarray:
    """Turn the picture of one digit into an MNIST image; see :func:`steps_to_mnist`.

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
    """Crop a digit to its ink, scale it to 20/28 of ``size``, and centre it by its centre of mass.

    Specks far smaller than the digit, and shadows that are nowhere as dark, are removed. Strokes that would become
    thinner than 1.5 pixels are thickened first, as if drawn with a thicker pen.

    Raises
    ------
    PictureError
        If there is no ink.
    """
    strongest = int(ink.max(initial=0))
    if strongest == 0:
        raise no_ink()
    mask = ink > SOFT_EDGE * strongest
    labels, _ = label_pieces(mask)
    area = np.bincount(labels.ravel())
    dark = np.bincount(labels[ink > 0.6 * strongest], minlength=len(area))
    meant = (area >= 0.01 * area[1:].sum()) & (dark >= 0.1 * area)
    meant[0] = False
    keep = meant[labels] if meant.any() else mask
    (box,) = ndimage.find_objects(keep.astype(int))
    cropped = np.where(keep | ~mask, ink, 0)[box]
    scaled = _scale(cropped, round(BOX_FRACTION * size))
    return Steps(cropped, scaled, _centre(scaled, size))


def _scale(cropped: np.ndarray, longest: int) -> np.ndarray:
    """Resize to ``longest`` pixels along the longer side, anti-aliased, with strokes thick enough to survive."""
    cropped, _ = reduced(cropped, 8 * longest)
    factor = longest / max(cropped.shape)
    mask = np.pad(cropped > 0.5 * cropped.max(), 1)
    edges = np.count_nonzero(np.diff(mask, axis=0)) + np.count_nonzero(np.diff(mask, axis=1))
    stroke = factor * 2.5 * np.count_nonzero(mask) / max(edges, 1)  # an edge runs along both sides, often slanted
    if stroke < THINNEST_STROKE:
        grow = round((THINNEST_STROKE - stroke) / factor / 2)
        cropped = ndimage.maximum_filter(np.pad(cropped, grow), 2 * grow + 1)
        factor = longest / max(cropped.shape)
    height, width = (max(round(side * factor), 1) for side in cropped.shape)
    scaled = np.asarray(Image.fromarray(cropped).resize((width, height), Image.Resampling.LANCZOS), np.float32)
    levels: np.ndarray = np.rint(scaled * (255 / max(scaled.max(), 1)))
    return levels.astype(np.uint8)


def _centre(scaled: np.ndarray, size: int) -> np.ndarray:
    """Place a digit in a black square of ``size``, its centre of mass as near to the middle as it fits."""
    centred = np.zeros((size, size), np.uint8)
    place = []
    for length, mass in zip(scaled.shape, ndimage.center_of_mass(scaled), strict=True):
        start = min(max(round(size / 2 - mass), 0), size - length)  # in MNIST, the centre is at 14, counted from 0
        place.append(slice(start, start + length))
    centred[tuple(place)] = scaled
    return centred
