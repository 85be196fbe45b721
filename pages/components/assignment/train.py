"""Train a learner's code, or the reference with a mistake, and see where the curves part."""

import streamlit as st

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.check import Report
from mnist_core.assignment.own_runs import NEEDED, PARTED, parted, start_beside, start_mistaken_run, start_own_run
from mnist_core.assignment.source import Content
from mnist_core.assignment.training import effective, trains
from mnist_core.errors import RunError, counted
from mnist_core.jobs.start import request
from mnist_core.runs.implementation import read_implementation
from mnist_core.runs.run import Run, find_run
from mnist_core.runs.tables import Rows
from mnist_core.training.config import LOOP_SETTINGS, TrainingConfig
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText
from pages.components.data import current_dataset
from pages.components.errors import callback, fragment, show_error
from pages.components.runs.compare import show_curves, swatch
from pages.components.runs.diagnosis import show_mark
from pages.components.runs.implementation import show_implementation
from pages.components.runs.picker import select_run, state_badge
from pages.components.settings import current_settings, edit_settings
from pages.components.state import OneOf, Remembered, remembered

REFRESH_SECONDS = 1.0


def edit_training() -> TrainingConfig:
    """Draw the sliders, and return the settings as far as they have an effect here."""
    with st.expander("Settings of the next run", icon=":material/tune:", key="own_settings"):
        edit_settings(LOOP_SETTINGS)
    config = effective(current_settings())
    st.caption(
        f"{counted(config.epochs, 'epoch')} · hidden layers {'-'.join(map(str, config.hidden_layers)) or 'none'} · "
        f"learning rate {config.learning_rate:g} · batch size {config.batch_size} · seed {config.seed}"
    )
    return config


def show_training(content: Content, report: Report, config: TrainingConfig) -> None:
    """The button that trains a file, or what it still lacks."""
    st.subheader("Your code")
    written = {finding.step: finding.state != "missing" for finding in report.findings}
    if not written.get(NEEDED):
        st.caption(f"Write {NEEDED} first: it is the one function that training needs.")
        return
    wrong = report.first_wrong
    if wrong:
        st.warning(
            f"Something is wrong in {UntrustedText(wrong.step)}. You may train all the same, to see what that does.",
            icon=":material/science:",
        )
    finding = f"{wrong.step}: {wrong.sentence}" if wrong else ""
    st.button(
        "Train it beside the reference", type="secondary" if wrong else "primary", icon=":material/play_arrow:",
        on_click=callback(_start), args=(content, config, finding), key="train_own",
    )  # fmt: skip


def _start(content: Content, config: TrainingConfig, finding: str) -> None:
    _watch(start_own_run(config, current_dataset(), *content, finding))


def _watch(own: Run) -> None:
    """Train the reference beside a run, and show both."""
    reference = start_beside(own)
    _pair().set((own.id, reference.id))
    select_run(own)


def _pair() -> Remembered:
    """Ids of the last run of other code and of the reference beside it."""
    return remembered("own_pair", (), url="pair", parse=_parse_pair)


def _parse_pair(text: str) -> tuple[str, ...]:
    ids = tuple(filter(None, text.split(",")))
    if len(ids) not in (0, 2) or len(set(ids)) != len(ids):
        raise ValueError("expected the ids of two runs, joined by a comma")
    return ids


def show_pair() -> None:
    """Curves of the last run of other code and of its reference, live."""
    ids = _pair().value
    if not ids:
        return
    try:
        runs = [find_run(run_id) for run_id in ids]
    except RunError as error:
        st.warning(UntrustedText(str(error)).markdown, icon=":material/search_off:")
        _pair().set(())
        return
    active = any(run.status.active for run in runs)
    st.subheader("Beside the reference")
    fragment(_show_pair, run_every=REFRESH_SECONDS if active else None)(ids, active)
    with st.container(horizontal=True):
        for file, label in (("training", "Its Training"), ("evaluation", "Its Evaluation"), ("inside", "Look inside")):
            st.page_link(f"pages/{file}.py", label=label, query_params={"run": runs[0].id})


def _show_pair(ids: tuple[str, str], was_active: bool) -> None:
    try:
        runs = [find_run(run_id) for run_id in ids]
    except RunError:  # deleted meanwhile, as the page will say
        st.rerun()
    if was_active and not any(run.status.active for run in runs):
        st.rerun()
    with st.container():  # always there, so that what comes and goes in it leaves the charts in their place
        for number, (run, title) in enumerate(zip(runs, (_title(runs[0]), "Reference"), strict=True)):
            _show_run(number, run, title)
        if was_active:
            st.button("Stop both", icon=":material/stop:", key="stop_both", on_click=callback(_stop), args=(ids,))
    ours, theirs = show_curves(runs)
    st.markdown(where_they_part(ours, theirs, any(run.status.active for run in runs)))


def _show_run(number: int, run: Run, title: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        swatch(number)
        state_badge(run)
        show_mark(run)
        accuracy = run.status.test_accuracy
        score = "" if accuracy is None else f", test accuracy {accuracy:.2%}"
        st.markdown(f"**{title}**: epoch {run.status.epoch} of {run.epochs}{score}", width="stretch")
    show_implementation(run)
    if run.status.error:
        show_error(run.status.error)


def _title(run: Run) -> str:
    implementation = read_implementation(run.path)
    return "With the mistake" if implementation and implementation.mistake else "Your code"


def _stop(ids: tuple[str, str]) -> None:
    for run in map(find_run, ids):
        if run.status.active:
            request(run, "stop")


def where_they_part(ours: Rows[EpochMetrics], theirs: Rows[EpochMetrics], active: bool) -> str:
    """Say from which epoch on the losses of a run and its reference differ, or that they do not."""
    epochs, first = parted(ours, theirs)
    if first:
        own, reference = first
        return (
            f"**The curves part in epoch {own.epoch}**: training loss {own.train_loss:.4f}, the reference "
            f"{reference.train_loss:.4f}."
        )
    if not epochs:
        if active:
            return "The curves begin with the first complete epoch."
        return "There is no epoch that both completed."
    return f"The curves are the same over {counted(epochs, 'epoch')}: their losses differ by less than {PARTED:.0%}."


def show_mistakes(config: TrainingConfig) -> None:
    """Let a person train any mistake of the catalogue beside the correct way."""
    st.subheader("What a mistake does")
    st.caption("Train the reference with one mistake, and compare it with the correct one.")
    known = {mistake.id: mistake for mistake in MISTAKES.values() if trains(mistake)}
    chosen = remembered("mistake", next(iter(known)), url="mistake", parse=OneOf(tuple(known)))
    st.selectbox(
        "Mistake", list(known), format_func=lambda name: f"{known[name].step}: {known[name].sentence}", **chosen.widget
    )
    mistake = known[chosen.value]
    st.caption(f"{mistake.sentence} {mistake.effect}")
    st.button(
        "Train the mistake beside the reference", icon=":material/science:", key="train_mistake",
        on_click=callback(_start_mistake), args=(chosen.value, config),
    )  # fmt: skip


def _start_mistake(mistake: str, config: TrainingConfig) -> None:
    _watch(start_mistaken_run(config, current_dataset(), mistake))
