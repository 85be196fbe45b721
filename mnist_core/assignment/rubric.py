"""What each step is worth."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from mnist_core.assignment.cases import SEEDS
from mnist_core.assignment.check import Report
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.finding import Finding
from mnist_core.disk import read_bounded
from mnist_core.errors import AssignmentError, did_you_mean, reason_of
from mnist_core.runs.schema import shown

CHECKS = (*(name for name in STEPS if name != "train"), *WHOLE, "train")
"""Everything that can give points; ``train`` is optional."""

POINTS = {name: 1.0 for name in CHECKS if name != "train"} | {"feed_forward": 2.0, "back_propagate": 5.0, "update": 2.0}
PARTIAL = 0.5
MOST, MAX_BYTES = 1000, 100_000

ADVICE = "write lines such as `softmax = 2` below a line `[points]`"


@dataclass(frozen=True)
class Rubric:
    """Points of each step and check, and the inputs that they are tried on.

    Parameters
    ----------
    points : dict of str to float
        By name of a step or of a check of the whole, see ``CHECKS``; at least 0. What is not named gives none.
    partial : float, range [0, 1]
        Part of the points that a wrong step gets if its mistake is named: the rest of it is right.
    seed : int, range [0, 2**32 - 1]
        Of the inputs, where nothing else names one; 0 gives those that `mnist check` shows to students.
    """

    points: dict[str, float] = field(default_factory=lambda: dict(POINTS))
    partial: float = PARTIAL
    seed: int = 0

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
    """Read a rubric in TOML: ``partial = 0.5``, ``seed = 42``, and below ``[points]`` lines such as ``softmax = 2``.

    Raises
    ------
    AssignmentError
        If it can't be read, or names something that gives no points.
    """
    try:
        content = tomllib.loads(read_bounded(path, MAX_BYTES).decode())
    except OSError as error:
        raise AssignmentError(f"The rubric {path} can't be read ({reason_of(error)}): choose another file.") from error
    except (ValueError, RecursionError) as error:
        raise AssignmentError(f"The rubric {path} is not TOML ({reason_of(error)}): {ADVICE}.") from error
    points, partial, seed = content.get("points", POINTS), content.get("partial", PARTIAL), content.get("seed", 0)
    unknown = sorted(set(content) - {"points", "partial", "seed"})
    if unknown:
        raise AssignmentError(f"The rubric {path} has {shown(unknown[0])}, expected points, partial and seed.")
    if not isinstance(points, dict) or (foreign := sorted(set(points) - set(CHECKS))):
        found = shown(foreign[0] if isinstance(points, dict) else points)
        hint = did_you_mean(foreign[0], CHECKS) if isinstance(points, dict) else ""
        raise AssignmentError(
            f"The rubric {path} gives points for {found}, expected some of {', '.join(CHECKS)}.{hint}"
        )
    for name, number, most in [("partial", partial, 1), *((name, value, MOST) for name, value in points.items())]:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= most:
            raise AssignmentError(f"The rubric {path} has {name} = {shown(number)}, expected 0 to {most}.")
    if type(seed) is not int or not SEEDS[0] <= seed <= SEEDS[1]:
        raise AssignmentError(
            f"The rubric {path} has seed = {shown(seed)}, expected a whole number, {SEEDS[0]} to {SEEDS[1]}."
        )
    if not any(points.values()):
        raise AssignmentError(f"The rubric {path} gives no points: {ADVICE}.")
    return Rubric({name: float(points[name]) for name in CHECKS if name in points}, float(partial), seed)
