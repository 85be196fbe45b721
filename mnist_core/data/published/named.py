"""Data sets by name: whether one is here, load it, fetch it; several may be here at once, each in a folder of its own.

MNIST lies in the cache folder itself, as ever, each other one in a folder of its name below. EMNIST and QMNIST are not
published as MNIST is: what arrives is turned into four files as MNIST's, upright and with labels from 0, so that every
part of this project reads them alike. Their folder keeps the SHA-256 of what arrived.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pooch
from filelock import FileLock, Timeout

from mnist_core.data.checksums import (
    FILE_NAMES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    content_checksum,
    same_content,
)
from mnist_core.data.dataset import FOLDER_VARIABLE, Dataset, cache_dir, has_all_files, load_dataset, variants
from mnist_core.data.formats.source import Progress as ReadProgress
from mnist_core.data.idx import MAX_BYTES, read_idx, write_idx
from mnist_core.data.paths import absolute
from mnist_core.data.published.catalogue import EMNIST, EMNIST_ZIP, MNIST, NAMED, SAMPLE_NAME, NamedSet, find_name
from mnist_core.data.published.download import (
    LEFTOVER_PREFIX,
    TIMEOUT,
    Progress,
    download,
    note_arrived,
    read_arrived,
)
from mnist_core.data.published.download import Timeout as Seconds
from mnist_core.errors import DatasetError, DownloadError, IdxError, advice_on, did_you_mean, reason_of, times

MISSING, HERE, UNVERIFIED = "not here", "here", "unverified"
"""States of a named data set; one that is here is verified, or it can't be."""


def folder_of(known: NamedSet) -> Path:
    """Folder in the cache that a data set is fetched into; it may not exist yet."""
    return cache_dir() if known is MNIST else cache_dir() / known.name


def find_named(known: NamedSet) -> Path | None:
    """Return the folder that holds a data set: in the cache, named by ``MNIST_DATA_DIR``, or of a package; else None.

    Reads the test labels at most; :func:`load_named` compares all content.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    others = [*known.elsewhere, named] if known.content and named else known.elsewhere
    for other in (folder_of(known), *others):
        with suppress(DatasetError, IdxError, OSError):
            folder = absolute(other)
            if has_all_files(folder) and (not known.content or _test_labels(folder) == known.content[TEST_LABELS]):
                return folder
    return None


def _test_labels(folder: Path) -> str:
    return content_checksum(read_idx(next(path for path in variants(folder, TEST_LABELS) if path.is_file())))


def state_of(known: NamedSet) -> str:
    """Tell whether a data set is here, and whether it could be verified: MISSING, HERE or UNVERIFIED."""
    if find_named(known) is None:
        return MISSING
    return HERE if known.content else UNVERIFIED


def load_named(name: str) -> Dataset:
    """Load a data set by its name; never from the network.

    Raises
    ------
    DatasetError
        If there is no such name, or its files are missing, unreadable or not those that were published.
    """
    known = find_name(name)
    folder = find_named(known)
    if folder is None:
        raise DatasetError(
            f"{known.title} is not here: found no files of it in {folder_of(known)}. Fetch {known.size_in_words} with "
            f"`mnist download {known.name}`, or on the Dataset page."
        )
    dataset = load_dataset("full", folder)
    if known.content and not same_content(dataset.checksums, known.content):
        raise DatasetError(
            f"{folder}: the files are not those published as {known.title}: their SHA-256 differs. Fetch them again "
            f"with `mnist download {known.name}`."
        )
    return dataset


def open_data(text: str, progress: ReadProgress | None = None) -> Dataset:
    """Load what a person names: a data set by its name, the sample, or a path.

    Parameters
    ----------
    text : str
        "fashion-mnist", "sample", or a path, which has a separator or exists.
    progress : callable, optional
        As :func:`load_dataset` takes it.

    Raises
    ------
    DatasetError
        If it can't be loaded, or is no name and no path.
    """
    if text.lower() in NAMED:
        return load_named(text)
    if text == SAMPLE_NAME:
        return load_dataset(SAMPLE_NAME)
    if os.sep in text or "/" in text or os.path.lexists(text) or text.startswith("~"):
        return load_dataset("full", text, progress)
    guess = did_you_mean(text, (SAMPLE_NAME, *NAMED))
    raise DatasetError(
        f"No data set is named {text[:80]!r}, and no such path exists; expected a path, {SAMPLE_NAME}, or one of "
        f"{', '.join(NAMED)}.{guess}"
    )


def download_named(
    known: NamedSet,
    progress: Progress | None = None,
    mirrors: Iterable[str] | None = None,
    timeout: Seconds = TIMEOUT,
    target_dir: str | os.PathLike[str] | None = None,
) -> Path:
    """Fetch a data set into its folder, unless it is complete there.

    Parameters
    ----------
    known : NamedSet
    progress, mirrors, timeout
        As :func:`mnist_core.data.published.download.download` takes them; by default the mirrors in the table.
    target_dir : path, optional
        Another folder, for a set that is published as MNIST is.

    Returns
    -------
    Path
        The folder, which holds four files as MNIST's.

    Raises
    ------
    DownloadError
        If no mirror delivers a file, what arrives is not the data set, or the folder can't be written to.
    """
    mirrors = known.mirrors if mirrors is None else mirrors
    if not known.member:
        return download(target_dir or folder_of(known), mirrors, progress, timeout, known.files)
    if target_dir is not None:
        raise DownloadError(
            f"{known.title} is turned into MNIST's form in {folder_of(known)}, found another folder: leave it out."
        )
    if _is_made(folder_of(known)):
        return folder_of(known)
    key = known.member.partition("-")[0]
    arriving = cache_dir() / f".arriving-{key}"
    try:
        arriving.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_dir() / f".arriving-{key}.lock", timeout=0):
            download(arriving, mirrors, progress, timeout, known.files)
            _make(known, arriving, progress or (lambda done, total, message: None))
            shutil.rmtree(arriving, ignore_errors=True)
    except Timeout as error:
        raise DownloadError(
            f"{known.title} is being downloaded by another process already: wait until that one is done."
        ) from error
    except OSError as error:
        raise DownloadError(
            f"{cache_dir()}: can't be written to ({reason_of(error)}), but room for {known.title} was expected: "
            f"{advice_on(error)}."
        ) from error
    return folder_of(known)


def _is_made(folder: Path) -> bool:
    """Tell whether the four files are there, as they were made of what arrived."""
    arrived = read_arrived(folder)
    paths = [folder / f"{name}.gz" for name in FILE_NAMES]
    return all(path.is_file() and pooch.file_hash(path) == arrived.get(path.name) for path in paths)


def _make(known: NamedSet, arriving: Path, progress: Progress) -> None:
    """Turn what arrived into folders of four files; one zip holds all sets of EMNIST."""
    others = [part for part in EMNIST if part.files == known.files and part != known and not _is_made(folder_of(part))]
    for one in (*others, known):
        progress(known.size, known.size, f"Turning {one.title} into files as MNIST's")
        cache_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir(), prefix=LEFTOVER_PREFIX) as temporary:
            made = Path(temporary)
            try:
                _write_files(one, arriving, made)
            except (IdxError, zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
                shutil.rmtree(arriving, ignore_errors=True)  # so that it is fetched again
                raise DownloadError(
                    f"What arrived is not {one.title}: {str(error).strip(chr(39))}. Try again later: the publisher may "
                    f"have changed the file, or somebody on the way did."
                ) from error
            for extended in arriving.glob("*-idx2-int.gz"):  # who wrote each digit of QMNIST
                shutil.copy(extended, made)
            note_arrived(made, read_arrived(arriving))
            note_arrived(made, {f"{name}.gz": pooch.file_hash(made / f"{name}.gz") for name in FILE_NAMES})
            target = folder_of(one)
            target.mkdir(parents=True, exist_ok=True)
            for path in made.iterdir():
                path.replace(target / path.name)


def _write_files(known: NamedSet, arriving: Path, made: Path) -> None:
    for split, images_name, labels_name, count in (
        ("train", TRAIN_IMAGES, TRAIN_LABELS, known.train),
        ("test", TEST_IMAGES, TEST_LABELS, known.test),
    ):
        images = _read(known, arriving, f"{known.member}-{split}-images-idx3-ubyte.gz")
        codes = "idx1-ubyte" if known.transposed else "idx2-int"
        labels = _read(known, arriving, f"{known.member}-{split}-labels-{codes}.gz")
        labels = (labels[:, 0] if labels.ndim == 2 and labels.shape[1] else labels).astype(np.int64) - known.first_label
        highest = len(known.class_names or range(10)) - 1
        if images.shape[:1] != (count,) or images.ndim != 3 or labels.shape != (count,):
            raise IdxError(f"found {times(images.shape)} pixels and {times(labels.shape)} labels of {split} images")
        if labels.min() < 0 or labels.max() > highest:
            raise IdxError(f"found labels from {labels.min()} to {labels.max()}, where the last class is {highest}")
        upright = images.transpose(0, 2, 1) if known.transposed else images
        write_idx(made / f"{images_name}.gz", upright.astype(np.uint8, copy=False))
        write_idx(made / f"{labels_name}.gz", labels.astype(np.uint8))


def _read(known: NamedSet, arriving: Path, name: str) -> np.ndarray:
    """Read a published file, or the member of a published zip."""
    if EMNIST_ZIP not in known.files:
        return read_idx(arriving / name)
    with zipfile.ZipFile(arriving / EMNIST_ZIP) as packed:
        member = packed.getinfo(f"gzip/{name}")
        if member.file_size > MAX_BYTES:
            raise IdxError(f"found {member.file_size:,} bytes of {name}")
        with packed.open(member) as source, (arriving / name).open("wb") as target:
            shutil.copyfileobj(source, target)
    try:
        return read_idx(arriving / name)
    finally:
        (arriving / name).unlink()
