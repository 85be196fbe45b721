"""Names of classes as people keep them: one a line, or numbered, or as EMNIST's ``mapping.txt``."""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from mnist_core.data.fitting import MAX_CLASSES
from mnist_core.errors import DatasetError, counted
from mnist_core.untrusted import UntrustedText

MAX_FILE_BYTES = 100_000

LONGEST_NAME = 80

EXPECTED = "a name a line, or a number and a name, or EMNIST's mapping of a class to its characters"

NUMBERED = re.compile(r"(\d{1,3})\s*(?:[,;:=\t]|\s)\s*(.+)")

CODES = re.compile(r"\d{1,7}(?:\s+\d{1,7})+")

LAST_CODE = 0x10FFFF


def read_class_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read a file of class names; see :func:`parse_class_names`.

    Raises
    ------
    DatasetError
        If it can't be read, or holds no names.
    """
    path = Path(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for its writer
            raise _error(path.name, "no plain file", "Choose a text file.")
        if found.st_size > MAX_FILE_BYTES:
            raise _error(path.name, f"{found.st_size:,} bytes", f"Choose a text file of at most {MAX_FILE_BYTES:,}.")
        content = path.read_bytes()[: MAX_FILE_BYTES + 1]
    except OSError as error:
        raise DatasetError(f"{path}: can't be read ({error.strerror}), but {EXPECTED} was expected there.") from error
    return parse_class_names(content, path.name)


def parse_class_names(content: bytes, name: str) -> tuple[str, ...]:
    """Find the names of classes in a text.

    Three ways to write them are told apart by the lines: a name each (``Trouser``), a number and a name each
    (``1 Trouser``, ``1,Trouser``, ``1: Trouser``), or a number and code points each (``1 65 97``, which is EMNIST's
    class of A and a). Empty lines and lines that begin with ``#`` are left out.

    Parameters
    ----------
    content : bytes
        In UTF-8, with or without a byte-order mark.
    name : str
        What to call the text in a message.

    Returns
    -------
    tuple of str
        From the lowest class on: that of the first line if the classes are numbered, otherwise 0.

    Raises
    ------
    DatasetError
        If these are no names, two are the same, or a number is missing between the lowest and the highest.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(name, "bytes that are no UTF-8 text", "Save it as UTF-8.") from error
    lines = [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#")]
    if not lines:
        raise _error(name, "no line with a name", "Write the names into it.")
    if all(CODES.fullmatch(line) for line in lines):
        return checked_names(_in_order({_number(line): _characters(line, name) for line in lines}, lines, name), name)
    numbered = [NUMBERED.fullmatch(line) for line in lines]
    if all(numbered) and len({_number(line) for line in lines}) == len(lines):
        return checked_names(_in_order({int(each[1]): each[2] for each in numbered if each}, lines, name), name)
    return checked_names(lines, name)


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


def _number(line: str) -> int:
    """Return the number that a line begins with."""
    return int(re.split(r"\D", line, maxsplit=1)[0])


def _characters(line: str, name: str) -> str:
    """Return the characters of a line of a mapping: those of "1 65 97" are "Aa"."""
    codes = [int(code) for code in line.split()[1:]]
    if any(code > LAST_CODE for code in codes):
        raise _error(name, f"the code point {max(codes):,}", f"Write one up to {LAST_CODE:,}.")
    return "".join(map(chr, codes))


def _in_order(names: dict[int, str], lines: list[str], origin: str) -> list[str]:
    """List the names of consecutive classes."""
    if len(names) < len(lines):
        raise _error(origin, f"{counted(len(lines), 'line')} for {len(names)} classes", "Write each class once.")
    expected = range(min(names), min(names) + len(names))
    if missing := sorted(set(expected) - set(names)):
        raise _error(origin, f"no name for class {missing[0]}", "Write a line for it.")
    return [names[number] for number in expected]


def _error(origin: str, found: str, advice: str) -> DatasetError:
    return DatasetError(f"{UntrustedText(origin).plain}: found {found}, but expected {EXPECTED}. {advice}")
