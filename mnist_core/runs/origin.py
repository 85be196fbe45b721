"""What a run was created with: its settings, its data, and the corrections of their labels."""

from functools import lru_cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.disk import read_bounded
from mnist_core.errors import CorrectionsError
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import check_content
from mnist_core.runs.schema import MAX_BYTES, Sha256, Time, damage_of, decode_record, write_record
from mnist_core.training.config import TrainingConfig

CORRECTIONS = "corrections.csv"


class Origin(TypedDict):
    """Content of ``config.json``: what a run was created with."""

    created: Time
    training: dict[str, Any]
    dataset: DatasetReference
    corrections: NotRequired[Sha256]
    """SHA-256 of ``corrections.csv``, if the run was created with corrected labels."""


@lru_cache(maxsize=4096)
def decode_origin(content: bytes) -> tuple[float, TrainingConfig, DatasetReference, str | None]:
    """Read ``config.json``: when the run was created, its settings, its data and the SHA-256 of its corrections.

    Raises
    ------
    ValueError
        Says in a clause what is wrong.
    """
    origin = decode_record(content, Origin)
    config = TrainingConfig.from_dict(origin["training"])
    return origin["created"], config, origin["dataset"], origin.get("corrections")


def write_origin(
    folder: Path,
    created: float,
    config: TrainingConfig,
    dataset: DatasetReference,
    corrections_sha256: str | None = None,
) -> None:
    """Write ``config.json`` into a run folder; without corrections or names of classes, as older versions did."""
    content: dict[str, Any] = {"created": created, "training": config.to_dict(), "dataset": dataset.record()}
    if corrections_sha256:
        content["corrections"] = corrections_sha256
    write_record(folder / "config.json", content, Origin)


def read_corrections(folder: Path, sha256: str) -> Corrections:
    """Read the corrections that a run was created with.

    Raises
    ------
    CorrectionsError
        If the file is gone, or is another one.
    """
    return _parse(_content(folder, sha256), f"{CORRECTIONS} of run {folder.name}")


def corrected(dataset: Dataset, folder: Path, sha256: str) -> Dataset:
    """Apply the corrections that a run was created with; the same data set gives the same one again.

    Raises
    ------
    CorrectionsError
        If the file is gone, is another one, or does not fit the data.
    """
    return _apply(_content(folder, sha256), f"{CORRECTIONS} of run {folder.name}", dataset)


def _content(folder: Path, sha256: str) -> bytes:
    try:
        content = read_bounded(folder / CORRECTIONS, MAX_BYTES[CORRECTIONS])
        check_content(content, sha256)
    except (OSError, ValueError) as error:
        advice = "Put the original file back, or start a new run."
        raise CorrectionsError(f"Run {folder.name}: {damage_of(CORRECTIONS, error, advice)}") from error
    return content


@lru_cache(maxsize=8)
def _parse(content: bytes, name: str) -> Corrections:
    return Corrections.parse(content, name)


@lru_cache(maxsize=2)
def _apply(content: bytes, name: str, dataset: Dataset) -> Dataset:
    return _parse(content, name).apply(dataset)
