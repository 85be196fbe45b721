"""Decisions in and out as CSV: of two people, compared and merged."""

import pandas as pd
import streamlit as st

from mnist_core.data.corrected.agreement import Agreement, compare
from mnist_core.data.corrected.corrections import MAX_BYTES, NAMES, Correction, Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.runs.schema import MB
from mnist_core.untrusted import UntrustedText
from pages.components.errors import callback, errors_shown
from pages.components.labels.decisions import merge_into

SHOWN = 200
KAPPA = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"), (0.0, "slight"))
"""Words of J. Landis and G. Koch, 1977, from this value on."""


def show_exchange(dataset: Dataset, known: Corrections) -> None:
    """Draw the download of the decisions, and the upload of those of others."""
    st.download_button(
        "Download corrections.csv", lambda: known.content, "corrections.csv", "text/csv", icon=":material/download:",
        on_click="ignore", disabled=not known,
    )  # fmt: skip
    number = st.session_state.setdefault("desk_imports", 0)  # a fresh uploader after each merge
    files = st.file_uploader(
        "Decisions of others: one file is compared with the desk, two with one another",
        "csv",
        accept_multiple_files=True,
        key=f"desk_import_{number}",
        max_upload_size=MAX_BYTES // MB,
    )
    if said := st.session_state.pop("desk_merged", None):
        st.success(said, icon=":material/merge:")
    if not files:
        return
    with errors_shown():
        read = [Corrections.parse(file.getvalue(), file.name) for file in files]
        for one in read:
            one.check(dataset)
        names = [UntrustedText(file.name) for file in files]
        if len(read) == 1:
            show_agreement(compare(known, read[0]), UntrustedText("the desk"), names[0], dataset)
        elif len(read) == 2:
            show_agreement(compare(*read), names[0], names[1], dataset)
        else:
            st.info("Choose one file or two to compare; any number can be merged.", icon=":material/info:")
        st.button(
            "Merge into the decisions of the desk", icon=":material/merge:", key="desk_merge",
            on_click=callback(_merge), args=(dataset, read),
        )  # fmt: skip
        st.caption("Of two decisions on one image, the later one counts.")


def _merge(dataset: Dataset, read: list[Corrections]) -> None:
    differing = sum(merge_into(dataset, one) for one in read)
    st.session_state["desk_imports"] += 1
    total = sum(map(len, read))
    st.session_state["desk_merged"] = (
        f"Merged {counted(total, 'decision')}: they differed on {counted(differing, 'image')}; the later one counts."
    )


def show_agreement(found: Agreement, first: UntrustedText, second: UntrustedText, dataset: Dataset) -> None:
    """Say how far two people agree, and list the images on which they differ."""
    if not found.both:
        st.info(
            f"{first} and {second} have no image in common: {found.only_first:,} and "
            f"{counted(found.only_second, 'decision')} on different ones.",
            icon=":material/info:",
        )
        return
    kappa = "no value, as both decided the same on every image" if found.kappa is None else f"{found.kappa:.2f}"
    words = "" if found.kappa is None else f" ({word_for(found.kappa)})"
    st.markdown(
        f"**{first} and {second} agree on {found.same:,} of {counted(found.both, 'image')}** that both decided on "
        f"({found.share:.0%}). Cohen's kappa: {kappa}{words}. Only {first}: {found.only_first:,}, only {second}: "
        f"{found.only_second:,}."
    )
    if found.differences:
        rows = [
            (NAMES[one.split], one.index, *(_cell(dataset, each) for each in (one, other)))
            for one, other in found.differences[:SHOWN]
        ]
        columns = ["set", "image", first.plain, second.plain if second != first else f"{second.plain} (2)"]
        st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)


def word_for(kappa: float) -> str:
    """Describe Cohen's kappa in a word."""
    return next((word for least, word in KAPPA if kappa >= least), "worse than chance")


def _cell(dataset: Dataset, decision: Correction) -> str:
    given = dataset.class_names[decision.old].plain
    if decision.new is None:
        return f"{given} → leave out"
    return f"{given} → {dataset.class_names[decision.new].plain}" if decision.changes else f"keep {given}"
