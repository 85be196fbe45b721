"""Find the digits in a picture of ink, in reading order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_core.errors import PictureError
from mnist_core.handwriting.ink import otsu, picture_error, spread

MAX_DIGITS = 200

THINNEST_STROKE = 1.5
"""In pixels of the scaled digit; a thinner stroke would fade away when it is scaled."""


class Box(NamedTuple):
    """A rectangle of pixels; ``bottom`` and ``right`` are the first ones beyond it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows in it."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns in it."""
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """To cut it out of an image: ``image[box.slices]``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def union(self, other: "Box") -> "Box":
        """Smallest rectangle around both."""
        return Box(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))


def segment(ink: np.ndarray) -> list[Box]:
    """Find the digits of a page, in reading order.

    Connected pieces of ink are digits, but for specks, which are far smaller than most pieces, and for small pieces
    above or below a larger one, such as the bar of a 5, which belong to it. Digits that touch one another are one.

    Parameters
    ----------
    ink : ndarray of uint8, shape (H, W)
        Bright ink on black, as :func:`ink_on_black` makes it.

    Returns
    -------
    list of Box
        Line by line, each from left to right; empty if there is no ink.

    Raises
    ------
    PictureError
        If there are more than 200.
    """
    pieces = components(_is_ink(ink)) if ink.any() else None
    if pieces is None or not len(pieces.area):
        return []
    sizes = np.maximum(pieces.bottom - pieces.top, pieces.right - pieces.left)
    order = np.argsort(sizes)
    heaviest = np.searchsorted(np.cumsum(pieces.area[order]), pieces.area.sum() / 2)
    usual = int(sizes[order][heaviest])  # half of all ink is in pieces of at least this size
    large = sizes >= 0.2 * usual
    if np.count_nonzero(large) > 4 * MAX_DIGITS:
        raise too_many(np.count_nonzero(large))
    boxes = [Box(*map(int, box)) for box in zip(*pieces[:4], strict=True)]
    boxes = _merge([box for box, is_large in zip(boxes, large, strict=True) if is_large], usual)
    if len(boxes) > MAX_DIGITS:
        raise too_many(len(boxes))
    return _in_reading_order(boxes)


def cut_digits(ink: np.ndarray, boxes: Sequence[Box]) -> list[np.ndarray]:
    """Cut the digits in ``boxes`` out, without the strokes of neighbours that reach into their box.

    Parameters
    ----------
    ink : ndarray of uint8, shape (H, W)
        Bright ink on black, as for :func:`segment`.

    Returns
    -------
    list of ndarray of uint8
        With a margin for the soft edges of the strokes.
    """
    mask = _is_ink(ink)
    pieces = components(mask)
    labels = np.pad(pieces.labels(mask), 2)
    ink = np.pad(ink, 2)
    digits = []
    for box in boxes:
        inside = (pieces.top >= box.top) & (pieces.left >= box.left)
        inside &= (pieces.bottom <= box.bottom) & (pieces.right <= box.right)
        window = slice(box.top, box.bottom + 4), slice(box.left, box.right + 4)
        own = np.concatenate([[False], inside])[labels[window]]
        foreign = (labels[window] > 0) & ~own
        digits.append(np.where(spread(foreign, 5, np.max) & ~own, 0, ink[window]))
    return digits


def _is_ink(ink: np.ndarray) -> np.ndarray:
    """Tell ink from paper; what has less than half of the contrast is a shadow, where Otsu's threshold is lower."""
    return ink > min(max(otsu(ink), 0.4 * ink.max()), 0.7 * ink.max())


def _merge(boxes: list[Box], usual: int) -> list[Box]:
    """Join small pieces with the digit above or below which they stand; drop those that stand alone and are tiny."""
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
    """Columns that both have; negative if there is space between them."""
    return min(one.right, other.right) - max(one.left, other.left)


def _gap(one: Box, other: Box) -> int:
    """Rows between them; 0 if they have rows in common."""
    return max(one.top - other.bottom, other.top - one.bottom, 0)


def _belongs(part: Box, box: Box, usual: int) -> bool:
    near = _overlap(part, box) >= 0.3 * min(part.width, box.width) and _gap(part, box) <= 0.35 * usual
    return near and part.union(box).height <= 1.6 * usual


def _in_reading_order(boxes: list[Box]) -> list[Box]:
    """Sort into lines, which may slant, and each line from left to right."""
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


class _Pieces(NamedTuple):
    """Connected pieces of a mask: bounding boxes and areas, shape (N,), and the piece of each horizontal run."""

    top: np.ndarray
    left: np.ndarray
    bottom: np.ndarray
    right: np.ndarray
    area: np.ndarray
    of_run: np.ndarray
    lengths: np.ndarray

    def labels(self, mask: np.ndarray) -> np.ndarray:
        """Number of the piece, from 1, of each pixel of the mask; 0 elsewhere."""
        labels = np.zeros(mask.shape, np.int32)
        labels[mask] = np.repeat(self.of_run + 1, self.lengths)
        return labels


def components(mask: np.ndarray) -> _Pieces:
    """Label pixels that touch one another along an edge or at a corner.

    The mask is cut into horizontal runs. Runs that touch in neighbouring rows are joined: each takes over the
    smallest number among its neighbours, and the number of that number, until nothing changes any more.
    """
    width = mask.shape[1] + 1  # a column of 0 ends each row
    flat = np.pad(mask, ((0, 0), (0, 1))).ravel().astype(np.int8)
    change = np.diff(flat, prepend=0, append=0)
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    first = np.searchsorted(ends + width, starts)  # of the row above, those that end not before and start not behind
    last = np.searchsorted(starts + width, ends, side="right")
    counts = np.maximum(last - first, 0)
    below = np.repeat(np.arange(len(starts)), counts)
    above = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    number = np.arange(len(starts))
    while not np.array_equal(number[below], number[above]):
        low, high = np.minimum(number[below], number[above]), np.maximum(number[below], number[above])
        np.minimum.at(number, high, low)
        while not np.array_equal(number, number[number]):
            number = number[number]
    unique, of_run = np.unique(number, return_inverse=True)

    def collect(values: np.ndarray, pick: np.ufunc, begin: int) -> np.ndarray:
        result = np.full(len(unique), begin)
        pick.at(result, of_run, values)
        return result

    row = starts // width
    return _Pieces(
        collect(row, np.minimum, mask.size),
        collect(starts % width, np.minimum, mask.size),
        collect(row + 1, np.maximum, 0),
        collect(ends - row * width, np.maximum, 0),
        collect(ends - starts, np.add, 0),
        of_run,
        ends - starts,
    )


def too_many(count: int) -> PictureError:
    """The error of a picture with more pieces of ink than digits are read from."""
    found = f"{count:,} separate pieces of ink"
    return picture_error(found, f"at most {MAX_DIGITS} digits", "Cut out a part of the page, without pattern or print.")
