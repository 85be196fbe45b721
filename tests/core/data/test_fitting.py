"""What cannot be a data set is refused with a way out that fits what was found."""

import gzip

import numpy as np
import pytest

from mnist_core.data import idx
from mnist_core.data.dataset import FILE_NAMES, load_dataset
from mnist_core.data.idx import read_idx, write_idx
from mnist_core.errors import DatasetError, IdxError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILE_NAMES


def refusal(folder, name, array) -> str:
    write_idx(folder / f"{name}.gz", array)
    with pytest.raises(DatasetError) as caught:
        load_dataset("full", folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / name}.gz: found ") and ", but expected " in message
    assert message.endswith(".") and "\n" not in message
    return message


def labels(*some, dtype=np.int32):
    """Twelve labels that end with these."""
    return np.array([0] * (12 - len(some)) + list(some), dtype)


WRONG_LABELS = {
    "300 classes": (np.arange(300, dtype=np.int16), "There are 300 classes, more than the 256 supported"),
    "numbered from 1000": (1000 + labels(1, 2), "Number the 3 classes from 0."),
    "numbered from -1": (labels(-1, 1), "Number the 3 classes from 0."),
    "whole floats": (labels(1, 2, dtype=np.float32), "whole numbers, labels.astype(np.uint8)"),
    "one-hot": (np.eye(12, 3, dtype=np.float64), "labels.argmax(axis=1).astype(np.uint8)"),
    "images": (np.zeros((12, 5, 4), np.uint8), "Put the IDX file of the labels there."),
}


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_the_advice_on_labels_fits_what_was_found(tiny_folder, case):
    array, advice = WRONG_LABELS[case]
    assert advice in refusal(tiny_folder(train=len(array)), TRAIN_LABELS, array)


def test_few_labels_out_of_range_are_named_with_their_places(tiny_folder):
    many = np.arange(500, dtype=np.int32) % 10
    many[[77, 300]] = 999
    message = refusal(tiny_folder(train=500), TRAIN_LABELS, many)
    assert "found labels from 0 to 999, but expected 0 to 255." in message
    assert "Correct the label 999 of image 77 and 1 more" in message


UNIT = np.random.default_rng(0).random((12, 5, 4))
WRONG_IMAGES = {
    "0 to 1": (UNIT.astype(np.float32), "np.rint(255 * images).astype(np.uint8)"),
    "0 to 255 in floats": (255 * UNIT, "np.rint(images).astype(np.uint8)"),
    "0 to 127 in int8": ((100 * UNIT).astype(np.int8), "np.rint(images).astype(np.uint8)"),
    "standardized": (UNIT - 0.5, "The pixels are -0.4"),
    "not a number": (UNIT * np.nan, "The pixels are nan to nan: scale them"),
    "colour": (np.ones((12, 5, 4, 3), np.uint8), "images[..., :3].mean(axis=3)"),
    "colour and opacity": (np.ones((12, 5, 4, 4), np.uint8), "images[..., :3].mean(axis=3)"),
    "colours first": (np.ones((12, 3, 5, 9), np.uint8), "images[:, :3].mean(axis=1)"),
    "a channel at the end": (np.ones((12, 5, 4, 1), np.uint8), "images.squeeze(3)"),
    "a channel before": (np.ones((12, 1, 5, 4), np.uint8), "images.squeeze(1)"),
    "flat": (np.ones((12, 20), np.uint8), "images.reshape(count, height, width)"),
    "labels": (np.zeros(12, np.uint8), "Put the IDX file of the images there."),
    "no images of floats": (np.zeros((0, 5, 4)), "scale them to 0 to 255"),
    "wide": (np.ones((12, 1, 1025), np.uint8), "Shrink the images"),
    "large": (np.ones((12, 257, 256), np.uint8), "found images of 257x256, but expected at most 65,536 pixels"),
}


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TEST_IMAGES])
@pytest.mark.parametrize("case", WRONG_IMAGES)
def test_the_advice_on_images_fits_what_was_found(tiny_folder, case, name):
    array, advice = WRONG_IMAGES[case]
    assert advice in refusal(tiny_folder(test=12), name, array)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_honest_header_of_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch, pack):
    path = tmp_path / "large"
    write_idx(path, np.zeros(1000, np.uint8))
    path.write_bytes(pack(path.read_bytes()))
    monkeypatch.setattr(idx, "MAX_BYTES", 1000)
    assert read_idx(path).shape == (1000,)
    monkeypatch.setattr(idx, "MAX_BYTES", 999)
    monkeypatch.setattr(idx, "read_up_to", lambda stream, size: stream.read(size) if size < 100 else pytest.fail())
    with pytest.raises(IdxError, match="found 1000 uint8, but expected at most 999 bytes of values"):
        read_idx(path)
