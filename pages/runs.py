"""Runs: list, compare, name, tag, delete, export and import them."""

import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import MnistError, counted
from mnist_core.evaluation.significance import mcnemar
from mnist_core.runs.about import About
from mnist_core.runs.archive import MAX_ZIP, export_run, import_run
from mnist_core.runs.run import Run, list_runs
from mnist_core.runs.schema import MB
from mnist_core.runs.settings_diff import differing_settings
from mnist_core.untrusted import UntrustedText
from pages.components.code import code_behind
from pages.components.data import current_dataset
from pages.components.errors import callback, dialog, errors_shown, fragment
from pages.components.router import page
from pages.components.runs.compare import COLORS, run_name, show_curves, show_digits, show_settings, swatch
from pages.components.runs.delete import confirm_deletion, enter_page, show_undo
from pages.components.runs.diagnosis import show_mark
from pages.components.runs.origin import show_origin
from pages.components.runs.picker import architecture, select_run, state_badge
from pages.components.runs.table import select_runs, write_selection

REFRESH_SECONDS = 2.0


def offer_import() -> None:
    """Draw the upload of an exported run."""
    with st.popover("Import a run", icon=":material/upload:"):
        number = st.session_state.setdefault("imports", 0)  # a fresh uploader after each import
        upload = st.file_uploader(
            "A zip file exported from this app",
            "zip",
            key=f"import_{number}",
            max_upload_size=MAX_ZIP // MB,
        )
        if upload is not None:
            with errors_shown():
                run = import_run(upload.getvalue(), known=known_datasets())
                st.session_state["imports"] += 1
                write_selection([run.id])
                st.toast(f"Imported run {UntrustedText(run.id)}.", icon=":material/check:")
                st.rerun()


def known_datasets() -> list[Dataset]:
    """The data set in use, if it can be loaded: an imported run on the same data finds it there."""
    try:
        return [current_dataset()]
    except MnistError:
        return []


@dialog("Name, tags and note", icon=":material/edit:")
def edit(run: Run, known_tags: list[str]) -> bool:
    """Edit the name, tags and note of a run."""
    if run.about.problem:
        st.warning(UntrustedText(run.about.problem).markdown, icon=":material/broken_image:")
    own = [tag.plain for tag in run.about.tags]
    keys = [f"{field}_{run.id}" for field in ("name", "note", "tags")]
    st.text_input("Name", run.about.name.plain, max_chars=About.MAX_NAME, placeholder=run.id, key=keys[0])
    st.multiselect(
        "Tags", list(dict.fromkeys([*own, *known_tags])), own, accept_new_options=True,
        max_selections=About.MAX_TAGS, key=keys[2], placeholder="Choose or type",
    )  # fmt: skip
    st.text_area("Note", run.about.note.plain, max_chars=About.MAX_NOTE, key=keys[1])
    return st.button(
        "Save", type="primary", icon=":material/check:", key=f"save_{run.id}", on_click=save, args=(run, keys)
    )


@callback
def save(run: Run, keys: list[str]) -> None:
    """Write the name, the note and the tags that the widgets with these keys hold."""
    run.describe(About.of(*(st.session_state[key] for key in keys)))


def show_selected(runs: list[Run], known_tags: list[str]) -> None:
    """List the selected runs, with buttons for each and for all, and compare them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{counted(len(runs), 'run')} selected", width="stretch")
        label = f"Delete {counted(len(runs), 'run')}" if len(runs) > 1 else "Delete"
        if st.button(label, icon=":material/delete:", key="delete"):
            confirm_deletion(runs)
    shown = runs[: len(COLORS)]
    sound = [run for run in shown if not run.problem]
    with st.container():  # always there, so that what comes and goes in it leaves the charts in their place
        for run in shown:
            show_run(run, sound.index(run) if run in sound else None, known_tags)
        if len(runs) > len(COLORS):
            st.caption(f"Only the first {len(COLORS)} are shown and compared.")
    if sound:
        compare(sound)


def show_run(run: Run, number: int | None, known_tags: list[str]) -> None:
    """One selected run: the colour of its curves, state and summary, and buttons to edit, export and evaluate it."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if number is not None:
                swatch(number)
            state_badge(run)
            show_mark(run)
            st.markdown(_summary(run), width="stretch")
            if st.button("Edit", icon=":material/edit:", key=f"edit_{run.id}"):
                edit(run, known_tags)
            st.download_button(
                "Export", lambda: export_run(run), f"run-{run.id}.zip", "application/zip", key=f"export_{run.id}",
                icon=":material/download:", on_click="ignore",
                help="Settings, curves and model as a zip, with the checkpoint unless that is too large",
            )  # fmt: skip
            if not run.problem and st.button("Evaluate", icon=":material/fact_check:", key=f"evaluate_{run.id}"):
                select_run(run)
                st.switch_page("pages/evaluation.py")
        show_origin(run)
        if run.about.note:
            lines = map(UntrustedText, run.about.note.plain.splitlines())
            st.caption("  \n".join(line.markdown for line in lines))
        if run.unverified:
            st.caption(run.unverified)
        if run.problem:
            st.error(UntrustedText(run.problem).markdown, icon=":material/broken_image:")


def _summary(run: Run) -> str:
    parts = [f"**{run_name(run)}**"]
    if not run.problem:
        parts.append(architecture(run.config.hidden_layers) or "no hidden layer")
    if run.status.test_accuracy is not None:
        parts.append(f"{run.status.test_accuracy:.2%}")
    return " · ".join(parts) + "".join(f" :gray-badge[{tag}]" for tag in run.about.tags)


def compare(runs: list[Run]) -> None:
    """Curves of the runs, the settings that differ, and for two runs the images that only one classifies correctly."""
    active = any(run.status.active for run in runs)
    st.subheader("Curves")
    fragment(show_curves, run_every=REFRESH_SECONDS if active else None)(runs)
    if len(runs) > 1:
        st.subheader("Settings that differ")
        show_settings(runs)
    if len(runs) == 2:
        same_data = runs[0].dataset.has_content(runs[1].dataset.checksums)
        same_labels = not same_data or runs[0].corrections_sha256 == runs[1].corrections_sha256
        st.subheader(
            "Images that only one of them classifies correctly" if same_labels else "Before and after the corrections"
        )
        with errors_shown():
            show_digits(*runs)
    elif len(runs) < 2:
        st.caption("Select a second run to see how the two differ, image by image.")


def watch(runs: list[Run]) -> None:
    """Draw the page again when an active run changes its state."""
    if any(run.refresh().status.state != run.status.state for run in runs):
        st.rerun()


with page(__file__, can_undo=True):
    enter_page()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Runs", width="stretch")
        offer_import()
    show_undo()
    runs = list_runs()
    if runs:
        chosen = select_runs(runs)
        with st.container():  # as well
            if active := [run for run in runs if run.status.active]:
                fragment(watch, run_every=REFRESH_SECONDS)(active)
        if chosen:
            show_selected(chosen, sorted({tag.plain for run in runs for tag in run.about.tags}))
        else:
            st.caption("Select one or more rows to compare, name, export or delete the runs.")
    else:
        st.info("No runs yet: train a network first.", icon=":material/info:")
        st.page_link("pages/training.py", label="Train a network", icon=":material/monitoring:")
    code_behind(mcnemar, differing_settings, import_run)
