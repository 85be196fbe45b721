"""Pictures of handwriting become images as MNIST has them, and bad files one sentence."""

import time
import zlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import MnistError, PictureError
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.ink import ink_on_black, is_light_paper, otsu
from mnist_core.handwriting.mnist_format import steps_to_mnist, to_mnist
from mnist_core.handwriting.reading import read_picture
from mnist_core.handwriting.segmentation import Box, cut_digits, segment
from mnist_core.training.config import PRESETS
from mnist_core.training.loop import build_network, train
from tests.helpers import encode, enlarged, page_of


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


@pytest.fixture(scope="module")
def network(sample):
    config = replace(PRESETS["fast"].config, epochs=12)
    network = build_network(config, sample)
    for _ in train(config, sample, network):
        pass
    return network


def photographed(page, seed=0):
    """Grey ink on paper that is lit from one corner and shaded by a hand, with noise."""
    y, x = np.mgrid[0 : 1 : page.shape[0] * 1j, 0 : 1 : page.shape[1] * 1j]
    light = 200 - 70 * x - 40 * y**2 - 25 * (x + y > 1.2)
    noise = np.random.default_rng(seed).normal(0, 4, page.shape)
    return np.clip(light * (0.35 + 0.65 * page / 255) + noise, 0, 255).astype(np.uint8)


def accuracy(network, images, labels):
    return (predict(network, np.stack(images)).argmax(axis=1) == labels).mean()


@pytest.mark.parametrize("look", ["black on white", "white on black", "photo"])
def test_mnist_itself_is_read_as_well_as_directly(sample, network, look):
    count = 500 if look == "black on white" else 150
    images, labels = sample.test_images[:count], sample.test_labels[:count]
    looks = {"black on white": lambda page: page, "white on black": lambda page: 255 - page, "photo": photographed}
    kind = "JPEG" if look == "photo" else "PNG"
    files = [encode(looks[look](enlarged(image)), kind) for image in images]
    seen = [to_mnist(ink_on_black(read_picture(file))) for file in files]
    direct, drawn = accuracy(network, images, labels), accuracy(network, seen, labels)
    print(f"{look}: {direct:.1%} directly, {drawn:.1%} through a picture")
    assert direct > 0.9
    assert drawn >= direct - (0.04 if look == "photo" else 0.01)


def test_a_thin_pen_on_a_large_page_is_read(sample, network):
    """Contours 4 pixels wide on digits 400 pixels high would fade to nothing when scaled."""
    picture = Image.new("L", (700, 900), 255)
    ImageDraw.Draw(picture).line([(350, 200), (350, 700)], fill=0, width=5)
    image = to_mnist(ink_on_black(np.asarray(picture)))
    assert image.max() > 200
    assert predict(network, image[np.newaxis]).argmax() == 1


def test_a_page_of_three_rows_is_read_in_order(sample):
    images = sample.test_images[:27]
    for page in (page_of(images, 10), photographed(page_of(images, 10))):
        boxes = segment(ink_on_black(page))
        assert len(boxes) == 27
        cells = [(round((box.top - 40) / 152), round((box.left - 40) / 152)) for box in boxes]
        assert cells == [divmod(number, 10) for number in range(27)]


def test_digits_of_a_page_are_read_as_well_as_alone(sample, network):
    images, labels = sample.test_images[:60], sample.test_labels[:60]
    ink = ink_on_black(page_of(images, 12))
    seen = [to_mnist(digit) for digit in cut_digits(ink, segment(ink))]
    assert accuracy(network, seen, labels) >= accuracy(network, images, labels) - 0.02


def drawn(*lines, size=(400, 300), width=12):
    picture = Image.new("L", size, 0)
    for line in lines:
        ImageDraw.Draw(picture).line(line, fill=255, width=width)
    return np.asarray(picture)


def test_the_bar_of_a_five_belongs_to_it_and_specks_belong_to_nobody():
    ink = drawn(
        [(60, 60), (110, 60)],  # the bar
        [(55, 78), (55, 130), (100, 150), (100, 190), (55, 210)],
        [(200, 60), (200, 210)],
        [(300, 100), (304, 100)],  # a speck
    )
    boxes = segment(ink)
    assert len(boxes) == 2
    assert boxes[0].top <= 55
    assert boxes[0].bottom >= 205
    assert boxes[0].right < boxes[1].left


def test_rows_may_slant():
    ink = drawn(*([(x, 40 + x // 3 + row), (x, 90 + x // 3 + row)] for x in range(40, 400, 60) for row in (0, 80)))
    boxes = segment(ink)
    assert len(boxes) == 12
    assert [round(box.left / 60) for box in boxes] == [*range(1, 7)] * 2


def test_a_neighbour_that_reaches_into_the_box_is_left_out():
    ink = drawn([(50, 40), (150, 40), (80, 200)], [(148, 95), (148, 220)], size=(220, 240))
    seven, one = cut_digits(ink, segment(ink))
    assert to_mnist(one).any()
    alone = drawn([(50, 40), (150, 40), (80, 200)], size=(220, 240))
    np.testing.assert_array_equal(to_mnist(seven), to_mnist(alone))


def test_blank_pages_have_no_digits():
    noise = np.random.default_rng(0).normal(200, 6, (300, 400)).clip(0, 255).astype(np.uint8)
    for page in (np.zeros((28, 28), np.uint8), np.full((50, 60), 255, np.uint8), noise, np.full((1, 1), 9, np.uint8)):
        ink = ink_on_black(page)
        assert not ink.any()
        assert segment(ink) == []
        with pytest.raises(PictureError, match="Found no ink, but expected a digit"):
            to_mnist(ink)


def test_too_many_pieces_are_refused_soon():
    board = np.kron(np.indices((40, 40)).sum(0) % 2 == 0, np.ones((3, 3))).astype(np.uint8) * 255
    spaced = np.kron(np.pad(np.ones((1, 1)), 1), np.ones((4, 4)))
    with pytest.raises(PictureError, match=r"Found 900 separate pieces of ink, but expected at most 200 digits"):
        segment(np.tile(spaced, (30, 30)).astype(np.uint8) * 255)
    assert len(segment(board)) == 1  # corners touch
    noise = np.random.default_rng(1).integers(0, 256, (2000, 2000), dtype=np.uint8)
    begin = time.monotonic()
    with suppress(PictureError):
        segment(noise)
    print(f"noise of 4 million pixels: {time.monotonic() - begin:.1f} s")


def test_pieces_are_those_of_a_flood_fill():
    from mnist_core.handwriting.segmentation import components

    rng = np.random.default_rng(2)
    for density in (0.1, 0.3, 0.45, 0.6):
        mask = rng.random((37, 53)) < density
        labels = components(mask).labels(mask)
        assert ((labels > 0) == mask).all()
        expected = flood_fill(mask)
        pairs = set(zip(labels[mask].tolist(), expected[mask].tolist(), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def flood_fill(mask):
    labels, number = np.zeros(mask.shape, int), 0
    for seed in zip(*np.nonzero(mask), strict=True):
        if labels[seed]:
            continue
        number += 1
        labels[seed], stack = number, [seed]
        while stack:
            y, x = stack.pop()
            for other in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                inside = 0 <= other[0] < mask.shape[0] and 0 <= other[1] < mask.shape[1]
                if inside and mask[other] and not labels[other]:
                    labels[other] = number
                    stack.append(other)
    return labels


def test_the_steps_keep_the_aspect_ratio_and_centre_by_mass():
    ink = drawn([(30, 20), (30, 220)], [(30, 220), (130, 220)], width=20)
    steps = steps_to_mnist(ink)
    height, width = steps.cropped.shape
    assert steps.scaled.shape == (20, round(20 * width / height))
    assert steps.centred.shape == (28, 28)
    y, x = (np.arange(28) @ steps.centred.sum(axis=axis) / steps.centred.sum() for axis in (1, 0))
    assert abs(y - 14) <= 0.5
    assert abs(x - 14) <= 0.5
    np.testing.assert_array_equal(to_mnist(ink), steps.centred)
    assert to_mnist(ink, 56).shape == (56, 56)
    ImageDraw.Draw(picture := Image.fromarray(ink.copy())).point((390, 290), fill=255)
    np.testing.assert_array_equal(to_mnist(np.asarray(picture)), steps.centred)


def test_mnist_images_are_centred_as_they_are(sample):
    """MNIST's own images come out as they went in but for a pixel or so of shift."""
    shifts = []
    for image in sample.test_images[:100]:
        mine = to_mnist(image).astype(float)
        shifts += [
            np.arange(28) @ (mine.sum(axis=axis) / mine.sum() - image.sum(axis=axis) / image.sum()) for axis in (0, 1)
        ]
    assert np.abs(np.mean(shifts)) < 0.1
    assert np.max(np.abs(shifts)) < 1.5


def test_polarity_of_uneven_paper():
    y, x = np.mgrid[-1:1:200j, -1:1:300j]
    for paper, ink in ((220, 60), (60, 220), (120, 40), (100, 180)):
        page = (paper - 40 * (x**2 + y**2) / 2).clip(0, 255)
        page[60:140, 145:160] = ink
        assert is_light_paper(page.astype(np.uint8)) == (paper > ink)


def test_otsu_lies_between_two_heaps():
    assert 20 <= otsu(np.array([10] * 50 + [20] * 50 + [200] * 10)) < 200


def test_box():
    box = Box(1, 2, 5, 9)
    assert (box.height, box.width) == (4, 7)
    assert np.zeros((10, 10))[box.slices].shape == (4, 7)
    assert box.union(Box(0, 3, 2, 12)) == Box(0, 2, 5, 12)


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


def test_a_photo_is_turned_as_its_camera_noted():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_picture(encode(PIXELS, "JPEG", exif=exif.tobytes())).shape == PIXELS.shape[::-1]


def test_a_large_picture_is_made_smaller():
    assert read_picture(encode(np.zeros((3000, 4500), np.uint8), "JPEG")).shape == (1000, 1500)


def huge_png(width, height):
    """A header that promises more pixels than there are."""
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
        "Found a picture of 20,000 x 20,000 pixels, but expected at most 25 million",
    ),
    "huge WebP": (huge_webp(), "Found a picture of 16,383 x 16,383 pixels"),
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


def test_a_truly_huge_picture_is_not_decoded():
    import tracemalloc

    data = encode(Image.new("1", (20_000, 20_000)))
    tracemalloc.start()
    with pytest.raises(PictureError, match="20,000 x 20,000"):
        read_picture(data)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_picture_is_read_whole_or_in_parts(sample):
    image = sample.test_images[3]
    found = find_digits(image)
    assert not found.light_paper
    np.testing.assert_array_equal(found.images, image[np.newaxis])  # as it is
    found = find_digits(255 - image)
    assert found.light_paper
    assert found.images.shape == (1, 28, 28)
    page = page_of(sample.test_images[:5], 5)
    assert len(find_digits(page).boxes) == len(find_digits(page, True).images) == 5
    assert len(find_digits(page, False).images) == 1
    assert len(find_digits(enlarged(image)).boxes) == 1
    assert find_digits(page, size=20).images.shape == (5, 20, 20)
    for several in (None, False, True):
        with pytest.raises(PictureError, match="Found no ink"):
            find_digits(np.full((90, 70), 200, np.uint8), several)


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 9, 100, 255])))
@settings(max_examples=150)
def test_any_pixels_give_images_or_a_sentence(grey):
    for several in (None, False, True):
        try:
            found = find_digits(grey, several)
        except PictureError as error:
            assert str(error).startswith("Found ")
        else:
            assert found.images.shape[1:] == (28, 28)
            assert found.images.dtype == np.uint8
            assert len(found.boxes) == len(found.images)
