"""What each step is worth."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from mnist_core.assignment.check import Report
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.finding import Finding
from mnist_core.errors import AssignmentError

CHECKS = (*(name for name in STEPS if name != "train"), *WHOLE, "train")
"""Everything that can give points; ``train`` is optional."""

POINTS = {name: 1.0 for name in CHECKS if name != "train"} | {"feed_forward": 2.0, "back_propagate": 5.0, "update": 2.0}
PARTIAL = 0.5

EXAMPLE = """\
partial = 0.5            # part of the points of a step whose mistake is named
[points]                 # what is not named here gives none
softmax = 2
back_propagate = 5
gradient = 3             # checks of the whole count like steps: gradient, first_loss, by_heart, one_epoch
"""


@dataclass(frozen=True)
class Rubric:
    """Points of each step and check.

    Parameters
    ----------
    points : dict of str to float
        By name; at least 0.
    partial : float, range [0, 1]
        Part of the points that a wrong step gets if its mistake is named: the rest of it is right.
    """

    points: dict[str, float] = field(default_factory=lambda: dict(POINTS))
    partial: float = PARTIAL

    @property
    def total(self) -> float:
        """Points of a correct submission."""
        return sum(self.points.values())

    def score(self, finding: Finding) -> float:
        """Points of one finding."""
        points = self.points.get(finding.step, 0.0)
        if finding.state == "correct":
            return points
        return self.partial * points if finding.state == "wrong" and finding.mistake else 0.0

    def scores(self, report: Report) -> dict[str, float]:
        """Points of each step that counts; 0 for one that was not reached."""
        found = {finding.step: self.score(finding) for finding in report.findings}
        return {name: found.get(name, 0.0) for name in self.points}


def read_rubric(path: Path) -> Rubric:
    """Read a rubric in TOML.

    Raises
    ------
    AssignmentError
        If it can't be read, or names something that gives no points.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AssignmentError(f"The rubric {path} can't be read ({error.strerror}): choose another file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AssignmentError(f"The rubric {path} is not TOML ({error}): write it like\n{EXAMPLE}") from error
    points, partial = content.get("points", POINTS), content.get("partial", PARTIAL)
    unknown = sorted(set(content) - {"points", "partial"})
    if unknown:
        raise AssignmentError(f"The rubric {path} has {unknown[0]!r}, expected points and partial.")
    if not isinstance(points, dict) or (foreign := sorted(set(points) - set(CHECKS))):
        found = foreign[0] if isinstance(points, dict) else points
        raise AssignmentError(f"The rubric {path} gives points for {found!r}, expected some of {', '.join(CHECKS)}.")
    numbers = [partial, *points.values()]
    if not all(isinstance(number, int | float) and 0 <= number <= 1000 for number in numbers) or partial > 1:
        raise AssignmentError(f"The rubric {path} has points outside 0 ... 1000, or partial outside 0 ... 1.")
    return Rubric({name: float(value) for name, value in points.items()}, float(partial))
