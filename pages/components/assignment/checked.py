"""A learner's file at a path that a person typed, and the end of work in the background."""

import time
from pathlib import Path

from mnist_core.assignment.source import Content, read_content
from mnist_core.errors import AssignmentError
from pages.components.errors import EXPECTED, show_error

SETTLED_SECONDS = 0.3
"""A file that was changed more recently may be half saved."""


class NotSettled(Exception):
    """The file is being saved."""


def typed_path(text: str) -> Path:
    """Make a path of what a person typed.

    Raises
    ------
    AssignmentError
        If it begins with the home folder of somebody who is not known.
    """
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise AssignmentError(f"The path {text} has no home folder to begin with: write it in full.") from error


def read_settled(text: str) -> Content:
    """Read the file at a path that a person typed.

    Raises
    ------
    NotSettled
        If it was changed just now.
    AssignmentError
        If it can't be read, is no Python file by its name, or is too large.
    """
    path = typed_path(text)
    try:
        age = time.time() - path.stat().st_mtime if path.is_file() else SETTLED_SECONDS
    except (OSError, ValueError):  # said below
        age = SETTLED_SECONDS
    if 0 <= age < SETTLED_SECONDS:
        raise NotSettled
    return read_content(path)


def show_failure(error: Exception) -> None:
    """Show why work in the background ended; what nobody expected is raised as if the page had done the work."""
    if not isinstance(error, EXPECTED):
        raise error
    show_error(error)
