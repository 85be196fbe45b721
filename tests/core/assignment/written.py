"""Submissions written by hand, as students write them: read from the text files in ``submissions``.

Each begins with ``### name``; then ``# from:`` the public thread or page of the mistake, or of the style, that it is
modelled on (none of its code is copied), and a ``# wrong:`` for each step that is wrong: the mistakes of the catalogue
that it is (``?``: one that the catalogue does not have, so that measured facts are expected), or, in ``unfit.txt``, a
part of the sentence.
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
    phrases: dict[str, str]
    """What is expected of each wrong step."""
    code: str

    @property
    def wrong(self) -> dict[str, frozenset[str]]:
        """Mistakes of the catalogue, by step."""
        return {step: frozenset(phrase.split("+")) - {"?"} for step, phrase in self.phrases.items()}


def read(pattern: str) -> list[Written]:
    """Read the submissions of all files that match."""
    return [
        _parse(path.stem.removeprefix("wrong_").removeprefix("right_"), part)
        for path in sorted(FOLDER.glob(pattern))
        for part in f"\n{path.read_text()}".split("\n### ")[1:]
    ]


def _parse(topic: str, part: str) -> Written:
    name, *lines = part.split("\n")
    heads = [line.removeprefix("# ").split(": ", 1) for line in lines if line.startswith(("# from: ", "# wrong: "))]
    phrases = dict(text.split(" = ", 1) for key, text in heads if key == "wrong")
    address = next(text for key, text in heads if key == "from")
    return Written(f"{topic}: {name}", address, phrases, "\n".join(lines[len(heads) :]).strip("\n") + "\n")


def check_written(submission: Written):
    """Check the steps of a submission, without the whole."""
    return check(parse_submission("mine.py", submission.code.encode()), whole=False)
