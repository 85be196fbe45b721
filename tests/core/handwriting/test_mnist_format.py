"""A digit is cropped, scaled and centred as MNIST was."""

import numpy as np
from PIL import Image, ImageDraw

from mnist_core.handwriting.mnist_format import steps_to_mnist, to_mnist
from tests.core.handwriting.pictures import drawn


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


def test_mnist_images_are_already_centred(sample):
    """MNIST's own images come out as they went in, except for a shift of about a pixel."""
    shifts = []
    for image in sample.test_images[:100]:
        mine = to_mnist(image).astype(float)
        shifts += [
            np.arange(28) @ (mine.sum(axis=axis) / mine.sum() - image.sum(axis=axis) / image.sum()) for axis in (0, 1)
        ]
    assert np.abs(np.mean(shifts)) < 0.1
    assert np.max(np.abs(shifts)) < 1.5
