"""What the steps of a lesson share: where one stands, and arrays beside their names."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.tables import SHOWN_COLUMNS, SHOWN_ROWS, number_table


class Step(NamedTuple):
    """One step: its title, a name short enough for a button, and what draws it."""

    title: str
    name: str
    draw: Callable


def pick_step(steps: Sequence[Step]) -> int:
    """Draw the way through the steps; return the one to show, from 1. It lives in the address as ``?step=``."""
    state, count = st.session_state, len(steps)
    step = _asked_step(count)

    def go(to: int) -> None:
        state["lesson_step"] = to
        st.query_params["step"] = str(to)

    def read() -> None:
        go(state["lesson_pill"] or step)

    state["lesson_step"] = state["lesson_pill"] = step
    st.query_params["step"] = str(step)
    st.pills(
        "Step", range(1, count + 1), key="lesson_pill", on_change=read, label_visibility="collapsed",
        format_func=lambda number: f"{number} {steps[number - 1].name}",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Back", icon=":material/arrow_back:", disabled=step == 1, on_click=go, args=(step - 1,))
        st.button(
            "Next step", icon=":material/arrow_forward:", type="primary", disabled=step == count, on_click=go,
            args=(step + 1,),
        )  # fmt: skip
        st.caption(f"Step {step} of {count}", width="content")
    st.progress(step / count)
    return step


def _asked_step(count: int) -> int:
    """The step of the address, else that of this session, else the first."""
    text = st.query_params.get("step")
    if text is not None and text.isascii() and text.isdigit() and 1 <= int(text) <= count:
        return int(text)
    if text is not None:
        st.warning(f"There is no step {text!r}: choose one from 1 to {count}.", icon=":material/search_off:")
    return st.session_state.get("lesson_step", 1)


class Shown(NamedTuple):
    """An array of shape (R, C) with its name and what its rows and columns are called; and which part to show."""

    name: str
    numbers: np.ndarray
    rows: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    digits: int = 3
    row_window: slice = slice(0, SHOWN_ROWS)
    column_window: slice = slice(0, SHOWN_COLUMNS)


def show_arrays(*arrays: Shown) -> None:
    """Show arrays as coloured tables, side by side where the screen has room."""
    with st.container(horizontal=True, gap="medium"):
        for array in arrays:
            with st.container(width="content", gap=None):
                height, width = array.numbers.shape
                st.caption(f"**{array.name}** · {height} × {width}")
                number_table(*array[1:4], array.digits, array.row_window, array.column_window)
