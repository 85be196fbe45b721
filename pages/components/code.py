"""The code behind a page: the source of the functions that produced it."""

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


def excerpt(function: Callable, first: str, last: str | None = None) -> str:
    """Lines of a function's source, below its docstring, from the line that begins with ``first`` to that of ``last``.

    Raises
    ------
    ValueError
        If no line begins like that: the function was rewritten.
    """
    lines = inspect.getsource(function).splitlines()
    quoted = [number for number, line in enumerate(lines) if '"""' in line]
    body = range(quoted[-1] + 1 if quoted else 1, len(lines))
    for start in body:
        if lines[start].strip().startswith(first):
            for end in range(start, len(lines)):
                if lines[end].strip().startswith(last or first):
                    return textwrap.dedent("\n".join(lines[start : end + 1]))
    raise ValueError(f"{function.__qualname__} has no lines from {first!r} to {last or first!r}.")


def show_excerpt(function: Callable, first: str, last: str | None = None) -> None:
    """Show lines of a function, see :func:`excerpt`, under its full name."""
    st.caption(f"`{function.__module__}.{function.__qualname__}`")
    st.code(excerpt(function, first, last), language="python", wrap_lines=True)
