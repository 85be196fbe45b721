"""Find all digits in a picture, each as an MNIST image."""

from typing import NamedTuple

import numpy as np

from mnist_core.errors import times
from mnist_core.handwriting.ink import ink_on_black, is_light_paper, no_ink, picture_error
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.segmentation import Box, cut_digits, pieces_of, segment
from mnist_core.handwriting.turns import in_turn


class Found(NamedTuple):
    """The result of :func:`find_digits`."""

    light_paper: bool
    """Whether the ink is darker than the paper and was inverted."""
    boxes: list[Box]
    """Bounding boxes of the N digits, in reading order."""
    images: np.ndarray
    """MNIST images, uint8, shape (N, height, width)."""


def find_digits(grey: np.ndarray, several: bool | None = None, size: int | tuple[int, int] = 28) -> Found:
    """Find the digits in a picture and turn each into an MNIST image.

    A picture of that size with light ink on black paper is taken as it is, as one digit.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    several : bool or None
        Whether the picture holds several digits; None to find out.
    size : int or tuple of (int, int)
        Height and width of the images returned. Digits are only fitted to a square: of another shape, only pictures
        that can be taken as they are give an image.

    Raises
    ------
    PictureError
        If there is no digit, more than 200, or nothing but pieces of ink within one another; or the images returned
        would not be square.
    """
    with in_turn(grey.size):
        return _find(grey, several, (size, size) if isinstance(size, int) else size)


def _find(grey: np.ndarray, several: bool | None, shape: tuple[int, int]) -> Found:
    if grey.min() == grey.max():
        raise no_ink()
    light_paper = is_light_paper(grey)
    whole = Box(0, 0, *grey.shape)
    if grey.shape == shape and not light_paper and not several:
        return Found(light_paper, [whole], grey[np.newaxis])
    if shape[0] != shape[1]:
        raise picture_error(
            f"{times(grey.shape)} pixels",
            f"one image of {times(shape)}, white on black, as in training",
            "Only square images are fitted: resize it.",
        )
    ink = ink_on_black(grey, light_paper)
    boxes, digits = [whole], [ink]
    if several is not False:
        pieces = pieces_of(ink)
        found = segment(ink, pieces)
        if several or len(found) > 1:
            boxes, digits = found, cut_digits(ink, found, pieces)
        elif found:
            boxes = found
    if not digits:
        raise no_ink()
    return Found(light_paper, boxes, np.stack([to_mnist(digit, shape[0]) for digit in digits]))
