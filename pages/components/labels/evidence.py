"""What speaks for and against a label: the image, its nearest training images, mean images, and a network's opinion."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset, class_means
from mnist_core.inspection.neighbours import Neighbours, neighbours_of_each
from mnist_core.untrusted import UntrustedText
from pages.components.digits.grid import digit_grid
from pages.components.digits.picker import SPLITS, split_arrays
from pages.components.digits.reading import probability_chart

NEIGHBOURS = 10
AT_ONCE = 8
"""Images whose neighbours are searched together: the pass over the training set takes the time."""


def show_opinion(probabilities: np.ndarray | None, label: int, classes: Classes, unseen: bool) -> None:
    """Draw the probabilities of the classes as bars.

    Parameters
    ----------
    probabilities : ndarray of float, shape (C,), or None
    label : int
        The given one.
    classes : Classes
    unseen : bool
        Whether the network never saw the image with its label.
    """
    st.markdown("**The network's opinion**")
    if probabilities is None:
        st.caption("There is none: the run has no model yet, and no label check.")
        return
    first = int(probabilities.argmax())
    st.altair_chart(probability_chart(classes, probabilities, label), key="desk_bars")
    verdict = "as the label says" if first == label else f"not {classes[label]}"
    source = (
        "A network that never saw this label"
        if unseen
        else "The network of the run, which was trained on this very label,"
    )
    st.caption(f"{source} says {classes[first]}, {verdict}. Green: the given label.")


def rivals(probabilities: np.ndarray | None, label: int) -> list[int]:
    """The given label, and the most probable other class."""
    if probabilities is None or len(probabilities) < 2:
        return [label]
    others = probabilities.copy()
    others[label] = -1
    return [label, int(others.argmax())]


def show_means(dataset: Dataset, classes: list[int], names: Sequence[str]) -> None:
    """Draw the mean image of each of some classes."""
    means = _means(dataset, tuple(sorted(dataset.checksums.items())))
    st.markdown("**Mean images**")
    digit_grid(
        means[classes],
        [names[label] for label in classes],
        [f"mean of the training images labelled {names[label]}" for label in classes],
        size=90,
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _means(_dataset: Dataset, checksums: tuple) -> np.ndarray:
    means = class_means(_dataset.train_images, _dataset.train_labels, _dataset.num_classes)
    return np.rint(means).astype(np.uint8)


def show_neighbours(
    dataset: Dataset, split: str, index: int, ahead: Sequence[int], known: Corrections, names: Sequence[str]
) -> None:
    """Draw the nearest training images with their labels, as decided so far.

    Parameters
    ----------
    dataset : Dataset
    split, index
        The image.
    ahead : sequence of int
        Images that come next; their neighbours are searched in the same pass.
    known : Corrections
    names : sequence of str
        Of the classes.
    """
    found = _neighbours(dataset, split, index, ahead)
    decided = [known.get("train", int(n)) for n in found.index]
    labels = [
        None if one and one.new is None else one.new if one else int(dataset.train_labels[n])
        for n, one in zip(found.index, decided, strict=True)
    ]
    given = int(split_arrays(dataset, split)[1][index])
    same = sum(label == given for label in labels)
    st.markdown(f"**Nearest training images**: {same} of {len(labels)} are labelled {UntrustedText(names[given])}")
    digit_grid(
        dataset.train_images[found.index],
        ["left out" if label is None else names[label] for label in labels],
        [
            f"training image {n:,}, {'left out' if label is None else f'label {names[label]}'}, distance {distance:.1f}"
            for n, label, distance in zip(found.index, labels, found.distance, strict=True)
        ],
        size=82,
    )


def _neighbours(dataset: Dataset, split: str, index: int, ahead: Sequence[int]) -> Neighbours:
    block = _found_so_far(tuple(sorted(dataset.checksums.items())), split)
    if index not in block:
        wanted = [index, *(n for n in ahead if n not in block)][:AT_ONCE]
        images, _ = split_arrays(dataset, split)
        training = SPLITS[split] == "train"
        for n, found in zip(
            wanted, neighbours_of_each(images[wanted], dataset.train_images, NEIGHBOURS + training), strict=True
        ):
            others = found.index != n if training else np.ones(len(found.index), bool)
            block[n] = Neighbours(found.index[others][:NEIGHBOURS], found.distance[others][:NEIGHBOURS])
    return block[index]


@st.cache_resource(max_entries=8, show_spinner=False)
def _found_so_far(checksums: tuple, split: str) -> dict[int, Neighbours]:
    return {}
