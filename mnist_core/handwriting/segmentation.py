"""Find the digits in a picture of ink, in reading order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mnist_core.errors import PictureError
from mnist_core.handwriting.ink import otsu, picture_error

MAX_DIGITS = 200

MAX_OVERLAP = 3
"""Area of all boxes, in areas of the picture: digits lie side by side, the lines of a pattern within one another."""

CROP = "Crop the picture to part of the page, without pattern or print."


class Box(NamedTuple):
    """A rectangle of pixels; ``bottom`` and ``right`` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Slices that crop an image to the box: ``image[box.slices]``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def union(self, other: "Box") -> "Box":
        """Smallest rectangle that holds both."""
        return Box(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))


class Pieces(NamedTuple):
    """Connected pieces of ink, numbered from 1 to N."""

    labels: np.ndarray
    """int32, shape (H, W): the number of the piece that a pixel is part of; 0 outside all pieces."""
    corners: np.ndarray
    """int, shape (N, 4): the box of each piece."""


def segment(ink: np.ndarray, pieces: Pieces | None = None) -> list[Box]:
    """Find the digits of a page, in reading order.

    Each connected piece of ink is a digit, except specks, which are far smaller than most pieces, and small pieces
    above or below a larger one, such as the bar of a 5, which are part of it. Touching digits count as one.

    Parameters
    ----------
    ink : ndarray of uint8, shape (H, W)
        Bright ink on black, as :func:`ink_on_black` makes it.
    pieces : Pieces, optional
        The :func:`pieces_of` this ink, if they are known.

    Returns
    -------
    list of Box
        Line by line, from left to right; empty if there is no ink.

    Raises
    ------
    PictureError
        If there are more than 200, or if they lie within one another.
    """
    labels, corners = pieces or pieces_of(ink)
    if not len(corners):
        return []
    area = np.bincount(labels.ravel())[1:]
    sizes = (corners[:, 2:] - corners[:, :2]).max(axis=1)
    order = np.argsort(sizes)
    median = np.searchsorted(np.cumsum(area[order]), area.sum() / 2)
    usual = int(sizes[order][median])  # half of the ink is in pieces of at least this size
    large = corners[sizes >= 0.2 * usual]
    if len(large) > 4 * MAX_DIGITS:
        raise too_many(len(large))
    boxes = _merge([Box(*corner) for corner in large.tolist()], usual)
    if len(boxes) > MAX_DIGITS:
        raise too_many(len(boxes))
    if sum(box.height * box.width for box in boxes) > MAX_OVERLAP * ink.size:
        found, expected = f"{len(boxes)} pieces of ink that lie within one another", "some side by side"
        raise picture_error(found, expected, CROP)
    return _in_reading_order(boxes)


def cut_digits(ink: np.ndarray, boxes: Sequence[Box], pieces: Pieces | None = None) -> list[np.ndarray]:
    """Cut out the digits in ``boxes``, without the strokes of neighbours that reach into a box.

    Parameters
    ----------
    ink : ndarray of uint8, shape (H, W)
        Bright ink on black, as for :func:`segment`.
    boxes : sequence of Box
    pieces : Pieces, optional
        As for :func:`segment`.

    Returns
    -------
    list of ndarray of uint8
        With a margin for the soft edges of the strokes.
    """
    labels, corners = pieces or pieces_of(ink)
    labels, ink = np.pad(labels, 2), np.pad(ink, 2)
    digits = []
    for box in boxes:
        inside = (corners[:, :2] >= box[:2]).all(axis=1) & (corners[:, 2:] <= box[2:]).all(axis=1)
        window = slice(box.top, box.bottom + 4), slice(box.left, box.right + 4)
        own = np.concatenate([[False], inside])[labels[window]]
        foreign = (labels[window] > 0) & ~own
        digits.append(np.where(ndimage.maximum_filter(foreign, 5) & ~own, 0, ink[window]))
    return digits


def pieces_of(ink: np.ndarray) -> Pieces:
    """Find the connected pieces of ink.

    Ink is above Otsu's threshold, which is kept between 40 % and 70 % of the strongest ink to exclude shadows.
    """
    threshold = min(max(otsu(ink), 0.4 * ink.max()), 0.7 * ink.max())
    return label_pieces(ink > threshold)


def _merge(boxes: list[Box], usual: int) -> list[Box]:
    """Join each small piece to the digit above or below it; drop tiny pieces that stand alone."""
    small = sorted((box for box in boxes if box.height < 0.6 * usual), key=lambda box: box.height)
    digits = [box for box in boxes if box.height >= 0.6 * usual]
    while small:
        part = small.pop(0)
        hosts = [box for box in [*digits, *small] if _belongs(part, box, usual)]
        if hosts:
            host = min(hosts, key=lambda box: (_gap(part, box), -_overlap(part, box)))
            (digits if host in digits else small).remove(host)
            whole = part.union(host)
            (digits if whole.height >= 0.6 * usual else small).append(whole)
        elif max(part.height, part.width) >= 0.35 * usual:
            digits.append(part)
    return digits


def _overlap(one: Box, other: Box) -> int:
    """Number of columns in common; negative if there is a gap."""
    return min(one.right, other.right) - max(one.left, other.left)


def _gap(one: Box, other: Box) -> int:
    """Number of rows between two boxes; 0 if they have rows in common."""
    return max(one.top - other.bottom, other.top - one.bottom, 0)


def _belongs(part: Box, box: Box, usual: int) -> bool:
    near = _overlap(part, box) >= 0.3 * min(part.width, box.width) and _gap(part, box) <= 0.35 * usual
    return near and part.union(box).height <= 1.6 * usual


def _in_reading_order(boxes: list[Box]) -> list[Box]:
    """Sort boxes into lines, which may slant, and each line from left to right."""
    lines: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: box.left):

        def common(line: list[Box], box: Box = box) -> float:
            last = line[-1]
            return (min(box.bottom, last.bottom) - max(box.top, last.top)) / min(box.height, last.height)

        line = max(lines, key=common, default=None)
        if line and common(line) > 0.3:
            line.append(box)
        else:
            lines.append([box])
    lines.sort(key=lambda line: sum(box.top + box.bottom for box in line) / len(line))
    return [box for line in lines for box in line]


def label_pieces(mask: np.ndarray) -> Pieces:
    """Number the connected pieces of a mask; pixels connect along an edge or at a corner.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
    """
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    corners = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)]
    return Pieces(labels, np.array(corners, int).reshape(-1, 4))


def too_many(count: int) -> PictureError:
    """Build the error for a picture with more pieces of ink than ``MAX_DIGITS``."""
    found = f"{count:,} separate pieces of ink"
    return picture_error(found, f"at most {MAX_DIGITS}", CROP)
