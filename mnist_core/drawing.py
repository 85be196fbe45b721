"""From a picture of handwriting to images as MNIST has them.

>>> grey = read_picture(Path("page.jpg").read_bytes())      # (H, W) uint8, as photographed
>>> ink = ink_on_black(grey)                                # (H, W) uint8, 0 is paper and 255 is ink
>>> images = [to_mnist(digit) for digit in cut_digits(ink, segment(ink))]   # each (28, 28) uint8

or all of it at once: ``find_digits(grey).images``.

MNIST was made from black and white scans: "the images were size normalized to fit in a 20x20 pixel box while preserving
their aspect ratio. The resulting images contain grey levels as a result of the anti-aliasing technique used by the
normalization algorithm. The images were centered in a 28x28 image by computing the center of mass of the pixels, and
translating the image so as to position this point at the center of the 28x28 field" (http://yann.lecun.com/exdb/mnist;
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, 1998).
A network that learned from such images has to be shown such images.
"""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mnist_core.errors import PictureError

MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
"""As many as the photos of today's phones have, rounded up."""
LONGEST_SIDE = 2100
"""Larger pictures are made smaller when they are read: a digit of it becomes 28 pixels wide in the end."""
MAX_DIGITS = 200

BOX_SHARE = 20 / 28
"""Share of the image that MNIST's digits fill at most."""
THINNEST_STROKE = 1.5
"""In pixels of the scaled digit; a thinner stroke would fade away when it is scaled."""
SMALLEST_CONTRAST = 16
"""Grey levels between paper and ink, below which there is no ink."""
DARKEST_LIGHT = 48
"""Grey level of paper in a shadow below which ink is not made stronger any more."""
SOFT_EDGE = 0.3
"""Share of the ink's darkness up to which a pixel is the soft edge of a stroke."""

EXPECTED = "a PNG, JPEG or WebP picture"
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"RIFF": "WebP",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"%PDF": "PDF",
}
READERS = {"PNG": PngImageFile, "JPEG": JpegImageFile, "WebP": WebPImageFile}


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


class Steps(NamedTuple):
    """The stations of a digit on its way to an image of MNIST, arrays of uint8."""

    cropped: np.ndarray
    """The ink's bounding box."""
    scaled: np.ndarray
    """Fitted into 20 x 20 pixels, the aspect ratio kept."""
    centred: np.ndarray
    """Laid into 28 x 28 pixels, the centre of mass in the middle: what a network reads."""


class Found(NamedTuple):
    """The digits of a picture, as :func:`find_digits` found them."""

    light_paper: bool
    """Whether the ink was darker than the paper, and inverted."""
    boxes: list[Box]
    """Where they are, in reading order."""
    images: np.ndarray
    """What a network reads, uint8, shape (N, size, size)."""


def read_picture(data: bytes) -> np.ndarray:
    """Read a PNG, JPEG or WebP picture as grey levels.

    Neither size nor content is trusted: the size is read from the header, and only what is small enough is decoded.

    Parameters
    ----------
    data : bytes
        Content of the file, at most 20 MB and 25 million pixels. Transparent parts are taken for white paper; a photo
        is turned as its camera noted.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        0 is black, 255 is white. A picture longer than 2,100 pixels is made smaller.

    Raises
    ------
    PictureError
        Says what was found, what was expected and what to do.
    """
    kind = _kind(data)
    try:
        width, height = _webp_size(data) if kind == "WebP" else READERS[kind](io.BytesIO(data)).size
        if width * height > MAX_PIXELS:
            found, expected = f"a picture of {width:,} x {height:,} pixels", f"at most {MAX_PIXELS / 1e6:.0f} million"
            raise _error(found, expected, "Make it smaller, or cut out the part with the digits.")
        picture = READERS[kind](io.BytesIO(data))
        if kind != "JPEG" and getattr(picture, "n_frames", 1) > 1:
            raise _error(f"an animated {kind} file", "a still picture", "Save one picture of it as a PNG file.")
        picture.draft("L", picture.size)  # a JPEG file holds its grey levels apart
        return _grey(ImageOps.exif_transpose(picture))
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error) as error:
        if isinstance(error, PictureError):
            raise
        found, advice = f"a damaged or incomplete {kind} file", "Copy or export the picture again."
        raise _error(found, "an intact one", advice) from error


def _kind(data: bytes) -> str:
    """Name of the format, by the first bytes: never by the name of the file."""
    if not data:
        raise _error("an empty file (0 bytes)", EXPECTED, "Save or export the picture again.")
    if len(data) > MAX_BYTES:
        found = f"a file of {len(data) / 1e6:.1f} MB"
        raise _error(found, f"at most {MAX_BYTES / 1e6:.0f} MB", "Make the picture smaller, or save it as JPEG.")
    kind = next((name for signature, name in SIGNATURES.items() if data.startswith(signature)), None)
    if kind == "WebP" and data[8:12] != b"WEBP":
        kind = None
    if kind in READERS:
        return kind
    if kind is None and data[4:8] == b"ftyp":
        kind = "HEIC or AVIF"
    advice = "Open it in a picture program and save it as PNG or JPEG."
    if kind:
        raise _error(f"{'an' if kind[0] in 'AEH' and kind[1] != 'E' else 'a'} {kind} file", EXPECTED, advice)
    try:
        data[:1000].decode("utf-8", "strict" if len(data) <= 1000 else "ignore")
        text = b"\0" not in data[:1000] and all(byte >= 32 or byte in b"\t\n\r\f" for byte in data[:1000])
    except UnicodeDecodeError:
        text = False
    raise _error("a text file" if text else "an unknown kind of file", EXPECTED, "Choose the file of a picture.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from a WebP header, since its library takes memory for the whole picture at once.

    Source: RFC 9649, *WebP Image Format*, and RFC 6386, section 9.1.
    """
    kind = data[12:16]
    if kind == b"VP8X":
        return tuple(1 + int.from_bytes(data[start : start + 3], "little") for start in (24, 27))
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return tuple(size & 0x3FFF for size in struct.unpack_from("<HH", data, 26))
    raise ValueError(f"unknown chunk {kind}")


def _grey(picture: Image.Image) -> np.ndarray:
    """Decode to grey levels on white paper, at most ``LONGEST_SIDE`` long."""
    if picture.mode.startswith("I"):  # 16 bits a pixel
        picture = Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    factor = -(-max(picture.size) // LONGEST_SIDE)
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        papers = [Image.new("RGBA", picture.size, color) for color in ("white", "black")]
        on_white, on_black = (Image.alpha_composite(paper, picture).convert("L") for paper in papers)
        low, high = on_white.getextrema()
        picture = on_black if low == high else on_white  # white ink can't be seen on white paper
    elif picture.mode != "L":
        picture = picture.convert("RGB").convert("L")
    return np.array(picture.reduce(factor) if factor > 1 else picture)


def ink_on_black(grey: np.ndarray) -> np.ndarray:
    """Show the ink bright on black, whatever its colour and that of the paper, and however unevenly it is lit.

    The paper is what is left of the picture when everything narrow is taken away (a morphological opening, with a
    window twice as wide as the strokes); the ink is the rest (the top-hat transform). What is fainter than the noise
    is paper.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)

    Returns
    -------
    ndarray of uint8, shape (H, W)
        0 is paper, 255 the ink where it is strongest; all 0 if there is no ink.
    """
    light_paper = is_light_paper(grey)
    pixels = 255 - grey if light_paper else grey
    small, factor = _reduced(pixels, 128)
    paper = _paper(small)
    if factor > 1:
        paper = np.asarray(Image.fromarray(paper).resize(pixels.shape[::-1], Image.Resampling.BILINEAR))
    difference = pixels.astype(np.float32) - paper
    if light_paper:  # which reflects a share of the light that falls on it; so does the ink
        difference *= 255 / np.maximum(255 - paper.astype(np.float32), DARKEST_LIGHT)
    ink = np.maximum(difference, 0)

    noise = 1.4826 * np.median(np.abs(np.diff(difference, axis=1))) / np.sqrt(2) if ink.shape[1] > 1 else 0
    strongest = np.percentile(ink[ink >= max(otsu(ink), 1)], 95) if ink.max(initial=0) >= 1 else 0
    if strongest < max(SMALLEST_CONTRAST, 5 * noise):
        return np.zeros(grey.shape, np.uint8)
    floor = min(3 * noise, strongest / 2)
    return np.rint(255 * np.clip((ink - floor) / (strongest - floor), 0, 1)).astype(np.uint8)


def _paper(small: np.ndarray) -> np.ndarray:
    """Bright ink taken away from a small picture: with the narrowest window that shows nearly all contrast, doubled."""
    longest = max(small.shape)
    windows = sorted({longest // part | 1 for part in (40, 28, 20, 14, 10, 8, 6)})
    contrast = [np.percentile(small - _opened(small, window), 98) for window in windows]
    enough = next(window for window, value in zip(windows, contrast, strict=True) if value >= 0.9 * max(contrast))
    return _opened(small, 2 * enough + 1)


def _opened(image: np.ndarray, window: int) -> np.ndarray:
    return _spread(_spread(image, window, np.min), window, np.max)


def is_light_paper(grey: np.ndarray) -> bool:
    """Tell whether the ink is darker than the paper.

    A curved surface of grey levels is fitted to the paper, beginning with the border of the picture, which is mostly
    paper, and going on with all that is as bright as the surface. Ink is what differs from it most.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    """
    small, _ = _reduced(grey, 64)
    height, width = small.shape
    level = small.astype(np.float64).ravel()
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
    rim = max(min(height, width) // 16, 1)
    border = np.ones((height, width), bool)
    border[rim:-rim, rim:-rim] = False
    border = border.ravel()
    rest = level - np.median(level[border])
    keep = border & (np.abs(rest) <= max(3 * np.median(np.abs(rest[border])), 20))
    for _ in range(5):
        surface = terms @ np.linalg.lstsq(terms[keep], level[keep], rcond=None)[0]
        rest = level - surface
        keep = np.abs(rest) <= max(3 * np.median(np.abs(rest[keep])), 8)
    low, high = np.percentile(rest, (1, 99))
    return bool(-low > high)


def otsu(grey: np.ndarray) -> float:
    """Threshold between dark and bright pixels that tells the two apart best.

    It maximizes the variance between the two classes, ``w0 w1 (m0 - m1)^2`` with their shares w and means m
    (N. Otsu, *A threshold selection method from gray-level histograms*, 1979).

    Parameters
    ----------
    grey : ndarray of numbers from 0 to 255

    Returns
    -------
    float
        Bright pixels are above it.
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
        raise _no_ink()
    return Found(light_paper, boxes, np.stack([to_mnist(digit, size) for digit in digits]))


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
        raise _no_ink()
    mask = ink > SOFT_EDGE * strongest
    pieces = _components(mask)
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
    cropped, _ = _reduced(cropped, 8 * longest)
    factor = longest / max(cropped.shape)
    mask = np.pad(cropped > 0.5 * cropped.max(), 1)
    edges = np.count_nonzero(np.diff(mask, axis=0)) + np.count_nonzero(np.diff(mask, axis=1))
    stroke = factor * 2.5 * np.count_nonzero(mask) / max(edges, 1)  # an edge runs along both sides, often slanted
    if stroke < THINNEST_STROKE:
        grow = round((THINNEST_STROKE - stroke) / factor / 2)
        cropped = _spread(np.pad(cropped, grow), 2 * grow + 1, np.max)
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
    pieces = _components(_is_ink(ink)) if ink.any() else None
    if pieces is None or not len(pieces.area):
        return []
    sizes = np.maximum(pieces.bottom - pieces.top, pieces.right - pieces.left)
    order = np.argsort(sizes)
    heaviest = np.searchsorted(np.cumsum(pieces.area[order]), pieces.area.sum() / 2)
    usual = int(sizes[order][heaviest])  # half of all ink is in pieces of at least this size
    large = sizes >= 0.2 * usual
    if np.count_nonzero(large) > 4 * MAX_DIGITS:
        raise _too_many(np.count_nonzero(large))
    boxes = [Box(*map(int, box)) for box in zip(*pieces[:4], strict=True)]
    boxes = _merge([box for box, is_large in zip(boxes, large, strict=True) if is_large], usual)
    if len(boxes) > MAX_DIGITS:
        raise _too_many(len(boxes))
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
    pieces = _components(mask)
    labels = np.pad(pieces.labels(mask), 2)
    ink = np.pad(ink, 2)
    digits = []
    for box in boxes:
        inside = (pieces.top >= box.top) & (pieces.left >= box.left)
        inside &= (pieces.bottom <= box.bottom) & (pieces.right <= box.right)
        window = slice(box.top, box.bottom + 4), slice(box.left, box.right + 4)
        own = np.concatenate([[False], inside])[labels[window]]
        foreign = (labels[window] > 0) & ~own
        digits.append(np.where(_spread(foreign, 5, np.max) & ~own, 0, ink[window]))
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


def _components(mask: np.ndarray) -> _Pieces:
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


def _reduced(image: np.ndarray, longest: int) -> tuple[np.ndarray, int]:
    """Image made smaller by a whole factor, to at most ``longest`` pixels a side; and that factor."""
    factor = -(-max(image.shape) // longest)
    return (np.asarray(Image.fromarray(image).reduce(factor)), factor) if factor > 1 else (image, 1)


def _spread(image: np.ndarray, window: int, pick: Callable) -> np.ndarray:
    """Replace each pixel by the largest (np.max) or smallest (np.min) one of a square window around it."""
    for axis in (0, 1):
        margin = [(0, 0), (0, 0)]
        margin[axis] = (window // 2, window // 2)
        views = np.lib.stride_tricks.sliding_window_view(np.pad(image, margin, "edge"), window, axis)
        image = pick(views, axis=-1)
    return image


def _no_ink() -> PictureError:
    return _error("no ink", "a digit", "Draw one, with more contrast to the paper.")


def _too_many(count: int) -> PictureError:
    found = f"{count:,} separate pieces of ink"
    return _error(found, f"at most {MAX_DIGITS} digits", "Cut out a part of the page, without pattern or print.")


def _error(found: str, expected: str, advice: str) -> PictureError:
    return PictureError(f"Found {found}, but expected {expected}. {advice}")
