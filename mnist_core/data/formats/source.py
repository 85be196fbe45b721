"""What was read from a path: images, labels and names, before anything is decided about them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TRAIN, TEST, ALL = "train", "test", "all"

PREPARED = "prepared"
"""Format of a data set that was prepared before: whatever is not asked for stays as it is."""

Progress = Callable[[float, str], None]
"""Takes the share that is done, 0 to 1, and what is being done, in a few words."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images that belong together, in the order of their files.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), or (N, H, W, 3) or (N, H, W, 4) in colour
        0 to 255. Rows of pixels whose height is not known have shape (N, 1, P).
    labels : ndarray of int64, shape (N,), or None
        As they are in the file: they may begin at 1, and leave numbers out. None where nobody labelled the images.
    extra : dict of str to ndarray, shape (N, ...)
        What else is known of each image: QMNIST's "writer", "nist_series" and others of ``idx.QMNIST_COLUMNS``.
    """

    images: np.ndarray
    labels: np.ndarray | None
    extra: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Source:
    """What a path holds, read but not yet prepared.

    Parameters
    ----------
    path : Path
        Absolute.
    format : str
        As in ``table.FORMATS``: "IDX", "CSV" and so on; or ``PREPARED``.
    splits : dict of str to Split
        "train" and "test", one of them, or "all" where no file says which images are for testing.
    class_names : tuple of str, or None
        From folder names or a file such as mapping.txt; text from outside. The first one names ``first_label``, the
        next one the next label.
    checksum : str
        SHA-256 (hexadecimal) over names and bytes of the files that were read.
    transposed : bool or None
        True if the names of the files say so (EMNIST); None if they say nothing.
    notes : tuple of str
        Sentences for people, about what was not plain; they quote names from outside.
    first_label : int
        The label that the first of the class names is the name of.
    """

    path: Path
    format: str
    splits: dict[str, Split]
    class_names: tuple[str, ...] | None
    checksum: str
    transposed: bool | None
    notes: tuple[str, ...]
    first_label: int = 0
