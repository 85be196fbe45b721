"""Pictures of handwriting become MNIST images that a network reads as well as the originals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from mnist_core.errors import PictureError
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.ink import ink_on_black
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.reading import read_picture
from mnist_core.handwriting.segmentation import cut_digits, segment
from mnist_core.training.config import PRESETS
from mnist_core.training.loop import build_network, train
from tests.core.handwriting.pictures import photographed
from tests.helpers import encode, enlarged, page_of


@pytest.fixture(scope="module")
def network(sample):
    config = replace(PRESETS["fast"].config, epochs=12)
    network = build_network(config, sample)
    for _ in train(config, sample, network):
        pass
    return network


def accuracy(network, images, labels):
    return (predict(network, np.stack(images)).argmax(axis=1) == labels).mean()


@pytest.mark.parametrize(
    ("look", "count"),
    [
        ("black on white", 150),
        ("photo", 150),
        pytest.param("black on white", 500, marks=pytest.mark.slow),
        pytest.param("white on black", 150, marks=pytest.mark.slow),
    ],
)
def test_a_picture_of_an_mnist_image_is_read_as_well_as_the_image(sample, network, look, count):
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
    """Contours 4 pixels wide on digits 400 pixels high would fade away when scaled."""
    picture = Image.new("L", (700, 900), 255)
    ImageDraw.Draw(picture).line([(350, 200), (350, 700)], fill=0, width=5)
    image = to_mnist(ink_on_black(np.asarray(picture)))
    assert image.max() > 200
    assert predict(network, image[np.newaxis]).argmax() == 1


def test_digits_of_a_page_are_read_as_well_as_single_ones(sample, network):
    images, labels = sample.test_images[:60], sample.test_labels[:60]
    ink = ink_on_black(page_of(images, 12))
    seen = [to_mnist(digit) for digit in cut_digits(ink, segment(ink))]
    assert accuracy(network, seen, labels) >= accuracy(network, images, labels) - 0.02


def test_blank_pages_have_no_digits():
    noise = np.random.default_rng(0).normal(200, 6, (300, 400)).clip(0, 255).astype(np.uint8)
    for page in (np.zeros((28, 28), np.uint8), np.full((50, 60), 255, np.uint8), noise, np.full((1, 1), 9, np.uint8)):
        ink = ink_on_black(page)
        assert not ink.any()
        assert segment(ink) == []
        with pytest.raises(PictureError, match="Found no ink, but expected a drawing"):
            to_mnist(ink)


def test_a_picture_is_read_whole_or_in_parts(sample):
    image = sample.test_images[3]
    found = find_digits(image)
    assert not found.light_paper
    np.testing.assert_array_equal(found.images, image[np.newaxis])  # unchanged
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
        for grey in (0, 130, 255):  # of the size of an image of the data set, too
            with pytest.raises(PictureError, match="Found no ink"):
                find_digits(np.full((28, 28), grey, np.uint8), several)


def test_of_images_that_are_not_square_only_whole_ones_are_taken(sample):
    image = sample.test_images[3][:, 4:24]
    for several in (None, False):
        np.testing.assert_array_equal(find_digits(image, several, (28, 20)).images, image[np.newaxis])
    for other in (255 - image, enlarged(image), image[:, 1:]):
        with pytest.raises(PictureError, match="but expected one image of 28x20, white on black"):
            find_digits(other, None, (28, 20))


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 9, 100, 255])))
@settings(max_examples=150)
def test_any_pixels_give_images_or_an_error_in_one_sentence(grey):
    for several in (None, False, True):
        try:
            found = find_digits(grey, several)
        except PictureError as error:
            assert str(error).startswith("Found ")
        else:
            assert found.images.shape[1:] == (28, 28)
            assert found.images.dtype == np.uint8
            assert len(found.boxes) == len(found.images)
