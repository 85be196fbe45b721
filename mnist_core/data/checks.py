"""Data that can be learned from, but is hardly meant as it is: what was found, what it means, what to do."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.data.fitting import all_alike
from mnist_core.errors import counted

FEWEST_PER_CLASS = 10
"""Training images of each class, on average."""

FEWEST_TEST_IMAGES = 100

STRAY = 0.01
"""Fraction of the images, all above a gap in the classes, that are taken for mistakes."""

DARK = 128
"""Grey level that some pixel of most images reaches if pixels are 0 to 255."""

DIM = 0.01
"""Fraction of images far darker than most that no longer are dark by themselves."""

OTHER_BRIGHTNESS = 64
"""Difference between mean grey levels that tells white digits on black from black ones on white."""

FEWEST_PIXELS = 16
"""Images of fewer pixels are alike by chance."""

NAMED = 3
"""Images and classes that a sentence names one by one."""

SPLITS = ("training", "test")


@dataclass(frozen=True)
class DataWarning:
    """Three sentences about data that is probably not what was meant."""

    found: str
    meaning: str
    advice: str

    def __str__(self) -> str:
        return f"{self.found} {self.meaning} {self.advice}"


def dataset_warnings(dataset: Dataset) -> tuple[DataWarning, ...]:
    """Look for data that is probably not what was meant: labels, amounts, pixels, and images in both splits.

    It takes about 0.1 s for 70,000 images, and always gives the same answer for the same data.
    """
    checks = (_other_files, _labels, _amounts, _pixels, _alike, _in_both_splits)
    return tuple(warning for check in checks for warning in check(dataset))


def _other_files(dataset: Dataset) -> Iterator[DataWarning]:
    for used, other in dataset.overshadowed:
        yield DataWarning(
            f"{used} is in use, and {other} beside it holds something else.",
            "Whoever reads the other one learns from other data.",
            "Delete the one that is not meant.",
        )


def _labels(dataset: Dataset) -> Iterator[DataWarning]:
    labels = (dataset.train_labels, dataset.test_labels)
    train, test = (np.bincount(split, minlength=dataset.num_classes) for split in labels)
    both = train + test
    used = np.flatnonzero(both)
    if len(used) == 1:
        yield DataWarning(
            f"Every label is {dataset.classes[used[0]].plain}.",
            "There is nothing to tell apart: an accuracy of 100% means nothing.",
            "Add images of another class.",
        )
        return
    end = _end_of_classes(both)
    if end < dataset.num_classes:
        yield _stray_labels(labels, end, dataset.num_classes)
    if len(empty := np.flatnonzero(both[:end] == 0)):
        first = int(used[0])
        advice = f"Subtract {first} from all labels" if len(empty) == first else "Number the classes without gaps"
        yield DataWarning(
            f"The labels are {used[0]} to {end - 1}, but no image is of {_classes(dataset, empty)}.",
            f"The network gets {len(both)} outputs, and {_an_output(len(empty))} never correct.",
            f"{advice}, so that they count from 0.",
        )
    if len(unseen := np.flatnonzero((train[:end] == 0) & (test[:end] > 0))):
        lost = int(test[unseen].sum())
        of_all = f"{lost:,} of {counted(len(labels[1]), 'test image')} {'is' if lost == 1 else 'are'}"
        yield DataWarning(
            f"{of_all} of {_classes(dataset, unseen)}, of which training has none.",
            f"The network can't learn what it never sees: its test accuracy can't exceed {1 - lost / test.sum():.1%}.",
            "Add training images of these classes, or remove them from the test set.",
        )
    if len(untested := np.flatnonzero((train[:end] > 0) & (test[:end] == 0))):
        yield DataWarning(
            f"The test set has no image of {_classes(dataset, untested)}, of which training has "
            f"{train[untested].sum():,}.",
            "How well the network reads them is not measured.",
            "Add test images of these classes.",
        )


def _end_of_classes(counts: np.ndarray) -> int:
    """Return the number of classes without those few images whose labels lie above all others and a gap."""
    few = max(1, STRAY * counts.sum())
    for label in np.flatnonzero(counts[:-1] == 0):
        if 0 < counts[label:].sum() <= few and counts[:label].any():
            return int(label)
    return len(counts)


def _stray_labels(labels: tuple[np.ndarray, ...], end: int, num_classes: int) -> DataWarning:
    positions = [np.flatnonzero(split >= end) for split in labels]
    high = np.unique(np.concatenate([split[where] for split, where in zip(labels, positions, strict=True)]))
    parts = [
        f"{len(where):,} of {len(split):,} {name} labels ({_images(where)})"
        for name, split, where in zip(SPLITS, labels, positions, strict=True)
        if len(where)
    ]
    below = np.unique(np.concatenate([split[split < end] for split in labels]))
    empty = num_classes - len(below) - len(high)
    verb = "is" if sum(map(len, positions)) == 1 else "are"
    return DataWarning(
        f"{' and '.join(parts)} {verb} {_listed(high)}, where all others are {below[0]} to {below[-1]}.",
        f"The network gets {num_classes} outputs, and {_an_output(empty)} never correct.",
        f"Correct these labels, or remove what they belong to: {end} outputs then suffice.",
    )


def _an_output(count: int) -> str:
    return f"{count} of them {'is' if count == 1 else 'are'}"


def _amounts(dataset: Dataset) -> Iterator[DataWarning]:
    train, test = len(dataset.train_labels), len(dataset.test_labels)
    classes = len(np.unique(dataset.train_labels))
    if train < FEWEST_PER_CLASS * classes:
        yield DataWarning(
            f"There {'is' if train == 1 else 'are'} {counted(train, 'training image')} of "
            f"{counted(classes, 'class', 'classes')}.",
            "A network learns so few by heart, and not what they have in common.",
            "Add images: a few hundred of each class are a start.",
        )
    elif test > train:
        yield DataWarning(
            f"There are {test:,} test images, more than the {train:,} training images.",
            "The files of the two are perhaps exchanged: a network learns the better, the more it learns from.",
            "Train on the larger part.",
        )
    counts = np.bincount(dataset.train_labels)
    rare = np.flatnonzero((counts > 0) & (counts < FEWEST_PER_CLASS))
    if train >= FEWEST_PER_CLASS * classes and (rare := rare[rare < _end_of_classes(counts)]).size:
        yield DataWarning(
            f"Training has {counted(int(counts[rare].sum()), 'image')} of {_classes(dataset, rare)}, and {train:,} in "
            "all.",
            "The network hardly learns what it sees so rarely.",
            f"Add training images of {'this class' if len(rare) == 1 else 'these classes'}, or leave "
            f"{'it' if len(rare) == 1 else 'them'} out.",
        )
    if test < FEWEST_TEST_IMAGES:
        yield DataWarning(
            f"There {'is' if test == 1 else 'are'} {counted(test, 'test image')}.",
            f"Each is {1 / test:.1%} of the accuracy, so that small differences mean nothing.",
            "Add test images: a thousand make the accuracy certain to a few percent.",
        )


def _pixels(dataset: Dataset) -> Iterator[DataWarning]:
    images = (dataset.train_images, dataset.test_images)
    brightest = [split.reshape(len(split), -1).max(axis=1) for split in images]
    train, test = (int(np.median(split)) for split in brightest)
    means = [float(split.mean()) for split in images]
    if max(train, test) >= 2 * max(min(train, test), 1):
        yield DataWarning(
            f"The pixels of most training images reach {train}, those of most test images {test}.",
            "The network is tested on other images than it learns from.",
            "Scale the pixels of both to 0 to 255.",
        )
    elif 0 < train < DARK:
        yield DataWarning(
            f"The pixels of most images reach {train}, but 255 was expected.",
            "The network divides pixels by 255 and sees nearly black images: it learns slowly, or nothing.",
            f"Multiply the pixels by {255 / train:.4g}, so that they are 0 to 255.",
        )
    if abs(means[0] - means[1]) > OTHER_BRIGHTNESS:
        yield DataWarning(
            f"The mean grey level of the training images is {means[0]:.0f}, that of the test images {means[1]:.0f}.",
            "One of them is probably dark on light, and the other light on dark.",
            "Invert one of them, with 255 - images: MNIST is light on dark.",
        )
    for name, split, usual in zip(SPLITS, brightest, (train, test), strict=True):
        dim = np.flatnonzero((split > 0) & (split < usual / 4))
        if len(dim) > DIM * len(split):
            yield DataWarning(
                f"{_some(dim, len(split), name)} darker than most: no pixel is above {split[dim].max()}, where most "
                f"images reach {usual}.",
                "The network sees them nearly black.",
                "Scale the pixels of all images alike.",
            )


def _alike(dataset: Dataset) -> Iterator[DataWarning]:
    test = dataset.test_images
    if all_alike(test):
        yield DataWarning(
            f"The {len(test):,} test images are all alike.",
            "The network gives them one answer, and the accuracy is the fraction of that class.",
            "Write the file of the test images again.",
        )
    for name, images in zip(SPLITS, (dataset.train_images, test), strict=True):
        pixels = images.reshape(len(images), -1)
        blank = np.flatnonzero(pixels.min(axis=1) == pixels.max(axis=1))
        if pixels.shape[1] > 1 and len(blank):
            yield DataWarning(
                f"{_some(blank, len(images), name)} of a single grey level.",
                "There is nothing on them to learn or to recognize.",
                "Remove them with their labels, or put the images there that were meant.",
            )


def _in_both_splits(dataset: Dataset) -> Iterator[DataWarning]:
    train, test = dataset.train_images, dataset.test_images
    if test[0].size < FEWEST_PIXELS:
        return
    known, sums = (
        np.array([zlib.crc32(np.ascontiguousarray(image).data) for image in images]) for images in (train, test)
    )
    candidates = np.flatnonzero(np.isin(sums, known))
    originals = {image.tobytes() for image in train[np.isin(known, sums[candidates])]}
    twice = np.array([n for n in candidates if test[n].tobytes() in originals], int)
    if len(twice):
        yield DataWarning(
            f"{_some(twice, len(test), 'test')} among the training images.",
            "The network may know them by heart, which makes the test accuracy too high.",
            "Remove them from one of the two.",
        )


def _some(positions: np.ndarray, count: int, split: str) -> str:
    """Begin a sentence: "2 of 50 test images (images 3, 7) are"."""
    verb = "is" if len(positions) == 1 else "are"
    return f"{len(positions):,} of {counted(count, f'{split} image')} ({_images(positions)}) {verb}"


def _images(positions: np.ndarray) -> str:
    """Name the first of some images: "image 7", "images 1, 4, 9 and 1,200 more"."""
    named = ", ".join(f"{position:,}" for position in positions[:NAMED])
    more = f" and {len(positions) - NAMED:,} more" if len(positions) > NAMED else ""
    return f"image{'s' * (len(positions) > 1)} {named}{more}"


def _classes(dataset: Dataset, labels: np.ndarray) -> str:
    """Name classes in a sentence; their numbers are the shorter, the more of them follow one another."""
    classes = dataset.classes
    listed = _listed(labels) if classes.are_numbers else classes.listed(labels.tolist()).plain
    return f"class{'es' * (len(labels) > 1)} {listed}"


def _listed(labels: np.ndarray) -> str:
    """List labels in ranges: "0", "0, 3 to 9", "1, 3, 5 and 12 more"."""
    runs = [[int(label) for _, label in run] for _, run in groupby(enumerate(labels), lambda pair: pair[1] - pair[0])]
    named = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs[:NAMED]]
    more = sum(map(len, runs[NAMED:]))
    return ", ".join(named) + (f" and {more} more" if more else "")
