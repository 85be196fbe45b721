"""One image in detail: its probabilities, the attribution of its pixels, and its nearest training images."""

from pathlib import Path

import numpy as np
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.inspection.neighbours import Neighbours, nearest_neighbours
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run
from pages.components.class_names import tile_caption, tile_size
from pages.components.data import Choice, fingerprint
from pages.components.digits.gallery import read_choice
from pages.components.digits.grid import digit_grid, diverging_colors
from pages.components.digits.picker import SPLITS, split_arrays
from pages.components.digits.reading import probability_chart
from pages.components.errors import callback, dialog
from pages.components.runs.picker import data_of, evaluation_of, images_of, run_classes, run_dataset, trained_network
from pages.components.state import NumberIn, Remembered, remembered

NEIGHBOURS = 10


def opened_digit(count: int) -> Remembered:
    """Index of the image that is open, of ``count``, or None; it is in the address until it is closed."""
    return remembered("opened_digit", None, url="digit", parse=NumberIn(0, count - 1))


def show_opened_digit(run: Run, classes: Classes, clicked: int | None, on: Choice | None = None) -> None:
    """Open the clicked image, or the one that is already open, over the page.

    Parameters
    ----------
    run : Run
    classes : Classes
        Of the images.
    clicked : int or None
        Index of an image of the chosen split.
    on : Choice, optional
        Other data, whose test set the run is tested on.
    """
    split = read_choice(len(classes)).split
    opened = opened_digit(len(images_of(run, split, on)[1]))
    if clicked is not None:
        opened.set(clicked)
    if opened.value is not None:
        close = callback(lambda: opened.set(None))
        dialog(f"One {classes.noun}", width="large", on_dismiss=close)(show_digit)(
            run, classes, split, opened.value, on
        )


def show_digit(run: Run, classes: Classes, split: str, index: int, on: Choice | None) -> None:
    """Draw everything about an image of a split."""
    dataset = data_of(run, split, on)
    images, labels = split_arrays(dataset, split)
    result = evaluation_of(run, split, on)
    probabilities, digits = result.probabilities[index], result.digits
    predicted, label = int(digits.predicted[index]), int(labels[index])
    known = dataset.known_of(SPLITS[split], index)
    others = [int(k) for k in np.argsort(-probabilities, kind="stable") if k != predicted]
    drawing, bars = st.columns([1, 1.4], gap="medium")
    with drawing:
        digit_grid(images[index][np.newaxis], [""], [f"{split} image {index}"], size=200)
    with bars:
        verdict = "correct" if predicted == label else "misclassified"
        st.markdown(
            f"**Image {index:,} of the {split}** · true label **{classes[label]}**, predicted "
            f"**{classes[predicted]}**: {verdict}  \n"
            f"confidence {probabilities[predicted]:.1%}"
            + "".join(f", then {classes[other]} with {probabilities[other]:.1%}" for other in others[:1])
            + f" · loss {digits.loss[index]:.3f} nats"
            + (f"  \n{known}" if known else "")
        )
        st.altair_chart(probability_chart(classes, probabilities, label), key="digit_bars")
        st.caption("Green: the true label.")
    show_attribution(run, classes, images[index], [predicted, *([label] if label != predicted else others[:1])])
    show_neighbours(run, split, index, on)


def show_attribution(run: Run, classes: Classes, image: np.ndarray, labels: list[int]) -> None:
    """Draw the attribution of the pixels to one class or two, on one scale."""
    names = [classes[label] for label in labels]
    st.markdown(f"**Attribution: which pixels speak for {', and which for '.join(map(str, names))}**")
    attributions = gradient_times_input(trained_network(run), image)[labels]
    digit_grid(
        diverging_colors(attributions, float(np.abs(attributions).max()) or 1.0),
        [f"for {name.plain}" for name in names],
        [f"red pixels speak for {name.plain}, blue pixels against it" for name in names],
        size=150,
    )
    st.caption(
        "Gradient times input: red pixels raise the logit of the class, blue pixels lower it. This is a first-order "
        "approximation for this one image, not a rule."
    )


def show_neighbours(run: Run, split: str, index: int, on: Choice | None) -> None:
    """Draw the nearest training images, with their labels."""
    found = neighbours(run, split, index, on)
    dataset, classes = run_dataset(run), run_classes(run)
    labels = dataset.train_labels[found.index]
    if not len(labels):
        st.caption("There is no other training image to compare it with.")
        return
    common = np.bincount(labels).argmax()
    st.markdown(
        f"**Nearest training images**: {np.sum(labels == common)} of {len(labels)} are labelled {classes[common]}"
    )
    digit_grid(
        dataset.train_images[found.index],
        [tile_caption(classes, label, f"{away:.1f}") for label, away in zip(labels, found.distance, strict=True)],
        [f"training image {n:,}, label {classes[label].plain}" for n, label in zip(found.index, labels, strict=True)],
        size=tile_size(classes, 64),
    )
    st.caption("Label and Euclidean distance between pixels in [0, 1], over all training images.")


def neighbours(run: Run, split: str, index: int, on: Choice | None = None) -> Neighbours:
    """Nearest training images of an image, without itself; computed once for all sessions."""
    return _neighbours(run.path, run.dataset, split, index, on, fingerprint(on))


@st.cache_resource(max_entries=1000, show_spinner=False, hash_funcs={DatasetReference: repr})
def _neighbours(
    path: Path, dataset: DatasetReference, split: str, index: int, on: Choice | None, seen: tuple
) -> Neighbours:
    run = find_run(path.name, path.parent)
    data, (images, _) = run_dataset(run), images_of(run, split, on)
    count = min(NEIGHBOURS + (split == "training set"), len(data.train_labels))
    found = nearest_neighbours(images[index], data.train_images, count)
    if split == "training set":
        keep = found.index != index
        return Neighbours(found.index[keep], found.distance[keep])
    return found
