"""A learner's file as it is now, and its check in the background: two at a time on a server, in the order of asking."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

from mnist_core.assignment.check import Report, check
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.source import MAX_BYTES, SUFFIXES, parse_submission
from mnist_core.errors import AssignmentError, reason_of

AT_ONCE = 2
SETTLED_SECONDS = 0.3
"""A file that was changed more recently may be half saved."""

_line: list["Check"] = []
"""Checks under way, then those that wait."""
_moved = threading.Condition()


class Content(NamedTuple):
    """A file as it is now."""

    name: str
    data: bytes


class NotSettled(Exception):
    """The file is being saved."""


def read_content(path: str) -> Content:
    """Read the file at a path that a person typed.

    Raises
    ------
    NotSettled
        If it was changed just now.
    AssignmentError
        If it can't be read, is no Python file by its name, or is too large.
    """
    try:
        file = Path(path).expanduser()
        if file.suffix.lower() not in SUFFIXES or not file.is_file():
            found = "is no file" if not file.is_file() else "is no Python file"
            raise AssignmentError(f"{path} {found}: expected the path of a .py or .ipynb file.")
        if 0 <= time.time() - file.stat().st_mtime < SETTLED_SECONDS:
            raise NotSettled
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise AssignmentError(f"{path} can't be read ({reason_of(error)}): check the path.") from error
    except (ValueError, RuntimeError) as error:  # a NUL in it, a user that nobody is
        raise AssignmentError(f"{path} is no path ({error}): check it.") from error
    if len(data) > MAX_BYTES:
        raise AssignmentError(f"{file.name} has more than {MAX_BYTES:,} bytes: leave the data out of it.")
    return Content(file.name, data)


class _Superseded(Exception):
    """Nobody waits for the check any longer."""


class Check:
    """A check of a file, made in a thread of its own; it can be looked at while it is under way."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.findings: list[Finding] = []
        self.report: Report | None = None
        self.error: Exception | None = None
        self.superseded = False
        with _moved:
            _line.append(self)
        threading.Thread(target=self._work, name="check", daemon=True).start()

    @property
    def ahead(self) -> int:
        """Checks that are to end before this one begins; 0 once it has begun."""
        with _moved:
            return max(0, _line.index(self) - AT_ONCE + 1) if self in _line else 0

    def supersede(self) -> None:
        """End it at the next step: the file has changed."""
        with _moved:
            self.superseded = True
            _moved.notify_all()

    def _work(self) -> None:
        try:
            submission = parse_submission(*self.content)
            with _moved:
                _moved.wait_for(lambda: self.superseded or _line.index(self) < AT_ONCE)
            if not self.superseded:
                self.report = check(submission, on_finding=self._note)
        except _Superseded:
            pass
        except Exception as error:  # raised again where the page is drawn
            self.error = error
        finally:
            with _moved:
                _line.remove(self)
                _moved.notify_all()

    def _note(self, finding: Finding) -> None:
        if self.superseded:
            raise _Superseded
        self.findings.append(finding)
