"""What may happen while something hostile is read: an error of the boundary with its sentence, in time and memory."""

import faulthandler
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis.strategies import SearchStrategy

from mnist_core.errors import LONGEST_MESSAGE, MnistError

SECONDS = 2.0
"""Of processor time: a machine shared with others makes nothing hang."""

BYTES = 300_000_000
"""Above what the process had when it began to read."""

FURTHER_BYTES = 2_000_000_000
"""Of address space above the start: an allocation beyond fails at once."""

PATIENCE = 60.0
"""Seconds until a process that waits for something is ended, with a traceback."""

LONGEST_SENTENCE = LONGEST_MESSAGE + 500


class Unbounded(BaseException):
    """An input took too long or too much memory. No ``except Exception`` may swallow it."""


def limit_process() -> None:
    """Bound the address space of this process, and write no core."""
    soft = _address_space() + FURTHER_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _address_space() -> int:
    pages = Path("/proc/self/statm").read_text().split()[0]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(reset: bool = False) -> int:
    """Most memory that this process had, since the last reset where the system can reset it."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(peak.split()[1])


class Guard:
    """Watches one input after another: ``with guard.reading(): ...``. Make it when everything is imported and warm."""

    def __init__(self) -> None:
        peak_bytes(reset=True)
        self.start = self.most = peak_bytes()
        self.slowest = 0.0
        signal.signal(signal.SIGPROF, self._too_long)

    def _too_long(self, *_: object) -> None:
        raise Unbounded(f"took more than {SECONDS:g} s of processor time")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise `Unbounded` if the body takes too long or too much memory."""
        peak_bytes(reset=True)
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        began = time.process_time()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.cancel_dump_traceback_later()
        seconds, peak = time.process_time() - began, peak_bytes()
        self.slowest, self.most = max(self.slowest, seconds), max(self.most, peak)
        if seconds > SECONDS:  # in one call into C, where no signal is handled
            raise Unbounded(f"took {seconds:.1f} s of processor time")
        if peak - self.start > BYTES:
            raise Unbounded(f"took {(peak - self.start) / 1e6:.0f} MB above the start")


def check_sentence(error: MnistError | str) -> None:
    """Check that there is a sentence for a person; pages clean it, and standard error escapes what it can't encode."""
    text = str(error)
    assert text.strip(), "an error without a sentence"
    assert len(text) <= LONGEST_SENTENCE, f"a sentence of {len(text):,} characters: {text[:200]}"


class Reader(NamedTuple):
    """What is read: hostile inputs, and the function that reads one; it may raise an MnistError and nothing else."""

    inputs: SearchStrategy[Any]
    read: Callable[[Any], object]


def tried(action: Callable[[], Any]) -> Any:
    """The result of an action; None if it was refused with a sentence."""
    try:
        return action()
    except MnistError as error:
        check_sentence(error)
        return None
