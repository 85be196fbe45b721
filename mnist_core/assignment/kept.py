"""Grades that are kept beside the submissions, so that interrupted grading goes on where it stood."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from mnist_core.assignment.grades import Grade
from mnist_core.assignment.rubric import Rubric
from mnist_core.disk import read_bounded
from mnist_core.errors import RunError, reason_of
from mnist_core.runs.files import cut_half_line, writing_to
from mnist_core.runs.schema import decode_record
from mnist_core.untrusted import plain_text

NAME = ".grades.jsonl"
"""In the folder of the submissions: one line for each file that was graded."""
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class Line:
    """One line of the file."""

    key: str
    grade: Grade


class KeptGrades:
    """The grades of a folder by what they depend on.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    RunError
        If they can't be read, or no more can be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        with writing_to(self._path):
            self._path.touch()
            cut_half_line(self._path)
        try:
            lines = read_bounded(self._path, MAX_BYTES).splitlines()
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self._path} can't be read ({reason_of(error)}): delete it to grade everything again."
            ) from error
        self._grades: dict[str, Grade] = {}
        for line in lines:
            try:
                kept = decode_record(line, Line)
            except ValueError:  # of another version, or damaged: its file is graded again
                continue
            self._grades[kept.key] = kept.grade

    def get(self, key: str) -> Grade | None:
        """Find a grade, see `key_of`."""
        return self._grades.get(key)

    def add(self, key: str, grade: Grade) -> None:
        """Keep a grade, at once and in the file.

        Raises
        ------
        RunError
            If it can't be written.
        """
        self._grades[key] = grade
        line = msgspec.json.encode(Line(key, grade), enc_hook=plain_text) + b"\n"
        with writing_to(self._path), self._path.open("ab") as file:
            file.write(line)


def key_of(sha256: str, rubric: Rubric, seed: int) -> str:
    """All that a grade depends on: the file, the rubric, the seed, and the checker itself."""
    rules = json.dumps([sha256, rubric.points, rubric.partial, seed, checker()])
    return hashlib.sha256(rules.encode()).hexdigest()


@cache
def checker() -> str:
    """Digest of the checker's own source: another version grades again."""
    room = Path(__file__).parent
    content = b"".join(path.read_bytes() for path in sorted(room.rglob("*.py")))
    return hashlib.sha256(content).hexdigest()
