"""Label issues: training images whose label disagrees with a network that never saw them."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.evaluation.label_errors import LabelIssues, class_thresholds, find_label_issues
from mnist_core.jobs.label_check import (
    FILES,
    Progress,
    fold_settings,
    read_probabilities,
    read_progress,
    start_label_check,
    stop_label_check,
)
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run, list_runs
from mnist_core.training.out_of_sample import FOLDS, cross_validate
from mnist_core.untrusted import no_formula
from pages.components.class_names import option, picker_width, tile_caption, tile_size
from pages.components.code import code_behind
from pages.components.digits.grid import digit_grid, pick_page
from pages.components.errors import callback, fragment, show_error
from pages.components.router import page
from pages.components.runs.implementation import show_implementation
from pages.components.runs.picker import architecture, pick_run, run_dataset, written
from pages.components.state import OneOf, remembered

PAGE_SIZE = 60
ANY = "any"
REFRESH_SECONDS = 1.0


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
    config = fold_settings(run)
    st.markdown(
        f"{counted(len(dataset.train_labels), 'training image')} in {FOLDS} folds. For each fold, a network "
        f"with the hidden layers of this run ({architecture(config.hidden_layers) or 'none'}) and the settings of the "
        f"*Fast* preset trains on the other folds for {counted(config.epochs, 'epoch')}, so every image is judged by a "
        "network that never saw its label."
    )
    label = "Continue" if state in ("stopped", "interrupted") else "Check the labels"
    st.button(label, type="primary", icon=":material/rule:", on_click=callback(start_label_check), args=(run,))


def watch(run: Run) -> None:
    """Redraw the state every second, and the whole page once the check has ended."""
    progress = read_progress(run)
    if progress is None or not progress.active:
        st.rerun()
    show_job(run, run_dataset(run), progress)


def show_issues(run: Run, dataset: Dataset) -> None:
    """Draw the filters, the gallery and the download of the label issues."""
    issues, probabilities = _find_issues(run.path, run.dataset, *(written(run.path / name) for name in FILES))
    confident = int(issues.confident.sum())
    st.markdown(
        f"**The network disagrees with {len(issues.index):,} of {counted(len(dataset.train_labels), 'label')}**, with "
        f"{confident:,} of them at or above its usual confidence. Most suspicious first. This is a suspicion, not a "
        "verdict: look at the image before you believe the network. Many of these images are labelled correctly and "
        f"merely {'badly written' if dataset.noun == 'digit' else 'unlike the others'}."
    )
    classes = dataset.classes
    options, named, width = (ANY, *range(len(classes))), option(classes), picker_width(classes, 150)
    given_label = remembered("issue_label", ANY, url="label", parse=OneOf(options))
    suggested_label = remembered("issue_suggested", ANY, url="suggested", parse=OneOf(options))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Given label", options, format_func=named, width=width, **given_label.widget)
        st.selectbox("Suggested label", options, format_func=named, width=width, **suggested_label.widget)
        paging = st.container(width=150)
    label, suggested = given_label.value, suggested_label.value
    keep = np.ones(len(issues.index), bool)
    keep &= True if label == ANY else issues.label == label
    keep &= True if suggested == ANY else issues.suggested == suggested
    chosen = np.flatnonzero(keep)
    if not len(chosen):
        st.info("No label issue matches these filters: choose others above.", icon=":material/info:")
        return
    with paging:
        shown = chosen[pick_page("issues", len(chosen), PAGE_SIZE, f"{run.id} {label} {suggested}")]
    show_gallery(dataset, issues, probabilities, shown)
    st.caption("Given label → suggested label, and the probability that the network gives to the suggested one.")
    st.download_button(
        "Download the list (CSV)", lambda: issues_csv(dataset, issues), f"label-issues-{run.id}.csv", "text/csv",
        icon=":material/download:",
    )  # fmt: skip


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={DatasetReference: repr})
def _find_issues(path: Path, dataset: DatasetReference, *written: int) -> tuple[LabelIssues, np.ndarray]:
    """Rank the label issues of a run once for all sessions, and again when one of its `FILES` is written."""
    run = find_run(path.name, path.parent)
    probabilities = read_probabilities(run)
    return find_label_issues(run_dataset(run).train_labels, probabilities), probabilities


def show_gallery(dataset: Dataset, issues: LabelIssues, probabilities: np.ndarray, shown: np.ndarray) -> None:
    """Draw the label issues at the positions ``shown``."""
    classes = dataset.classes
    chance = probabilities[issues.index, issues.suggested]
    digit_grid(
        dataset.train_images[issues.index[shown]],
        [tile_caption(classes, issues.label[n], f"{chance[n]:.0%}", issues.suggested[n]) for n in shown],
        [
            f"training image {issues.index[n]:,}: given label {classes[issues.label[n]].plain}, suggested label "
            f"{classes[issues.suggested[n]].plain} with a probability of {chance[n]:.1%}, the given one has "
            f"{issues.self_confidence[n]:.1%}"
            for n in shown
        ],
        size=tile_size(classes, 88),
    )


def issues_csv(dataset: Dataset, issues: LabelIssues) -> bytes:
    """Write one row per label issue, with the names of both classes, most suspicious first."""
    table = pd.DataFrame(vars(issues))
    names = pd.Series(map(no_formula, dataset.classes.plain()))
    for column in ("suggested", "label"):
        place = table.columns.get_loc(column) + 1
        table.insert(place, f"{column}_name", names.loc[table[column]].to_numpy())
    return table.to_csv(index=False, float_format="%.6g").encode()


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
    run = pick_run(runs, "Run")
    show_implementation(run)
    dataset = run_dataset(run)
    progress = read_progress(run)
    if progress and progress.state == "finished":
        show_issues(run, dataset)
    elif progress and progress.active:
        fragment(watch, run_every=REFRESH_SECONDS)(run)
    else:
        show_job(run, dataset, progress)
    code_behind(cross_validate, find_label_issues, class_thresholds)
