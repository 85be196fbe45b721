"""A gallery of a split's digits: filtered, sorted, paged; a click opens a digit. What is chosen lives in the address."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core.evaluation.predict import PerImage
from mnist_core.runs.run import Run
from pages.components.digits.grid import digit_grid, pick_page
from pages.components.digits.picker import SPLITS, split_arrays
from pages.components.runs.picker import evaluation_of, run_dataset

PAGE_SIZE = 100
ANY = "any"
OUTCOMES = ("wrong", "right", "all")
ORDERS = {
    "most confident": ("confidence", -1),
    "least confident": ("confidence", 1),
    "smallest margin": ("margin", 1),
    "largest loss": ("loss", -1),
    "index": (None, 1),
}


@dataclass(frozen=True)
class Choice:
    """Which digits are shown, and in which order."""

    split: str = "test set"
    true: int | str = ANY
    predicted: int | str = ANY
    outcome: str = OUTCOMES[0]
    order: str = next(iter(ORDERS))
    low: float = 0.0
    high: float = 1.0

    @property
    def is_cell(self) -> bool:
        """Whether it is one cell of the confusion table."""
        return ANY not in (self.true, self.predicted)


URL_NAMES = {"split": "split", "true": "true", "predicted": "pred", "outcome": "show", "order": "sort"}


def read_choice(classes: int) -> Choice:
    """Choice of the address; what is not valid there counts as not there."""
    values = {field: st.query_params.get(name) for field, name in URL_NAMES.items()}
    allowed = {"split": tuple(SPLITS), "outcome": OUTCOMES, "order": tuple(ORDERS)}
    valid = {field: values[field] for field, choices in allowed.items() if values[field] in choices}
    for field in ("true", "predicted"):
        text = values[field] or ""
        if text.isdecimal() and int(text) < classes:
            valid[field] = int(text)
    low, high = st.session_state.get("confidence_range", (0.0, 1.0))
    return Choice(**valid, low=low, high=high)


def write_choice(choice: Choice) -> None:
    """Put into the address what differs from the default."""
    for field, name in URL_NAMES.items():
        value, default = getattr(choice, field), getattr(Choice(), field)
        if value != default:
            st.query_params[name] = str(value)
        elif name in st.query_params:
            del st.query_params[name]


def select(choice: Choice, labels: np.ndarray, digits: PerImage) -> np.ndarray:
    """Positions of the chosen digits in the order asked for."""
    keep = (digits.confidence >= choice.low) & (digits.confidence <= choice.high)
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


def show_gallery(run: Run, classes: int) -> int | None:
    """Draw filters and digits; return the index of the digit that was clicked just now."""
    choice = edit_choice(classes)
    result = evaluation_of(run, choice.split)
    digits = result.digits
    chosen = select(choice, result.labels, digits)
    if not len(chosen):
        _say_empty(choice)
        return None
    on_page = pick_page(len(chosen), PAGE_SIZE, f"{run.id} {choice}")
    shown = chosen[on_page]
    images, labels = split_arrays(run_dataset(run), choice.split)
    clicked = digit_grid(
        images[shown],
        [f"{labels[n]} → {digits.predicted[n]} · {digits.confidence[n]:.0%}" for n in shown],
        [
            f"{choice.split.split()[0]} image {n:,}: true label {labels[n]}, predicted {digits.predicted[n]} with a "
            f"confidence of {digits.confidence[n]:.1%}"
            for n in shown
        ],
        size=84,
        key="gallery",
    )
    st.caption(
        f"Digits {on_page.start + 1:,} to {on_page.stop:,} of {len(chosen):,}: true label → predicted label, and the "
        "confidence in it. Click one to see why."
    )
    return None if clicked is None else int(shown[clicked])


def edit_choice(classes: int) -> Choice:
    """Draw the filters over what the address says, and return what is chosen."""
    now, state = read_choice(classes), st.session_state
    for field in URL_NAMES:
        state[f"choice_{field}"] = getattr(now, field)
    state["confidence_range"] = (now.low, now.high)

    def read() -> None:
        values = {field: state[f"choice_{field}"] for field in URL_NAMES}
        low, high = state["confidence_range"]
        write_choice(Choice(**values, low=low, high=high))
        state["confusion_version"] = state.get("confusion_version", 0) + 1  # its selection may be another one

    options = [ANY, *range(classes)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Digits of the", list(SPLITS), key="choice_split", on_change=read, required=True)
        st.segmented_control(
            "Outcome", OUTCOMES, key="choice_outcome", on_change=read, disabled=now.is_cell, required=True
        )
        st.selectbox("True label", options, key="choice_true", on_change=read, width=110)
        st.selectbox("Predicted label", options, key="choice_predicted", on_change=read, width=130)
        st.selectbox("Sorted by", list(ORDERS), key="choice_order", on_change=read, width=170)
        st.slider("Confidence", 0.0, 1.0, key="confidence_range", step=0.01, on_change=read, width=220)
    return now


def _say_empty(choice: Choice) -> None:
    if choice == Choice():
        st.success("Not a single test digit is misclassified.", icon=":material/celebration:")
        return
    words = [f"No {'test' if choice.split == 'test set' else 'training'} digit"]
    words += [f"with true label {choice.true}"] if choice.true != ANY else []
    words += [f"was predicted as {choice.predicted}"] if choice.predicted != ANY else ["is among these"]
    words += (
        [f"with a confidence of {choice.low:.0%} to {choice.high:.0%}"] if (choice.low, choice.high) != (0, 1) else []
    )
    st.info(f"{' '.join(words)}. Choose others above.", icon=":material/info:")
