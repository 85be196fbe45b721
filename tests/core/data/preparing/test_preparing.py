"""What was read becomes a data set: each step by itself, and what is said about it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.data.formats.source import Source, Split
from mnist_core.data.preparing.prepare import Choices, Unlabelled, prepare, suggest
from mnist_core.data.preparing.scaling import paper_below, scaled, to_grey
from mnist_core.errors import DatasetError

PATH = Path("/data/digits.csv.gz")


@pytest.fixture(scope="module")
def digits():
    sample = load_dataset("sample")
    return sample.test_images[:400], sample.test_labels[:400].astype(np.int64)


def source(transposed=None, class_names=None, first_label=0, notes=(), path=PATH, **splits):
    splits = {name: Split(*parts) for name, parts in splits.items()}
    return Source(path, "CSV", splits, class_names, "0" * 64, transposed, notes, first_label)


def notes(dataset):
    return " ".join(note.plain for note in dataset.notes)


def test_plain_images_stay_as_they_are_and_nothing_is_said(digits):
    images, labels = digits
    made = prepare(source(train=(images, labels), test=(images[:50], labels[:50]), notes=("Read as it is.",)))
    np.testing.assert_array_equal(made.train_images, images)
    np.testing.assert_array_equal(made.test_labels, labels[:50])
    assert made.train_labels.dtype == np.uint8 and not made.train_images.flags.writeable
    assert (made.name.plain, made.source, made.data_dir) == ("digits", "full", str(PATH))
    assert notes(made) == "Read as it is." and made.given_names == ()


def test_only_training_images_are_split_and_it_is_said(digits):
    images, labels = digits
    writers = np.arange(400)
    made = prepare(source(all=(images, labels, {"writer": writers})), Choices(test_share=0.25, seed=3))
    assert (len(made.train_images), len(made.test_images)) == (300, 100)
    assert "25.0% of the 400 images are held back for testing" in notes(made) and "seed 3" in notes(made)
    for split in ("train", "test"):  # what belongs to an image stays with it
        chosen = made.extra[split]["writer"]
        np.testing.assert_array_equal(getattr(made, f"{split}_images"), images[chosen])
        np.testing.assert_array_equal(getattr(made, f"{split}_labels"), labels[chosen])
    other = prepare(source(all=(images, labels)), Choices(seed=4))
    assert not np.array_equal(other.test_images[:50], made.test_images[:50])


def test_images_without_labels_are_no_data_set_to_learn_from(digits):
    images, labels = digits
    made = prepare(source(test=(images, None)))
    assert isinstance(made, Unlabelled) and "can be looked at and predicted" in notes(made)
    assert made.description == "digits: 400 images of 28x28 without labels"
    made = prepare(source(train=(images, labels), test=(images, None)))
    assert isinstance(made, Dataset) and "There are no labels for 400 test images: they are left aside" in notes(made)


def test_dark_on_light_and_transposed_are_found_turned_and_can_be_undone(digits):
    images, labels = digits
    turned = source(train=(255 - images.transpose(0, 2, 1), labels), test=(255 - images.transpose(0, 2, 1), labels))
    choices, sentences = suggest(turned)
    assert choices.invert and choices.transpose and len(sentences) == 2
    np.testing.assert_array_equal(prepare(turned).train_images, images)
    made = prepare(turned, replace(choices, invert=False, transpose=False))
    np.testing.assert_array_equal(made.train_images, 255 - images.transpose(0, 2, 1))
    assert not made.notes


def test_without_digits_for_labels_turning_is_only_offered(digits):
    images, labels = digits
    letters = source(all=(images.transpose(0, 2, 1), labels), class_names=tuple("abcdefghij"))
    choices, sentences = suggest(letters)
    assert not choices.transpose and "may lie on their side" in " ".join(sentences)


def test_a_name_of_emnist_is_believed_unless_the_strokes_are_upright(digits):
    images, labels = digits
    choices, sentences = suggest(source(transposed=True, all=(images.transpose(0, 2, 1), labels + 1)))
    assert choices.transpose and "images of EMNIST" in " ".join(sentences)
    choices, sentences = suggest(source(transposed=True, all=(images, labels + 1)))
    assert not choices.transpose and "strokes are upright" in " ".join(sentences)
    few = source(transposed=True, all=(images[:9], labels[:9]))
    assert suggest(few)[0].transpose


LETTERS = tuple(f"{letter.upper()}{letter}" for letter in "abcdefghij")


@pytest.mark.parametrize(
    ("shift", "given", "first_label", "expected"),
    [
        (0, None, 0, []),
        (1, None, 0, list(map(str, range(1, 11)))),
        (1, LETTERS, 1, list(LETTERS)),
        (1, LETTERS, 0, list(LETTERS)),
        (1, ("nothing", *LETTERS), 0, ["nothing", *LETTERS]),
        (2, None, 0, []),
        (300, None, 0, list(map(str, range(300, 310)))),
        (0, (*LETTERS, "more"), 0, [*LETTERS, "more"]),
    ],
)
def test_labels_become_classes_from_0_with_their_names(digits, shift, given, first_label, expected):
    images, labels = digits
    made = prepare(source(all=(images, labels + shift), class_names=given, first_label=first_label))
    assert [name.plain for name in made.given_names] == expected
    first = suggest(source(all=(images, labels + shift), class_names=given, first_label=first_label))[0].first_label
    assert set(made.train_labels) == set(labels + shift - first)
    assert ("become the classes from 0" in notes(made)) == (first > 0)


def test_names_that_are_given_go_before_those_of_the_source_and_must_be_enough(digits):
    images, labels = digits
    data = source(all=(images, labels), class_names=LETTERS)
    given = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    assert [name.plain for name in prepare(data, Choices(class_names=given)).class_names] == list(given)
    with pytest.raises(DatasetError, match="found 3 class names, but labels from 0 to 9"):
        prepare(data, Choices(class_names=given[:3]))


@given(st.integers(1, 3), st.data())
def test_luma_is_pillows(alpha_or_not, data):
    bands = 4 if alpha_or_not == 3 else 3
    pixels = np.array(data.draw(st.lists(st.integers(0, 255), min_size=6 * bands, max_size=6 * bands)), np.uint8)
    images = pixels.reshape(1, 2, 3, bands)
    if bands == 4:
        images[..., 3] = 255
    expected = np.asarray(Image.fromarray(images[0, ..., :3]).convert("L"))
    np.testing.assert_array_equal(to_grey(images)[0], expected)


def test_transparent_parts_are_paper_on_which_the_ink_is_seen(digits):
    ink = digits[0][:60]
    for colour, paper in ((0, 255), (255, 0)):
        pictures = np.stack([np.full_like(ink, colour)] * 3 + [ink], axis=-1)
        assert paper_below(pictures) == paper
        np.testing.assert_array_equal(prepare(source(all=(pictures, None))).images, ink)


def test_rows_of_pixels_become_squares_or_what_is_asked_for(digits):
    images, labels = digits
    rows = source(all=(images.reshape(400, 1, 784), labels))
    assert prepare(rows).image_shape == (28, 28)
    assert prepare(rows, Choices(shape=(14, 56))).image_shape == (14, 56)
    with pytest.raises(DatasetError, match="rows of 783 pixels, but expected a square number"):
        prepare(source(all=(images.reshape(400, 1, 784)[..., 1:], labels)))


def test_large_images_are_scaled_in_their_proportions_and_it_is_said(digits):
    images, labels = digits
    large = np.repeat(np.repeat(images[:40], 4, axis=1), 3, axis=2)
    made = prepare(source(all=(large, labels[:40])))
    assert made.image_shape == (28, 21) and "scaled from 112x84 to 28x21" in notes(made)
    wide = prepare(source(all=(large, labels[:40])), Choices(shape=(28, 28)))
    assert wide.image_shape == (28, 28) and not wide.train_images[:, :, :3].any() and wide.train_images[:, :, 9].any()
    mixed = prepare(source(train=(images[:40], labels[:40]), test=(large, labels[:40])))
    assert mixed.image_shape == (28, 28) and "scaled from 112x84 to 28x28" in notes(mixed)


def test_scaling_averages(digits):
    images = digits[0][:5]
    doubled = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
    assert np.abs(scaled(doubled, (28, 28)).astype(int) - images).mean() < 12
    np.testing.assert_array_equal(scaled(np.full((2, 90, 90), 77, np.uint8), (28, 28)), 77)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"shape": (0, 28)}, "0x28"),
        ({"shape": (2000, 1)}, "2000x1"),
        ({"test_share": 1.0}, "between 0 and 1"),
        ({"seed": -1}, "seed -1"),
        ({"class_names": ("a", "a")}, "'a' for classes 0 and 1"),
    ],
)
def test_choices_out_of_range_are_refused(choices, words):
    with pytest.raises(DatasetError, match=words):
        Choices(**choices)


def test_rows_of_pixels_dark_and_on_their_side_become_the_images(digits):
    images, labels = digits
    rows = 255 - images.transpose(0, 2, 1).reshape(400, 1, 784)
    made = prepare(source(train=(rows, labels), test=(rows, labels)))
    np.testing.assert_array_equal(made.train_images, images)


def test_what_can_be_no_data_set_is_refused(digits):
    images, labels = digits
    for splits, words in (
        ({}, "no images"),
        ({"all": (images[:0], labels[:0])}, "no images"),
        ({"all": (images, labels - 2)}, "-2 to 7"),
        ({"train": (images, labels[:-1]), "test": (images, labels)}, "400 images, but 399 labels"),
        ({"train": (images * 0, labels), "test": (images, labels)}, "all alike"),
    ):
        with pytest.raises(DatasetError, match=words):
            prepare(source(**splits))


def test_a_first_label_that_no_number_of_the_labels_can_be_is_refused():
    with pytest.raises(DatasetError, match="first label 1000000000000000000000"):
        Choices(first_label=10**21)
