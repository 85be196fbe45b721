"""One digit opened: its probabilities, its neighbours among the training digits, and what its pixels pulled towards."""

from pathlib import Path

import numpy as np
import streamlit as st

from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.inspection.neighbours import Neighbours, nearest_neighbours
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, read_run
from pages.components.digits.gallery import read_choice
from pages.components.digits.grid import digit_grid, diverging_colors
from pages.components.digits.picker import split_arrays
from pages.components.digits.reading import probability_chart
from pages.components.runs.picker import evaluation_of, run_dataset, trained_network

NEIGHBOURS = 10


def open_digit(run: Run, index: int) -> None:
    """Show a digit over the page; it is in the address until it is closed."""
    st.query_params["digit"] = str(index)
    st.dialog("One digit", width="large", on_dismiss=close_digit)(show_digit)(run, index)


def close_digit() -> None:
    """Take the digit out of the address."""
    if "digit" in st.query_params:
        del st.query_params["digit"]


def digit_of_address(count: int) -> int | None:
    """Index of the digit that the address opens, if there is one."""
    text = st.query_params.get("digit", "")
    return int(text) if text.isdecimal() and int(text) < count else None


def show_digit(run: Run, index: int) -> None:
    """Draw everything about a digit of the chosen split."""
    dataset = run_dataset(run)
    split = read_choice(dataset.num_classes).split
    images, labels = split_arrays(dataset, split)
    result = evaluation_of(run, split)
    probabilities, digits = result.probabilities[index], result.digits
    predicted, label = int(digits.predicted[index]), int(labels[index])
    runner_up = int(np.argsort(-probabilities, kind="stable")[1])
    picture, bars = st.columns([1, 1.4], gap="medium")
    with picture:
        digit_grid(images[index][np.newaxis], [""], [f"{split} image {index}"], size=200)
    with bars:
        verdict = "right" if predicted == label else "wrong"
        st.markdown(
            f"**Image {index:,} of the {split}** · true label **{label}**, predicted **{predicted}**: {verdict}  \n"
            f"{probabilities[predicted]:.1%} sure, then {runner_up} with {probabilities[runner_up]:.1%} · "
            f"loss {digits.loss[index]:.3f} nats"
        )
        st.altair_chart(probability_chart(probabilities, label), key="digit_bars")
        st.caption("Green is the true label.")
    show_pulls(run, images[index], [predicted, label if label != predicted else runner_up])
    show_neighbours(run, split, index)


def show_pulls(run: Run, image: np.ndarray, classes: list[int]) -> None:
    """Draw which pixels pulled towards two classes, on one scale."""
    st.markdown(f"**Which pixels pulled towards {classes[0]}, and which towards {classes[1]}**")
    pulls = gradient_times_input(trained_network(run), image)[classes]
    digit_grid(
        diverging_colors(pulls, float(np.abs(pulls).max()) or 1.0),
        [f"towards {label}" for label in classes],
        [f"red pixels pulled towards {label}, blue ones away from it" for label in classes],
        size=150,
    )
    st.caption(
        "Gradient times input: red pixels raised the logit of the class, blue ones lowered it. A first-order picture of this "
        "one digit, not a rule."
    )


def show_neighbours(run: Run, split: str, index: int) -> None:
    """Draw the nearest training digits, with their labels."""
    found = neighbours(run, split, index)
    dataset = run_dataset(run)
    labels = dataset.train_labels[found.index]
    common = np.bincount(labels).argmax()
    st.markdown(f"**Its nearest training digits**: {np.sum(labels == common)} of {len(labels)} are labelled {common}")
    digit_grid(
        dataset.train_images[found.index],
        [f"{label} · {distance:.1f}" for label, distance in zip(labels, found.distance, strict=True)],
        [f"training image {n:,}, label {label}" for n, label in zip(found.index, labels, strict=True)],
    )
    st.caption("Label and Euclidean distance of the pixels in [0, 1]; all training digits were compared.")


def neighbours(run: Run, split: str, index: int) -> Neighbours:
    """Nearest training digits of a digit, itself left out; computed once for all sessions."""
    return _neighbours(run.path, run.dataset, split, index)


@st.cache_resource(max_entries=1000, show_spinner=False, hash_funcs={DatasetReference: repr})
def _neighbours(path: Path, dataset: DatasetReference, split: str, index: int) -> Neighbours:
    data = run_dataset(read_run(path))
    images, _ = split_arrays(data, split)
    count = min(NEIGHBOURS + (split == "training set"), len(data.train_labels))
    found = nearest_neighbours(images[index], data.train_images, count)
    if split == "training set":
        keep = found.index != index
        return Neighbours(found.index[keep], found.distance[keep])
    return found
