"""Label desk: decide on labels with single keys, and train again with the corrections."""

import streamlit as st

from mnist_core.data.corrected.agreement import compare
from mnist_core.data.corrected.corrections import Corrections
from mnist_core.evaluation.label_noise import WHO
from mnist_core.inspection.neighbours import neighbours_of_each
from mnist_core.runs.run import Run, list_runs
from pages.components.code import code_behind
from pages.components.digits.picker import SPLITS
from pages.components.errors import fragment
from pages.components.labels.decisions import decisions_on, name_of_decider
from pages.components.labels.desk import (
    DECIDED,
    EVERY,
    ISSUES,
    Desk,
    chosen_list,
    handle_presses,
    in_filters,
    queue_of,
    show_decisions,
    show_desk,
)
from pages.components.labels.exchange import show_exchange
from pages.components.labels.retrain import offer_retraining
from pages.components.labels.suspects import checked, chosen_method, chosen_split
from pages.components.router import page
from pages.components.runs.origin import show_origin
from pages.components.runs.picker import original_dataset, pick_run


def choose(runs: list[Run]) -> Run:
    """Draw what to decide on, and under which name; return the chosen run."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = pick_run(runs, "Run")
        st.segmented_control("Set", list(SPLITS), required=True, **chosen_split().widget)
        st.segmented_control("Images", [ISSUES, DECIDED, EVERY], required=True, **chosen_list().widget)
        st.text_input("Your name", width=140, placeholder="who decides", **name_of_decider().widget)
    return run


def show_all(run: Run) -> None:
    """Draw the desk with all that follows from the decisions; a fragment, drawn again after each key."""
    dataset, split = original_dataset(run), chosen_split().value
    found = checked(run, split)
    queue = queue_of(dataset, split, found, decisions_on(dataset))
    desk = Desk(run, dataset, split, queue, found)
    handle_presses(desk)
    known = decisions_on(dataset)
    if len(queue):
        show_desk(desk)
    else:
        explain_empty(desk)
    st.subheader("What the decisions change")
    offer_retraining(run, known)
    with st.expander(f"Decisions ({len(known):,})", icon=":material/list:"):
        show_decisions(desk, known)
    with st.expander("Exchange and compare", icon=":material/merge:"):
        show_exchange(dataset, known)


def explain_empty(desk: Desk) -> None:
    """Say why no image is in the list, and what to do."""
    if chosen_list().value == DECIDED:
        st.info("Nobody has decided on an image of this set yet: choose another list.", icon=":material/info:")
    elif desk.found is None:
        st.info(
            f"The labels of the {desk.split} are not checked with this run yet: check them first, or look at all "
            "images.",
            icon=":material/info:",
        )
        st.page_link("pages/label_issues.py", label="Check the labels", icon=":material/rule:")
    else:
        st.info(
            f"{chosen_method().value} finds no label issue here{in_filters(desk)}: choose another list, or other "
            "labels on the page Label issues.",
            icon=":material/info:",
        )


def has_noise(run: Run) -> bool:
    """Whether the noise laboratory flipped labels of a run on purpose."""
    return any(one.who == WHO for one in run.corrections() or Corrections())


with page(__file__):
    st.title("Label desk")
    runs = [run for run in list_runs() if not run.problem]
    if not runs:
        st.info(
            "The desk shows what a network makes of each image, and there is no run yet: train a network first.",
            icon=":material/info:",
        )
        st.page_link("pages/training.py", label="Train a network", icon=":material/monitoring:")
        st.stop()
    run = choose(runs)
    show_origin(run)
    if has_noise(run):
        st.warning(
            "Labels of this run were flipped on purpose in the noise laboratory: choose another run to decide on.",
            icon=":material/science:",
        )
        st.stop()
    fragment(show_all)(run)
    code_behind(neighbours_of_each, compare)
