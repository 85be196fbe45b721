"""Where the decisions on the labels of a data set are kept: in the folder of runs, one file for each data set."""

import hashlib
from pathlib import Path

from mnist_core.data.dataset import Dataset
from mnist_core.runs.origin import CORRECTIONS
from mnist_core.runs.run import default_runs_dir

FOLDER = ".labels"
DIGITS = 16
"""Hexadecimal digits of the SHA-256 over the checksums of the files, which name the folder of a data set."""


def desk_file(dataset: Dataset, runs_dir: Path | None = None) -> Path:
    """File of the decisions on a data set, wherever its own files are; it may not exist yet.

    Parameters
    ----------
    dataset : Dataset
    runs_dir : Path, optional
    """
    content = "".join(f"{name}={checksum}\n" for name, checksum in sorted(dataset.checksums.items()))
    key = hashlib.sha256(content.encode()).hexdigest()[:DIGITS]
    return Path(runs_dir or default_runs_dir()) / FOLDER / key / CORRECTIONS
