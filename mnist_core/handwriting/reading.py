"""Read a picture of handwriting, the first step to MNIST images.

>>> grey = read_picture(Path("page.jpg").read_bytes())      # (H, W) uint8, as photographed
>>> ink = ink_on_black(grey)                                # (H, W) uint8, 0 is paper and 255 is ink
>>> images = [to_mnist(digit) for digit in cut_digits(ink, segment(ink))]   # each (28, 28) uint8

or in one step: ``find_digits(grey).images``.

MNIST was made from black and white scans: "the images were size normalized to fit in a 20x20 pixel box while preserving
their aspect ratio. The resulting images contain grey levels as a result of the anti-aliasing technique used by the
normalization algorithm. The images were centered in a 28x28 image by computing the center of mass of the pixels, and
translating the image so as to position this point at the center of the 28x28 field" (http://yann.lecun.com/exdb/mnist;
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, 1998).
A network that was trained on such images must be given such images.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mnist_core.errors import PictureError, times
from mnist_core.handwriting.ink import picture_error
from mnist_core.handwriting.turns import in_turn

MAX_BYTES = 20_000_000

MAX_PIXELS = {"PNG": 25_000_000, "JPEG": 25_000_000, "WebP": 12_500_000}
"""Pixels of the photos of today's phones, rounded up. A decoder takes 4 bytes for each, that of WebP 16."""

START_OF_SCAN = b"\xff\xda"

MAX_SCANS = 100
"""Parts of a JPEG file that each go over the whole picture; progressive ones have about ten."""

LONGEST_SIDE = 2100
"""In pixels. Larger pictures are shrunk when they are read: a digit ends up 28 pixels wide anyway."""

TILE = 1024
"""Pixels a side that are converted at once, which limits the memory besides the decoder's."""

ORIENTATION = 0x0112
"""EXIF tag that says how a photo is to be rotated."""

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

READERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WebP": WebPImageFile,
}


def read_picture(data: bytes) -> np.ndarray:
    """Read a PNG, JPEG or WebP picture as grey levels.

    Neither size nor content is trusted: the size is read from the header, and larger pictures are not decoded. Large
    pictures are decoded one at a time, each with at most about 200 MB.

    Parameters
    ----------
    data : bytes
        Content of the file, at most 20 MB and 25 million pixels, of WebP 12.5 million. Transparent parts become white
        paper; a photo is rotated as its EXIF orientation says.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        0 is black, 255 is white. A picture longer than 2,100 pixels is shrunk.

    Raises
    ------
    PictureError
        If the data is no such picture, or is damaged or too large.
    """
    kind = _kind(data)
    try:
        with in_turn(_checked_size(kind, data)):
            picture = _open(kind, data)
            if kind != "JPEG" and getattr(picture, "n_frames", 1) > 1:
                found, advice = f"an animated {kind} file", "Save one picture of it as a PNG file."
                raise picture_error(found, "a still picture", advice)
            picture.draft("L", picture.size)  # a JPEG file stores its grey levels separately
            return _grey(picture)
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error) as error:
        if isinstance(error, PictureError):
            raise
        found, advice = f"a damaged or incomplete {kind} file", "Copy or export the picture again."
        raise picture_error(found, "an intact one", advice) from error


def _kind(data: bytes) -> str:
    """Name the format by the first bytes, never by the name of the file."""
    if not data:
        raise picture_error("an empty file (0 bytes)", EXPECTED, "Save or export the picture again.")
    if len(data) > MAX_BYTES:
        found = f"a file of {len(data) / 1e6:.1f} MB"
        raise picture_error(found, f"at most {MAX_BYTES / 1e6:.0f} MB", "Make the picture smaller, or save it as JPEG.")
    kind = next((name for signature, name in SIGNATURES.items() if data.startswith(signature)), None)
    if kind == "WebP" and data[8:12] != b"WEBP":
        kind = None
    if kind in READERS:
        return kind
    if kind is None and data[4:8] == b"ftyp":
        kind = "HEIC or AVIF"
    advice = "Open it in a picture program and save it as PNG or JPEG."
    if kind:
        raise picture_error(f"{'an' if kind[0] in 'AEH' and kind[1] != 'E' else 'a'} {kind} file", EXPECTED, advice)
    try:
        data[:1000].decode("utf-8", "strict" if len(data) <= 1000 else "ignore")
        text = b"\0" not in data[:1000] and all(byte >= 32 or byte in b"\t\n\r\f" for byte in data[:1000])
    except UnicodeDecodeError:
        text = False
    raise picture_error("a text file" if text else "an unknown kind of file", EXPECTED, "Choose the file of a picture.")


def _open(kind: str, data: bytes) -> ImageFile:
    with warnings.catch_warnings(action="ignore"):  # of damaged EXIF data, in which Pillow looks for the resolution
        return READERS[kind](io.BytesIO(data))


def _checked_size(kind: str, data: bytes) -> int:
    """Return the number of pixels; refuse what would take too much memory or time, before anything is decoded."""
    width, height = _webp_size(data) if kind == "WebP" else _open(kind, data).size
    if width * height > MAX_PIXELS[kind]:
        found, limit = f"a picture of {times((width, height))} pixels", f"at most {MAX_PIXELS[kind] / 1e6:g} million"
        expected = f"{limit} in a WebP file" if kind == "WebP" else limit
        raise picture_error(found, expected, "Make it smaller, or cut out the part to read.")
    scans = data.count(START_OF_SCAN) if kind == "JPEG" else 0
    if scans > MAX_SCANS:
        found, expected = f"a JPEG file of {scans:,} scans", f"at most {MAX_SCANS}"
        raise picture_error(found, expected, "Open it in a picture program and save it again.")
    return width * height


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read width and height from a WebP header: libwebp allocates the whole picture when it opens one.

    Source: RFC 9649, *WebP Image Format*, and RFC 6386, section 9.1.
    """
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(f"unknown chunk {kind!r}")


def _grey(picture: Image.Image) -> np.ndarray:
    """Decode to grey levels on white paper, at most ``LONGEST_SIDE`` long, rotated as EXIF says."""
    factor = -(-max(picture.size) // LONGEST_SIDE)
    side = factor * max(TILE // factor, 1)
    size = (-(-picture.width // factor), -(-picture.height // factor))
    small = [Image.new("L", size) for _ in range(2)]
    levels: set[object] = set()
    for top in range(0, picture.height, side):
        for left in range(0, picture.width, side):
            tile = picture.crop((left, top, min(left + side, picture.width), min(top + side, picture.height)))
            papers = _on_white_and_black(tile)
            levels.update(papers[0].getextrema())
            for whole, part in zip(small, papers, strict=False):
                whole.paste(part.reduce(factor), (left // factor, top // factor))
    white_ink = _has_alpha(picture) and len(levels) == 1  # which is invisible on white paper
    upright = small[white_ink]
    with warnings.catch_warnings(action="ignore"):  # of damaged EXIF data: then the photo stays as it is
        upright.getexif()[ORIENTATION] = picture.getexif().get(ORIENTATION, 1)
    return np.array(ImageOps.exif_transpose(upright))


def _on_white_and_black(tile: Image.Image) -> list[Image.Image]:
    """Convert to grey levels: on white paper, and on black if parts are transparent."""
    if tile.mode.startswith("I"):  # 16 bits per pixel
        return [Image.fromarray((np.asarray(tile).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))]
    if _has_alpha(tile):
        tile = tile.convert("RGBA")
        papers = [Image.new("RGBA", tile.size, color) for color in ("white", "black")]
        return [Image.alpha_composite(paper, tile).convert("L") for paper in papers]
    return [tile if tile.mode == "L" else tile.convert("RGB").convert("L")]


def _has_alpha(picture: Image.Image) -> bool:
    return "A" in picture.getbands() or ("transparency" in picture.info and not picture.mode.startswith("I"))
