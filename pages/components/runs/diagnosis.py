"""Why a run does not learn: on Training with a button that tries the one change, on Runs as a mark."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.diagnose import diagnose_run
from mnist_core.runs.implementation import IMPLEMENTATION
from mnist_core.runs.run import Run, read_run
from mnist_core.training.config import TrainingConfig
from mnist_core.training.evidence import Diagnosis
from mnist_core.untrusted import UntrustedText
from pages.components.data import current_choice
from pages.components.runs.picker import run_dataset
from pages.components.settings import change

MARKED_FIRST, MARKING_SECONDS = 20, 0.15
"""The table marks so many runs at once, and more as long as that takes; the others when it is drawn again."""


def diagnosis_of(run: Run) -> list[Diagnosis] | None:
    """Findings about a run, computed once for all sessions; None if too little is known, or its data is gone."""
    if run.problem:
        return None
    try:
        return (_diagnose_active if run.status.active else _diagnose)(*_key(run))
    except MnistError:  # its tables or its data are damaged, which the page says elsewhere
        return None


def _key(run: Run) -> tuple[Path, DatasetReference, str, str]:
    """What a diagnosis depends on; also where the data of the run may be found."""
    status = run.status
    state = f"{status.state} {status.epoch} {status.model_epoch} {status.test_accuracy}"
    return run.path, run.dataset, state, str(current_choice())


def _find(path: Path) -> list[Diagnosis] | None:
    run = read_run(path)
    return diagnose_run(run, run_dataset(run))


_cache = partial(st.cache_data, show_spinner=False, hash_funcs={DatasetReference: repr})


@_cache(max_entries=2_000)
def _diagnose(path: Path, dataset: DatasetReference, state: str, choice: str) -> list[Diagnosis] | None:
    return _find(path)


@_cache(max_entries=64)  # each epoch is an entry, which nobody asks for again
def _diagnose_active(path: Path, dataset: DatasetReference, state: str, choice: str) -> list[Diagnosis] | None:
    return _find(path)


def show_diagnosis(run: Run, found: list[Diagnosis] | None) -> None:
    """Draw what was found, or that the run is healthy."""
    if found is None:
        return
    if not found:
        so_far = " so far" if run.status.active else ""
        st.caption(
            f":green[:material/health_and_safety:] Diagnosis: healthy{so_far}. No sign of trouble in losses and layers."
        )
    for number, diagnosis in enumerate(found):
        if not _is_said_by_error(run, diagnosis):
            _show(run, number, diagnosis)


def _is_said_by_error(run: Run, diagnosis: Diagnosis) -> bool:
    """Whether the error that ended the run says the same, beside a button that starts it again."""
    ours = not (run.path / IMPLEMENTATION).exists()
    return ours and run.status.state == "failed" and diagnosis.cause == "learning-rate-too-high"


def _show(run: Run, number: int, diagnosis: Diagnosis) -> None:
    st.warning(
        f"**{diagnosis.title}.** {UntrustedText(diagnosis.seen)}  \n{diagnosis.meaning} *{diagnosis.advice}*",
        icon=":material/stethoscope:",
    )
    if diagnosis.change and st.button(
        _label(diagnosis.change), key=f"try_{run.id}_{number}", icon=":material/build:",
        help="Puts the settings of this run, with this one change, into the sliders of the next run.",
    ):  # fmt: skip
        change(**{**{name: getattr(run.config, name) for name in run.config.settings()}, **diagnosis.change})
        st.toast("The sliders have the settings of this run, with this one change.", icon=":material/build:")
        st.rerun()  # the sliders are outside the fragment


def _label(changes: dict[str, Any]) -> str:
    settings = TrainingConfig.settings()
    return "Try " + ", ".join(settings[name].describe(value) for name, value in changes.items())


def mark(run: Run) -> str | None:
    """The first finding in two or three words, or "healthy"; None if there is nothing to say."""
    found = diagnosis_of(run)
    return None if found is None else found[0].title if found else "healthy"


def show_mark(run: Run) -> None:
    """Draw the mark of a run as a badge."""
    if (text := mark(run)) is not None:
        healthy = text == "healthy"
        st.badge(
            text, color="green" if healthy else "orange",
            icon=":material/health_and_safety:" if healthy else ":material/stethoscope:",
        )  # fmt: skip


def marks(runs: list[Run]) -> list[str | None]:
    """Marks of many runs; those not known yet are computed for a moment, the first runs first."""
    known: dict[str, str | None] = st.session_state.setdefault("marks", {})
    deadline = time.monotonic() + MARKING_SECONDS
    keys = [None if run.problem or run.status.active else str(_key(run)) for run in runs]
    unknown = ((run, key) for run, key in zip(runs, keys, strict=True) if key and key not in known)
    for number, (run, key) in enumerate(unknown):
        if number >= MARKED_FIRST and time.monotonic() > deadline:
            break
        known[key] = mark(run)
    return [known.get(key) if key else None for key in keys]
