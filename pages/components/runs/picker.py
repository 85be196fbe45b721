"""What pages share about runs: a short description, the picker, and cached evaluations."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.data.dataset import Dataset
from mnist_core.errors import DatasetError
from mnist_core.evaluation.metrics import Scores, score
from mnist_core.evaluation.predict import Evaluation, evaluate
from mnist_core.nn.network import Network
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run, list_runs
from mnist_core.runs.tables import Rows
from mnist_core.untrusted import UntrustedText
from pages.components.data import Choice, current_choice, fingerprint, load
from pages.components.digits.picker import split_arrays
from pages.components.runs.origin import show_origin
from pages.components.state import remembered

STATE_BADGES: dict[str, tuple[Any, str]] = {
    "queued": ("blue", ":material/hourglass_top:"),
    "running": ("blue", ":material/play_arrow:"),
    "paused": ("violet", ":material/pause:"),
    "finished": ("green", ":material/check:"),
    "stopped": ("orange", ":material/stop:"),
    "interrupted": ("orange", ":material/power_off:"),
    "failed": ("red", ":material/error:"),
    "damaged": ("red", ":material/broken_image:"),
}


def architecture(sizes: tuple[int, ...]) -> str:
    """Layer sizes in the usual notation, such as 784-128-64-10."""
    return "-".join(map(str, sizes))


def short_description(run: Run) -> str:
    """One line that tells runs apart."""
    if run.problem:
        return f"{UntrustedText(run.id).plain} · damaged"
    hidden = architecture(run.config.hidden_layers) or "no hidden layer"
    # The state of an active run changes while the page is shown: the badge follows, a list of options can't.
    state = "active" if run.status.active else run.status.state
    score = "" if run.status.test_accuracy is None else f" · test accuracy {run.status.test_accuracy:.2%}"
    name = f"{run.about.name.plain} · " if run.about.name else ""
    return f"{name}{datetime.fromtimestamp(run.created):%d %b %H:%M:%S} · {hidden} · {state}{score}"


def state_badge(run: Run) -> None:
    """Show the state of a run in its colour."""
    color, icon = STATE_BADGES[run.status.state]
    st.badge(run.status.state, color=color, icon=icon)


def say_left_out(*tables: Rows[Any]) -> None:
    """Say how many rows of some tables are damaged and not shown, if any are."""
    if count := sum(rows.left_out for rows in tables):
        st.caption(f"{count:,} damaged {'row is' if count == 1 else 'rows are'} left out.")


def select_run(run: Run) -> None:
    """Choose the run that the pages show."""
    remembered("run_picker", None, url="run").set(run.id)


def pick_run(runs: list[Run], label: str) -> Run:
    """Draw a picker over ``runs`` (not empty); the choice is in the address as ``?run=``.

    Without a choice, it is the newest active run, else the newest one.
    """
    by_id = {run.id: run for run in runs}
    chosen = remembered("run_picker", None, url="run")
    # The browser names a run by its label, and by the one before after a run has ended: it is told the new one.
    labels: dict[str, str] = st.session_state.setdefault("run_labels", {})
    if chosen.value in labels:
        chosen.set(labels[chosen.value])
    if chosen.value in by_id and short_description(by_id[chosen.value]) not in labels:
        chosen.show_again()
    labels |= {short_description(run): run.id for run in runs}
    if chosen.value not in by_id:
        if chosen.value:
            st.warning(
                UntrustedText(
                    f"There is no run {chosen.value!r} here. It may have been deleted: choose another one."
                ).markdown,
                icon=":material/search_off:",
            )
        select_run(next((run for run in runs if run.status.active), runs[0]))
    st.selectbox(label, list(by_id), format_func=lambda run_id: short_description(by_id[run_id]), **chosen.widget)
    return by_id[chosen.value]


def run_dataset(run: Run) -> Dataset:
    """Data set of a run with its corrections, checked to be the one that it was trained on."""
    return _dataset_of(run, original=False)


def original_dataset(run: Run) -> Dataset:
    """Data set of a run with the images and labels as they are in the files."""
    return _dataset_of(run, original=True)


def _dataset_of(run: Run, original: bool) -> Dataset:
    elsewhere = dict.fromkeys((current_choice().folder, None))
    return run.load_dataset(lambda source, folder: load(Choice(source, folder)), elsewhere, original)


def pick_trained_run(label: str, missing: str, otherwise: Callable[[], None] | None = None) -> Run:
    """Draw a picker over all runs, and return the chosen one; if it has no model, say what to do and end the page.

    Parameters
    ----------
    label : str
        Of the picker.
    missing : str
        What is missing if there is no run at all, such as "no run to evaluate".
    otherwise : callable, optional
        Draws what the page can do without a model.
    """
    runs = [run for run in list_runs() if not run.problem]
    run = pick_run(runs, label) if runs else None
    if run:
        show_origin(run)
    if run and (run.path / "model.npz").exists():
        if run.status.active:
            st.info("This run is still active: the page shows its last saved model.", icon=":material/hourglass_top:")
        elif run.status.state == "failed":
            st.warning(
                f"This run failed, and the page shows its last saved model: {run.status.error or 'nothing says why.'}",
                icon=":material/error:",
            )
        return run
    failed = run is not None and run.status.state == "failed"
    (st.error if failed else st.info)(
        UntrustedText(run.why_no_model()).markdown if run else f"There is {missing} yet: train a network first.",
        icon=":material/error:" if failed else ":material/info:",
    )
    link = "Go to Training" if run else "Train a network"
    st.page_link("pages/training.py", label=link, icon=":material/monitoring:")
    if otherwise:
        otherwise()
    return st.stop()


def run_classes(run: Run) -> Classes:
    """The classes that the network of a run tells apart, under the names that the run knows."""
    try:
        names = run_dataset(run).class_names
    except DatasetError:
        names = run.dataset.class_names
    return Classes.of(names, trained_network(run).layer_sizes[-1])


class Reader(NamedTuple):
    """A network that reads handwriting, the height and width of its images, which are square, and its classes."""

    network: Network
    size: int
    classes: Classes


def pick_reader() -> Reader:
    """Draw a picker over all runs, and return the network of the chosen one; without runs, link to Training.

    The page says what a network knows that does not read digits.

    Raises
    ------
    RunError
        If its model is damaged.
    DatasetError
        If its images are not square.
    """
    run = pick_trained_run("Network", "no network to try")
    network, classes = trained_network(run), run_classes(run)
    reader = Reader(network, picture_size(run, network), classes)
    if classes.noun != "digit":
        st.caption(
            f"This network was trained on {run.dataset.name} and knows {len(classes)} classes: {classes.listed()}. It "
            "answers one of them, whatever it is shown."
        )
    return reader


def trained_network(run: Run) -> Network:
    """Network of a run as last saved, loaded once for all sessions; its parameters are read-only."""
    return _load_network(run.path, model_written(run))


@st.cache_resource(max_entries=16, show_spinner=False)
def _load_network(path: Path, written: int) -> Network:
    run = find_run(path.name, path.parent)
    try:
        dataset = run_dataset(run)
    except DatasetError:  # gone: what needs it says so
        dataset = None
    network = run.load_network(dataset)
    for array in (network.parameters, *network.weights, *network.biases):
        array.setflags(write=False)
    return network


def picture_size(run: Run, network: Network) -> int:
    """Height and width of the square images that the network of a run reads.

    Raises
    ------
    DatasetError
        If its images are not square.
    """
    try:
        height, width = run_dataset(run).image_shape
    except DatasetError:  # the data is gone, but its network can still read
        height, width = run.image_shape(network)
    if height != width:
        raise DatasetError(
            f"This network reads images of {height}x{width} pixels, and handwriting is only fitted to square ones: "
            "choose a run that was trained on square images."
        )
    return height


def test_result(run: Run, on: Choice | None = None) -> Evaluation:
    """Evaluation of a run on its test set, or on that of other data; computed once for all sessions."""
    return evaluation_of(run, "test set", on)


def test_scores(run: Run, on: Choice | None = None) -> Scores:
    """Scores of a run on its test set, or on that of other data; computed once for all sessions."""
    return _score(run.path, model_written(run), run.dataset, on, fingerprint(on))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={DatasetReference: repr})
def _score(path: Path, written: int, dataset: DatasetReference, on: Choice | None, seen: tuple) -> Scores:
    result = test_result(find_run(path.name, path.parent), on)
    return score(result.labels, result.probabilities)


def evaluation_of(run: Run, split: str, on: Choice | None = None) -> Evaluation:
    """Evaluation of a run on the images that :func:`images_of` gives, computed once for all sessions."""
    return _evaluate(run.path, model_written(run), run.dataset, split, on, fingerprint(on))


def images_of(run: Run, split: str, on: Choice | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a split of :func:`data_of`."""
    return split_arrays(data_of(run, split, on), split)


def data_of(run: Run, split: str, on: Choice | None = None) -> Dataset:
    """Data of a run; for the test set, where the run is tested on other data, these."""
    return load(on) if on and split == "test set" else run_dataset(run)


def model_written(run: Run) -> int:
    """When ``model.npz`` was last written: tells caches that the model has changed."""
    return written(run.path / "model.npz")


def written(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_resource(max_entries=64, show_spinner="Evaluating the run …", hash_funcs={DatasetReference: repr})
def _evaluate(
    path: Path, written: int, dataset: DatasetReference, split: str, on: Choice | None, seen: tuple
) -> Evaluation:
    run = find_run(path.name, path.parent)
    return evaluate(trained_network(run), *images_of(run, split, on))
