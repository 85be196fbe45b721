"""Grading in a thread of its own, so that whoever started it can look at it, leave and come back."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core.assignment.grades import Grade
from mnist_core.assignment.grading import grade
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.similarity import Pair, similar_entries
from mnist_core.errors import MnistError


class _Stopped(Exception):
    """Somebody asked to stop."""


@dataclass(frozen=True)
class Order:
    """What is to be graded, and how."""

    folder: Path
    rubric: Rubric
    seed: int
    jobs: int


class Grading:
    """The grading of one folder, which begins at once; `start_grading` makes it.

    Parameters
    ----------
    order : Order

    Raises
    ------
    AssignmentError
        If the folder can't be read.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.students = len(read_roster(order.folder))
        self.pairs: Sequence[Pair] = ()
        """Submissions that are alike, once all are graded."""
        self.error: MnistError | OSError | None = None
        """Why it ended early."""
        self._grades: list[Grade] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"grading {order.folder.name}", daemon=True)
        self._thread.start()

    @property
    def grades(self) -> list[Grade]:
        """Grades that are known by now, by name."""
        return sorted(self._grades, key=lambda one: one.student)

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def complete(self) -> bool:
        """Whether everybody is graded."""
        return not self.active and len(self._grades) >= self.students

    def stop(self) -> None:
        """Ask it to end; what is graded stays, and the next one goes on from there."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended, at most for some seconds."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            grade(self.order.folder, self.order.rubric, self.order.seed, self.order.jobs, self._take)
            self.pairs = similar_entries(read_roster(self.order.folder))
        except _Stopped:
            return
        except (MnistError, OSError) as error:
            self.error = error

    def _take(self, one: Grade) -> None:
        self._grades.append(one)
        if self._stop.is_set():
            raise _Stopped


_running: dict[Path, Grading] = {}
_lock = threading.Lock()


def start_grading(order: Order) -> Grading:
    """Start to grade a folder, or find the grading that somebody else started there.

    Raises
    ------
    AssignmentError
        If the folder can't be read.
    """
    place = order.folder.resolve()
    with _lock:
        before = _running.get(place)
        if before and before.active and before.order == order:
            return before
        if before:
            before.stop()  # two at a time would take turns in one file
            before.wait()
        _running[place] = Grading(order)
        return _running[place]
