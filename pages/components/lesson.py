"""What the steps of a lesson share: the way through them, and arrays beside their names."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.errors import callback
from pages.components.state import NumberIn, remembered
from pages.components.tables import SHOWN_COLUMNS, SHOWN_ROWS, number_table


class Step(NamedTuple):
    """One step: its title, a name short enough for a button, and the function that draws it."""

    title: str
    name: str
    draw: Callable


def pick_step(steps: Sequence[Step]) -> int:
    """Draw the navigation between the steps; return the number of the step to show, from 1."""
    count = len(steps)
    chosen = remembered("lesson_step", 1, url="step", parse=NumberIn(1, count))
    step = chosen.value
    st.pills(
        "Step",
        range(1, count + 1),
        label_visibility="collapsed",
        required=True,
        format_func=lambda number: f"{number} {steps[number - 1].name}",
        **chosen.widget,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back", icon=":material/arrow_back:", disabled=step == 1, on_click=callback(chosen.set), args=(step - 1,)
        )
        st.button(
            "Next step",
            icon=":material/arrow_forward:",
            type="primary",
            disabled=step == count,
            on_click=callback(chosen.set),
            args=(step + 1,),
        )
        st.caption(f"Step {step} of {count}", width="content")
    st.progress(step / count)
    return step


class Shown(NamedTuple):
    """An array of shape (R, C), its name, the names of its rows and columns, and the part of it to show."""

    name: str
    numbers: np.ndarray
    rows: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    digits: int = 3
    row_window: slice = slice(0, SHOWN_ROWS)
    column_window: slice = slice(0, SHOWN_COLUMNS)


def show_arrays(*arrays: Shown) -> None:
    """Show arrays as coloured tables, side by side if the screen is wide enough."""
    with st.container(horizontal=True, gap="medium"):
        for array in arrays:
            with st.container(width="content", gap=None):
                height, width = array.numbers.shape
                st.caption(f"**{array.name}** · {height} × {width}")
                number_table(*array[1:4], array.digits, array.row_window, array.column_window)
