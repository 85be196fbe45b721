"""Find all digits of a picture, each as an MNIST image."""

from typing import NamedTuple

import numpy as np

from mnist_core.handwriting.ink import ink_on_black, is_light_paper, no_ink
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.segmentation import Box, cut_digits, segment


class Found(NamedTuple):
    """The digits of a picture, as :func:`find_digits` found them."""

    light_paper: bool
    """Whether the ink was darker than the paper, and inverted."""
    boxes: list[Box]
    """Where they are, in reading order."""
    images: np.ndarray
    """What a network reads, uint8, shape (N, size, size)."""


def find_digits(grey: np.ndarray, several: bool | None = None, size: int = 28) -> Found:
    """Find the digits of a picture and turn each into an image as MNIST has them.

    An image that has their size and light ink on black paper is taken as it is.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    several : bool or None
        Whether there are several digits in it; None to find out.
    size : int
        Height and width of the images.

    Raises
    ------
    PictureError
        If there is no digit in it, or there are more than 200.
    """
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
