"""Train a learner's code, or the reference with a mistake, and see where the curves part."""

import streamlit as st

from mnist_core.assignment.catalogue import MISTAKES
from mnist_core.assignment.check import Report
from mnist_core.assignment.own_runs import NEEDED, start_mistaken_run, start_own_run
from mnist_core.assignment.training import IMPLEMENTED, effective, trains
from mnist_core.jobs.start import start_run
from mnist_core.runs.run import Run, find_run
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from pages.components.assignment.checked import Content
from pages.components.data import current_dataset
from pages.components.errors import callback, fragment
from pages.components.runs.compare import show_curves
from pages.components.runs.diagnosis import show_mark
from pages.components.runs.picker import select_run, state_badge
from pages.components.settings import current_settings, edit_settings
from pages.components.state import OneOf, remembered

REFRESH_SECONDS = 1.0
PARTED = 0.05
"""Relative difference of two losses that counts as parted."""
PAIR = "own_pair"
"""Ids of the last run of one's own and of its reference, in the session."""


def show_training(content: Content, report: Report) -> None:
    """Settings, the button, and the two curves."""
    st.subheader("Train it")
    if NEEDED not in report.submission.functions:
        st.caption(f"Write {NEEDED} first: it is the one function that training needs.")
        return
    with st.expander("Settings", icon=":material/tune:"):
        edit_settings(IMPLEMENTED)
    config = effective(current_settings())
    wrong = report.first_wrong
    if wrong:
        st.warning(
            f"Something is wrong in {UntrustedText(wrong.step)}. You may train all the same, to see what that does.",
            icon=":material/science:",
        )
    st.button(
        "Train it beside the reference", type="secondary" if wrong else "primary", icon=":material/play_arrow:",
        on_click=callback(_start), args=(content, config, wrong.sentence if wrong else ""), key="train_own",
    )  # fmt: skip
    show_pair()


def _start(content: Content, config: TrainingConfig, finding: str) -> None:
    dataset = current_dataset()
    own = start_own_run(config, dataset, *content, finding)
    _watch(own, start_run(config, dataset))


def _watch(own: Run, reference: Run) -> None:
    st.session_state[PAIR] = (own.id, reference.id)
    select_run(own)


def show_pair() -> None:
    """Curves of the last run of one's own and of its reference, live."""
    if PAIR not in st.session_state:
        return
    runs = [find_run(run_id) for run_id in st.session_state[PAIR]]
    active = any(run.status.active for run in runs)
    fragment(_show_pair, run_every=REFRESH_SECONDS if active else None)([run.id for run in runs], active)
    for column, (file, label) in zip(
        st.columns(3), (("training", "Training"), ("evaluation", "Evaluation"), ("inside", "Inside")), strict=True
    ):
        column.page_link(f"pages/{file}.py", label=f"Its {label}" if file != "inside" else "Look inside")


def _show_pair(ids: list[str], was_active: bool) -> None:
    runs = [find_run(run_id) for run_id in ids]
    if was_active and not any(run.status.active for run in runs):
        st.rerun()
    for run, title in zip(runs, ("Your code", "Reference"), strict=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(run)
            show_mark(run)
            accuracy = run.status.test_accuracy
            score = "" if accuracy is None else f", test accuracy {accuracy:.2%}"
            st.markdown(f"**{title}**: epoch {run.status.epoch} of {run.epochs}{score}")
        if run.status.error:
            st.error(run.status.error.markdown, icon=":material/error:")
    show_curves(runs)
    st.caption(_where_they_part(*runs))


def _where_they_part(own: Run, reference: Run) -> str:
    """Say from which epoch on the losses differ."""
    pairs = list(zip(own.metrics(), reference.metrics(), strict=False))
    if not pairs:
        return "The curves begin with the first complete epoch."
    for ours, theirs in pairs:
        if abs(ours.train_loss - theirs.train_loss) > PARTED * max(theirs.train_loss, 1e-9):
            return (
                f"The curves part in epoch {ours.epoch}: {ours.train_loss:.4f}, the reference {theirs.train_loss:.4f}."
            )
    return f"The curves are the same so far, within {PARTED:.0%}, over {len(pairs)} epochs."


def show_mistakes() -> None:
    """Let a person train any mistake of the catalogue beside the right way."""
    st.subheader("What a mistake does")
    st.caption("Train the reference with one mistake, and compare it with the right one.")
    known = {mistake.id: mistake for mistake in MISTAKES.values() if trains(mistake)}
    chosen = remembered("mistake", next(iter(known)), url="mistake", parse=OneOf(tuple(known)))
    st.selectbox(
        "Mistake", list(known), format_func=lambda name: f"{known[name].step}: {known[name].sentence}", **chosen.widget
    )
    st.caption(known[chosen.value].effect)
    st.button(
        "Train the mistake", icon=":material/science:", key="train_mistake",
        on_click=callback(_start_mistake), args=(chosen.value,),
    )  # fmt: skip


def _start_mistake(mistake: str) -> None:
    config, dataset = effective(current_settings()), current_dataset()
    _watch(start_mistaken_run(config, dataset, mistake), start_run(config, dataset))
