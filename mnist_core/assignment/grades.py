"""The grades of a class: one a student, as a table and as a summary."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mnist_core.assignment.finding import State
from mnist_core.untrusted import UntrustedText, no_formula

NOTHING = UntrustedText("")


@dataclass(frozen=True)
class StepGrade:
    """Points of one step, and why."""

    state: State
    points: float
    most: float
    """Points that it can give."""
    sentence: UntrustedText = NOTHING
    """What was found."""
    mistakes: tuple[str, ...] = ()
    """Ids of the catalogue."""


@dataclass(frozen=True)
class Grade:
    """One student."""

    student: UntrustedText
    file: UntrustedText
    sha256: str
    """Of the file's content; empty if there is none."""
    steps: dict[str, StepGrade]
    """All steps that were checked or can give points, in the order of the checks."""
    problem: UntrustedText = NOTHING
    """Why nothing was graded, or nothing ran."""
    seconds: float = 0.0

    @property
    def points(self) -> float:
        """Points of all steps."""
        return sum(step.points for step in self.steps.values())

    @property
    def total(self) -> float:
        """Points that a correct file gets."""
        return sum(step.most for step in self.steps.values())

    @property
    def stopped_at(self) -> str:
        """The first step that is wrong, or that is missing and would give points; empty if none is."""
        failed = (
            name
            for name, step in self.steps.items()
            if step.state == "wrong" or (step.state == "missing" and step.most > 0)
        )
        return "" if self.problem else next(failed, "")

    @property
    def findings(self) -> str:
        """All that costs points, in words, as plain text."""
        if self.problem:
            return self.problem.plain
        wrong = [f"{name}: {step.sentence.plain}" for name, step in self.steps.items() if step.state == "wrong"]
        lost = {
            words: [name for name, step in self.steps.items() if step.state == state and step.points < step.most]
            for state, words in (("missing", "not written"), ("skipped", "not checked"))
        }
        return "; ".join([*wrong, *(f"{words}: {', '.join(names)}" for words, names in lost.items() if names)])


def to_csv(grades: Sequence[Grade]) -> str:
    """Write the table of grades: a row a student, a column a step that can give points.

    Text that a spreadsheet could take for a formula begins with an apostrophe, also after what may separate cells.
    """
    steps = list(dict.fromkeys(name for one in grades for name, step in one.steps.items() if step.most > 0))
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["student", "points", "total", *steps, "findings", "seconds", "file", "sha256"])
    for one in grades:
        scores = [one.steps[name].points if name in one.steps else 0.0 for name in steps]
        table.writerow(
            [
                no_formula(one.student.plain), one.points, one.total, *scores, no_formula(one.findings),
                round(one.seconds, 1), no_formula(one.file.plain), one.sha256,
            ]
        )  # fmt: skip
    return buffer.getvalue()


@dataclass(frozen=True)
class ClassSummary:
    """What a class finds hard."""

    graded: int
    ungraded: int
    mean: float
    """Mean share of the points of those that were graded, 0 ... 1."""
    mistakes: dict[str, int]
    """Students for each mistake of the catalogue, the most common first."""
    stopped_at: dict[str, int]
    """Students for each step that is the first to fail."""


def summarize(grades: Sequence[Grade]) -> ClassSummary:
    """Count mistakes and steps over a class."""
    graded = [one for one in grades if not one.problem]
    mistakes = Counter(name for one in graded for name in {name for s in one.steps.values() for name in s.mistakes})
    stopped = Counter(one.stopped_at for one in graded if one.stopped_at)
    mean = sum(one.points / one.total for one in graded if one.total) / len(graded) if graded else 0.0
    return ClassSummary(len(graded), len(grades) - len(graded), mean, _ranked(mistakes), _ranked(stopped))


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
