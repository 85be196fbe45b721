"""Names that people give to classes: from a file of their choice, and whether they can be told apart."""

import os
from collections.abc import Iterable
from pathlib import Path

from mnist_core.data.classes import LONGEST_NAME
from mnist_core.data.fitting import MAX_CLASSES
from mnist_core.data.formats import class_names
from mnist_core.disk import read_bounded
from mnist_core.errors import DatasetError, reason_of
from mnist_core.untrusted import UntrustedText

EXPECTED = "a name for each class, each on a line of a text file"


def read_class_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read a file of class names: one a line, numbered or not, or EMNIST's mapping.txt.

    Raises
    ------
    DatasetError
        If it can't be read, or holds no names that can be told apart.
    """
    path = Path(path)
    try:
        content = read_bounded(path, class_names.MAX_BYTES)
    except OSError as error:
        raise _error(str(path), f"a file that can't be read ({reason_of(error)})", "Check the path.") from error
    except ValueError as error:
        raise _error(
            str(path), f"another kind of file ({error})", "Choose a text file with nothing but the names."
        ) from error
    names, _ = class_names.read_class_names(content, path.name)
    return checked_names(names, path.name)


def checked_names(names: Iterable[str], origin: str) -> tuple[str, ...]:
    """Return names of classes, without control characters and spaces around; refuse too many, too long, or two alike.

    Parameters
    ----------
    names : iterable of str
    origin : str
        Where they come from, for a message.

    Raises
    ------
    DatasetError
        If they can't be told apart.
    """
    cleaned = tuple(" ".join(UntrustedText(name).plain.split()) for name in names)
    if len(cleaned) > MAX_CLASSES:
        raise _error(origin, f"{len(cleaned):,} names", f"Leave at most {MAX_CLASSES} classes.")
    for number, name in enumerate(cleaned):
        if not name:
            raise _error(origin, f"no name for class {number}", "Write one, if only the number.")
        if len(name) > LONGEST_NAME:
            found = f"a name of {len(name):,} characters for class {number}"
            raise _error(origin, found, f"Shorten it to {LONGEST_NAME} characters.")
        if (first := cleaned.index(name)) < number:
            raise _error(origin, f"the name {name!r} for classes {first} and {number}", "Give each its own.")
    return cleaned


def tidied(names: Iterable[str]) -> tuple[str, ...]:
    """Make names that can be told apart of those that a source has, which nobody can be asked about.

    A long name is cut, one that is empty is the number of its class, and one that another class has gets it added.
    """
    found: list[str] = []
    for number, name in enumerate(names):
        line = " ".join(UntrustedText(name).plain.split()) or str(number)
        if len(line) > LONGEST_NAME:
            line = f"{line[: LONGEST_NAME - 1]}…"
        while line in found:
            line = f"{line[: LONGEST_NAME - 6]} ({number})"
            number += MAX_CLASSES
        found.append(line)
    return tuple(found)


def _error(origin: str, found: str, advice: str) -> DatasetError:
    return DatasetError(f"{UntrustedText(origin).plain}: found {found}, but expected {EXPECTED}. {advice}")
