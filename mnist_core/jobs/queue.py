"""How many jobs work at once, and who is next: file locks in the runs folder, which a dead process frees by itself.

First come, first served. Whoever asks for a job leaves ``.queue/TICKET.asked``, before its process starts; the process
holds ``.queue/TICKET.lock`` while it waits. A ticket begins with the time of the request, so tickets sort by it.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.errors import ConfigError
from mnist_core.runs.locks import is_held

SLOTS_VARIABLE = "MNIST_CONCURRENT_RUNS"

LOOK_SECONDS = 0.2

ARRIVAL_SECONDS = 10.0
"""For this long a place is kept for a process that was asked for and has not come to the queue."""

MAX_DIGITS = 9


def number_of_slots() -> int:
    """Runs that may train at once: ``MNIST_CONCURRENT_RUNS``, by default as many as the machine has cores.

    Raises
    ------
    ConfigError
        If the variable is not a whole number of at least 1.
    """
    text = os.environ.get(SLOTS_VARIABLE) or str(os.cpu_count() or 1)
    if not text.isdecimal() or len(text) > MAX_DIGITS or int(text) < 1:
        raise ConfigError(
            f"{SLOTS_VARIABLE} is {text[:40]!r}, expected a whole number of at least 1: change or unset it."
        )
    return int(text)


def blas_threads() -> int:
    """Threads of the linear algebra in each run: the cores divided by the runs that may train at once."""
    return max(1, (os.cpu_count() or 1) // number_of_slots())


def ticket_of(asked: float, job_id: str) -> str:
    """Ticket of a job that was asked for at a time, in seconds since 1970."""
    return f"{asked:020.6f}-{job_id}"


def keep_place(folder: Path, ticket: str) -> None:
    """Keep a place for a process that is about to be started.

    Raises
    ------
    OSError
        If the runs folder can't be written.
    """
    _queue(folder).mkdir(exist_ok=True)
    (_queue(folder) / f"{ticket}.asked").touch()


def give_up_place(folder: Path, ticket: str) -> None:
    """Undo :func:`keep_place`, since no process will come."""
    (_queue(folder) / f"{ticket}.asked").unlink(missing_ok=True)


def wait_for_slot(folder: Path, ticket: str, held: ExitStack, while_waiting: Callable[[], None]) -> None:
    """Queue up and return when a slot is ours; it is freed when ``held`` is closed, or this process dies.

    Parameters
    ----------
    folder : Path
        The runs folder.
    ticket : str
        From :func:`ticket_of`; decides who is first.
    held : ExitStack
        Takes the lock of the slot.
    while_waiting : callable
        Called several times a second; an exception that it raises ends the waiting.
    """
    place = _queue(folder) / f"{ticket}.lock"
    place.parent.mkdir(exist_ok=True)
    with FileLock(place):
        place.with_suffix(".asked").unlink(missing_ok=True)
        try:
            while _someone_ahead(place) or not _take_slot(folder, held):
                while_waiting()
                time.sleep(LOOK_SECONDS)
        finally:
            with suppress(OSError):  # Windows keeps a file that is open; the next in the queue removes it
                place.unlink()


def place_in_queue(folder: Path, job_id: str) -> int | None:
    """Place of a job among those that wait, from 1; None if its process does not wait."""
    waiting = sorted({path.stem for path in _queue(folder).glob("*.*")})
    own = [ticket for ticket in waiting if ticket.partition("-")[2] == job_id]
    arrived = [ticket for ticket in own if (_queue(folder) / f"{ticket}.lock").exists()]
    return waiting.index(arrived[-1]) + 1 if arrived else None


def _queue(folder: Path) -> Path:
    return folder / ".queue"


def _someone_ahead(place: Path) -> bool:
    """Whether an earlier ticket is that of a living process, or of one about to come; those of others are removed."""
    for ticket in sorted({path.stem for path in place.parent.glob("*.*") if path.stem < place.stem}):
        asked, lock = (place.with_name(f"{ticket}{suffix}") for suffix in (".asked", ".lock"))
        if is_held(lock) or _is_expected(asked):
            return True
        for left in (asked, lock):
            with suppress(OSError):  # somebody else removed it, or Windows keeps it because it is open
                left.unlink()
    return False


def _is_expected(asked: Path) -> bool:
    """Whether a process is about to come."""
    try:
        return abs(time.time() - asked.stat().st_mtime) < ARRIVAL_SECONDS  # the clock may have been ahead
    except FileNotFoundError:
        return False


def _take_slot(folder: Path, held: ExitStack) -> bool:
    slots = folder / ".slots"
    slots.mkdir(exist_ok=True)
    for number in range(number_of_slots()):
        lock = FileLock(slots / f"{number}.lock")
        with suppress(Timeout):
            lock.acquire(timeout=0)
            held.callback(lock.release)
            return True
    return False
