"""Choose one image of the data set; the choice outlives a change of the page."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from mnist_core.data.dataset import Dataset

SPLITS = {"training set": "train", "test set": "test"}


class Picked(NamedTuple):
    """One image and where it stands."""

    image: np.ndarray
    label: int
    split: str
    index: int


def split_arrays(dataset: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a split, named as in :data:`SPLITS`."""
    prefix = SPLITS[split]
    return getattr(dataset, f"{prefix}_images"), getattr(dataset, f"{prefix}_labels")


def pick_image(dataset: Dataset) -> Picked:
    """Draw the split, the index and a button for a random one; return the image chosen."""
    state = st.session_state
    state.setdefault("picked", ("training set", 0))
    split, index = state["picked"]
    images, labels = split_arrays(dataset, split)
    index = min(index, len(labels) - 1)
    state["picked_split"], state["picked_index"] = split, index

    def random_one() -> None:
        state["picked"] = (split, int(np.random.default_rng().integers(len(labels))))

    def read() -> None:
        state["picked"] = (state["picked_split"] or split, state["picked_index"])

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Split", list(SPLITS), key="picked_split", on_change=read)
        st.number_input(
            f"Index (0 to {len(labels) - 1:,})", 0, len(labels) - 1, key="picked_index", on_change=read, width=170
        )
        st.button("Another one at random", icon=":material/casino:", on_click=random_one)
    return Picked(images[index], int(labels[index]), split, index)
