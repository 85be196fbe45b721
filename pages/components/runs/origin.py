"""What is special about how a run was trained: whose code, and whose labels."""

import streamlit as st

from mnist_core.evaluation.label_noise import WHO
from mnist_core.runs.run import Run
from pages.components.errors import errors_shown
from pages.components.runs.implementation import show_implementation


def show_origin(run: Run) -> None:
    """Mark a run of other code than ours, and one of other labels than the original ones; a plain run has no mark."""
    show_implementation(run)
    show_corrections(run)


def show_corrections(run: Run) -> None:
    """Mark a run with corrected labels: what they are, and their file for download."""
    if run.problem or run.corrections_sha256 is None:
        return
    with errors_shown():  # of this run; the page shows the rest of it
        corrections = run.corrections()
        if corrections is None:
            return
        noisy = any(one.who == WHO for one in corrections)
        color, icon, name = ("orange", "science", "label noise") if noisy else ("green", "edit", "corrected labels")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":{color}-badge[:material/{icon}: {name}]", width="content")
            st.download_button(
                "Its labels", lambda: corrections.content, f"corrections-{run.id}.csv", "text/csv", type="tertiary",
                icon=":material/download:", key=f"corrections_{run.id}", on_click="ignore",
                help=f"SHA-256 {run.corrections_sha256[:16]}…",
            )  # fmt: skip
        st.caption(f"{corrections.description}. SHA-256 {run.corrections_sha256[:12]}…")
