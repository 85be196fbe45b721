"""A learner's file, checked once for each content; at most two checks run at a time on a server."""

import threading
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from mnist_core.assignment.check import Report, check
from mnist_core.assignment.report import line_of
from mnist_core.assignment.source import MAX_BYTES, Submission, parse_submission
from mnist_core.errors import AssignmentError
from mnist_core.untrusted import UntrustedText

AT_ONCE = threading.Semaphore(2)


class Content(NamedTuple):
    """A file as it is now."""

    name: str
    data: bytes


def read_content(path: str) -> Content:
    """Read the file at a path that a person typed.

    Raises
    ------
    AssignmentError
        If it can't be read, or is too large.
    """
    file = Path(path).expanduser()
    try:
        if file.stat().st_size > MAX_BYTES:
            raise AssignmentError(f"{file.name} has more than {MAX_BYTES:,} bytes: leave the data out of it.")
        return Content(file.name, file.read_bytes())
    except OSError as error:
        raise AssignmentError(f"{file} can't be read ({error.strerror}): check the path.") from error


def checked(content: Content) -> Report:
    """Check a file, with each finding shown as soon as it is known; once for each content.

    Raises
    ------
    AssignmentError
        If it is no Python, or no process can be started.
    """
    reports: dict[Content, Report] = st.session_state.setdefault("reports", {})
    if content not in reports:
        report = _check(parse_submission(*content))
        for old in list(reports)[:-7]:
            del reports[old]
        reports[content] = report
    return reports[content]


def _check(submission: Submission) -> Report:
    with st.status(f"Checking {submission.name} …", expanded=True) as status, AT_ONCE:
        report = check(submission, on_finding=lambda finding: st.write(UntrustedText(line_of(finding)).markdown))
        status.update(label=f"Checked in {report.seconds:.1f} s", state="complete", expanded=False)
    return report
