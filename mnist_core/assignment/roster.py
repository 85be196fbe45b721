"""Which file in a folder is whose."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from mnist_core.assignment.source import SUFFIXES
from mnist_core.errors import AssignmentError, reason_of
from mnist_core.untrusted import UntrustedText

ARCHIVES = (".zip", ".gz", ".tar", ".tgz", ".7z", ".rar")
OF_THE_TEACHER = (".toml", ".csv", ".json", ".md", ".xlsx", ".log")
"""Files beside the submissions that are nobody's."""
SHOWN_NAMES = 5
UNNAMED = "unnamed"
"""Student whose file has no name that can be written."""
LONGEST_NAME = 255
"""Bytes of a name that a file system takes."""

_OF_PLATFORM = re.compile(r"^(.+?)(?:_LATE)?_(\d+)_(?:\d+_.+|assignsubmission_.*)$")
"""``lovelaceada_LATE_4242_98765_net.py`` of Canvas, ``Ada Lovelace_4242_assignsubmission_file_`` of Moodle."""
_COPY = re.compile(r"(?:[ _-]*\(\d+\)|[ _-]+(?:copy|final|v\d{1,2}))$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One student: a file to grade, or why there is none."""

    student: UntrustedText
    """Of a roster, one that can name a folder."""
    path: Path | None
    problem: str = ""


def read_roster(folder: Path) -> list[Entry]:
    """Find the submissions in a folder: files or folders named after the students.

    Parameters
    ----------
    folder : Path
        Names may be those that Canvas and Moodle make; what makes a copy of a name, such as ``(1)``, is dropped. Case
        does not tell students apart. Hidden files are left out.

    Returns
    -------
    list of Entry
        One a student, by name.

    Raises
    ------
    AssignmentError
        If the folder can't be read, or holds nothing that looks like a submission.
    """
    try:
        items = sorted(path for path in folder.iterdir() if not _is_hidden(path.name))
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        raise AssignmentError(f"The folder {folder} can't be read ({reason_of(error)}): choose another one.") from error
    names: dict[str, str] = {}
    found: dict[str, list[Path]] = {}
    for path in items:
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and path.suffix.lower() in OF_THE_TEACHER:
            continue
        name = _student(path.name if is_folder else path.stem)
        key = unicodedata.normalize("NFC", name).casefold()
        names.setdefault(key, name)
        found.setdefault(key, []).extend(_files_in(path) if is_folder else [path])
    if not found:
        raise AssignmentError(f"The folder {folder} holds no .py or .ipynb file and no folder: choose another one.")
    return sorted((_choose(names[key], paths) for key, paths in found.items()), key=lambda entry: entry.student)


def read_single(folder: Path) -> Entry:
    """Find the submission in the folder of one student.

    Raises
    ------
    AssignmentError
        If the folder can't be read.
    """
    if not folder.is_dir():
        raise AssignmentError(f"There is no folder {folder}: choose another one.")
    return _choose(folder.resolve().name, _files_in(folder))


def _is_hidden(name: str) -> bool:
    """Whether it is of an editor or the system: ``.ipynb_checkpoints``, ``__MACOSX``, ``__pycache__``."""
    return name.startswith((".", "__"))


def _student(name: str) -> str:
    """Name of a file or folder, as it is shown, without what learning platforms and file managers add.

    Results are written into a folder of that name.
    """
    name = " ".join(UntrustedText(name).plain.split()).replace("/", "_").replace("\\", "_")
    if platform := _OF_PLATFORM.match(name):
        name = f"{platform[1]}_{platform[2]}"
    else:
        shorter = _COPY.sub("", name)
        while shorter and shorter != name:
            name, shorter = shorter, _COPY.sub("", shorter)
    name = name.encode()[:LONGEST_NAME].decode(errors="ignore").strip()
    return UNNAMED if name in ("", ".", "..") else name


def _files_in(folder: Path) -> list[Path]:
    """All files below a folder, without following links to folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(_is_hidden(part) for part in path.relative_to(folder).parts)
        and (path.is_symlink() or not path.is_dir())
    )


def _choose(student: str, paths: list[Path]) -> Entry:
    name = UntrustedText(student)
    code = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if len(code) > 1:
        names = ", ".join(_plain_name(path) for path in code[:SHOWN_NAMES])
        more = ", …" if len(code) > SHOWN_NAMES else ""
        return Entry(name, None, f"{len(code)} files ({names}{more}): leave the one that counts.")
    if code:
        (path,) = code
        if path.is_symlink():  # it may lead to another student's file, or to any file of the teacher's
            return Entry(name, None, f"{_plain_name(path)} is a link: put the file itself in its place.")
        if not path.is_file():
            return Entry(name, None, f"{_plain_name(path)} is no plain file: put one in its place.")
        return Entry(name, path)
    packed = [path for path in paths if path.suffix.lower() in ARCHIVES]
    if packed:
        return Entry(name, None, f"{_plain_name(packed[0])} is packed: unpack it.")
    other = f" but {_plain_name(paths[0])}" if paths else ""
    return Entry(name, None, f"No .py or .ipynb file{other}.")


def _plain_name(path: Path) -> str:
    return UntrustedText(path.name).plain
