"""One way in for errors: pages, callbacks, fragments and dialogs say what failed in a sentence, and stay."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from mnist_core.errors import MnistError, sentence_of
from mnist_core.untrusted import UntrustedText

_KEPT = "kept_errors"

EXPECTED = (MnistError, OSError)
"""Errors that are told to a person: ours, and those of the disk that no function of the core gave a sentence."""


def show_error(error: Exception | UntrustedText, passing: bool = False) -> None:
    """Show an error as its sentence, which may quote what a file, an address or a person wrote.

    With ``passing``, it lies on top of the page for a while, whatever is drawn meanwhile.
    """
    text = error if isinstance(error, UntrustedText) else UntrustedText(sentence_of(error))
    if passing:
        st.toast(text.markdown, icon=":material/error:", duration="long")
    else:
        st.error(text.markdown, icon=":material/error:")


@contextmanager
def errors_shown(live: bool = False) -> Iterator[bool]:
    """Show the errors that callbacks kept, then draw the body; an expected error ends it with its sentence.

    Parameters
    ----------
    live : bool
        Whether the body is drawn again every second, which would take away the errors that callbacks kept.

    Yields
    ------
    bool
        Whether a callback kept an error.
    """
    kept = st.session_state.pop(_KEPT, [])
    for error in kept:
        show_error(error, passing=live)
    try:
        yield bool(kept)
    except EXPECTED as error:
        show_error(error)


def keep_error(error: Exception) -> None:
    """Keep an error for the top of the page, fragment or dialog that is drawn next."""
    st.session_state.setdefault(_KEPT, []).append(error)


def callback(function: Callable[..., object]) -> Callable[..., None]:
    """Guard a callback for ``on_click``, ``on_change`` and the like: an expected error is kept, see `keep_error`."""

    @functools.wraps(function)
    def guarded(*args: object, **options: object) -> None:
        try:
            function(*args, **options)
        except EXPECTED as error:
            keep_error(error)

    return guarded


def fragment(function: Callable[..., object], run_every: float | None = None) -> Callable[..., None]:
    """Make a ``st.fragment`` that shows its own errors."""

    @functools.wraps(function)
    def guarded(*args: object, **options: object) -> None:
        with errors_shown(live=run_every is not None):
            function(*args, **options)

    return st.fragment(guarded, run_every=run_every)


def dialog(title: str, **options: Any) -> Callable[[Callable[..., bool | None]], Callable[..., None]]:
    """Make a ``st.dialog`` that shows its errors; it closes if the function returns True and no callback failed."""

    def decorate(function: Callable[..., bool | None]) -> Callable[..., None]:
        @functools.wraps(function)
        def guarded(*args: object, **arguments: object) -> None:
            with errors_shown() as failed:
                if function(*args, **arguments) and not failed:
                    st.rerun()

        return st.dialog(title, **options)(guarded)

    return decorate
