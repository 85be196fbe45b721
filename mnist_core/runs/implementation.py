"""Whose code computes the gradient of a run, if it is not ours: ``implementation.json``, and the code beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from mnist_core.errors import RunError, reason_of
from mnist_core.runs.schema import read_record
from mnist_core.untrusted import UntrustedText

IMPLEMENTATION = "implementation.json"
CODE = "own_code"
"""Beginning of the name of the code's file; the suffix is that of the learner's."""


@dataclass(frozen=True)
class Implementation:
    """Content of ``implementation.json``.

    Parameters
    ----------
    name : UntrustedText
        Of the learner's file, or of the mistake.
    mistake : str or None
        Id in the catalogue, if it is the reference with a mistake; None for a learner's file.
    finding : UntrustedText
        What was wrong when training began; empty if nothing was.
    """

    name: UntrustedText
    mistake: Annotated[str, Meta(max_length=100)] | None = None
    finding: UntrustedText = UntrustedText("")


def read_implementation(folder: Path) -> Implementation | None:
    """Read whose code a run is trained with; None if it is ours.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    try:
        return read_record(folder / IMPLEMENTATION, Implementation)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{IMPLEMENTATION} of run {folder.name} can't be read ({reason_of(error)}): start the run again."
        ) from error


def code_of(folder: Path) -> Path | None:
    """Find the learner's file that is kept in a run folder; it does not travel with an exported run."""
    return next((path for path in sorted(folder.glob(f"{CODE}.*")) if path.suffix in (".py", ".ipynb")), None)
