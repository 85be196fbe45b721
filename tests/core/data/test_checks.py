"""Data that is hardly meant as it is: each kind is found, data that is fine is left alone."""

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.checks import DataWarning, dataset_warnings
from mnist_core.data.dataset import FILE_NAMES, Dataset, load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.errors import DatasetError
from mnist_core.untrusted import UntrustedText

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILE_NAMES


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


def changed(dataset, **arrays):
    return dataclasses.replace(dataset, **arrays)


def with_labels(dataset, train=None, test=None):
    """The same images with labels that functions make of the old ones."""
    labels = {"train_labels": train, "test_labels": test}
    return changed(dataset, **{name: make(getattr(dataset, name).copy()) for name, make in labels.items() if make})


def put(*positions, label):
    def make(labels):
        labels[list(positions)] = label
        return labels

    return make


def only(dataset) -> str:
    """The one warning about a data set, in a line."""
    (warning,) = dataset_warnings(dataset)
    text = str(warning)
    assert all(sentence.endswith(".") for sentence in dataclasses.astuple(warning))
    assert "\n" not in text
    return text


# Data that is fine


def test_the_sample_and_mnist_are_fine(sample, full_data_dir):
    assert dataset_warnings(sample) == ()
    assert dataset_warnings(load_dataset("full", full_data_dir)) == ()


def test_the_check_takes_little_time(full_data_dir):
    dataset = load_dataset("full", full_data_dir)
    begin = time.process_time()
    dataset_warnings(dataset)
    assert time.process_time() - begin < 1.5


def test_few_classes_odd_sizes_and_inverted_images_are_fine(sample):
    assert dataset_warnings(with_labels(sample, lambda y: y // 5, lambda y: y // 5)) == ()
    narrow = changed(sample, train_images=sample.train_images[:, :, 9:18], test_images=sample.test_images[:, :, 9:18])
    assert [w for w in dataset_warnings(narrow) if "single grey level" not in w.found] == []
    assert (
        dataset_warnings(changed(sample, train_images=255 - sample.train_images, test_images=255 - sample.test_images))
        == ()
    )


# Labels


@pytest.mark.parametrize("label", [255, 200, 11])
def test_a_label_far_above_all_others_is_named_with_its_place(sample, label):
    text = only(with_labels(sample, put(1234, label=label)))
    assert f"1 of 5,000 training labels (image 1,234) is {label}, where all others are 0 to 9." in text
    assert f"gets {label + 1} outputs, and {label - 10} of them {'is' if label == 11 else 'are'} never correct" in text
    assert "Correct these labels, or remove what they belong to: 10 outputs then suffice." in text


def test_several_labels_above_all_others_are_counted_in_both_splits(sample):
    text = only(with_labels(sample, put(3, 5, 7, 9, 4000, label=255), put(999, label=77)))
    assert "5 of 5,000 training labels (images 3, 5, 7 and 2 more)" in text
    assert "and 1 of 1,000 test labels (image 999) are 77, 255, where all others are 0 to 9." in text


def test_classes_that_start_at_1_leave_an_output_unused(sample):
    text = only(with_labels(sample, lambda y: y + 1, lambda y: y + 1))
    assert "The labels are 1 to 10, but no image is of class 0." in text
    assert "11 outputs, and 1 of them is never correct" in text
    assert "Subtract 1 from all labels, so that they count from 0." in text


def test_gaps_between_classes_are_named(sample):
    text = only(with_labels(sample, lambda y: y * 10, lambda y: y * 10))
    assert "The labels are 0 to 90, but no image is of classes 1 to 9, 11 to 19, 21 to 29 and 54 more." in text
    assert "Number the classes without gaps" in text


def test_test_classes_that_training_never_sees_bound_the_accuracy(sample):
    some = sample.train_labels < 8
    text = only(changed(sample, train_images=sample.train_images[some], train_labels=sample.train_labels[some]))
    assert "200 of 1,000 test images are of classes 8 to 9, of which training has none." in text
    assert "can't exceed 80.0%" in text


def test_training_classes_that_are_not_tested_are_named(sample):
    some = sample.test_labels != 4
    text = only(changed(sample, test_images=sample.test_images[some], test_labels=sample.test_labels[some]))
    assert "The test set has no image of class 4, of which training has 500." in text


def test_a_single_class_is_nothing_to_tell_apart(sample):
    assert "Every label is 3." in only(with_labels(sample, lambda y: y * 0 + 3, lambda y: y * 0 + 3))


# Amounts


def test_three_training_images_are_too_few(sample):
    few = changed(sample, train_images=sample.train_images[:3], train_labels=np.array([0, 1, 2], np.uint8),
                  test_labels=sample.test_labels % 3)  # fmt: skip
    assert "There are 3 training images of 3 classes." in only(few)


def test_few_test_images_say_what_one_is_worth(sample):
    few = changed(sample, test_images=sample.test_images[:40], test_labels=np.arange(40, dtype=np.uint8) % 10)
    text = only(few)
    assert "There are 40 test images. Each is 2.5% of the accuracy" in text


def test_splits_in_each_others_place_are_suspected(sample):
    exchanged = Dataset(sample.test_images, sample.test_labels, sample.train_images, sample.train_labels,
                        sample.name, "full", None, {})  # fmt: skip
    assert "5,000 test images, more than the 1,000 training images. The files" in only(exchanged)


def test_classes_of_few_training_images_are_named(sample):
    kept = np.concatenate([np.flatnonzero(sample.train_labels != 3), np.flatnonzero(sample.train_labels == 3)[:2]])
    text = only(changed(sample, train_images=sample.train_images[kept], train_labels=sample.train_labels[kept]))
    assert "Training has 2 images of class 3, and 4,502 in all." in text
    assert "Add training images of this class, or leave it out." in text


# Pixels


@pytest.mark.parametrize(("largest", "factor"), [(1, "255"), (16, "15.94"), (100, "2.55")])
def test_pixels_of_another_range_are_named_with_the_factor(sample, largest, factor):
    def scaled(images):
        return np.rint(images / 255 * largest).astype(np.uint8)

    text = only(changed(sample, train_images=scaled(sample.train_images), test_images=scaled(sample.test_images)))
    assert f"The pixels of most images reach {largest}, but 255 was expected." in text
    assert f"Multiply the pixels by {factor}," in text


def test_a_single_bright_pixel_hides_nothing(sample):
    train = sample.train_images // 16
    train[7, 3, 3] = 255
    assert "reach 15," in only(changed(sample, train_images=train, test_images=sample.test_images // 16))


@pytest.mark.parametrize("split", ["train_images", "test_images"])
def test_splits_of_different_ranges_are_told_apart(sample, split):
    text = only(changed(sample, **{split: getattr(sample, split) // 16}))
    train, test = (15, 255) if split == "train_images" else (255, 15)
    assert f"The pixels of most training images reach {train}, those of most test images {test}." in text


def test_one_inverted_split_is_found(sample):
    text = only(changed(sample, test_images=255 - sample.test_images))
    assert "dark on light" in text and "255 - images" in text


def test_a_part_that_is_scaled_otherwise_is_found(sample):
    train = sample.train_images.copy()
    train[100:300] //= 100
    text = only(changed(sample, train_images=train))
    assert "200 of 5,000 training images (images 100, 101, 102 and 197 more) are darker than most: no pixel is" in text


def test_blank_images_are_counted(sample):
    train = sample.train_images.copy()
    train[[5, 6]], train[4999] = 0, 255
    text = only(changed(sample, train_images=train))
    assert "3 of 5,000 training images (images 5, 6, 4,999) are of a single grey level." in text


def test_black_and_equal_test_images_are_found(sample):
    black = dataset_warnings(changed(sample, test_images=np.zeros_like(sample.test_images)))
    assert "The 1,000 test images are all alike." in [warning.found for warning in black]
    assert any("reach 255, those of most test images 0." in warning.found for warning in black)
    same = np.repeat(sample.test_images[:1], 1000, axis=0)
    assert "The 1,000 test images are all alike." in only(changed(sample, test_images=same))


@pytest.mark.parametrize("level", [0, 7, 255])
def test_training_images_that_are_all_alike_are_refused(tiny_folder, level):
    folder = tiny_folder()
    write_idx(folder / f"{TRAIN_IMAGES}.gz", np.full((12, 5, 4), level, np.uint8))
    with pytest.raises(DatasetError, match=f"12 images that are all alike, every pixel {level}, but expected .* again"):
        load_dataset("full", folder)


# Images in both splits


def test_test_images_among_the_training_images_are_found(sample):
    test = sample.test_images.copy()
    test[[2, 500]] = sample.train_images[[40, 4]]
    text = only(changed(sample, test_images=test))
    assert "2 of 1,000 test images (images 2, 500) are among the training images." in text


def test_an_equal_checksum_is_no_equal_image(sample, monkeypatch):
    monkeypatch.setattr("zlib.crc32", lambda _: 7)
    assert dataset_warnings(sample) == ()


# Files


def test_another_file_beside_the_one_in_use_is_named(tiny_folder):
    folder = tiny_folder()
    write_idx(folder / TRAIN_LABELS, np.arange(12, dtype=np.uint8)[::-1] % 3)
    (folder / TEST_LABELS).write_bytes(b"no IDX file")
    content = load_dataset("full", folder).test_images
    write_idx(folder / TEST_IMAGES, content)
    found = [warning.found for warning in dataset_warnings(load_dataset("full", folder))]
    for name in (TRAIN_LABELS, TEST_LABELS):
        assert f"{name}.gz is in use, and {name} beside it holds something else." in found
    assert not any(TEST_IMAGES in text for text in found), "the same content, unpacked"


# Any data


@given(
    train=st.integers(1, 40), test=st.integers(1, 40), shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    highest=st.integers(0, 255), brightest=st.integers(0, 255), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_data_gets_the_same_sentences_twice(train, test, shape, highest, brightest, seed):
    rng = np.random.default_rng(seed)

    def draw(high, *size):
        return rng.integers(0, high + 1, size).astype(np.uint8)

    data = Dataset(draw(brightest, train, *shape), draw(highest, train), draw(brightest, test, *shape),
                   draw(highest, test), UntrustedText("any"), "full", None, {})  # fmt: skip
    warnings = dataset_warnings(data)
    assert warnings == dataset_warnings(data)
    assert all(isinstance(warning, DataWarning) and "nan" not in str(warning) for warning in warnings)
