"""Checks and grading in threads of their own, so that whoever started one can look at it, leave and come back."""

import threading
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core.assignment.check import Report, check
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.grades import Grade
from mnist_core.assignment.grading import Stopped, grade
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.similarity import Pair, similar_entries
from mnist_core.assignment.source import Content, parse_submission

CHECKS_AT_ONCE = 2


class Work:
    """Work in a thread of its own, which begins with `_begin`.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self.error: Exception | None = None
        """Why it ended early, unless it was stopped."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to end; a call of a learner's code ends within a fraction of a second."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended, at most for some seconds."""
        self._thread.join(seconds)

    def _begin(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except Stopped:
            return
        except Exception as error:  # the page shows it, or raises it again
            self.error = error

    @abstractmethod
    def _work(self) -> None:
        """Do it; raise Stopped if it is asked to end."""

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped


class Check(Work):
    """The check of a file, which begins at once or waits for its turn: two at a time, in the order of asking.

    Parameters
    ----------
    content : Content
    """

    def __init__(self, content: Content) -> None:
        super().__init__("check")
        self.content = content
        self.findings: list[Finding] = []
        self.report: Report | None = None
        with _moved:
            _line.append(self)
        self._begin()

    @property
    def ahead(self) -> int:
        """Checks that are to end before this one begins; 0 once it has begun."""
        with _moved:
            return max(0, _line.index(self) - CHECKS_AT_ONCE + 1) if self in _line else 0

    def stop(self) -> None:
        """Ask it to end, and to give up its place."""
        with _moved:
            super().stop()
            _moved.notify_all()

    def _work(self) -> None:
        try:
            submission = parse_submission(*self.content)
            with _moved:
                _moved.wait_for(lambda: self._stop.is_set() or _line.index(self) < CHECKS_AT_ONCE)
            self._go_on()
            self.report = check(submission, on_finding=self._note, on_wait=self._go_on)
        finally:
            with _moved:
                _line.remove(self)
                _moved.notify_all()

    def _note(self, finding: Finding) -> None:
        self._go_on()
        self.findings.append(finding)


_line: list[Check] = []
"""Checks under way, then those that wait."""
_moved = threading.Condition()


@dataclass(frozen=True)
class Order:
    """What is to be graded, and how."""

    folder: Path
    rubric: Rubric
    seed: int
    jobs: int


class Grading(Work):
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
        super().__init__(f"grading {order.folder.name}")
        self.order = order
        self.students = len(read_roster(order.folder))
        self.pairs: Sequence[Pair] | None = None
        """Submissions that are alike; None until they are compared, which is once all are graded."""
        self._grades: list[Grade] = []
        self._begin()

    @property
    def grades(self) -> list[Grade]:
        """Grades that are known by now, by name."""
        return sorted(self._grades, key=lambda one: one.student)

    @property
    def complete(self) -> bool:
        """Whether everybody is graded."""
        return not self.active and len(self._grades) >= self.students

    def _work(self) -> None:
        order = self.order
        grade(order.folder, order.rubric, order.seed, order.jobs, self._grades.append, self._stop)
        self.pairs = similar_entries(read_roster(order.folder))


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
