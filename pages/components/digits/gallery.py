"""A gallery of the images of a split: filtered, sorted, paged; a click opens an image."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.evaluation.predict import PerImage
from mnist_core.runs.run import Run
from pages.components.class_names import HEAD, option, picker_width, tile_caption, tile_size
from pages.components.data import Choice as DataChoice
from pages.components.digits.grid import digit_grid, pick_page
from pages.components.digits.picker import SPLITS
from pages.components.runs.picker import evaluation_of, images_of
from pages.components.state import OneOf, Parser, RangeIn, Remembered, remembered

PAGE_SIZE = 100
ANY = "any"
OUTCOMES = {"wrong": "misclassified", "right": "correct", "all": "all"}
"""Outcomes as the address has them, and as people read them."""
ORDERS = {
    "most confident": ("confidence", -1),
    "least confident": ("confidence", 1),
    "smallest margin": ("margin", 1),
    "largest loss": ("loss", -1),
    "index": (None, 1),
}


@dataclass(frozen=True)
class Choice:
    """Which images are shown, and in which order."""

    split: str = "test set"
    true: int | str = ANY
    predicted: int | str = ANY
    outcome: str = "wrong"
    order: str = "most confident"
    confidence: tuple[float, float] = (0.0, 1.0)

    @property
    def is_cell(self) -> bool:
        """Whether it is one cell of the confusion table."""
        return ANY not in (self.true, self.predicted)


def _filters(classes: int) -> dict[str, Remembered]:
    """Each field of a :class:`Choice` as it is remembered."""
    label = OneOf((ANY, *range(classes)))
    places: dict[str, tuple[str, Parser]] = {
        "split": ("split", OneOf(tuple(SPLITS))),
        "true": ("true", label),
        "predicted": ("pred", label),
        "outcome": ("show", OneOf(tuple(OUTCOMES))),
        "order": ("sort", OneOf(tuple(ORDERS))),
        "confidence": ("confidence", RangeIn(0.0, 1.0)),
    }
    return {
        field.name: remembered(f"choice_{field.name}", field.default, *places[field.name]) for field in fields(Choice)
    }


def read_choice(classes: int) -> Choice:
    """Choice of the address, else of this session."""
    return Choice(**{name: found.value for name, found in _filters(classes).items()})


def write_choice(choice: Choice, classes: int) -> None:
    """Change the choice, in the session and in the address."""
    for name, found in _filters(classes).items():
        found.set(getattr(choice, name))


def column_names(classes: Classes) -> list[str]:
    """Names of the columns of the confusion table, one for each predicted label."""
    return [f"→ {name}" for name in classes.plain(HEAD)]


def choice_of_cell(cells: Sequence[Sequence], classes: Classes) -> Choice:
    """The images of a clicked cell of the confusion table, given as row and name of a column; without one, all errors.

    The browser also sends cells of the column of row names, which are none of ours.
    """
    predicted = {name: label for label, name in enumerate(column_names(classes))}
    for row, column in cells[:1]:
        if row in range(len(classes)) and column in predicted:
            return Choice(true=row, predicted=predicted[column])
    return Choice()


def select(choice: Choice, labels: np.ndarray, digits: PerImage) -> np.ndarray:
    """Positions of the chosen images in the chosen order."""
    low, high = choice.confidence
    keep = (digits.confidence >= low) & (digits.confidence <= high)
    if choice.true != ANY:
        keep &= labels == choice.true
    if choice.predicted != ANY:
        keep &= digits.predicted == choice.predicted
    if choice.outcome != "all" and not choice.is_cell:
        keep &= (digits.predicted == labels) == (choice.outcome == "right")
    chosen = np.flatnonzero(keep)
    measure, sign = ORDERS[choice.order]
    if measure:
        chosen = chosen[np.argsort(sign * getattr(digits, measure)[chosen], kind="stable")]
    return chosen


def show_gallery(run: Run, classes: Classes, on: DataChoice | None = None) -> int | None:
    """Draw filters and images, those of the test set from other data if given; return the index of a clicked one."""
    choice = edit_choice(classes)
    result = evaluation_of(run, choice.split, on)
    digits = result.digits
    chosen = select(choice, result.labels, digits)
    if not len(chosen):
        _say_empty(choice, classes)
        return None
    on_page = pick_page("gallery", len(chosen), PAGE_SIZE, f"{run.id} {choice} {on}")
    shown = chosen[on_page]
    images, labels = images_of(run, choice.split, on)
    clicked = digit_grid(
        images[shown],
        [tile_caption(classes, labels[n], f"{digits.confidence[n]:.0%}", digits.predicted[n]) for n in shown],
        [
            f"{choice.split.split()[0]} image {n:,}: true label {classes[labels[n]].plain}, predicted "
            f"{classes[digits.predicted[n]].plain} with a confidence of {digits.confidence[n]:.1%}"
            for n in shown
        ],
        size=tile_size(classes, 84),
        key=f"gallery_{run.id}_{choice.split}_{on}",
        indices=shown,
    )
    st.caption(
        f"Images {on_page.start + 1:,} to {on_page.stop:,} of {len(chosen):,}: true label → predicted label and its "
        "confidence. Click an image to see why."
    )
    return clicked if clicked is not None and clicked in range(len(labels)) else None


def edit_choice(classes: Classes) -> Choice:
    """Draw the filters, and return the choice."""
    choice, filters = read_choice(len(classes)), _filters(len(classes))
    labels, named = (ANY, *range(len(classes))), option(classes)
    narrow, wide = picker_width(classes, 110), picker_width(classes, 130)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Images of the", list(SPLITS), required=True, **filters["split"].widget)
        st.segmented_control(
            "Outcome",
            list(OUTCOMES),
            format_func=OUTCOMES.__getitem__,
            disabled=choice.is_cell,
            required=True,
            **filters["outcome"].widget,
        )
        st.selectbox("True label", labels, format_func=named, width=narrow, **filters["true"].widget)
        st.selectbox("Predicted label", labels, format_func=named, width=wide, **filters["predicted"].widget)
        st.selectbox("Sort by", list(ORDERS), width=170, **filters["order"].widget)
        st.slider("Confidence", 0.0, 1.0, step=0.01, width=220, **filters["confidence"].widget)
    return choice


def _say_empty(choice: Choice, classes: Classes) -> None:
    if choice == Choice():
        st.success("No test image is misclassified.", icon=":material/celebration:")
        return
    conditions = [f"true label {classes[int(choice.true)]}"] if choice.true != ANY else []
    conditions += [f"predicted label {classes[int(choice.predicted)]}"] if choice.predicted != ANY else []
    conditions += [f"outcome “{OUTCOMES[choice.outcome]}”"] if choice.outcome != "all" and not choice.is_cell else []
    low, high = choice.confidence
    conditions += [f"a confidence of {low:.0%} to {high:.0%}"] if (low, high) != (0, 1) else []
    wanted = f" with {', '.join(conditions)}" if conditions else ""
    st.info(f"The {choice.split} has no image{wanted}: choose other filters above.", icon=":material/info:")
