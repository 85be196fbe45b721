"""What a person chose: every value that outlives a rerun, with its default, its place in the address and its parser.

Streamlit forgets a widget that a run does not draw, and empties the address on a page switch. A remembered value
survives both. It comes from the address, else from this session, else it is the default; the default is left out of the
address.

    errors_only = remembered("errors_only", False, url="errors", parse=parse_bool)
    st.toggle("Errors only", **errors_only.widget)
    if errors_only.value: ...

All of it lives in one dictionary, ``st.session_state["remembered"]``. Values of widgets and of anything else (the run
looked at, a cell of a table) are remembered alike: `Remembered.set` is for buttons and callbacks.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_core.untrusted import UntrustedText
from pages.components.errors import callback

REMEMBERED = "remembered"
PAGE = "page_of_widgets"
STALE_SECONDS = 2.0
LONGEST_SHOWN = 300
"""Characters of a value of the address that a warning quotes."""
Parser = Callable[[str], Any]


@dataclass
class _Entry:
    """What the session keeps of a value: also the parser, and the text that the last change replaced, and when."""

    value: Any
    parse: Parser
    replaced: str | None = None
    changed: float = 0.0
    fresh: bool = True


@dataclass(frozen=True)
class Remembered:
    """A value of this session under a key, see `remembered`."""

    key: str
    default: Any
    url: str | None

    @property
    def _entry(self) -> _Entry:
        return st.session_state[REMEMBERED][self.key]

    @property
    def value(self) -> Any:
        """The value now, also inside a fragment or a callback that runs later."""
        return self._entry.value

    def set(self, value: Any) -> None:
        """Change the value, in the session and in the address; the widget follows when it is drawn next."""
        entry = self._entry
        if self.url:
            entry.replaced, entry.changed = st.query_params.get(self.url), time.monotonic()
        entry.value = value
        self._write_address()

    def show_again(self) -> None:
        """Give the widget its value again when it is drawn next, as where an option has another label now."""
        self._entry.fresh = True

    @property
    def widget(self) -> dict[str, Any]:
        """Arguments that bind a widget to the value: its key and its callback. Ask for them right where it is drawn."""
        # A widget that is given a value jumps back under the hand that drags it, so give one only where it is needed.
        entry = self._entry
        if entry.fresh or self.key not in st.session_state or st.session_state[self.key] != entry.value:
            st.session_state[self.key] = entry.value
            entry.fresh = False
        return {"key": self.key, "on_change": callback(self._read_widget)}

    def _read_widget(self) -> None:
        self.set(st.session_state[self.key])

    def _write_address(self) -> None:
        if not self.url:
            return
        if self.value == self.default:
            st.query_params.pop(self.url, None)
        elif st.query_params.get(self.url) != (text := to_text(self.value)):
            st.query_params[self.url] = text


def enter_page(page: str) -> None:
    """Give each widget its value again after a page switch: there, Streamlit takes its key for a new widget."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        for entry in st.session_state.get(REMEMBERED, {}).values():
            entry.fresh = True


def remembered(key: str, default: Any, url: str | None = None, parse: Parser = str) -> Remembered:
    """Find a value: in the address, else in the session, else the default; and write it back to both.

    Parameters
    ----------
    key : str
        Name of the value in this session, and key of its widget.
    default : object
        Value until somebody chooses.
    url : str, optional
        Name in the address; without, the value is this session's alone.
    parse : callable
        Turns the text of the address into a value; raises ValueError with what it expects. A value of the session that
        it no longer accepts, because the page now shows another run, gives way to the default. Parsers that are equal
        accept the same texts.
    """
    entries = st.session_state.setdefault(REMEMBERED, {})
    entry = entries.setdefault(key, _Entry(default, parse))
    found = Remembered(key, default, url)
    if entry.parse != parse:
        entry.parse, entry.fresh = parse, True
    known = to_text(entry.value)
    if entry.value != default and not _accepts(parse, known):
        entry.value = default
    if url:
        text = st.query_params.get(url, known)
        # A request that left the browser just before the last change still carries the text that it replaced.
        stale = text == entry.replaced and time.monotonic() - entry.changed < STALE_SECONDS
        if text != known and not stale:
            _take(entry, url, text)
        found._write_address()
    return found


def _accepts(parse: Parser, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _take(entry: _Entry, url: str, text: str) -> None:
    try:
        entry.value = entry.parse(text)
    except ValueError as error:
        warn_of_address(url, text, error)


def warn_of_address(name: str, text: str, error: Exception) -> None:
    """Say which value of the address is ignored, and why."""
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    reason = str(error).removesuffix(".").replace(text, shown)
    warning = UntrustedText(f"The address says {name}={shown}, which is ignored: {reason}.")
    st.warning(warning.markdown, icon=":material/link_off:")


def to_text(value: Any) -> str:
    """Write a value as the address has it: yes or no, parts joined by commas, numbers in short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(map(to_text, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def parse_bool(text: str) -> bool:
    """Read yes or no."""
    if text not in ("yes", "no"):
        raise ValueError("expected yes or no")
    return text == "yes"


@dataclass(frozen=True)
class OneOf:
    """Parser of one of a few options."""

    options: Sequence[Any]

    def __call__(self, text: str) -> Any:
        for option in self.options:
            if to_text(option) == text:
                return option
        names = [to_text(option) for option in self.options]
        shown = names if len(names) <= 12 else [*names[:5], "...", names[-1]]
        raise ValueError(f"expected one of {', '.join(shown)}" if names else "there is nothing to choose from")


@dataclass(frozen=True)
class SomeOf:
    """Parser of several of a few options, joined by commas; gives a list."""

    options: Sequence[Any]

    def __call__(self, text: str) -> list[Any]:
        parse = OneOf(self.options)
        return [parse(part) for part in dict.fromkeys(text.split(","))] if text else []


@dataclass(frozen=True)
class NumberIn:
    """Parser of a number from ``low`` to ``high``: of a whole one if ``low`` is an int."""

    low: float
    high: float

    def __call__(self, text: str) -> float:
        kind, noun = (int, "a whole number") if isinstance(self.low, int) else (float, "a number")
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not self.low <= number <= self.high:
            raise ValueError(f"expected {noun} from {self.low:,} to {self.high:,}")
        return number


@dataclass(frozen=True)
class RangeIn:
    """Parser of two numbers from ``low`` to ``high``, the smaller one first, joined by a comma; gives a tuple."""

    low: float
    high: float

    def __call__(self, text: str) -> tuple[float, float]:
        parse = NumberIn(self.low, self.high)
        try:
            first, last = map(parse, text.split(","))
        except ValueError:
            first, last = 1, 0
        if first > last:
            raise ValueError(f"expected two numbers from {self.low:,} to {self.high:,}, such as {self.low},{self.high}")
        return first, last
