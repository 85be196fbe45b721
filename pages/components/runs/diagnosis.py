"""Why a run does not learn, with a button that tries the one change."""

from typing import Any

import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.diagnose import data_facts, diagnose_run
from mnist_core.runs.run import Run
from mnist_core.training.diagnosis import DataFacts, Diagnosis
from mnist_core.untrusted import UntrustedText
from pages.components.errors import callback
from pages.components.settings import change, current_settings

FEWEST_EPOCHS = 3
"""Epochs after which a running run is judged."""


def diagnosis_of(run: Run) -> list[Diagnosis] | None:
    """Findings about a run; None if there is too little to look at yet."""
    if run.problem or (run.status.active and run.status.epoch < FEWEST_EPOCHS):
        return None
    if run.status.epoch == 0 and run.status.state != "failed":
        return None
    try:
        return diagnose_run(run, _facts(run.dataset, str(sorted(run.dataset.checksums.items()))))
    except MnistError:  # its tables or its data are damaged, which the page says elsewhere
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def _facts(_reference: DatasetReference, checksums: str) -> DataFacts:
    return data_facts(_reference.load())


def show_diagnosis(run: Run) -> None:
    """Draw what was found, or that the run is healthy."""
    found = diagnosis_of(run)
    if found is None:
        return
    if not found:
        st.caption(":green[:material/health_and_safety:] Diagnosis: healthy. No sign of trouble in losses and layers.")
        return
    for number, diagnosis in enumerate(found):
        with st.container(border=True):
            st.markdown(f":orange[:material/stethoscope:] **{diagnosis.title}.** {UntrustedText(diagnosis.seen)}")
            st.markdown(f"{diagnosis.meaning} *{diagnosis.advice}*")
            if diagnosis.change:
                st.button(
                    _label(diagnosis.change), key=f"try_{run.id}_{number}", icon=":material/build:",
                    on_click=callback(_try), args=(run, diagnosis.change),
                )  # fmt: skip


def _label(changes: dict[str, Any]) -> str:
    settings = current_settings().settings()
    return "Try " + ", ".join(
        f"{settings[name].label.lower()} {settings[name].display(value)}" for name, value in changes.items()
    )


def _try(run: Run, changes: dict[str, Any]) -> None:
    """Put the settings of the run with the change into the sliders of the next run."""
    values = {name: getattr(run.config, name) for name in run.config.settings()}
    change(**{**values, **changes})
