"""Whose code a run was trained with, if it was not ours: a mark on every page that shows the run."""

import streamlit as st

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.runs.implementation import code_of, read_implementation
from mnist_core.runs.run import Run
from mnist_core.untrusted import UntrustedText
from pages.components.assignment.permission import why_no_code
from pages.components.errors import errors_shown


def show_implementation(run: Run) -> None:
    """Mark a run of a learner's code, or of a mistake: what was found wrong, and the code for download."""
    if run.problem:
        return
    with errors_shown():  # of this run; the page shows the rest of it
        implementation = read_implementation(run.path)
        if implementation is None:
            return
        mistake, code = implementation.mistake, code_of(run.path)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if mistake is None:
                st.markdown(":violet-badge[:material/code_blocks: own code]", width="content")
            else:
                name = UntrustedText(mistake)
                st.markdown(f":orange-badge[:material/science: mistake: {name}]", width="content")
            if code:
                st.download_button(
                    "Its code", code.read_bytes, implementation.name.plain, "text/plain", icon=":material/download:",
                    key=f"code_{run.id}", type="tertiary", on_click="ignore",
                    help="The file as it was when training began",
                )  # fmt: skip
        if known := MISTAKES.get(mistake or ""):
            st.markdown(known.sentence)
        elif found := implementation.finding:
            st.markdown(f"{'' if mistake else 'Found before training: '}{found}")


def why_no_more(run: Run) -> str | None:
    """Say why a run can't be trained further here, if its code must not run here."""
    return why_no_code() if code_of(run.path) else None
