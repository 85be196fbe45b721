"""Suspect labels: training digits whose label a network that never saw them contradicts."""

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.evaluation.label_errors import Suspects, class_thresholds, find_suspects
from mnist_core.jobs.label_check import (
    Progress,
    fold_settings,
    read_probabilities,
    read_progress,
    start_label_check,
    stop_label_check,
)
from mnist_core.runs.run import Run, list_runs
from mnist_core.training.out_of_sample import FOLDS, cross_validate
from pages.components.code import code_behind
from pages.components.digits.grid import digit_grid, pick_page
from pages.components.router import page
from pages.components.runs.picker import architecture, pick_run, run_dataset

PAGE_SIZE = 60
REFRESH_SECONDS = 1.0


def show_job(run: Run, dataset: Dataset, progress: Progress | None) -> None:
    """How the cross-validation stands, and what can be asked of it."""
    state = progress.state if progress else None
    if progress and progress.active:
        waiting = "waiting for a free slot" if state == "queued" else f"fold {progress.fold + 1} of {FOLDS}"
        st.progress(progress.done, waiting)
        st.button("Stop", icon=":material/stop:", on_click=stop_label_check, args=(run,))
        return
    if state == "failed":
        st.error(progress.error, icon=":material/error:")
    elif state in ("stopped", "interrupted"):
        st.info(f"{progress.fold} of {FOLDS} folds are done; the next start goes on there.", icon=":material/pause:")
    config = fold_settings(run)
    st.markdown(
        f"The {len(dataset.train_labels):,} training digits are divided into {FOLDS} parts; for each, a network with the hidden "
        f"layers of this run ({architecture(config.hidden_layers) or 'none'}) and the settings of the *Fast* preset is trained "
        f"on the other parts, {config.epochs} epochs each. So every digit is judged by a network that never saw its label."
    )
    label = "Go on" if state in ("stopped", "interrupted") else "Check the labels"
    if st.button(label, type="primary", icon=":material/rule:"):
        start_label_check(run)
        st.rerun()


def watch(run: Run) -> None:
    """Redraw the job every second; when it has ended, the page."""
    progress = read_progress(run)
    if progress is None or not progress.active:
        st.rerun()
    show_job(run, run_dataset(run), progress)


def show_suspects(run: Run, dataset: Dataset) -> None:
    """Gallery and table of the suspects."""
    probabilities = read_probabilities(run)
    suspects = find_suspects(dataset.train_labels, probabilities)
    confident = int(suspects.confident.sum())
    st.markdown(
        f"**{len(suspects.index):,} of {len(dataset.train_labels):,} labels are contradicted**, {confident:,} of them with as much "
        "confidence as the network usually has. Most suspicious first. This is a suspicion, not a verdict: look at the digit "
        "before you believe the network. Much of what stands here is rightly labelled and only badly written."
    )
    classes = ["any", *range(dataset.num_classes)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox("Label", classes, width=110)
        suggested = st.selectbox("The network says", classes, width=150)
        paging = st.container(width=150)
    keep = np.ones(len(suspects.index), bool)
    keep &= True if label == "any" else suspects.label == label
    keep &= True if suggested == "any" else suspects.suggested == suggested
    chosen = np.flatnonzero(keep)
    if not len(chosen):
        st.info("No label is contradicted in this way. Choose others above.", icon=":material/info:")
        return
    with paging:
        shown = chosen[pick_page(len(chosen), PAGE_SIZE, f"{run.id} {label} {suggested}")]
    show_gallery(dataset, suspects, probabilities, shown)
    st.caption("Label → what the network says instead, and the probability that it gives the label.")
    st.download_button(
        "Download the list (CSV)", lambda: suspects_csv(suspects), f"suspects-{run.id}.csv", "text/csv",
        icon=":material/download:",
    )  # fmt: skip


def show_gallery(dataset: Dataset, suspects: Suspects, probabilities: np.ndarray, shown: np.ndarray) -> None:
    """Draw the suspects at the positions ``shown``."""
    digit_grid(
        dataset.train_images[suspects.index[shown]],
        [f"{suspects.label[n]} → {suspects.suggested[n]} · {suspects.self_confidence[n]:.1%}" for n in shown],
        [
            f"training image {suspects.index[n]:,}: label {suspects.label[n]}, the network says {suspects.suggested[n]} with a "
            f"probability of {probabilities[suspects.index[n], suspects.suggested[n]]:.1%}"
            for n in shown
        ],
        size=88,
    )


def suspects_csv(suspects: Suspects) -> bytes:
    """One row a suspect, the most suspicious first."""
    return pd.DataFrame(suspects._asdict()).to_csv(index=False, float_format="%.6g").encode()


with page():
    st.title("Suspect labels")
    runs = [run for run in list_runs() if not run.problem]
    if not runs:
        st.info(
            "The check takes the data and the hidden layers of a run, and there is none yet: train a network first.",
            icon=":material/info:",
        )
        st.page_link("pages/training.py", label="Train a network", icon=":material/monitoring:")
        st.stop()
    run = pick_run(runs, "Run")
    dataset = run_dataset(run)
    progress = read_progress(run)
    if progress and progress.state == "finished":
        show_suspects(run, dataset)
    elif progress and progress.active:
        st.fragment(watch, run_every=REFRESH_SECONDS)(run)
    else:
        show_job(run, dataset, progress)
    code_behind(cross_validate, find_suspects, class_thresholds)
