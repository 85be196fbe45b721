"""Find all digits in a picture, each as an MNIST image."""

from typing import NamedTuple

import numpy as np

from mnist_core.handwriting.ink import ink_on_black, is_light_paper, no_ink
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.segmentation import Box, cut_digits, segment
from mnist_core.handwriting.turns import in_turn


class Found(NamedTuple):
    """The result of :func:`find_digits`."""

    light_paper: bool
    """Whether the ink is darker than the paper and was inverted."""
    boxes: list[Box]
    """Bounding boxes of the N digits, in reading order."""
    images: np.ndarray
    """MNIST images, uint8, shape (N, size, size)."""


def find_digits(grey: np.ndarray, several: bool | None = None, size: int = 28) -> Found:
    """Find the digits in a picture and turn each into an MNIST image.

    A picture of that size with light ink on black paper is taken as it is.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    several : bool or None
        Whether the picture holds several digits; None to find out.
    size : int
        Height and width of the images returned.

    Raises
    ------
    PictureError
        If there is no digit, more than 200, or nothing but pieces of ink within one another.
    """
    with in_turn(grey.size):
        return _find(grey, several, size)


def _find(grey: np.ndarray, several: bool | None, size: int) -> Found:
    light_paper = is_light_paper(grey)
    whole = Box(0, 0, *grey.shape)
    if grey.shape == (size, size) and not light_paper and not several:
        return Found(light_paper, [whole], grey[np.newaxis])
    ink = ink_on_black(grey)
    boxes = [] if several is False else segment(ink)
    if several or len(boxes) > 1:
        digits = cut_digits(ink, boxes)
    else:
        digits, boxes = [ink], boxes or [whole]
    if not digits:
        raise no_ink()
    return Found(light_paper, boxes, np.stack([to_mnist(digit, size) for digit in digits]))
