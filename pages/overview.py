"""Overview: what this is, which data is in use, what was trained last, and where to go next."""

from pathlib import Path

import streamlit as st

from mnist_core.data import download as downloader
from mnist_core.data.dataset import Dataset, cache_dir, load_dataset
from mnist_core.errors import DatasetError, DownloadError
from mnist_core.runs.run import Run, list_runs
from pages.components.code import code_behind
from pages.components.data import Choice, choose, current_choice, current_dataset
from pages.components.router import page
from pages.components.runs.picker import architecture, select_run, state_badge

SHOWN_RUNS = 5
CHOICES = {
    "auto": "Automatic: the full MNIST where it is there, else the sample",
    "sample": "Sample: 6,000 real MNIST images that come with this project",
    "full": "A folder of four IDX files in the MNIST naming",
}


def next_step(runs: list[Run]) -> None:
    """Draw the one button that most likely comes next."""
    run = next((run for run in runs if run.status.active), None)
    if run:
        text, target, icon = "Watch the run under way", "pages/training.py", ":material/monitoring:"
    elif run := next((run for run in runs if run.status.test_accuracy is not None), None):
        text, target, icon = "See what the latest network gets wrong", "pages/evaluation.py", ":material/fact_check:"
    else:
        text, target, icon = "Start with the data", "pages/dataset.py", ":material/grid_view:"
    if st.button(text, type="primary", icon=icon):
        if run:
            select_run(run)
        st.switch_page(target)


def show_journey() -> None:
    """Link to the four pages that build on one another, and under them to those that go deeper."""
    steps = (
        ("pages/dataset.py", "1 · Dataset", "Shapes, random samples, class balance, raw pixels"),
        ("pages/preprocessing.py", "2 · Preprocessing", "Normalize, flatten, one-hot: before and after"),
        ("pages/training.py", "3 · Training", "Move the sliders, watch the loss fall live"),
        ("pages/evaluation.py", "4 · Evaluation", "Click a confusion, see its digits; click a digit, see why"),
        ("pages/step_by_step.py", "Step by step", "One mini-batch through the recipe, with every number"),
        ("pages/inside.py", "Inside", "Weights as pictures, a digit on its way through"),
        ("pages/runs.py", "Runs", "Compare runs: curves, settings, digits, McNemar's test"),
        ("pages/draw.py", "Draw", "Write a digit yourself, and let a network read it"),
    )
    for column, (target, label, text) in zip([*st.columns(4), *st.columns(4)], steps, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(target, label=f"**{label}**")
            st.caption(text)


def show_data(dataset: Dataset) -> None:
    """Say which data is in use, in numbers."""
    height, width = dataset.image_shape
    figures = {
        "Training images": f"{len(dataset.train_labels):,}",
        "Test images": f"{len(dataset.test_labels):,}",
        "Image size": f"{height} x {width} px",
        "Classes": f"{dataset.num_classes}",
    }
    for column, (label, value) in zip(st.columns(4), figures.items(), strict=True):
        column.metric(label, value, border=True)
    where = f" from `{short_path(dataset.data_dir)}`" if dataset.data_dir else ", which comes with this project"
    st.caption(f"In use: **{dataset.name}**{where}.")


def short_path(path: str) -> str:
    """Write ~ for the user's home."""
    home = Path.home()
    return str(Path("~") / Path(path).relative_to(home)) if Path(path).is_relative_to(home) else path


def offer_download() -> None:
    """Draw the download button; while it works, a bar; when it fails, the reason."""
    total = sum(downloader.SIZES.values())
    st.info(
        "You are working with a sample. The full MNIST, 60,000 training and 10,000 test images, is a download of "
        f"{total / 1e6:.1f} MB; networks trained on it make about a third of the errors.",
        icon=":material/info:",
    )
    if not st.button("Download the full MNIST", icon=":material/download:"):
        return
    bar = st.progress(0.0, "Looking for a mirror …")
    try:
        downloader.download(
            mirrors=downloader.MIRRORS,
            progress=lambda done, size, message: bar.progress(
                done / size, f"{message}: {done / 1e6:.1f} of {size / 1e6:.1f} MB"
            ),
        )
        choose(Choice())
    except DownloadError as error:
        bar.empty()
        st.error(str(error), icon=":material/cloud_off:")
        return
    st.toast("The full MNIST is here and in use.", icon=":material/check:")
    st.rerun()


def choose_data() -> None:
    """Let the session use other data."""
    with st.expander("Use other data", icon=":material/folder_open:"):
        choice = current_choice()
        source = st.radio("Data set", list(CHOICES), list(CHOICES).index(choice.source), format_func=CHOICES.get)
        folder = None
        if source == "full":
            folder = st.text_input(
                "Folder",
                choice.folder or "",
                placeholder=str(cache_dir()),
                help="Fashion-MNIST, KMNIST or your own digits: train-images-idx3-ubyte.gz and its three companions. "
                "Sizes and counts are read from the files.",
            )
        if st.button("Use this data", disabled=source == "full" and not folder):
            try:
                choose(Choice(source, folder))
            except DatasetError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.rerun()


def show_runs(runs: list[Run]) -> None:
    """List the latest runs with their accuracy."""
    if not runs:
        st.info(
            "Nothing was trained yet. The reference network takes a few seconds on the sample.", icon=":material/info:"
        )
        return
    for run in runs[:SHOWN_RUNS]:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            state_badge(run)
            if run.problem:
                st.markdown(f"`{run.id}` {run.problem}")
                continue
            accuracy = run.status.test_accuracy
            score = (
                "no test accuracy yet"
                if accuracy is None
                else f"**{accuracy:.2%}** accuracy on the test set of {run.dataset.name}"
            )
            hidden = (
                f"hidden layers {architecture(run.config.hidden_layers)}"
                if run.config.hidden_layers
                else "no hidden layer"
            )
            st.markdown(f"{score} · {run.status.epoch} of {run.epochs} epochs · {hidden} · `{run.id}`")


with page():
    runs = list_runs()
    st.title("Learn neural networks on MNIST")
    st.markdown(
        "Train a network to read handwritten digits, and see every step of it: the pixels, the preprocessing, the falling loss, "
        "and the digits it gets wrong. It is written in plain NumPy, and each page shows the very code that computed what you see."
    )
    next_step(runs)
    show_journey()

    st.subheader("The data in use")
    try:
        dataset = current_dataset()
    except DatasetError as error:
        st.error(str(error), icon=":material/error:")
    else:
        show_data(dataset)
        if dataset.source == "sample" and current_choice() == Choice():
            offer_download()
    choose_data()

    st.subheader("Latest runs")
    show_runs(runs)
    code_behind(load_dataset)
