"""A person's own digits as a data set: four IDX files named as MNIST's are."""

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mnist_core.data.checksums import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from mnist_core.data.classes import Classes
from mnist_core.data.dataset import CLASS_LIST, Dataset
from mnist_core.data.idx import write_idx
from mnist_core.disk import remove_leftovers
from mnist_core.errors import DatasetError, IdxError, advice_on, counted, reason_of, times

TEST_EVERY = 5

WIDEST_NAME = 70
"""Columns of a name in the list of classes, which leaves room to tell two alike apart."""

DRAFT, DRAFT_SECONDS = ".draft-", 3600.0


def add_to_training(dataset: Dataset, images: np.ndarray, labels: np.ndarray, folder: Path) -> Path:
    """Write a data set with further digits in its training set; its test set is that of ``dataset``.

    Parameters
    ----------
    dataset : Dataset
    images : ndarray of uint8, shape (N, H, W)
        Of the same size as the images of the data set.
    labels : ndarray of int, shape (N,), range 0 ... 255
    folder : Path
        Where the folder of four IDX files goes; an existing one with the same content is left as it is.

    Returns
    -------
    Path
        The folder of the files, named after its content.

    Raises
    ------
    DatasetError
        If the images have another size, or the folder can't be written.
    """
    if images.shape[1:] != dataset.image_shape:
        raise DatasetError(
            f"Found images of {times(images.shape[1:])} pixels, but the data in use has images of "
            f"{times(dataset.image_shape)}: choose other data, or draw for a network trained on it."
        )
    names = _class_list(dataset.classes)
    content = repr((sorted(dataset.checksums.items()), images.tobytes(), labels.tolist(), *names)).encode()
    name = f"{'-'.join(dataset.name.plain.split())}-and-{len(images)}-digits-{hashlib.sha256(content).hexdigest()[:6]}"
    target = folder / re.sub(r"[^\w.-]", "", name)
    if target.exists():
        return target
    arrays = {
        TRAIN_IMAGES: np.concatenate([dataset.train_images, images]),
        TRAIN_LABELS: np.concatenate([dataset.train_labels, labels.astype(np.uint8)]),
        TEST_IMAGES: dataset.test_images,
        TEST_LABELS: dataset.test_labels,
    }
    with _writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder, DRAFT, DRAFT_SECONDS)
        with tempfile.TemporaryDirectory(dir=folder, prefix=DRAFT) as draft:
            whole = Path(draft, "whole")
            whole.mkdir()
            for file, array in arrays.items():
                write_idx(whole / file, array)
            if names:
                (whole / CLASS_LIST).write_text("\n".join(names), encoding="utf-8")
            if not target.exists():  # otherwise another session was faster
                whole.rename(target)
    return target


def _class_list(classes: Classes) -> list[str]:
    """Lines of a file that names the classes; none if their names are their numbers."""
    return [] if classes.are_numbers else [f"{label},{name}" for label, name in enumerate(classes.plain(WIDEST_NAME))]


@contextmanager
def _writing_to(folder: Path | str) -> Iterator[None]:
    try:
        yield
    except (OSError, IdxError) as error:
        cause = error.__cause__ if isinstance(error, IdxError) else error
        if not isinstance(cause, OSError):
            raise
        raise DatasetError(f"Can't write to {folder} ({reason_of(cause)}): {advice_on(cause)}.") from error


def pack_digits(images: np.ndarray, labels: np.ndarray, classes: Classes | None = None) -> bytes:
    """Pack labelled digits into a zip file; the folder it unpacks to can be chosen as data.

    Every fifth digit, and at least one, is for testing; the others are for training.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), N of at least 2
    labels : ndarray of int, shape (N,), range 0 ... 255
    classes : Classes, optional
        Written beside them if they have other names than their numbers.

    Returns
    -------
    bytes
        A zip file of ``train-images-idx3-ubyte.gz`` and its three companions.

    Raises
    ------
    DatasetError
        If there are fewer than two digits, since neither split may be empty; or there is no room for temporary files.
    """
    if len(images) < 2:
        raise DatasetError(
            f"Found {counted(len(images), 'image')}, but expected at least 2, to train and to test: draw one more."
        )
    test = np.arange(len(images)) % TEST_EVERY == min(TEST_EVERY, len(images)) - 1
    arrays = {
        TRAIN_IMAGES: images[~test],
        TRAIN_LABELS: labels[~test].astype(np.uint8),
        TEST_IMAGES: images[test],
        TEST_LABELS: labels[test].astype(np.uint8),
    }
    packed = io.BytesIO()
    with (
        _writing_to(tempfile.gettempdir()),
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(packed, "w") as archive,
    ):
        for name, array in arrays.items():
            path = Path(folder, f"{name}.gz")
            write_idx(path, array)
            archive.write(path, path.name)
        if classes and (names := _class_list(classes)):
            archive.writestr(CLASS_LIST, "\n".join(names))
    return packed.getvalue()
