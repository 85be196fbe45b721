"""What QMNIST says of each digit besides its class: who wrote it, and where it is in NIST's database."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mnist_core.data.checksums import TEST_LABELS, TRAIN_LABELS
from mnist_core.data.idx import read_idx
from mnist_core.errors import IdxError

FILES = {
    "train": ("qmnist-train-labels-idx2-int.gz", TRAIN_LABELS),
    "test": ("qmnist-test-labels-idx2-int.gz", TEST_LABELS),
}
"""By split: the file of extended labels, and that of the labels, beside which it lies."""


def extended_labels(folder: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Read the extended labels that lie beside labels and begin with them; what can't be read is left out.

    Parameters
    ----------
    folder : Path
    arrays : mapping of str to ndarray
        By name of the file, as in ``FILE_NAMES``.

    Returns
    -------
    dict
        As ``Dataset.extra``.
    """
    from mnist_core.data.formats.idx import QMNIST_COLUMNS  # which other data sets don't wait for

    found = {}
    for split, (name, labels) in FILES.items():
        if not (folder / name).is_file():
            continue
        try:
            rows = read_idx(folder / name)
        except IdxError:
            continue
        if rows.shape == (len(arrays[labels]), 1 + len(QMNIST_COLUMNS)) and np.array_equal(rows[:, 0], arrays[labels]):
            found[split] = {
                column: rows[:, number].astype(np.int64)
                for number, column in enumerate(QMNIST_COLUMNS, 1)
                if column != "unused"
            }
    return found
