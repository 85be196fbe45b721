"""Pictures are read as grey levels, and bad files are refused in one sentence."""

import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from mnist_core.errors import MnistError, PictureError
from mnist_core.handwriting.reading import read_picture
from tests.helpers import encode

PIXELS = np.tile(np.arange(0, 240, 8, dtype=np.uint8), (20, 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_each_format_is_read(kind):
    grey = read_picture(encode(PIXELS, kind, **({} if kind == "PNG" else {"quality": 95})))
    assert grey.shape == PIXELS.shape
    assert grey.dtype == np.uint8
    assert np.abs(grey.astype(int) - PIXELS).mean() < 4


def test_colours_transparency_palettes_and_16_bits():
    red = Image.new("RGB", (5, 4), (255, 0, 0))
    assert read_picture(encode(red))[0, 0] == 76
    assert read_picture(encode(Image.new("CMYK", (5, 4)), "JPEG"))[0, 0] == 255
    ink = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    ink.putpixel((1, 2), (0, 0, 0, 255))
    grey = read_picture(encode(ink))
    assert (grey[2, 1], grey[0, 0]) == (0, 255)
    white = Image.new("RGBA", (6, 4), (255, 255, 255, 0))
    white.putpixel((1, 2), (255, 255, 255, 255))
    grey = read_picture(encode(white))
    assert (grey[2, 1], grey[0, 0]) == (255, 0)
    deep = np.array([[0, 32768, 65535]], np.uint16)
    np.testing.assert_array_equal(read_picture(encode(deep)), [[0, 128, 255]])
    palette = Image.fromarray(PIXELS).convert("P")
    assert np.abs(read_picture(encode(palette)).astype(int) - PIXELS).max() < 8
    bits = Image.fromarray(PIXELS > 100)
    np.testing.assert_array_equal(read_picture(encode(bits)), np.where(PIXELS > 100, 255, 0))


def test_a_photo_is_rotated_by_its_exif_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_picture(encode(PIXELS, "JPEG", exif=exif.tobytes())).shape == PIXELS.shape[::-1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_a_photo_with_damaged_exif_is_read(kind):
    exif = Image.Exif()
    exif[0x010E] = "a description that ends too early"
    damaged = exif.tobytes().replace(b"\x22\0\0\0", b"\xff\0\0\0")
    assert damaged != exif.tobytes()
    assert read_picture(encode(PIXELS, kind, exif=damaged)).shape == PIXELS.shape


def test_a_large_picture_is_shrunk():
    assert read_picture(encode(np.zeros((3000, 4500), np.uint8), "JPEG")).shape == (1000, 1500)


def huge_png(width, height):
    """A header that claims more pixels than the file holds."""
    data = bytearray(encode(np.zeros((1, 1), np.uint8)))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def huge_webp():
    data = bytearray(encode(Image.new("RGBA", (4, 4), (1, 2, 3, 4)), "WebP", lossless=False, exif=b"x"))
    assert data[12:16] == b"VP8X"
    data[24:30] = (16382).to_bytes(3, "little") * 2
    return bytes(data)


NOISE = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
JPEG, NOISY_PNG = encode(NOISE, "JPEG"), encode(NOISE)
FRAMES = [Image.new("L", (9, 9), level) for level in (0, 200)]
REFUSED = {
    "empty": (b"", r"Found an empty file \(0 bytes\), but expected a PNG, JPEG or WebP picture"),
    "text": (b"hello, I am no picture", "Found a text file, but expected a PNG, JPEG or WebP picture"),
    "unicode": ("schöne Grüße".encode(), "Found a text file"),
    "binary": (bytes(range(256)) * 9, "Found an unknown kind of file"),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], "Found a damaged or incomplete JPEG file, but expected an intact one"),
    "JPEG header alone": (JPEG[:30], "Found a damaged or incomplete JPEG file"),
    "truncated PNG": (NOISY_PNG[: len(NOISY_PNG) // 2], "Found a damaged or incomplete PNG file"),
    "truncated WebP": (encode(NOISE, "WebP")[:900], "Found a damaged or incomplete WebP file"),
    "WebP header alone": (encode(PIXELS, "WebP")[:14], "Found a damaged or incomplete WebP file"),
    "GIF": (encode(PIXELS, "GIF"), "Found a GIF file, but expected a PNG, JPEG or WebP picture"),
    "animated GIF": (encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "Found a GIF file"),
    "animated WebP": (encode(FRAMES[0], "WebP", save_all=True, append_images=FRAMES[1:]), "Found an animated WebP"),
    "animated PNG": (encode(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "Found an animated PNG file"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(20), "Found a HEIC or AVIF file"),
    "TIFF": (encode(PIXELS, "TIFF"), "Found a TIFF file"),
    "PDF": (b"%PDF-1.7", "Found a PDF file"),
    "WAV": (b"RIFF\0\0\0\0WAVEfmt ", "Found an unknown kind of file"),
    "huge PNG": (
        huge_png(20_000, 20_000),
        "Found a picture of 20000x20000 pixels, but expected at most 25 million",
    ),
    "huge WebP": (huge_webp(), "Found a picture of 16383x16383 pixels"),
    "no size": (huge_png(0, 0), "Found a damaged or incomplete PNG file"),
    "too many bytes": (bytes(20_000_001), "Found a file of 20.0 MB, but expected at most 20 MB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_files_are_refused_in_one_sentence(name):
    data, message = REFUSED[name]
    begin = time.monotonic()
    with pytest.raises(MnistError, match=f"^{message}.*[.]$") as caught:
        read_picture(data)
    assert isinstance(caught.value, PictureError)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 2


def test_a_huge_picture_is_not_decoded():
    data = encode(Image.new("1", (20_000, 20_000)))
    tracemalloc.start()
    with pytest.raises(PictureError, match="20000x20000"):
        read_picture(data)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
