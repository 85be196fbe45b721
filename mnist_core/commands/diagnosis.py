"""The diagnosis of runs on the command line: a line a finding, and ``--json``."""

from collections.abc import Callable
from typing import Any

from mnist_core.data.dataset import Dataset
from mnist_core.errors import MnistError
from mnist_core.runs.diagnose import diagnose_run
from mnist_core.runs.run import Run
from mnist_core.training.evidence import Diagnosis


def diagnosis_lines(found: list[Diagnosis] | None) -> list[str]:
    """Write each finding in a line; a healthy run has one, too, and one that can't be judged has none."""
    if found is None:
        return []
    return [f"diagnosis: {sentence}" for sentence in (diagnosis.sentence for diagnosis in found)] or [
        "diagnosis: healthy"
    ]


def diagnosis_json(found: list[Diagnosis] | None) -> list[dict[str, Any]] | None:
    """Findings as plain types: empty for a healthy run, null if it can't be judged."""
    return None if found is None else [diagnosis.to_dict() for diagnosis in found]


def diagnosis_of(run: Run, load: Callable[[Run], Dataset]) -> list[Diagnosis] | None:
    """Findings about a run on the data that it was trained on; None if it can't be judged, or its files are damaged."""
    try:
        return None if run.problem else diagnose_run(run, load(run))
    except MnistError:  # whoever asks for its scores gets them all the same
        return None
