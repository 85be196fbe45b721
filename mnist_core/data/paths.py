"""Paths that people name, as they come: with a tilde, relative, or no path at all."""

import os
from pathlib import Path

from mnist_core.errors import DatasetError


def absolute(path: str | os.PathLike[str]) -> Path:
    """Make a path absolute; what can't be one is refused.

    Raises
    ------
    DatasetError
        If it is empty, has characters that no path has, or names a user who does not exist.
    """
    text = os.fspath(path)
    if not text.strip():
        raise DatasetError(
            "The path is empty, but expected that of a folder or file. Name one, such as . for the folder you are in."
        )
    try:
        if "\0" in text:
            raise ValueError
        os.fsencode(text)
    except ValueError as error:
        raise DatasetError(
            f"{text!r}: found characters that no path has, but expected that of a folder or file. Write it again."
        ) from error
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise DatasetError(f"{text}: found no such user ({error}). Write the path in full.") from error
