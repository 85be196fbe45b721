"""The code behind: the very source of what produced the screen."""

import inspect
import textwrap
from collections.abc import Callable

import streamlit as st


def code_behind(*functions: Callable) -> None:
    """Show the source of each function in an expander, under its full name."""
    with st.expander("The code behind this page", icon=":material/code:"):
        for function in functions:
            st.caption(f"`{function.__module__}.{function.__qualname__}`")
            st.code(textwrap.dedent(inspect.getsource(function)), language="python")
