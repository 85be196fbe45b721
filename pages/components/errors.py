"""One way in for errors: pages, callbacks, fragments and dialogs show an `MnistError` as its sentence and stay in place."""

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from mnist_core.errors import MnistError

_PENDING = "pending_errors"


def plain(text: str) -> str:
    """Escape Markdown's special characters in text that people wrote."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:-])", r"\\\1", text)


def show_error(error: MnistError | OSError) -> None:
    """Show an error as its sentence."""
    st.error(_sentence(error), icon=":material/error:")


def _sentence(error: MnistError | OSError) -> str:
    if isinstance(error, MnistError):
        return str(error)
    where = f" at {error.filename}" if error.filename else ""
    return f"The file system reports an error{where}: {error.strerror or error}. Check free space and permissions."


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show the errors that callbacks kept, then draw the body, which ends with the sentence of an error it raises."""
    for message in st.session_state.pop(_PENDING, []):
        st.error(message, icon=":material/error:")
    try:
        yield
    except (MnistError, OSError) as error:
        show_error(error)


def keep_error(error: MnistError | OSError) -> None:
    """Keep an error for the top of the page, or of the fragment, that is drawn next."""
    st.session_state.setdefault(_PENDING, []).append(_sentence(error))


def callback(function: Callable[..., object]) -> Callable[..., None]:
    """Make a callback for `on_click` or `on_change` that keeps the error it raises; see `keep_error`."""

    @functools.wraps(function)
    def guarded(*args: object, **kwargs: object) -> None:
        try:
            function(*args, **kwargs)
        except (MnistError, OSError) as error:
            keep_error(error)

    return guarded


def fragment(function: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
    """`st.fragment`, with errors shown inside the fragment."""
    return st.fragment(_drawn(function), run_every=run_every)


def dialog(title: str, **options: object) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`st.dialog`, with errors shown inside the dialog."""
    return lambda function: st.dialog(title, **options)(_drawn(function))


def _drawn(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def guarded(*args: object, **kwargs: object) -> None:
        with errors_shown():
            function(*args, **kwargs)

    return guarded
