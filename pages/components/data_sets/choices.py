"""How files become a data set: size, light and dark, upright, names of classes; with images before and after."""

from dataclasses import replace

import numpy as np
import streamlit as st

from mnist_core.data.fitting import MAX_SIDE
from mnist_core.data.formats.source import ALL, TEST, TRAIN, Source, Split
from mnist_core.data.preparing.class_names import checked_names
from mnist_core.data.preparing.prepare import Choices, Unlabelled, prepare
from mnist_core.data.preprocessing import evenly_spread
from mnist_core.errors import DatasetError
from pages.components.digits.grid import digit_grid
from pages.components.errors import show_error
from pages.components.state import remembered

SHOWN = 10


def edit_choices(source: Source, start: Choices, key: str) -> Choices:
    """Draw the choices, and return them; names that can't be taken are said, and left as they were.

    Parameters
    ----------
    source : Source
    start : Choices
        What is chosen before a person does.
    key : str
        Tells the choices for these files from those for others.
    """
    height, width = start.shape or (28, 28)
    invert = remembered(f"invert {key}", bool(start.invert))
    transpose = remembered(f"transpose {key}", bool(start.transpose))
    rows = remembered(f"height {key}", height)
    columns = remembered(f"width {key}", width)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.toggle("Exchange light and dark", help="Networks learn from light strokes on dark.", **invert.widget)
        st.toggle("Exchange rows and columns", help="EMNIST's images lie on their side.", **transpose.widget)
        st.number_input("Height", 1, MAX_SIDE, width=110, **rows.widget)
        st.number_input("Width", 1, MAX_SIDE, width=110, **columns.widget)
    chosen = replace(start, invert=invert.value, transpose=transpose.value, shape=(int(rows.value), int(columns.value)))
    if any(split.labels is not None for split in source.splits.values()):
        chosen = _edit_names(source, chosen, key)
        chosen = _edit_split(source, chosen, key)
    return chosen


def _edit_names(source: Source, chosen: Choices, key: str) -> Choices:
    first = chosen.first_label or 0
    highest = max(
        int(split.labels.max()) for split in source.splits.values() if split.labels is not None and len(split.labels)
    )
    names = chosen.class_names or tuple(str(label) for label in range(highest - first + 1))
    text = remembered(f"class names {key}", "\n".join(names))
    with st.popover(f"Names of the {len(names)} classes", icon=":material/label:"):
        st.text_area(
            "A name a line, from class 0 on",
            height=240,
            help="As they stand in tables, charts and exports.",
            **text.widget,
        )
    typed = tuple(line for line in text.value.splitlines() if line.strip())
    if typed == names:
        return chosen
    try:
        checked = checked_names(typed, "The class names")
        if len(checked) <= highest - first:
            raise DatasetError(
                f"Found {len(checked)} class names, but labels of {highest - first + 1} classes: add the missing names."
            )
    except DatasetError as error:
        show_error(error)
        return chosen
    return replace(chosen, class_names=checked)


def _edit_split(source: Source, chosen: Choices, key: str) -> Choices:
    """Draw how many images are held back, where the files have no test set of their own."""
    labelled = {name for name, split in source.splits.items() if split.labels is not None and len(split.images)}
    if TEST in labelled and labelled & {TRAIN, ALL}:
        return chosen
    share = remembered(f"test share {key}", round(100 * chosen.test_share))
    st.slider("Held back for testing, in %", 1, 50, help="Of each class its share, at random.", **share.widget)
    return chosen if share.value == round(100 * chosen.test_share) else replace(chosen, test_share=share.value / 100)


def show_preview(source: Source, choices: Choices) -> None:
    """Draw some images as they are in the files, and below as they would be."""
    split = max(source.splits.values(), key=lambda split: (split.labels is not None, len(split.images)))
    some = _spread(split)
    images = split.images[some]
    after = prepare(replace(source, splits={ALL: Split(images, None)}), replace(choices, class_names=None))
    assert isinstance(after, Unlabelled)
    before = images[..., :3] if images.ndim == 4 else images
    names = _names(split, some, choices)
    if before.shape[1] > 1:  # rows of pixels whose height is not known have no picture
        st.markdown("**Before**")
        digit_grid(before, names, [f"as in the files: {name}" for name in names], size=72)
    st.markdown("**After**")
    digit_grid(after.images, names, [f"as it would be: {name}" for name in names], size=72)


def _spread(split: Split) -> np.ndarray:
    """Positions of some images: one of each class, if there are labels and few classes."""
    if split.labels is None:
        return evenly_spread(len(split.images), SHOWN)
    _, first = np.unique(split.labels, return_index=True)
    rest = np.setdiff1d(np.arange(min(len(split.images), 10 * SHOWN)), first)
    return np.concatenate([first, rest])[:SHOWN]


def _names(split: Split, some: np.ndarray, choices: Choices) -> list[str]:
    if split.labels is None:
        return [f"{number:,}" for number in some]
    first, names = choices.first_label or 0, choices.class_names or ()
    labels = split.labels[some] - first
    return [names[label] if 0 <= label < len(names) else str(label) for label in labels]
