"""Which file in a folder is whose."""

import re
from dataclasses import dataclass
from pathlib import Path

from mnist_core.assignment.source import SUFFIXES
from mnist_core.errors import AssignmentError
from mnist_core.untrusted import UntrustedText

ARCHIVES = (".zip", ".gz", ".tar", ".7z", ".rar")
_COPY = re.compile(r"[ _-]*(?:\(\d+\)|copy|v\d+|final)$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One student: a file to grade, or why there is none."""

    student: UntrustedText
    path: Path | None
    problem: str = ""


def read_roster(folder: Path) -> list[Entry]:
    """Find the submissions in a folder: a file or a folder each, named after the student.

    Raises
    ------
    AssignmentError
        If the folder can't be read, or holds nothing that looks like a submission.
    """
    try:
        items = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    except OSError as error:
        raise AssignmentError(f"The folder {folder} can't be read ({error.strerror}): choose another one.") from error
    by_student: dict[str, list[Path]] = {}
    entries = []
    for path in items:
        if path.is_dir():
            entries.append(_entry_of_folder(path))
        elif path.suffix.lower() in (*SUFFIXES, *ARCHIVES):
            by_student.setdefault(_student(path), []).append(path)
    entries += [_choose(student, paths) for student, paths in by_student.items()]
    if not entries:
        raise AssignmentError(f"The folder {folder} holds no .py or .ipynb file and no folder: choose another one.")
    return sorted(entries, key=lambda entry: entry.student)


def _student(path: Path) -> str:
    """Name of a file without what learning platforms and file managers add."""
    return _COPY.sub("", path.stem) or path.stem


def _entry_of_folder(folder: Path) -> Entry:
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and "." not in path.parts[-1][:1])
    except OSError as error:
        return Entry(UntrustedText(folder.name), None, f"The folder can't be read ({error.strerror}).")
    wanted = [path for path in files if path.suffix.lower() in SUFFIXES]
    return _choose(folder.name, wanted or [path for path in files if path.suffix.lower() in ARCHIVES])


def _choose(student: str, paths: list[Path]) -> Entry:
    name = UntrustedText(student)
    code = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if len(code) == 1:
        return Entry(name, code[0])
    if len(code) > 1:
        names = ", ".join(UntrustedText(path.name).plain for path in code[:5])
        return Entry(name, None, f"{len(code)} files ({names}): leave the one that counts.")
    if paths:
        return Entry(name, None, f"{UntrustedText(paths[0].name).plain} is packed: unpack it.")
    return Entry(name, None, "No .py or .ipynb file.")
