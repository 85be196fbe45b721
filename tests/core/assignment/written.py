"""Submissions written by hand, as students write them: read from the text files in ``submissions``.

Each begins with ``### name``; then ``# from:`` the public thread or page with the mistake that it is modelled on (none of
its code is copied), and ``# wrong:`` the step that is wrong, and the mistakes of the catalogue that it is (``?``: one that
the catalogue does not have, so that measured facts are expected).
"""

from dataclasses import dataclass
from pathlib import Path

from mnist_core.assignment.check import check
from mnist_core.assignment.source import parse_submission

FOLDER = Path(__file__).parent / "submissions"


@dataclass(frozen=True)
class Written:
    """One submission."""

    name: str
    address: str
    step: str
    mistakes: frozenset[str]
    code: str


def read(pattern: str) -> list[Written]:
    """Read the submissions of all files that match."""
    found = []
    for path in sorted(FOLDER.glob(pattern)):
        for part in f"\n{path.read_text()}".split("\n### ")[1:]:
            name, *rest = part.split("\n")
            head = dict(line[2:].split(": ", 1) for line in rest[:2] if line.startswith(("# from:", "# wrong:")))
            step, _, mistakes = head.get("wrong", "").partition(" = ")
            code = "\n".join(rest[len(head) :]).strip("\n") + "\n"
            named = frozenset(mistakes.split("+")) - {"", "?"}
            found.append(Written(f"{path.stem}: {name}", head.get("from", ""), step, named, code))
    return found


def check_written(submission, **options):
    """Check the steps of a submission, without the whole."""
    return check(parse_submission("mine.py", submission.code.encode()), whole=False, **options)
