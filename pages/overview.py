"""Overview: what this is, which data is in use, the latest runs, and where to go next."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.data.dataset import Dataset, cache_dir, load_dataset
from mnist_core.data.published import download as downloader
from mnist_core.data.published.catalogue import MNIST
from mnist_core.errors import DatasetError, DownloadError
from mnist_core.runs.run import Run, list_runs
from mnist_core.untrusted import UntrustedText
from pages.components.code import code_behind
from pages.components.data import Choice, choose, current_choice, current_dataset, show_data_warnings, why_no_folder
from pages.components.errors import callback, show_error
from pages.components.router import PAGES, page, page_info
from pages.components.runs.outcome import epochs_done
from pages.components.runs.picker import architecture, select_run, state_badge
from pages.components.state import OneOf, remembered

SHOWN_RUNS = 5
CARDS_PER_ROW = 5
CHOICES = {
    "auto": "Automatic: full MNIST if available, otherwise the sample",
    "sample": "Sample: 6,000 real MNIST images that come with this project",
    "full": "A folder or file of this computer",
}


def show_intro(place: DeltaGenerator, noun: str) -> None:
    """Say what this is for, of the data in use."""
    purpose = "read handwritten digits" if noun == "digit" else "tell images apart"
    place.markdown(
        f"Train a network to {purpose}, and see every step: the pixels, the preprocessing, the falling loss and the "
        f"{noun}s it gets wrong. Everything is plain NumPy, and every page shows the code that computed it."
    )


def next_step(runs: list[Run]) -> None:
    """Draw a button for the most likely next step."""
    run = next((run for run in runs if run.status.active), None)
    if run:
        text, target = "Watch the active run", page_info("training")
    elif run := next((run for run in runs if run.status.test_accuracy is not None), None):
        text, target = "See what the latest network gets wrong", page_info("evaluation")
    else:
        text, target = "Start with the data", page_info("dataset")
    if st.button(text, type="primary", icon=target.icon):
        if run:
            select_run(run)
        st.switch_page(target.path)


def show_pages() -> None:
    """Link to every other page, with what a person finds there."""
    others = [info for info in PAGES if info.file != "overview"]
    for start in range(0, len(others), CARDS_PER_ROW):
        for column, info in zip(st.columns(CARDS_PER_ROW), others[start : start + CARDS_PER_ROW], strict=False):
            with column.container(border=True, height="stretch"):
                st.page_link(info.path, label=f"**{info.title}**", icon=info.icon)
                st.caption(info.sentence)


def show_data(dataset: Dataset) -> None:
    """Draw the size of the data set in use."""
    height, width = dataset.image_shape
    figures = {
        "Training images": f"{len(dataset.train_labels):,}",
        "Test images": f"{len(dataset.test_labels):,}",
        "Image size": f"{height}x{width} pixels",
        "Classes": f"{dataset.num_classes}",
    }
    for column, (label, value) in zip(st.columns(4), figures.items(), strict=True):
        column.metric(label, value, border=True)
    origin = (
        f"from {UntrustedText(short_path(dataset.data_dir)).code}" if dataset.data_dir else "included in this project"
    )
    named = "" if dataset.classes.are_numbers else f" Classes: {dataset.classes.listed()}."
    st.caption(f"In use: **{dataset.name}**, {origin}.{named}")


def short_path(path: str) -> str:
    """Abbreviate the user's home folder to ~."""
    home = Path.home()
    return str(Path("~") / Path(path).relative_to(home)) if Path(path).is_relative_to(home) else path


def offer_download() -> None:
    """Draw the download button, then a progress bar, and the reason if the download fails."""
    total = MNIST.size
    st.info(
        f"You are working with a sample. Full MNIST, 60,000 training and 10,000 test images, is a download of "
        f"{total / 1e6:.1f} MB; networks trained on it make only about a third as many errors.",
        icon=":material/info:",
    )
    if not st.button("Download full MNIST", icon=":material/download:"):
        return
    bar = st.progress(0.0, "Looking for a mirror …")

    def show_progress(done: int, size: int, message: str) -> None:
        bar.progress(done / size, f"{UntrustedText(message)}: {done / 1e6:.1f} of {size / 1e6:.1f} MB")

    try:
        downloader.download(
            mirrors=downloader.MIRRORS,
            progress=show_progress,
        )
        choose(Choice())
    except DownloadError as error:
        bar.empty()
        show_error(error)
        return
    st.toast("Full MNIST is downloaded and in use.", icon=":material/check:")
    st.rerun()


def choose_data() -> None:
    """Draw the choice of another data set for this session."""
    with st.expander("Use other data", icon=":material/folder_open:"):
        choice = current_choice()
        known = choice.source if choice.source in CHOICES else "auto"
        source = remembered(f"source instead of {choice}", known, parse=OneOf(tuple(CHOICES)))
        folder = remembered(f"folder instead of {choice}", choice.folder or "")
        st.radio("Data set", list(CHOICES), format_func=CHOICES.get, **source.widget)
        path = None
        if source.value == "full" and (reason := why_no_folder()):
            st.info(reason, icon=":material/folder_off:")
        elif source.value == "full":
            st.text_input(
                "Folder",
                placeholder=str(cache_dir()),
                help="Four IDX files as MNIST's, or data in another form: pictures, CSV, npz, parquet, MATLAB, a zip. "
                "The Dataset page shows first what was found.",
                **folder.widget,
            )
            path = folder.value
        st.button(
            "Use this data",
            disabled=source.value == "full" and not path,
            on_click=callback(choose),
            args=(Choice(source.value, path),),
        )
        st.page_link(
            "pages/dataset.py",
            label="Fashion-MNIST, KMNIST, EMNIST, QMNIST, and files of your own: on the Dataset page",
            icon=":material/library_books:",
        )


def show_runs(runs: list[Run]) -> None:
    """Draw the latest runs with their accuracy."""
    if not runs:
        st.info("No runs yet. On the sample, the reference network trains in a few seconds.", icon=":material/info:")
        return
    for run in runs[:SHOWN_RUNS]:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            state_badge(run)
            if run.problem:
                st.markdown(f"{UntrustedText(run.id).code} {UntrustedText(run.problem)}")
                continue
            accuracy = run.status.test_accuracy
            score = (
                "no test accuracy" + " yet" * run.status.active
                if accuracy is None
                else f"**{accuracy:.2%}** accuracy on the test set of {run.dataset.name}"
            )
            hidden = (
                f"hidden layers {architecture(run.config.hidden_layers)}"
                if run.config.hidden_layers
                else "no hidden layer"
            )
            st.markdown(f"{score} · {epochs_done(run)} · {hidden} · {UntrustedText(run.id).code}")


with page(__file__):
    runs = list_runs()
    st.title("Learn neural networks on MNIST")
    intro = st.empty()
    next_step(runs)
    show_pages()

    st.subheader("Data")
    try:
        dataset = current_dataset()
    except DatasetError as error:
        show_intro(intro, "digit")
        show_error(error)
    else:
        show_intro(intro, dataset.noun)
        show_data(dataset)
        show_data_warnings()
        if dataset.source == "sample" and current_choice() == Choice():
            offer_download()
    choose_data()

    st.subheader("Latest runs")
    show_runs(runs)
    code_behind(load_dataset)
