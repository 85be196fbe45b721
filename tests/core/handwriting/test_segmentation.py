"""Digits of a page are found and cut out in reading order."""

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core.errors import PictureError
from mnist_core.handwriting.ink import ink_on_black
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.segmentation import Box, cut_digits, label_pieces, segment
from tests.core.handwriting.pictures import drawn, photographed
from tests.helpers import page_of


def test_a_page_of_three_rows_is_read_in_order(sample):
    images = sample.test_images[:27]
    for page in (page_of(images, 10), photographed(page_of(images, 10))):
        boxes = segment(ink_on_black(page))
        assert len(boxes) == 27
        cells = [(round((box.top - 40) / 152), round((box.left - 40) / 152)) for box in boxes]
        assert cells == [divmod(number, 10) for number in range(27)]


def test_the_bar_of_a_five_is_part_of_it_and_specks_are_dropped():
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


def test_a_neighbour_that_reaches_into_the_box_is_removed():
    ink = drawn([(50, 40), (150, 40), (80, 200)], [(148, 95), (148, 220)], size=(220, 240))
    seven, one = cut_digits(ink, segment(ink))
    assert to_mnist(one).any()
    alone = drawn([(50, 40), (150, 40), (80, 200)], size=(220, 240))
    np.testing.assert_array_equal(to_mnist(seven), to_mnist(alone))


def test_too_many_pieces_are_refused_quickly():
    board = np.kron(np.indices((40, 40)).sum(0) % 2 == 0, np.ones((3, 3))).astype(np.uint8) * 255
    spaced = np.kron(np.pad(np.ones((1, 1)), 1), np.ones((4, 4)))
    with pytest.raises(PictureError, match=r"Found 900 separate pieces of ink, but expected at most 200"):
        segment(np.tile(spaced, (30, 30)).astype(np.uint8) * 255)
    assert len(segment(board)) == 1  # corners touch
    noise = np.random.default_rng(1).integers(0, 256, (2000, 2000), dtype=np.uint8)
    begin = time.process_time()
    assert len(segment(noise)) <= 200
    assert time.process_time() - begin < 5


def test_pieces_are_those_of_a_flood_fill():
    rng = np.random.default_rng(2)
    for density in (0.1, 0.3, 0.45, 0.6):
        mask = rng.random((37, 53)) < density
        labels, boxes = label_pieces(mask)
        assert len(boxes) == labels.max()
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


def test_box():
    box = Box(1, 2, 5, 9)
    assert (box.height, box.width) == (4, 7)
    assert np.zeros((10, 10))[box.slices].shape == (4, 7)
    assert box.union(Box(0, 3, 2, 12)) == Box(0, 2, 5, 12)


@pytest.mark.parametrize("side", [300, 900])
def test_lines_within_one_another_are_no_digits(side):
    picture = Image.new("L", (side, side))
    for inset in range(0, side // 5, side // 60):
        ImageDraw.Draw(picture).rectangle((inset, inset, side - 1 - inset, side - 1 - inset), outline=255, width=2)
    with pytest.raises(PictureError, match="pieces of ink that lie within one another, but expected some side by"):
        segment(np.asarray(picture))
