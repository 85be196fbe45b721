"""A choice that is made in a part of the page and changes all of it."""

import streamlit as st

from pages.components.data import Choice, choose

CHOSEN = "data_chosen_in_a_part"


def choose_here(choice: Choice) -> None:
    """Use other data in this session, from a callback of a fragment; DatasetError if it can't be loaded."""
    choose(choice)
    st.session_state[CHOSEN] = True


def draw_page_if_chosen() -> None:
    """Draw the whole page again if a callback of this fragment chose other data: all of it shows them."""
    if st.session_state.pop(CHOSEN, False):
        st.rerun()
