"""Noise laboratory: flip labels on purpose, see what it costs, and find them again."""

import streamlit as st

from mnist_core.evaluation.label_noise import flip_at_random, flip_pairs, repair, retrieval
from mnist_core.runs.run import Run, list_runs
from pages.components.code import code_behind
from pages.components.errors import fragment
from pages.components.labels.noise import Experiment, Noise, choose_noise, show_experiment, under_way
from pages.components.router import page
from pages.components.runs.picker import original_dataset, pick_run, select_run
from pages.components.state import remembered

REFRESH_SECONDS = 1.0


def clean_runs() -> list[Run]:
    """The runs whose labels nobody changed."""
    return [run for run in list_runs() if not run.problem and run.corrections_sha256 is None]


def prefer_clean(runs: list[Run]) -> None:
    """Choose the newest clean run if another page chose one with other labels."""
    chosen = remembered("run_picker", None, url="run").value
    if chosen in {run.id for run in list_runs()} - {run.id for run in runs}:
        select_run(runs[0])


def experiment_on(run: Run, noise: Noise) -> Experiment:
    """The experiment with all its runs as they are now."""
    runs = [other for other in list_runs() if not other.problem]
    return Experiment(run.refresh(), runs, original_dataset(run), noise)


def is_under_way(experiment: Experiment) -> bool:
    """Whether any run with flipped labels is active, so that the page is drawn again every second."""
    return any(under_way(run) for run in experiment.runs if run.corrections_sha256)


def watch(run: Run, noise: Noise, was_under_way: bool) -> None:
    """Draw the experiment; redrawn every second while it is under way."""
    experiment = experiment_on(run, noise)
    if was_under_way != is_under_way(experiment):
        st.rerun()
    show_experiment(experiment)


with page(__file__):
    st.title("Noise laboratory")
    st.markdown(
        "Nobody knows which labels of a real data set are wrong, so nobody knows how well a method finds them. Flip "
        "some yourself, and the truth is known: train on them, look for them, repair what was found."
    )
    runs = clean_runs()
    if not runs:
        st.info(
            "The laboratory compares with a run on clean labels, and there is none yet: train a network first.",
            icon=":material/info:",
        )
        st.page_link("pages/training.py", label="Train a network", icon=":material/monitoring:")
        st.stop()
    prefer_clean(runs)
    run = pick_run(runs, "Clean run")
    noise = choose_noise(original_dataset(run))
    busy = is_under_way(experiment_on(run, noise))
    fragment(watch, run_every=REFRESH_SECONDS if busy else None)(run, noise, busy)
    code_behind(flip_at_random, flip_pairs, retrieval, repair)
