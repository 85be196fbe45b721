"""Four arrays that cannot be a data set are refused, with what was found and the way out."""

from pathlib import Path

import numpy as np

from mnist_core.data.checksums import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from mnist_core.errors import DatasetError, times

MAX_CLASSES = 256

MAX_SIDE = 1024

MAX_PIXELS = 256 * 256
"""Pixels of the largest images: each is an input of the network, and is drawn on the pages."""


def check_fit(paths: dict[str, Path], arrays: dict[str, np.ndarray]) -> None:
    """Raise DatasetError unless four arrays are the images and labels of a data set that a network can learn from.

    Parameters
    ----------
    paths, arrays : dict
        By name of the file, as in ``FILE_NAMES``.
    """
    for images, labels in ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)):
        _check_images(paths[images], arrays[images])
        _check_labels(paths[labels], arrays[labels])
        _check_same_count(paths[images], arrays[images], paths[labels], arrays[labels])
    _check_same_size(paths[TRAIN_IMAGES], arrays[TRAIN_IMAGES], paths[TEST_IMAGES], arrays[TEST_IMAGES])
    _check_not_alike(paths[TRAIN_IMAGES], arrays[TRAIN_IMAGES])


def _check_images(path: Path, images: np.ndarray) -> None:
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DatasetError(
            f"{path}: found {times(images.shape)} {images.dtype}, but expected images, "
            f"count x height x width uint8. {_how_to_convert(images)}"
        )
    if images.size == 0:
        raise DatasetError(
            f"{path}: found {times(images.shape)} pixels, but expected at least one image of at least "
            f"one pixel. Put a file with images there."
        )
    if max(images.shape[1:]) > MAX_SIDE or images[0].size > MAX_PIXELS:
        raise DatasetError(
            f"{path}: found images of {times(images.shape[1:])}, but expected at most {MAX_PIXELS:,} pixels, and "
            f"{MAX_SIDE:,} a side. Shrink the images, for example to 28x28, and put the small ones there."
        )


def _how_to_convert(images: np.ndarray) -> str:
    """Say what to do with an array that is no grey images of bytes; labels in place of images are another file."""
    channels = next((axis for axis in (3, 1) if images.ndim == 4 and images.shape[axis] in (3, 4)), None)
    if images.ndim == 4 and 1 in (images.shape[1], images.shape[3]):
        axis = 3 if images.shape[3] == 1 else 1
        return f"Remove the axis of length 1 with images.squeeze({axis}), and put the result there."
    if channels:
        grey = f"images{'[..., :3]' if channels == 3 else '[:, :3]'}.mean(axis={channels}).astype(np.uint8)"
        return f"These are images in colour: put the grey levels, {grey}, there."
    if images.ndim == 2:
        return "These are images of one row each: put images.reshape(count, height, width) there."
    if images.ndim != 3:
        return "Put the IDX file of the images there."
    if images.size and images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1:
        return "Write the pixels as whole numbers, with np.rint(255 * images).astype(np.uint8), there."
    if images.size and images.min() >= 0 and images.max() <= 255:
        return "Write the pixels as bytes, with np.rint(images).astype(np.uint8), there."
    found = f"{images.min():g} to {images.max():g}" if images.size else "none"
    return f"The pixels are {found}: scale them to 0 to 255, and write them with astype(np.uint8) there."


def _check_labels(path: Path, labels: np.ndarray) -> None:
    if labels.ndim == 2 and labels.dtype.kind in "iuf" and labels.shape[1] > 1:
        advice = "If these are one-hot rows, put labels.argmax(axis=1).astype(np.uint8) there."
    elif labels.ndim == 1 and labels.dtype.kind == "f":
        advice = "Put the labels as whole numbers, labels.astype(np.uint8), there."
    else:
        advice = "Put the IDX file of the labels there."
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DatasetError(
            f"{path}: found {times(labels.shape)} {labels.dtype}, but expected labels, one whole number "
            f"an image. {advice}"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= MAX_CLASSES):
        outside = np.flatnonzero((labels < 0) | (labels >= MAX_CLASSES))
        classes = len(np.unique(labels))
        if len(outside) <= len(labels) // 100:
            found = f"{labels[outside[0]]} of image {outside[0]:,}"
            others = f" and {len(outside) - 1:,} more" if len(outside) > 1 else ""
            advice = f"Correct the label {found}{others}, or remove what it belongs to, so that classes count from 0."
        elif classes <= MAX_CLASSES:
            advice = f"Number the {classes} classes from 0."
        else:
            advice = f"There are {classes} classes, more than the {MAX_CLASSES} supported: leave some out, from 0."
        raise DatasetError(
            f"{path}: found labels from {labels.min()} to {labels.max()}, but expected 0 to {MAX_CLASSES - 1}. {advice}"
        )


def _check_same_count(images_path: Path, images: np.ndarray, labels_path: Path, labels: np.ndarray) -> None:
    if len(images) != len(labels):
        raise DatasetError(
            f"{images_path}: found {len(images):,} images, but {len(labels):,} labels in {labels_path.name}; "
            f"expected as many of both. Put two files there that belong together."
        )


def _check_same_size(train_path: Path, train: np.ndarray, test_path: Path, test: np.ndarray) -> None:
    train_size, test_size = times(train.shape[1:]), times(test.shape[1:])
    if train_size != test_size:
        raise DatasetError(
            f"{train_path}: found images of {train_size}, but of {test_size} in {test_path.name}; "
            f"expected one size. Put files of the same data set there."
        )


def all_alike(images: np.ndarray) -> bool:
    """Tell whether there are several images, and each is the same as the first."""
    return len(images) > 1 and all((some == images[0]).all() for some in (images[:2], images))


def _check_not_alike(path: Path, images: np.ndarray) -> None:
    """Refuse training images that are all the same: no network can tell them apart."""
    if all_alike(images):
        low, high = images[0].min(), images[0].max()
        found = f"every pixel {low}" if low == high else "each the same as the first"
        raise DatasetError(
            f"{path}: found {len(images):,} images that are all alike, {found}, but expected images that differ. "
            f"The file was probably written empty or from one image: write it again and put it there."
        )
