"""Files that name the classes: EMNIST's mapping.txt, classes.txt, KMNIST's classmap."""

import re
from collections.abc import Iterable

from mnist_core.data.formats.names import words
from mnist_core.errors import DatasetError

MAX_BYTES = 1_000_000
"""Of such a file."""

_NAMES = {"mapping", "classes", "labels", "label", "names", "classmap", "categories", "synset"}


def names_classes(name: str, size: int) -> bool:
    """Tell whether a file is one of those, by its name: "emnist-letters-mapping.txt", "classes.txt".

    Parameters
    ----------
    name : str
    size : int
        Bytes: a large file of that name holds data.
    """
    lower = name.split("/")[-1].lower()
    found = words(name)
    if size > MAX_BYTES or not found:
        return False
    if lower.endswith(".csv"):
        return found[-1] in ("classmap", "mapping")
    return lower.endswith((".txt", ".names")) and found[-1] in _NAMES


def set_of_names(name: str) -> str:
    """The data set whose classes a file names: "emnist-letters" for emnist-letters-mapping.txt, "" for classes.txt."""
    return "-".join(words(name)[:-1])


def read_class_names(content: bytes, name: str) -> tuple[tuple[str, ...], int]:
    """Read the names of classes, and the label of the first one.

    Parameters
    ----------
    content : bytes
        A name a line; or lines of a label and the code of one or more characters, as in EMNIST's mapping.txt; or a
        table of index, code point and character, as in KMNIST's classmap. A line may begin with the label: "0 Boot".
    name : str
        Of the file, for messages.

    Raises
    ------
    DatasetError
        If labels are left out, or a name is missing.
    """
    text = content[:MAX_BYTES].decode("utf-8-sig", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and re.match(r"index\s*,", lines[0], re.I):
        rows = [line.split(",") for line in lines[1:]]
        return _numbered(((row[0], row[-1]) for row in rows if len(row) > 1), name)
    if lines and all(re.fullmatch(r"\d{1,6}(?:\s+\d{1,7}){1,3}", line) for line in lines):
        return _numbered(((label, characters(codes)) for label, *codes in map(str.split, lines)), name)
    numbered = [re.fullmatch(r"(\d{1,6})(?:\s*[:,;=\t]\s*|\s+)(.+)", line) for line in lines]
    if lines and all(numbered):
        return _numbered((found.groups() for found in numbered if found), name)
    if not lines:
        raise DatasetError(f"{name}: found no names, but expected the name of a class a line. Add them, or remove it.")
    return tuple(lines), 0


def characters(codes: Iterable[str | int]) -> str:
    """Make a name of codes of characters.

    >>> characters(["65", "97"])
    'Aa'
    """
    found = "".join(chr(int(code)) for code in codes if 0 < int(code) < 0x110000)
    return found or "?"


def _numbered(pairs: Iterable[tuple[str, ...]], name: str) -> tuple[tuple[str, ...], int]:
    """Put names in the order of their labels."""
    rows = [(int(label), text.strip()) for label, text in pairs if label.strip().isdecimal() and len(label) < 10]
    found = dict(rows)
    if not found or len(found) < len(rows) or sorted(found) != list(range(min(found), min(found) + len(found))):
        raise DatasetError(
            f"{name}: found names of {len(rows):,} labels that don't follow each other, but expected one for each "
            f"label. Add the missing ones, or remove the file."
        )
    return tuple(found[label] or "?" for label in sorted(found)), min(found)
