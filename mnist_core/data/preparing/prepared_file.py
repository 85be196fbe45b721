"""A prepared data set as one ``.npz`` file: the four arrays, the names of the classes, and how it was prepared.

It holds ``train_images``, ``train_labels``, ``test_images`` and ``test_labels``, or for images without labels
``images``; columns such as ``train.writer``; and ``prepared``, the bytes of a JSON text of names and sentences.
"""

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from mnist_core.data.checksums import FILE_NAMES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from mnist_core.data.dataset import Dataset
from mnist_core.data.fitting import MAX_CLASSES, check_fit
from mnist_core.data.formats.source import TEST, TRAIN
from mnist_core.data.formats.zip import members
from mnist_core.data.idx import MAX_BYTES
from mnist_core.data.npz import NUMBERS, NpzError, read_npz
from mnist_core.data.preparing.class_names import checked_names
from mnist_core.data.preparing.prepare import Unlabelled, as_dataset
from mnist_core.disk import write_atomically
from mnist_core.errors import DatasetError, advice_on, reason_of
from mnist_core.untrusted import UntrustedText

RECORD, IMAGES = "prepared", "images"

ARRAYS = {
    "train_images": TRAIN_IMAGES,
    "train_labels": TRAIN_LABELS,
    "test_images": TEST_IMAGES,
    "test_labels": TEST_LABELS,
}

MAX_ARRAYS = 50

LONGEST_NOTE, MOST_NOTES = 10_000, 200

Text = Annotated[str, Meta(max_length=LONGEST_NOTE)]


@dataclass(frozen=True)
class Record:
    """What is known of a prepared data set besides its arrays."""

    name: Annotated[str, Meta(max_length=500)]
    class_names: Annotated[tuple[Text, ...], Meta(max_length=MAX_CLASSES)] = ()
    notes: Annotated[tuple[Text, ...], Meta(max_length=MOST_NOTES)] = ()
    version: int = 1


def save_prepared(dataset: Dataset | Unlabelled, folder: Path) -> Path:
    """Write a data set as a file that is itself a data set; `load_dataset` reads it as it is.

    Parameters
    ----------
    dataset : Dataset or Unlabelled
    folder : Path
        Created if necessary.

    Returns
    -------
    Path
        The file, named after the data set and its content.

    Raises
    ------
    DatasetError
        If it can't be written.
    """
    name = re.sub(r"[^\w.-]+", "-", dataset.name.plain).strip("-.")[:80] or "data"
    path = folder / f"{name}-{_content(dataset)}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_prepared(dataset, path)
    except OSError as error:
        raise DatasetError(f"Can't write to {folder} ({reason_of(error)}): {advice_on(error)}.") from error
    return path.absolute()


def _content(dataset: Dataset | Unlabelled) -> str:
    """A few characters that change with the arrays and the names."""
    arrays, record = _arrays(dataset), _record(dataset)
    checksum = zlib.crc32(json.dumps(record.class_names).encode())
    for name in sorted(arrays):
        checksum = zlib.crc32(np.ascontiguousarray(arrays[name]).data, checksum)
    return f"{checksum:08x}"


def _record(dataset: Dataset | Unlabelled) -> Record:
    names = dataset.given_names if isinstance(dataset, Dataset) else ()
    notes = tuple(note[:LONGEST_NOTE] for note in _plain(dataset.notes)[:MOST_NOTES])
    return Record(dataset.name.plain[:500], _plain(names), notes)


def _plain(texts: Sequence[UntrustedText]) -> tuple[str, ...]:
    return tuple(text.plain for text in texts)


def _arrays(dataset: Dataset | Unlabelled) -> dict[str, np.ndarray]:
    if isinstance(dataset, Unlabelled):
        return {IMAGES: dataset.images}
    columns = {
        f"{split}.{name}": column
        for split, extra in dataset.extra.items()
        for name, column in extra.items()
        if column.dtype.kind in NUMBERS
    }
    return {name: getattr(dataset, name) for name in ARRAYS} | columns


def write_prepared(dataset: Dataset | Unlabelled, path: Path) -> None:
    """Write a data set as a file of a given name, atomically; ``OSError`` if it can't be written."""
    record = np.frombuffer(msgspec.json.encode(_record(dataset)), np.uint8)
    arrays: dict[str, Any] = {RECORD: record, **_arrays(dataset)}
    write_atomically(path, lambda file: np.savez(file, **arrays))


def is_prepared(path: Path) -> bool:
    """Tell whether a file is such an archive, by the names in it."""
    try:
        if path.suffix.lower() != ".npz" or not path.is_file():
            return False
        names = {member.name for member in members(path, path.name)}
    except (OSError, DatasetError):
        return False
    return {f"{RECORD}.npy"} < names and (names >= {f"{name}.npy" for name in ARRAYS} or f"{IMAGES}.npy" in names)


def read_prepared(path: Path) -> Dataset | Unlabelled:
    """Read what :func:`save_prepared` wrote; the file is not trusted.

    Raises
    ------
    DatasetError
        If it is damaged, or its arrays are no data set.
    """
    arrays, record = _read(path)
    name, notes = UntrustedText(record.name), tuple(UntrustedText(note) for note in record.notes)
    images = arrays.get(IMAGES)
    if images is not None:
        if images.ndim != 3 or images.dtype != np.uint8 or not images.size:
            raise _damaged(path, "its images are no grey pictures")
        return Unlabelled(images, name, str(path), notes)
    four = {file: arrays[own] for own, file in ARRAYS.items()}
    check_fit(dict.fromkeys(FILE_NAMES, path), four)
    extra: dict[str, dict[str, np.ndarray]] = {TRAIN: {}, TEST: {}}
    for key, column in arrays.items():
        split, _, column_name = key.partition(".")
        if split in extra and column_name and column.ndim and len(column) == len(arrays[f"{split}_images"]):
            extra[split][column_name] = column
    return as_dataset(four, name, path, checked_names(record.class_names, str(path)), notes, extra)


def _read(path: Path) -> tuple[dict[str, np.ndarray], Record]:
    try:
        arrays = read_npz(path, 2 * MAX_BYTES, NUMBERS, MAX_ARRAYS)
        record = msgspec.json.decode(arrays[RECORD].astype(np.uint8).tobytes(), type=Record)
    except OSError as error:
        raise DatasetError(
            f"{path}: can't be read ({reason_of(error)}), but a prepared data set was expected there. "
            "Check its permissions and the disk."
        ) from error
    except NpzError as error:
        raise DatasetError(f"{path}: {error}, but a prepared data set was expected there. Prepare it again.") from error
    except (KeyError, RecursionError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if IMAGES not in arrays and not arrays.keys() >= ARRAYS.keys():
        raise _damaged(path, "an array is missing")
    return arrays, record


def _damaged(path: Path, reason: str) -> DatasetError:
    return DatasetError(f"{path}: found no prepared data set ({reason}), but expected one. Prepare it again.")
