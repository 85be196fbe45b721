"""Dataset: shapes, one image and its numbers, a grid of images, class balance, and the mean of each class."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.dataset import Dataset, class_means
from mnist_core.data.idx import read_idx
from mnist_core.errors import DatasetError
from mnist_core.untrusted import UntrustedText
from pages.components.class_names import chart_height, class_axis, option, picker_width, tile_caption, tile_size
from pages.components.code import code_behind
from pages.components.data import current_dataset, show_data_warnings
from pages.components.data_sets.named import show_named_sets
from pages.components.data_sets.other import show_other_data
from pages.components.digits.grid import digit_figure, digit_grid
from pages.components.digits.picker import SPLITS, pick_image, split_arrays
from pages.components.errors import show_error
from pages.components.router import page
from pages.components.state import NumberIn, OneOf, remembered
from pages.components.tables import pixel_table

GRID_SIZE = 60
ALL = "all"
TRAINING, TEST = "training", "test"


def show_shapes(dataset: Dataset) -> None:
    """Draw a table of the four arrays."""
    arrays = {
        "train_images": "grey values, one image per row",
        "train_labels": "the class of each image",
        "test_images": "held out: only for measuring",
        "test_labels": "the class of each image",
    }
    rows = []
    for name, meaning in arrays.items():
        array = getattr(dataset, name)
        values = f"{array.min()} to {array.max()}"
        rows.append((name, str(array.shape), str(array.dtype), values, f"{array.nbytes / 1e6:.2f} MB", meaning))
    st.dataframe(
        pd.DataFrame(rows, columns=["array", "shape", "dtype", "values", "memory", "meaning"]), hide_index=True
    )


def show_one_image(dataset: Dataset) -> None:
    """Draw one image by matplotlib, and the numbers it consists of."""
    picked = pick_image(dataset)
    drawing, numbers = st.columns([1, 2.5], gap="medium")
    with drawing:
        st.pyplot(digit_figure(picked.image), width="stretch")
        known = dataset.known_of(SPLITS[picked.split], picked.index)
        st.caption(f"Image {picked.index:,} of the {picked.split}, drawn by `imshow`.{f' {known}' if known else ''}")
    with numbers:
        height, width = picked.image.shape
        pixel_table(picked.image, digits=0)
        st.caption(
            f"The same image as the computer stores it: {height}x{width} whole numbers, from 0 (black) to 255 (white)."
        )


def show_grid(dataset: Dataset) -> None:
    """Draw a random sample of one split and class."""
    classes = dataset.classes
    options = (ALL, *range(len(classes)))
    from_split = remembered("grid_split", "training set", url="from", parse=OneOf(tuple(SPLITS)))
    of_class = remembered("grid_class", ALL, url="class", parse=OneOf(options))
    from_seed = remembered("grid_seed", 1, url="seed", parse=NumberIn(0, 2**32 - 1))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("From", list(SPLITS), width=160, **from_split.widget)
        st.selectbox("Class", options, format_func=option(classes), width=picker_width(classes, 120), **of_class.widget)
        st.number_input("Random seed", 0, 2**32 - 1, width=180, **from_seed.widget)
    split, label, seed = from_split.value, of_class.value, from_seed.value
    images, labels = split_arrays(dataset, split)
    candidates = np.arange(len(labels)) if label == ALL else np.flatnonzero(labels == label)
    if not len(candidates):
        st.info(f"The {split} has no image of class {classes[label]}: choose another class.", icon=":material/info:")
        return
    chosen = np.random.default_rng(seed).permutation(candidates)[:GRID_SIZE]
    digit_grid(
        images[chosen],
        [tile_caption(classes, labels[index]) for index in chosen],
        [_about(dataset, split, index, classes[labels[index]].plain) for index in chosen],
        size=tile_size(classes, 64),
    )
    st.caption(f"{len(chosen)} of {len(candidates):,} images, each with its label. Another seed draws other images.")


def _about(dataset: Dataset, split: str, index: int, label: str) -> str:
    known = dataset.known_of(SPLITS[split], index).plain
    return f"label {label}, image {index:,} of the {split}{f', {known}' if known else ''}"


def show_balance(dataset: Dataset) -> None:
    """Draw the number of images of each class."""
    names = dataset.classes.plain()
    counts = pd.concat(
        pd.DataFrame({"class": names, "images": np.bincount(labels, minlength=len(names)), "split": split})
        for split, labels in ((TRAINING, dataset.train_labels), (TEST, dataset.test_labels))
    )
    chart = (
        alt.Chart(counts, height=chart_height(dataset.classes, 260))
        .mark_bar()
        .encode(
            alt.X("class:N", sort=names, axis=class_axis(dataset.classes)),
            alt.Y("images:Q", title="images"),
            alt.Color(
                "split:N",
                title=None,
                scale=alt.Scale(domain=[TRAINING, TEST], range=["#4c78d8", "#e8833a"]),
                legend=alt.Legend(orient="top"),
            ),
            alt.XOffset("split:N", sort=[TRAINING, TEST]),
            tooltip=["class:N", "split:N", alt.Tooltip("images:Q", format=",")],
        )
    )
    st.altair_chart(chart, key="balance")
    training = np.bincount(dataset.train_labels, minlength=len(names))
    st.caption(
        f"The rarest class of the training set has {training.min():,} images, the most frequent {training.max():,}."
    )


def show_means(dataset: Dataset) -> None:
    """Draw the mean image of each class of the training set."""
    means, counts = _class_means(dataset, dataset.checksums)
    classes = dataset.classes
    digit_grid(
        means,
        [tile_caption(classes, label, f"{count:,}") for label, count in enumerate(counts)],
        [
            f"mean of {count:,} training images of class {name.plain}"
            for name, count in zip(classes, counts, strict=True)
        ],
        size=tile_size(classes, 84),
    )
    st.caption(
        "The mean of all training images of each class, and their number. The blurrier the mean, the more the "
        "images of its class differ."
    )


@st.cache_resource(max_entries=4, show_spinner="Averaging the images of each class …")
def _class_means(_dataset: Dataset, checksums: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    means = class_means(_dataset.train_images, _dataset.train_labels, _dataset.num_classes)
    return np.rint(means).astype(np.uint8), np.bincount(_dataset.train_labels, minlength=_dataset.num_classes)


def choose_data() -> None:
    """Draw the ways to other data, which are there as well when the data in use can't be loaded."""
    with st.expander("Named data sets", icon=":material/library_books:"):
        show_named_sets()
    with st.expander("Use other data", icon=":material/folder_open:"):
        show_other_data()


with page(__file__):
    st.title("Dataset")
    try:
        dataset = current_dataset()
    except DatasetError as error:
        show_error(error)
        choose_data()
        st.stop()
    st.markdown(f"What the network learns from. In use: **{UntrustedText(dataset.description)}**.")
    show_data_warnings()
    choose_data()

    st.subheader("Four arrays")
    show_shapes(dataset)
    st.subheader("One image and its numbers")
    show_one_image(dataset)
    st.subheader("A random sample")
    show_grid(dataset)
    st.subheader("Class balance")
    show_balance(dataset)
    st.subheader(f"The mean {dataset.noun} of each class")
    show_means(dataset)

    code_behind(read_idx, class_means)
    st.page_link(
        "pages/preprocessing.py",
        label="Next: how an image is prepared for the network",
        icon=":material/arrow_forward:",
    )
