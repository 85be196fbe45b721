"""Label issues: images whose label disagrees with a network that never saw them."""

import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.evaluation.label_errors import class_thresholds, find_label_issues, off_diagonal
from mnist_core.jobs.label_check import (
    Progress,
    fold_settings,
    read_progress,
    start_label_check,
    stop_label_check,
)
from mnist_core.runs.run import Run, list_runs
from mnist_core.training.out_of_sample import FOLDS, cross_validate
from pages.components.code import code_behind
from pages.components.digits.picker import SPLITS
from pages.components.errors import callback, fragment, show_error
from pages.components.labels.issues import show_issues
from pages.components.labels.suspects import checked, chosen_split
from pages.components.router import page
from pages.components.runs.origin import show_origin
from pages.components.runs.picker import architecture, pick_run, run_dataset

REFRESH_SECONDS = 1.0


def part_of(progress: Progress) -> str:
    """Name the network that is in training."""
    return f"fold {progress.fold + 1} of {FOLDS}" if progress.fold < FOLDS else "the network for the test set"


def show_job(run: Run, dataset: Dataset, progress: Progress | None) -> None:
    """Draw the state of the cross-validation and the button that starts, continues or stops it."""
    state = progress.state if progress else None
    if progress and progress.active:
        waiting = "waiting for a free slot" if state == "queued" else progress.part
        st.progress(progress.done, waiting)
        st.button("Stop", icon=":material/stop:", on_click=callback(stop_label_check), args=(run,))
        return
    if progress and progress.error:
        show_error(progress.error)
    elif progress and state in ("stopped", "interrupted"):
        st.info(
            f"{progress.fold} of {FOLDS} folds are done; the next start continues from there.", icon=":material/pause:"
        )
    elif state == "finished":
        st.info(
            "An older version checked the training set only: check the test set, too, which takes one more network.",
            icon=":material/info:",
        )
    config = fold_settings(run)
    st.markdown(
        f"{counted(len(dataset.train_labels), 'training image')} in {FOLDS} folds. For each fold, a network "
        f"with the hidden layers of this run ({architecture(config.hidden_layers) or 'none'}) and the settings of the "
        f"*Fast* preset trains on the other folds for {counted(config.epochs, 'epoch')}, so every image is judged by a "
        "network that never saw its label. One more, which trains on all of them, judges the "
        f"{counted(len(dataset.test_labels), 'test image')}."
    )
    label = "Continue" if state in ("stopped", "interrupted") else "Check the labels"
    st.button(label, type="primary", icon=":material/rule:", on_click=callback(start_label_check), args=(run,))


def watch(run: Run) -> None:
    """Redraw the state every second, and the whole page once the check has ended."""
    progress = read_progress(run)
    if progress is None or not progress.active:
        st.rerun()
    show_job(run, run_dataset(run), progress)


with page(__file__):
    st.title("Label issues")
    runs = [run for run in list_runs() if not run.problem]
    if not runs:
        st.info(
            "The check uses the data and hidden layers of a run, and there is no run yet: train a network first.",
            icon=":material/info:",
        )
        st.page_link("pages/training.py", label="Train a network", icon=":material/monitoring:")
        st.stop()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = pick_run(runs, "Run")
        st.segmented_control("Set", list(SPLITS), required=True, **chosen_split().widget)
    show_origin(run)
    dataset, split = run_dataset(run), chosen_split().value
    progress = read_progress(run)
    if found := checked(run, split):
        show_issues(run, found, split)
    elif progress and progress.active:
        fragment(watch, run_every=REFRESH_SECONDS)(run)
    else:
        show_job(run, dataset, progress)
    code_behind(cross_validate, find_label_issues, off_diagonal, class_thresholds)
