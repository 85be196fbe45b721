"""What can be said of a file before it is taken: its shape, range and classes, from as little as possible of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.data.checksums import content_checksum
from mnist_core.data.formats import csv, idx, npz, parquet
from mnist_core.data.formats.files import File
from mnist_core.data.formats.kinds import CSV, IDX, NUMPY, PARQUET, PICTURE
from mnist_core.data.formats.names import LABELS, VALIDATION, role_of, split_of
from mnist_core.data.formats.pictures import DamagedPictureError, read_picture
from mnist_core.data.formats.reading import Reading
from mnist_core.data.formats.source import TEST, TRAIN
from mnist_core.data.formats.table import FORMATS
from mnist_core.data.formats.values import as_images
from mnist_core.data.published.catalogue import PUBLISHED
from mnist_core.errors import DatasetError

WHOLE = 64_000_000
"""Bytes of a file that is read as a whole to look at it."""

SAMPLE = 1 << 20
"""Bytes of a table that are looked at."""

PICTURES = 3
"""Pictures of a folder that are looked at."""

SPLIT_NAMES = {TRAIN: "training", TEST: "test", VALIDATION: "validation"}


@dataclass(frozen=True)
class Facts:
    """What is known of a file; the text in it comes from outside.

    Parameters
    ----------
    role : str or None
        "training images", "test labels", "images and labels", "class names"; None for what isn't used.
    shape, dtype : tuple of int, str; or None
        Of its images, or of its labels, as far as known without reading all of it.
    low, high : float or None
        Lowest and highest value of those that were looked at.
    classes : int or None
        How many different labels.
    checksum_known : bool or None
        Whether its SHA-256 is that of a published file; None if that doesn't apply.
    problem : str or None
        A sentence on why it isn't read.
    """

    role: str | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    low: float | None = None
    high: float | None = None
    classes: int | None = None
    checksum_known: bool | None = None
    problem: str | None = None


def facts_of(kind: str, files: Sequence[File]) -> Facts:
    """Look at a file, or at the pictures of a folder.

    Raises
    ------
    DatasetError
        If it can't be read.
    """
    looks = {IDX: _idx, CSV: _csv, PARQUET: _parquet, NUMPY: _numpy}
    if kind == PICTURE:
        return _pictures(files)
    return looks[kind](files[0]) if kind in looks else _any(kind, files[0])


def role_in(name: str) -> str:
    """What a name alone says that a file is: "training images"."""
    return _role(name, role_of(name) or "data")


def _role(name: str, what: str) -> str:
    split = SPLIT_NAMES.get(split_of(name) or "")
    return f"{split} {what}" if split else what


def _range(array: np.ndarray) -> tuple[float | None, float | None]:
    if not array.size or array.dtype.kind not in "buif":
        return None, None
    return float(array.min()), float(array.max())


def _idx(file: File) -> Facts:
    known = None
    if file.size > WHOLE:
        with Reading().open(file) as content:
            found = idx.header(content.head)
        if not found:
            raise DatasetError(f"{file.name}: found the beginning of an IDX file without its end.")
        dtype, shape = found
        return Facts(_role(file.name, idx.role(file.name, dtype, shape)), shape, dtype.name)
    with file.open() as raw:
        known = hashlib.sha256(raw.read()).hexdigest() in PUBLISHED
    array = idx.read_array(file, Reading())
    known = known or content_checksum(array) in PUBLISHED
    role = idx.role(file.name, array.dtype, array.shape)
    first = array[:, 0] if role == LABELS and array.ndim == 2 else array
    classes = len(np.unique(first)) if role == LABELS else None
    return Facts(_role(file.name, role), array.shape, array.dtype.name, *_range(first), classes, known)


def _csv(file: File) -> Facts:
    """Look at the first rows; count the lines."""
    with Reading().open(file) as content:
        sample = content.read(SAMPLE)
        while len(sample) < SAMPLE and (more := content.read(SAMPLE - len(sample))):
            sample += more
        rest, lines = sample[sample.rfind(b"\n") + 1 :], sample.count(b"\n")
        whole = len(sample) < SAMPLE
        part = csv.read_text(sample if whole else sample[: len(sample) - len(rest)], file.name)
        rows: int | None = len(part.images)
        if not whole:
            per_line = lines - len(part.images)  # a header, or empty lines
            while file.size <= WHOLE * 4 and (block := content.read(1 << 20)):
                lines, rest = lines + block.count(b"\n"), block[-1:]
            rows = lines - per_line + (rest != b"\n") if file.size <= WHOLE * 4 else None
    images = as_images(part.images, file.name, part.shape, [])
    labels = part.labels
    what = "images and labels" if labels is not None else "images"
    classes = len(np.unique(labels)) if labels is not None and whole else None
    shape = (rows, *images.shape[1:]) if rows is not None else None
    return Facts(_role(file.name, what), shape, images.dtype.name, *_range(images), classes)


def _parquet(file: File) -> Facts:
    (found,) = parquet.contents([file], Reading(), look=True)
    what = "images and labels" if "labelled" in found else "images"
    rest = (int(found["pixels_a_row"]),) if found["pixels_a_row"] else ()
    return Facts(_role(file.name, what), (int(found["rows"]), *rest))


def _numpy(file: File) -> Facts:
    """Look at arrays; labels may be in a file of their own."""
    if file.size > WHOLE:
        return Facts()
    arrays = npz.read_arrays(file, Reading())
    only = next(iter(arrays.values())) if len(arrays) == 1 else None
    if only is not None and only.ndim == 1:
        return Facts(_role(file.name, "labels"), only.shape, only.dtype.name, *_range(only), len(np.unique(only)))
    return _any(NUMPY, file)


def _pictures(files: Sequence[File]) -> Facts:
    sample = [files[0], files[len(files) // 2], files[-1]][: min(PICTURES, len(files))]
    images, problem = [], None
    for file in sample:
        try:
            images.append(read_picture(Reading().small(file))[0])
        except DamagedPictureError as error:
            problem = problem or f"{file.name} {error}."
    if not images:
        return Facts(_role(files[0].name, "images"), problem=problem)
    shapes = {image.shape for image in images}
    shape = (len(files), *shapes.pop()) if len(shapes) == 1 else (len(files),)
    low, high = min(image.min() for image in images), max(image.max() for image in images)
    return Facts(_role(files[0].name, "images"), shape, "uint8", float(low), float(high), problem=problem)


def _any(kind: str, file: File) -> Facts:
    """Read a file as a whole, unless it is large."""
    if file.size > WHOLE:
        return Facts()
    form = next(form for form in FORMATS if form.kind == kind)
    parts = form.read([file], Reading()).parts
    images = [as_images(part.images, part.name, part.shape, []) for part in parts]
    labels = [part.labels for part in parts if part.labels is not None]
    splits = [SPLIT_NAMES[part.split] for part in parts if part.split in SPLIT_NAMES]
    what = " ".join([" and ".join(sorted(splits, reverse=True)), "images", "and labels" if labels else ""]).strip()
    shape = (sum(map(len, images)), *images[0].shape[1:])
    low, high = min(array.min() for array in images), max(array.max() for array in images)
    numbers = [values for values in labels if values.ndim == 1 or 1 in values.shape]
    classes = len(np.unique(np.concatenate([values.reshape(-1) for values in numbers]))) if numbers else None
    return Facts(what, shape, images[0].dtype.name, float(low), float(high), classes)
