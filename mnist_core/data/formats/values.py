"""Numbers as files hold them become pixels of a byte and labels of a whole number, the same way for every format."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mnist_core.data.formats.names import VALIDATION
from mnist_core.data.formats.source import ALL, TEST, TRAIN, Split
from mnist_core.data.idx import MAX_BYTES
from mnist_core.errors import DatasetError, counted, times

CHUNK = 4096
"""Images that are converted at once, which limits the memory."""

LARGEST_LABEL = 2**31
"""Labels above are no classes."""

FEWEST_OF_TWO_BYTES = 4096
"""Highest value from which on whole numbers may be two bytes each; one of 300 is a mistake among 0 to 255."""

NO_LABEL = ("", "nan", "na", "n/a", "none", "null", "?")
"""In a column of labels: there is none. Where the labels are words, only the empty one."""

MAX_NAMES = 10_000
"""Different labels in words."""


@dataclass(eq=False)
class Part:
    """Images and labels as one file, or a pair of files, holds them.

    Parameters
    ----------
    name : str
        Of the files, for messages.
    split : str
        "train", "test", "validation" or "all".
    images : ndarray of any number, shape (N, H, W), (N, H, W, C), (N, C, H, W), or rows (N, P)
    labels : ndarray of numbers or text, shape (N,), (N, 1), or one-hot (N, classes); None if there are none
    shape : tuple of int, or None
        Height and width of images that are rows, if the file says so.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray | None = None
    extra: dict[str, np.ndarray] = field(default_factory=dict)
    shape: tuple[int, int] | None = None


class Contents(NamedTuple):
    """What the files of a data set hold: parts, and the names of the classes from ``first_label`` on, if any."""

    parts: list[Part]
    class_names: tuple[str, ...] | None = None
    first_label: int = 0


def assemble(parts: Sequence[Part], notes: list[str]) -> tuple[dict[str, Split], tuple[str, ...] | None]:
    """Join parts to splits: the scale of the pixels and the names of the classes are those of all parts together.

    Parameters
    ----------
    parts : sequence of Part
        At least one; parts of one split follow each other.
    notes : list of str
        Takes a sentence for whatever was not plain.

    Returns
    -------
    tuple of dict of str to Split, and tuple of str or None
        Splits by name, and the names of the classes where the labels are words.

    Raises
    ------
    DatasetError
        If pixels or labels make no sense, or don't fit together.
    """
    labels, names = _labels([part.labels for part in parts], [part.name for part in parts], notes)
    arrays = [as_images(part.images, part.name, part.shape, notes) for part in parts]
    images = _pixels(arrays, [part.name for part in parts], notes)
    for part, pixels, values in zip(parts, images, labels, strict=True):
        if values is not None and len(values) != len(pixels):
            raise DatasetError(
                f"{part.name}: found {counted(len(pixels), 'image')}, but {counted(len(values), 'label')}; expected as "
                f"many of both. Choose files that belong together."
            )
    kinds = _splits_used([part.split for part in parts], notes)
    splits = {}
    for kind in (TRAIN, TEST, ALL):
        chosen = [number for number, used in enumerate(kinds) if used == kind]
        if chosen:
            splits[kind] = _joined([(parts[n], images[n], labels[n]) for n in chosen])
    return splits, names


def _splits_used(kinds: list[str], notes: list[str]) -> list[str]:
    """Which of the splits that a data set has each part belongs to."""
    if VALIDATION in kinds:
        other = TRAIN if TEST in kinds or TRAIN not in kinds else TEST
        notes.append(f"The images for validation belong to the {'training' if other == TRAIN else other} images here.")
        kinds = [other if kind == VALIDATION else kind for kind in kinds]
    if ALL in kinds and set(kinds) != {ALL}:
        other = TRAIN if TRAIN not in kinds else TEST if TEST not in kinds else TRAIN
        said = "training" if other == TRAIN else other
        notes.append(f"Images that no name calls training or test images are {said} images here.")
        kinds = [other if kind == ALL else kind for kind in kinds]
    return kinds


def _joined(parts: list[tuple[Part, np.ndarray, np.ndarray | None]]) -> Split:
    if len(parts) == 1:
        ((part, images, labels),) = parts
        return Split(images, labels, part.extra)
    first = parts[0][1].shape[1:]
    for part, images, _ in parts:
        if images.shape[1:] != first:
            raise DatasetError(
                f"{part.name}: found images of {times(images.shape[1:])}, but of {times(first)} in "
                f"{parts[0][0].name}; expected one size. Choose files of the same data set."
            )
    labelled = [values for _, _, values in parts if values is not None]
    if labelled and len(labelled) < len(parts):
        unlabelled = next(part.name for part, _, values in parts if values is None)
        raise DatasetError(
            f"{unlabelled}: found no labels, but the other files have some. Leave it out, or add labels."
        )
    extra = {
        name: np.concatenate([part.extra[name] for part, _, _ in parts])
        for name in parts[0][0].extra
        if all(name in part.extra for part, _, _ in parts)
    }
    return Split(
        np.concatenate([images for _, images, _ in parts]), np.concatenate(labelled) if labelled else None, extra
    )


def as_images(array: np.ndarray, name: str, shape: tuple[int, int] | None, notes: list[str]) -> np.ndarray:
    """Give an array the shape of images: (N, H, W), or (N, H, W, C) in colour; rows of unknown height are (N, 1, P)."""
    if array.dtype.kind not in "buif":
        raise DatasetError(f"{name}: found images of dtype {array.dtype}, but expected numbers. Choose another file.")
    if array.ndim == 4 and 1 in (array.shape[3], array.shape[1]):
        array = array[..., 0] if array.shape[3] == 1 else array[:, 0]
    elif array.ndim == 4 and array.shape[3] not in (3, 4) and array.shape[1] in (3, 4):
        array = np.moveaxis(array, 1, 3)
    elif array.ndim == 2:
        array = _from_rows(array, name, shape, notes)
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in (3, 4)):
        raise DatasetError(
            f"{name}: found an array of {times(array.shape)}, but expected images: count x height x width, "
            f"a fourth size of 3 for colour, or a row of pixels each. Choose another file."
        )
    if not array.size:
        raise DatasetError(
            f"{name}: found images of {times(array.shape)}, but expected at least one of at least one pixel. "
            f"Choose another file."
        )
    if array.size > MAX_BYTES:
        raise DatasetError(
            f"{name}: found images of {times(array.shape)}, {array.size:,} pixels, but expected at most {MAX_BYTES:,}. "
            f"Choose a part of the data: all of it would fill the memory."
        )
    return array


def image_shape(pixels: int) -> tuple[int, ...] | None:
    """Height, width and colours of the square image that has so many values; None if there is none.

    >>> image_shape(784), image_shape(2352), image_shape(785)
    ((28, 28), (28, 28, 3), None)
    """
    side = math.isqrt(pixels)
    if side * side == pixels:
        return side, side
    side = math.isqrt(pixels // 3)
    return (side, side, 3) if 3 * side * side == pixels else None


def _from_rows(array: np.ndarray, name: str, shape: tuple[int, int] | None, notes: list[str]) -> np.ndarray:
    count, pixels = array.shape
    if shape and math.prod(shape) == pixels:
        return array.reshape(count, *shape)
    if square := image_shape(pixels):
        return array.reshape(count, *square)
    notes.append(f"{name} has rows of {pixels:,} pixels, which make no square: say how high and wide the images are.")
    return array.reshape(count, 1, pixels)


def _pixels(arrays: list[np.ndarray], names: list[str], notes: list[str]) -> list[np.ndarray]:
    """Convert all images to bytes, by one rule: what the lowest and highest value say about the scale."""
    ranges = [bounds(array) for array in arrays]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    scale, offset, note = _scale(low, high, names[0], arrays)
    for array, name, (_, own) in zip(arrays, names, ranges, strict=True):
        if own <= 1 < high and not _whole(array):
            raise DatasetError(
                f"{name}: found pixels up to {own:g}, but up to {high:g} in other images; expected one scale for all. "
                f"Scale these as the others are, for example by 255."
            )
    if note:
        notes.append(note)
    return [_as_bytes(array, scale, offset) for array in arrays]


def bounds(array: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value; NaN if one is."""
    return float(array.min()), float(array.max())


def _scale(low: float, high: float, name: str, arrays: list[np.ndarray]) -> tuple[float, float, str]:
    """Factor and offset that make bytes of values, and a sentence unless they are bytes already."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DatasetError(
            f"{name}: found a pixel that is no finite number, but expected 0 to 255, or 0 to 1. Remove or correct it."
        )
    if low >= 0 and high <= 1:
        return (255, 0, "The pixels are 0 to 1: they were multiplied by 255.") if high > 0 else (1, 0, "")
    if low >= -1 and high <= 1:
        return 127.5, 127.5, "The pixels are -1 to 1: they were scaled to 0 to 255."
    if low >= 0 and high == 16 and all(_whole(array) for array in arrays):
        return 255 / 16, 0, "The pixels are 0 to 16: they were scaled to 0 to 255."
    if low >= 0 and high <= 255:
        return 1, 0, ""
    if low >= 0 and FEWEST_OF_TWO_BYTES <= high <= 65535 and all(_whole(array) for array in arrays):
        return 1 / 257, 0, f"The pixels are 0 to {high:,.0f}, numbers of two bytes: they were scaled to 0 to 255."
    raise DatasetError(
        f"{name}: found pixels from {low:g} to {high:g}, but expected 0 to 255, 0 to 1, or -1 to 1. "
        f"Scale them, for example with 255 * (pixels - pixels.min()) / (pixels.max() - pixels.min())."
    )


def _whole(array: np.ndarray) -> bool:
    if array.dtype.kind in "iub":
        return True
    return all(bool((chunk == np.rint(chunk)).all()) for chunk in _chunks(array))


def _chunks(array: np.ndarray) -> Iterable[np.ndarray]:
    return (array[start : start + CHUNK] for start in range(0, len(array), CHUNK))


def _as_bytes(array: np.ndarray, scale: float, offset: float) -> np.ndarray:
    if scale == 1 and array.dtype.kind in "iu":
        return np.ascontiguousarray(array.astype(np.uint8, copy=False))
    result = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), CHUNK):
        result[start : start + CHUNK] = np.rint(array[start : start + CHUNK].astype(np.float64) * scale + offset)
    return result


def _labels(
    arrays: list[np.ndarray | None], names: list[str], notes: list[str]
) -> tuple[list[np.ndarray | None], tuple[str, ...] | None]:
    """Convert labels to whole numbers; words are numbered in the order of the alphabet."""
    flat = [None if array is None else _flat(array, name, notes) for array, name in zip(arrays, names, strict=True)]
    present = [array for array in flat if array is not None]
    if not any(array.dtype.kind in "US" for array in present):
        return [None if a is None else _whole_labels(a, name) for a, name in zip(flat, names, strict=True)], None
    texts = [
        None if array is None else _all_or_none(_texts(array), name) for array, name in zip(flat, names, strict=True)
    ]
    different = sorted({str(text) for array in texts if array is not None for text in np.unique(array)})
    if all(text.removeprefix("-").isdecimal() and len(text) < 10 for text in different):
        return [None if array is None else array.astype(np.int64) for array in texts], None
    if len(different) > MAX_NAMES:
        raise DatasetError(
            f"{names[0]}: found {len(different):,} different labels, such as {different[0]!r:.40}, but expected "
            f"classes. Choose the column or array of the classes."
        )
    order = np.array(different)
    return [None if array is None else np.searchsorted(order, array).astype(np.int64) for array in texts], tuple(
        different
    )


def _all_or_none(texts: np.ndarray, name: str) -> np.ndarray | None:
    """Labels as they are, or None where no image has one; refuse some without."""
    different = np.unique(texts)
    empty = [text for text in different.tolist() if text.strip().lower() in NO_LABEL]
    if len(empty) == len(different):
        return None
    numbers = all(
        text in empty or text.removeprefix("-").replace(".", "", 1).isdecimal() for text in different.tolist()
    )
    if missing := [text for text in empty if numbers or not text.strip()]:
        where = np.flatnonzero(np.isin(texts, missing))
        raise DatasetError(
            f"{name}: found {counted(len(where), 'image')} without a label, the first at position {where[0]:,}, but "
            f"others have one. Add the missing labels, or leave these images out."
        )
    return texts


def decoded(array: np.ndarray) -> np.ndarray:
    """Decode an array of bytes as UTF-8."""
    return np.char.decode(array, "utf-8", "replace")


def _texts(array: np.ndarray) -> np.ndarray:
    return decoded(array) if array.dtype.kind == "S" else array.astype(np.str_)


def _flat(array: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
    """Make one label an image of a column, a row, or one-hot rows."""
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim == 2 and array.dtype.kind in "buif" and array.size and ((array == 0) | (array == 1)).all():
        if not (array.sum(axis=1) == 1).all():
            raise DatasetError(
                f"{name}: found labels of several classes an image, but expected one. Choose one of them."
            )
        notes.append(f"The labels in {name} are one-hot: the position of the 1 is the class.")
        return array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in "buifUS":
        raise DatasetError(
            f"{name}: found labels of {times(array.shape)} {array.dtype}, but expected one an image. Choose another."
        )
    return array


def _whole_labels(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and _whole(array)):
        wrong = array[~np.isfinite(array) | (array != np.rint(array))][0]
        raise DatasetError(f"{name}: found the label {wrong:g}, but expected whole numbers. Correct it.")
    if array.size and not -LARGEST_LABEL <= array.min() <= array.max() <= LARGEST_LABEL:
        raise DatasetError(
            f"{name}: found labels from {array.min():g} to {array.max():g}, but expected classes, counted from 0. "
            f"Choose the column or array of the classes."
        )
    return array.astype(np.int64)
