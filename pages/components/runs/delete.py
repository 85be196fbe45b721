"""Deleting runs on the Runs page: it can be undone until the page is left."""

import streamlit as st

from mnist_core.errors import RunError, counted
from mnist_core.runs.files import folder_bytes
from mnist_core.runs.run import Run
from mnist_core.runs.trash import delete_run, empty_trash, restore_run
from mnist_core.untrusted import UntrustedText
from pages.components.errors import callback, dialog, keep_error
from pages.components.runs.table import add_to_selection

DELETED = "deleted_runs"


def enter_page() -> None:
    """Begin a visit of the page: remove for good what was deleted more than an hour ago."""
    if DELETED not in st.session_state:
        st.session_state[DELETED] = []
        empty_trash()


def forget_deleted() -> None:
    """End a visit of the page: remove for good what this session deleted."""
    if deleted := st.session_state.pop(DELETED, []):
        empty_trash(run_ids=[run_id for batch in deleted for run_id in batch])


@dialog("Delete?", icon=":material/delete:", on_dismiss="rerun")
def confirm_deletion(runs: list[Run]) -> bool:
    """Ask, then delete ``runs``; those that can't be deleted are named and stay."""
    subject = (
        f"**{runs[0].about.name or UntrustedText(runs[0].id)}**"
        if len(runs) == 1
        else f"**{counted(len(runs), 'run')}**"
    )
    size = sum(folder_bytes(run.path) for run in runs) / 1e6
    st.markdown(f"Delete {subject} with all recorded data, {size:,.1f} MB? You can undo this until you leave the page.")
    return st.button(
        "Delete",
        type="primary",
        icon=":material/delete:",
        key="delete_confirmed",
        on_click=callback(_delete),
        args=(runs,),
    )


def _delete(runs: list[Run]) -> None:
    deleted = []
    for run in runs:
        try:
            delete_run(run)
            deleted.append(run.id)
        except RunError as error:
            keep_error(error)
    if deleted:
        st.session_state.setdefault(DELETED, []).append(deleted)
        st.session_state["deleted_now"] = True


def show_undo() -> None:
    """List what was deleted during this visit, with a button to restore the latest."""
    deleted = st.session_state[DELETED]
    if not deleted:
        return
    if st.session_state.pop("deleted_now", False):
        st.toast(f"Deleted {_count(deleted[-1])}.", icon=":material/delete:")
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted {_count(deleted[-1])}; removed for good when you leave this page.", width="content")
        st.button("Undo", icon=":material/undo:", key="undo", on_click=callback(_undo), args=(deleted[-1],))


def _undo(batch: list[str]) -> None:
    """Restore what the button named, once: a second click may come before the button is drawn again."""
    deleted = st.session_state.get(DELETED, [])
    if batch not in deleted:
        return
    deleted.remove(batch)
    restored = []
    for run_id in batch:
        try:
            restored.append(restore_run(run_id).id)
        except RunError as error:
            keep_error(error)
    if restored:
        add_to_selection(restored)
        st.toast(f"Restored {_count(restored)}.", icon=":material/undo:")


def _count(run_ids: list[str]) -> str:
    return f"run {UntrustedText(run_ids[0])}" if len(run_ids) == 1 else counted(len(run_ids), "run")
