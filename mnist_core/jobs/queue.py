"""How many runs train at once, and who is next: file locks in the runs folder, which a dead process frees by itself."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.errors import ConfigError

SLOTS_VARIABLE = "MNIST_CONCURRENT_RUNS"

LOOK_SECONDS = 0.2


def number_of_slots() -> int:
    """Runs that may train at once: ``MNIST_CONCURRENT_RUNS``, by default as many as the machine has cores.

    Raises
    ------
    ConfigError
        If the variable is not a whole number of at least 1.
    """
    text = os.environ.get(SLOTS_VARIABLE) or str(os.cpu_count() or 1)
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"{SLOTS_VARIABLE} is {text!r}, expected a whole number of at least 1: change or unset it.")
    return int(text)


def blas_threads() -> int:
    """Threads of the linear algebra in each run: the cores divided by the runs that may train at once."""
    return max(1, (os.cpu_count() or 1) // number_of_slots())


def wait_for_slot(folder: Path, run_id: str, held: ExitStack, while_waiting: Callable[[], None]) -> None:
    """Queue up and return when a slot is ours; it is freed when ``held`` is closed, or this process dies.

    Parameters
    ----------
    folder : Path
        The runs folder.
    run_id : str
        Begins with the time of its creation, which decides who is first.
    held : ExitStack
        Takes the lock of the slot.
    while_waiting : callable
        Called several times a second; an exception that it raises ends the waiting.
    """
    ticket = _tickets(folder) / f"{run_id}.lock"
    ticket.parent.mkdir(exist_ok=True)
    with FileLock(ticket):
        try:
            while _someone_ahead(ticket) or not _take_slot(folder, held):
                while_waiting()
                time.sleep(LOOK_SECONDS)
        finally:
            with suppress(OSError):  # Windows keeps a file that is open; the next in the queue removes it
                ticket.unlink()


def place_in_queue(folder: Path, run_id: str) -> int | None:
    """Place of a run among the waiting ones, from 1; None if it does not wait."""
    waiting = sorted(path.stem for path in _tickets(folder).glob("*.lock"))
    return waiting.index(run_id) + 1 if run_id in waiting else None


def _tickets(folder: Path) -> Path:
    return folder / ".queue"


def _someone_ahead(ticket: Path) -> bool:
    """Whether a living process waits with an earlier ticket; the tickets of dead ones are removed."""
    for other in sorted(ticket.parent.glob("*.lock")):
        if other.name >= ticket.name:
            return False
        try:
            with FileLock(other).acquire(timeout=0):
                pass
        except (Timeout, OSError):
            return True
        other.unlink(missing_ok=True)
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
