"""Choose one image of the data set."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from mnist_core.data.dataset import Dataset
from pages.components.errors import callback
from pages.components.state import NumberIn, OneOf, remembered

SPLITS = {"training set": "train", "test set": "test"}


class Picked(NamedTuple):
    """One image, its label, its split and its index in the split."""

    image: np.ndarray
    label: int
    split: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here


def split_arrays(dataset: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a split, named as in :data:`SPLITS`."""
    prefix = SPLITS[split]
    return getattr(dataset, f"{prefix}_images"), getattr(dataset, f"{prefix}_labels")


def pick_image(dataset: Dataset) -> Picked:
    """Draw the split, the index, a button for a random index, and the label; return the chosen image.

    An index beyond the end of the split becomes its last one.
    """
    split = remembered("picked_split", "training set", url="split", parse=OneOf(tuple(SPLITS)))
    largest = max(len(dataset.train_labels), len(dataset.test_labels)) - 1
    index = remembered("picked_index", 0, url="image", parse=NumberIn(0, largest))
    images, labels = split_arrays(dataset, split.value)
    last = len(labels) - 1
    if index.value > last:
        index.set(last)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Split", list(SPLITS), required=True, **split.widget)
        st.number_input(f"Index (0 to {last:,})", 0, last, width=170, **index.widget)
        st.button(
            "Random image",
            icon=":material/casino:",
            on_click=callback(lambda: index.set(int(np.random.default_rng().integers(len(labels))))),
        )
        st.markdown(f"label: **{dataset.classes[labels[index.value]]}**", width="content")
    return Picked(images[index.value], int(labels[index.value]), split.value, index.value)
