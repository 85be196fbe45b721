"""Large pictures take bounded memory, whatever their format, and however many people send one at once."""

import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_core.errors import PictureError
from mnist_core.handwriting import reading
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.reading import read_picture
from mnist_core.handwriting.turns import LARGE, in_turn
from tests.helpers import encode

MEGABYTE = 1 << 20

READ = """
import sys, threading
from pathlib import Path
from mnist_core.handwriting.reading import read_picture

def most_memory():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

data = Path(sys.argv[1]).read_bytes()
read_picture(Path(sys.argv[2]).read_bytes())  # loads what the first picture loads
before = most_memory()
threads = [threading.Thread(target=read_picture, args=(data,)) for _ in range(int(sys.argv[3]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(most_memory() - before)
"""


def pattern(mode, side):
    y, x = np.mgrid[:side, :side]
    grey = ((x // 50 + y // 70) % 256).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    return Image.merge("RGBA", [Image.fromarray(band) for band in (grey, grey.T, 255 - grey, grey.T)]).convert(mode)


KINDS = {
    "transparent": ("RGBA", "PNG", {}),
    "grey and transparent": ("LA", "PNG", {}),
    "16 bits": ("I;16", "PNG", {}),
    "one transparent colour": ("RGB", "PNG", {"transparency": (1, 2, 3)}),
    "transparent palette": ("P", "PNG", {"transparency": 3}),
    "black and white": ("1", "PNG", {}),
    "colour JPEG": ("RGB", "JPEG", {}),
    "progressive JPEG": ("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
    "CMYK JPEG": ("CMYK", "JPEG", {}),
    "WebP": ("RGB", "WebP", {"method": 0}),
    "transparent WebP": ("RGBA", "WebP", {"method": 0}),
    "lossless WebP": ("RGBA", "WebP", {"method": 0, "lossless": True}),
}


QUICK = ("progressive JPEG",)
"""The kinds that are tried each time; the others are slow."""


def memory_to_read(tmp_path, data, times):
    (tmp_path / "picture").write_bytes(data)
    (tmp_path / "small").write_bytes(encode(np.zeros((9, 9), np.uint8)))
    command = [sys.executable, "-c", READ, str(tmp_path / "picture"), str(tmp_path / "small"), str(times)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's memory")
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in KINDS])
def test_the_largest_picture_of_each_kind_takes_bounded_memory(tmp_path, name):
    mode, kind, options = KINDS[name]
    side = int(reading.MAX_PIXELS[kind] ** 0.5)
    assert memory_to_read(tmp_path, encode(pattern(mode, side), kind, **options), 1) < 260 * MEGABYTE


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's memory")
def test_ten_pictures_at_once_take_the_memory_of_one(tmp_path):
    data = encode(pattern("LA", 2500))  # 25 MB decoded
    assert memory_to_read(tmp_path, data, 10) < 140 * MEGABYTE


def whole(picture):
    """The grey levels of a picture that is converted as a whole."""
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture).astype(int) >> 8).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        papers = [Image.new("RGBA", picture.size, color) for color in ("white", "black")]
        on_white, on_black = (Image.alpha_composite(paper, picture).convert("L") for paper in papers)
        low, high = on_white.getextrema()
        return on_black if low == high else on_white
    return picture.convert("RGB").convert("L")


@pytest.mark.parametrize("size", [(250, 200), (201, 3), (1, 250), (250, 1)], ids=str)
@pytest.mark.parametrize("name", [name for name, (_, kind, _) in KINDS.items() if kind == "PNG"])
def test_parts_together_are_the_whole(monkeypatch, name, size):
    mode, kind, options = KINDS[name]
    monkeypatch.setattr(reading, "TILE", 32)
    monkeypatch.setattr(reading, "LONGEST_SIDE", 90)
    data = encode(pattern(mode, 250).crop((0, 0, *size)), kind, **options)

    expected = np.asarray(whole(Image.open(io.BytesIO(data))).reduce(-(-max(size) // 90)))
    np.testing.assert_array_equal(read_picture(data), expected)


def test_white_ink_on_nothing_is_seen_wherever_it_is(monkeypatch):
    monkeypatch.setattr(reading, "TILE", 32)
    picture = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    picture.putpixel((90, 70), (255, 255, 255, 255))
    grey = read_picture(encode(picture))
    assert (grey[70, 90], grey[0, 0]) == (255, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_a_shrunk_photo_is_rotated_as_well(monkeypatch, kind):
    monkeypatch.setattr(reading, "LONGEST_SIDE", 50)
    pixels = np.zeros((40, 100), np.uint8)
    pixels[:20, :20] = 255
    exif = Image.Exif()
    exif[reading.ORIENTATION] = 6
    grey = read_picture(encode(pixels, kind, exif=exif.tobytes()))
    assert grey.shape == (50, 20)
    assert grey[2, -3] > 200 > 50 > grey[2, 2]


def test_a_jpeg_of_many_scans_is_refused():
    data = encode(pattern("RGB", 64), "JPEG", progressive=True)
    start = data.rindex(reading.START_OF_SCAN)
    read_picture(data[:-2] + 3 * data[start:-2] + data[-2:])
    with pytest.raises(PictureError, match=r"Found a JPEG file of [\d,]+ scans, but expected at most 100"):
        read_picture(data[:-2] + 300 * data[start:-2] + data[-2:])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_the_size_is_checked_before_anything_is_decoded(monkeypatch, kind):
    monkeypatch.setitem(reading.MAX_PIXELS, kind, 99)
    monkeypatch.setattr(reading, "_grey", lambda picture: pytest.fail("decoded"))
    with pytest.raises(PictureError, match="10x10 pixels, but expected at most"):
        read_picture(encode(pattern("RGB", 10), kind))


def test_large_pictures_take_turns_and_small_ones_do_not_wait():
    done = threading.Event()
    page = np.full((1100, 1000), 255, np.uint8)
    page[300:800, 480:520] = 0
    with in_turn(LARGE + 1):
        large = threading.Thread(target=lambda: (find_digits(page), done.set()))
        large.start()
        assert find_digits(page[200:900, 300:700]).images.shape == (1, 28, 28)
        assert not done.wait(0.3)
    assert done.wait(30)
    large.join()
