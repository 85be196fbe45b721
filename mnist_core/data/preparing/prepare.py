"""Make a data set of what was read: grey images of one size, labels from 0, a training and a test split.

>>> source = read_source("digits.zip")                      # doctest: +SKIP
>>> choices, sentences = suggest(source)                    # complete, and what of it is not plain; doctest: +SKIP
>>> dataset = prepare(source, replace(choices, invert=False))                                     # doctest: +SKIP
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mnist_core.data.checksums import (
    FILE_NAMES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    content_checksum,
)
from mnist_core.data.dataset import Dataset, read_only
from mnist_core.data.fitting import MAX_PIXELS, MAX_SIDE, check_fit
from mnist_core.data.formats.source import ALL, PREPARED, TEST, TRAIN, Source, Split
from mnist_core.data.idx import MAX_BYTES
from mnist_core.data.preparing.class_names import checked_names, tidied
from mnist_core.data.preparing.labelling import first_label, names_of
from mnist_core.data.preparing.orientation import CLEAR, orientation
from mnist_core.data.preparing.polarity import is_dark_on_light
from mnist_core.data.preparing.scaling import fitted_size, paper_below, scaled, to_grey, unrolled
from mnist_core.data.preparing.splitting import stratified_split
from mnist_core.data.preprocessing import evenly_spread
from mnist_core.data.published.catalogue import known_content
from mnist_core.errors import DatasetError, counted, times
from mnist_core.untrusted import UntrustedText

MNIST_SHAPE = (28, 28)

LARGEST_KEPT = 64
"""Pixels a side of images that keep their size unless another one is asked for: each pixel is an input."""

LOOKED_AT = 1000
"""Images that suggestions are made from, evenly spread."""

DIGITS = tuple("0123456789")

MAX_FIRST_LABEL = 10**9
"""Neither is a lower label than its negative."""

UNLABELLED = "The images have no labels: they can be looked at and predicted, but not be learned from."


@dataclass(frozen=True)
class Choices:
    """How a source becomes a data set; what is None is found out.

    Parameters
    ----------
    shape : (int, int), optional
        Height and width that the images are scaled to.
    invert : bool, optional
        Whether dark on light is turned into light on dark.
    transpose : bool, optional
        Whether rows and columns are exchanged.
    class_names : tuple of str, optional
        The names of the classes from 0 on.
    test_share : float, range (0, 1)
        Share of the images that is held back where there is no test set.
    seed : int
        Chooses those images.
    first_label : int, optional
        The label that becomes class 0.

    Raises
    ------
    DatasetError
        If a value is out of its range.
    """

    shape: tuple[int, int] | None = None
    invert: bool | None = None
    transpose: bool | None = None
    class_names: tuple[str, ...] | None = None
    test_share: float = 1 / 6
    seed: int = 695
    first_label: int | None = None

    def __post_init__(self) -> None:
        shape = self.shape
        if shape and not (1 <= min(shape) <= max(shape) <= MAX_SIDE and shape[0] * shape[1] <= MAX_PIXELS):
            raise DatasetError(
                f"Found a size of {times(shape)}, but expected at least 1 and at most {MAX_SIDE:,} pixels a side, and "
                f"at most {MAX_PIXELS:,} together, such as 28x28."
            )
        if not 0 < self.test_share < 1:
            raise DatasetError(f"Found a test share of {self.test_share:g}, but expected one between 0 and 1.")
        if self.seed < 0:
            raise DatasetError(f"Found the seed {self.seed}, but expected a whole number from 0 on.")
        if self.first_label is not None and abs(self.first_label) > MAX_FIRST_LABEL:
            raise DatasetError(f"Found the first label {self.first_label}, but expected one of the labels, such as 1.")
        if self.class_names is not None:
            object.__setattr__(self, "class_names", checked_names(self.class_names, "The class names"))


PLAIN = Choices()


class LabelledError(DatasetError):
    """All images have labels, where some without were asked for."""


@dataclass(frozen=True, eq=False, repr=False)
class Unlabelled:
    """Images without labels, which can be looked at and predicted, but not be learned from.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
        Light on dark; read-only.
    name : UntrustedText
        That of the file or folder.
    data_dir : str or None
        Absolute path that they came from.
    notes : tuple of UntrustedText
        How they were prepared, in sentences.
    """

    images: np.ndarray
    name: UntrustedText
    data_dir: str | None = None
    notes: tuple[UntrustedText, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", read_only(self.images))

    def __repr__(self) -> str:
        return f"<Unlabelled {self.description}>"

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self.images.shape[1:]

    @property
    def description(self) -> str:
        """Name, count and image size in one line."""
        return f"{self.name.plain}: {len(self.images):,} images of {times(self.image_shape)} without labels"


def suggest(source: Source, choices: Choices = PLAIN) -> tuple[Choices, tuple[str, ...]]:
    """Find out what `choices` leave open.

    Parameters
    ----------
    source : Source
    choices : Choices
        What is decided already.

    Returns
    -------
    Choices
        Complete.
    tuple of str
        A sentence for each step that is not plain; they may quote text from outside.

    Raises
    ------
    DatasetError
        If there are no images, their size is not known, or the names given are too few.
    """
    choices, sentences = _completed(source, choices)
    _tell_splits(source, choices, sentences)
    return choices, tuple(sentences)


def _completed(source: Source, choices: Choices) -> tuple[Choices, list[str]]:
    """Complete choices, with a sentence for each that is not plain, except about the splits."""
    split = _main(source)
    chosen = evenly_spread(len(split.images), LOOKED_AT)
    some = Split(split.images[chosen], None if split.labels is None else split.labels[chosen])
    sentences: list[str] = []
    grey = _to_grey(source, some.images, choices.shape, sentences)
    choices = _suggest_polarity(source, choices, grey, sentences)
    choices = _suggest_labels(source, choices, sentences)
    choices = _suggest_orientation(source, choices, 255 - grey if choices.invert else grey, some.labels, sentences)
    return _suggest_shape(source, choices, sentences), sentences


def _main(source: Source) -> Split:
    """Return the split to learn from, or the first one with images."""
    splits = [split for key in (TRAIN, ALL, TEST) if (split := source.splits.get(key)) and len(split.images)]
    if not splits:
        raise DatasetError(f"{source.path}: found no images, but expected at least one. Choose other data.")
    for split in splits:
        if split.labels is not None and len(split.labels) != len(split.images):
            raise DatasetError(
                f"{source.path}: found {len(split.images):,} images, but {len(split.labels):,} labels; expected as "
                "many of both. Choose data that belong together."
            )
    return next((split for split in splits if split.labels is not None), splits[0])


def _to_grey(source: Source, images: np.ndarray, shape: tuple[int, int] | None, sentences: list[str]) -> np.ndarray:
    if images.ndim == 4:
        paper = "white" if paper_below(images) else "black"
        transparent = f"; transparent parts are taken for {paper} paper" if images.shape[-1] == 4 else ""
        sentences.append(
            f"The pictures are in colour: their grey levels are 0.299 red + 0.587 green + 0.114 blue (luma)"
            f"{transparent}."
        )
    return to_grey(_unrolled(source, images, shape), paper_below(images))


def _unrolled(source: Source, images: np.ndarray, shape: tuple[int, int] | None) -> np.ndarray:
    """Give rows of pixels their height and width."""
    try:
        return unrolled(images, shape)
    except ValueError as error:
        raise DatasetError(
            f"{source.path}: found rows of {counted(images.shape[2], 'pixel')}, but expected a square number of them, "
            f"such as 784 for 28x28. Say how high and wide the images are."
        ) from error


def _suggest_polarity(source: Source, choices: Choices, grey: np.ndarray, sentences: list[str]) -> Choices:
    dark = choices.invert
    if dark is None:
        dark = source.format != PREPARED and is_dark_on_light(grey)
    if dark and choices.invert is None:
        sentences.append("The images are dark on light: they are inverted to light on dark, as MNIST's are.")
    return replace(choices, invert=dark)


def _suggest_labels(source: Source, choices: Choices, sentences: list[str]) -> Choices:
    labels = [split.labels for split in source.splits.values() if split.labels is not None and len(split.labels)]
    if not labels:
        return replace(choices, first_label=choices.first_label or 0)
    low, high = int(min(each.min() for each in labels)), int(max(each.max() for each in labels))
    if choices.first_label is None:
        first = first_label(low, high, source)
        choices = replace(choices, first_label=first)
        if first:
            sentences.append(f"The labels are {low} to {high}: they become the classes from 0, and keep their names.")
    names = names_of(source, choices.class_names, choices.first_label or 0, low, high)
    if names is not None and names is not choices.class_names:
        names = tidied(names)
    return replace(choices, class_names=names)


def _suggest_orientation(
    source: Source, choices: Choices, grey: np.ndarray, labels: np.ndarray | None, sentences: list[str]
) -> Choices:
    if choices.transpose is not None:
        return choices
    found = orientation(grey, labels if _are_digits(labels, choices) else None)
    if source.transposed:
        if found and found.transposed_share <= 1 - CLEAR:
            sentences.append(
                "By the name of the file the images are transposed, as EMNIST's are, but their strokes are upright: "
                "they stay as they are."
            )
            return replace(choices, transpose=False)
        sentences.append(
            "By the name of the file these are images of EMNIST, which lie on their side: rows and columns are "
            "exchanged, so that they stand upright."
        )
        return replace(choices, transpose=True)
    if source.transposed is None and found and found.certain:
        sentences.append(
            f"The images lie on their side, as EMNIST's do: {found.upright_accuracy:.0%} resemble most the digit that "
            f"they are labelled, and {found.transposed_accuracy:.0%} with rows and columns exchanged. They are turned."
        )
        return replace(choices, transpose=True)
    if source.transposed is None and found and found.transposed:
        sentences.append(
            f"The images may lie on their side, as EMNIST's do: {found.transposed_share:.0%} of them look more like "
            "handwriting with rows and columns exchanged. They stay as they are unless you have them turned."
        )
    return replace(choices, transpose=False)


def _are_digits(labels: np.ndarray | None, choices: Choices) -> bool:
    """Tell whether labels are digits that may be compared with MNIST's."""
    if labels is None or choices.first_label or choices.class_names not in (None, DIGITS):
        return False
    return bool(labels.min() >= 0 and labels.max() <= 9 and len(np.unique(labels)) >= 3)


def _suggest_shape(source: Source, choices: Choices, sentences: list[str]) -> Choices:
    sizes = []
    for split in (split for split in source.splits.values() if len(split.images)):
        height, width = _unrolled(source, split.images[:1], choices.shape).shape[1:3]
        sizes.append((width, height) if choices.transpose else (height, width))
    kept = source.format == PREPARED or max(sizes[0]) <= LARGEST_KEPT
    shape = choices.shape or (sizes[0] if kept else fitted_size(sizes[0], MNIST_SHAPE))
    if others := sorted({size for size in sizes if size != shape}):
        found = " and ".join(map(times, others))
        sentences.append(
            f"The images are scaled from {found} to {times(shape)} in their proportions, by Pillow's bilinear filter, "
            "which averages the pixels that become one."
        )
    return replace(choices, shape=shape)


def _parts(source: Source) -> tuple[Split | None, Split | None]:
    """Return what to learn from, and what to test with; of the latter None if it must be held back."""
    labelled = {key: split for key, split in source.splits.items() if split.labels is not None and len(split.images)}
    learn, test = labelled.get(TRAIN) or labelled.get(ALL), labelled.get(TEST)
    return (learn, test) if learn else (test, None)


def _tell_splits(source: Source, choices: Choices, sentences: list[str]) -> None:
    learn, test = _parts(source)
    unlabelled = source.splits.get(TEST)
    if learn and not test:
        if unlabelled and unlabelled.labels is None:
            sentences.append(
                f"There are no labels for {counted(len(unlabelled.images), 'test image')}: they are left aside, and "
                "can be predicted."
            )
        sentences.append(
            f"There is no labelled test set: {choices.test_share:.1%} of the {counted(len(learn.images), 'image')} are "
            f"held back for testing, of each class its share, chosen at random (seed {choices.seed})."
        )
    if not learn:
        sentences.append(UNLABELLED)


def prepare(source: Source, choices: Choices = PLAIN) -> Dataset | Unlabelled:
    """Make a data set of a source.

    Parameters
    ----------
    source : Source
    choices : Choices
        What is None is as :func:`suggest` finds it.

    Returns
    -------
    Dataset or Unlabelled

    Raises
    ------
    DatasetError
        If images and labels can't be a data set.
    """
    learn, test = _parts(source)
    if learn is None:
        return unlabelled(source, choices)
    choices, sentences = suggest(source, choices)
    notes = tuple(UntrustedText(sentence) for sentence in (*source.notes, *sentences))
    if test is None:
        learn, test = _held_back(learn, choices)
    arrays = {
        TRAIN_IMAGES: _images(source, learn, choices),
        TRAIN_LABELS: _classes(learn, choices),
        TEST_IMAGES: _images(source, test, choices),
        TEST_LABELS: _classes(test, choices),
    }
    check_fit(dict.fromkeys(FILE_NAMES, source.path), arrays)
    extra = {TRAIN: learn.extra, TEST: test.extra}
    return as_dataset(arrays, name_of_path(source.path), source.path, choices.class_names, notes, extra)


def unlabelled(source: Source, choices: Choices = PLAIN, only: str | None = None) -> Unlabelled:
    """Take the images of a source that have no labels, prepared as those with labels are: a competition's test.csv.

    Parameters
    ----------
    source : Source
    choices : Choices
    only : str, optional
        The split to take them from; all if the source has no split of this name.

    Raises
    ------
    LabelledError
        If there are none.
    DatasetError
        If they can't be prepared.
    """
    asked = [source.splits[only]] if only in source.splits else source.splits.values()
    splits = [split for split in asked if split.labels is None and len(split.images)]
    choices, sentences = _completed(source, choices)
    if not splits:
        raise LabelledError(f"{source.path}: found images with labels, but expected some without.")
    notes = tuple(UntrustedText(sentence) for sentence in (*source.notes, *sentences, UNLABELLED))
    images = np.concatenate([_images(source, split, choices) for split in splits])
    return Unlabelled(images, name_of_path(source.path), str(source.path), notes)


def as_dataset(
    arrays: dict[str, np.ndarray], name: UntrustedText, path: Path, class_names: tuple[str, ...] | None,
    notes: tuple[UntrustedText, ...], extra: dict[str, dict[str, np.ndarray]],
) -> Dataset:  # fmt: skip
    """Make a data set of four arrays that fit, by name of the file as in ``FILE_NAMES``; a published one is known."""
    arrays = {name: array if array.ndim == 3 else array.astype(np.uint8) for name, array in arrays.items()}
    checksums = {name: content_checksum(array) for name, array in arrays.items()}
    known = known_content(checksums)
    given = class_names or (known.class_names if known else ())
    return Dataset(
        train_images=arrays[TRAIN_IMAGES],
        train_labels=arrays[TRAIN_LABELS],
        test_images=arrays[TEST_IMAGES],
        test_labels=arrays[TEST_LABELS],
        name=UntrustedText(known.full_title) if known else name,
        source="full",
        data_dir=str(path),
        checksums=checksums,
        given_names=tuple(UntrustedText(name) for name in given),
        notes=notes,
        extra={key: columns for key, columns in extra.items() if columns},
    )


def name_of_path(path: Path) -> UntrustedText:
    """Name a folder as it is, and a file without its endings."""
    name = path.resolve().name
    return UntrustedText((name if path.is_dir() else name.split(".")[0] or name) or str(path))


def _held_back(split: Split, choices: Choices) -> tuple[Split, Split]:
    labels = np.zeros(0) if split.labels is None else split.labels
    train, test = (
        Split(split.images[part], labels[part], {name: column[part] for name, column in split.extra.items()})
        for part in stratified_split(labels, choices.test_share, choices.seed)
    )
    return train, test


def _classes(split: Split, choices: Choices) -> np.ndarray:
    labels = np.zeros(0, np.int64) if split.labels is None else split.labels
    return labels - (choices.first_label or 0)


def _images(source: Source, split: Split, choices: Choices) -> np.ndarray:
    """Turn the images of a split into grey ones: light on dark, upright and of one size."""
    shape = choices.shape or MNIST_SHAPE
    if len(split.images) * shape[0] * shape[1] > MAX_BYTES:
        raise DatasetError(
            f"{source.path}: found {len(split.images):,} images, which at {times(shape)} take more than the "
            f"{MAX_BYTES:,} bytes expected at most. Scale them to a smaller size, or choose a part of the data."
        )
    rolled = shape[::-1] if choices.transpose else shape
    grey = to_grey(_unrolled(source, split.images, rolled), paper_below(_main(source).images))
    if choices.invert:
        grey = 255 - grey
    if choices.transpose:
        grey = np.ascontiguousarray(grey.transpose(0, 2, 1))
    return scaled(grey, shape)
