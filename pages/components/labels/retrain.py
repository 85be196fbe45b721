"""Train again with the corrections, and show before and after side by side."""

import streamlit as st

from mnist_core.assignment.own_runs import start_again
from mnist_core.data.corrected.corrections import Corrections
from mnist_core.errors import counted
from mnist_core.runs.run import Run
from pages.components.errors import errors_shown
from pages.components.runs.implementation import why_no_more
from pages.components.runs.picker import original_dataset
from pages.components.runs.table import write_selection

_STARTED = "retrained_runs"


def offer_retraining(run: Run, known: Corrections) -> None:
    """Draw the button that starts a run with the settings of this one and the corrections."""
    started = st.session_state.setdefault(_STARTED, {})
    again = started.get((run.id, known.sha256))
    reason = why_not(run, known)
    with st.container(horizontal=True):
        label = f"Retrain with {counted(number_of_changes(known), 'correction')}"
        disabled = bool(reason or again)
        if st.button(label, type="primary", icon=":material/model_training:", disabled=disabled, key="retrain"):
            with errors_shown():
                known.check(original_dataset(run))
                again = started[run.id, known.sha256] = start_again(run, run.config, corrections=known).id
                compare(run.id, again)
        if again and st.button("Before and after", icon=":material/compare_arrows:", key="before_after"):
            compare(run.id, again)
    st.caption(
        reason
        or f"{known.description}. A new run starts with the settings and the seed of this one, and the page Runs shows "
        "both: before and after."
    )


def compare(before: str, after: str) -> None:
    """Go to the comparison of two runs."""
    write_selection([before, after])
    st.switch_page("pages/runs.py")


def number_of_changes(known: Corrections) -> int:
    """Number of decisions that change a label or leave an image out."""
    return sum(one.changes for one in known)


def why_not(run: Run, known: Corrections) -> str | None:
    """Say why there is nothing to train again, if so."""
    if not number_of_changes(known):
        return "No decision changes a label yet: there is nothing to train again with."
    if run.corrections_sha256 == known.sha256:
        return "This run was trained with these very corrections already: decide on more, or choose another run."
    return why_no_more(run)
