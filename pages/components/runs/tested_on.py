"""A run tested on other data than its own: chosen by a person, never by default, and said above all scores."""

import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.data.dataset import Dataset
from mnist_core.data.published.catalogue import NAMED
from mnist_core.data.published.named import find_named
from mnist_core.errors import DatasetError, counted, times
from mnist_core.runs.run import Run
from pages.components.data import Choice, current_choice, load
from pages.components.runs.picker import run_classes, run_dataset, test_result, test_scores
from pages.components.state import OneOf, remembered

OWN, IN_USE = "own", "data"
"""Options beside the names of data sets: the run's own data, and the data in use in this session."""


def pick_test_set(run: Run) -> Choice | None:
    """Draw the choice of other data to test a run on, if there are any; None for its own.

    Raises
    ------
    DatasetError
        If the chosen data can't be loaded, or do not fit the network.
    """
    options = {OWN: f"its own: {run.dataset.name.plain}", **_others(run)}
    chosen = remembered("tested_on", OWN, url="on", parse=OneOf(tuple(options)))
    if len(options) == 1:
        return None
    st.selectbox(
        "Tested on",
        list(options),
        format_func=options.__getitem__,
        help="Test the network on the test set of other data with images of the same shape and as many classes. All "
        "scores and images on this page are then of that test set.",
        **chosen.widget,
    )
    if chosen.value == OWN:
        return None
    on = current_choice() if chosen.value == IN_USE else Choice(chosen.value)
    _check_fit(run, load(on))
    return on


def _others(run: Run) -> dict[str, str]:
    """Names of the data that a run can be tested on, and how people read them."""
    outputs = len(run_classes(run))
    found = {
        name: known.title
        for name, known in NAMED.items()
        if (len(known.class_names) or 10) == outputs
        and find_named(known)
        and not (known.content and run.dataset.has_content(known.content))
    }
    try:
        in_use, own = load(current_choice()), run_dataset(run)
    except DatasetError:
        return found
    found = found if own.image_shape == (28, 28) else {}
    fits = (in_use.image_shape, in_use.num_classes) == (own.image_shape, outputs)
    if fits and not in_use.has_content(run.dataset.checksums) and current_choice().source not in found:
        found[IN_USE] = f"the data in use: {in_use.name.plain}"
    return found


def _check_fit(run: Run, dataset: Dataset) -> None:
    shape, outputs = run.image_shape(run.load_network()), len(run_classes(run))
    if (dataset.image_shape, dataset.num_classes) != (shape, outputs):
        raise DatasetError(
            f"{dataset.name.plain} has images of {times(dataset.image_shape)} and "
            f"{counted(dataset.num_classes, 'class', 'classes')}, but this network reads "
            f"{times(shape)} and tells {outputs} apart: choose other data to test it on."
        )


def tested_classes(run: Run, on: Choice | None) -> Classes:
    """Classes under the names of the data that a run is tested on."""
    own = run_classes(run)
    return Classes.of(load(on).class_names, len(own)) if on else own


def say_tested_on(run: Run, on: Choice | None) -> None:
    """Say above all scores that they are of other data, how their interval compares, and what the classes mean."""
    if on is None:
        return
    other = load(on)
    (low, high), count = test_scores(run, on).interval, len(other.test_labels)
    text = (
        f"**Tested on {other.name}, not on the data of the run.** The network was trained on {run.dataset.name}. The "
        f"interval of the accuracy is {100 * (high - low):.2f} points wide on these {count:,} test images"
    )
    try:
        own_low, own_high = test_scores(run).interval
        count = len(run_dataset(run).test_labels)
        text += (
            f", and {100 * (own_high - own_low):.2f} points on its own {count:,}, where the accuracy is "
            f"{test_result(run).accuracy:.2%}."
        )
    except DatasetError:
        text += "."
    own, names = run_classes(run), tested_classes(run, on)
    if own != names:
        label = next(label for label in range(len(own)) if own[label] != names[label])
        text += (
            f" The classes are not those that it learned: {names[label]} is counted as correct where the network "
            f"answers {own[label]}, because both are class {label}."
        )
    st.warning(text, icon=":material/swap_horiz:")
