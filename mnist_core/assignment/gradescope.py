"""Results for Gradescope.

https://gradescope-autograders.readthedocs.io/en/latest/specs/ says which fields ``results.json`` has.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_core.assignment.grades import Grade
from mnist_core.runs.files import write_json

NAME = "results.json"


def results(grade: Grade) -> dict[str, Any]:
    """Content of ``results.json`` for one student: one test for each step that can give points."""
    tests = [
        {
            "name": name,
            "score": step.points,
            "max_score": step.most,
            "status": "passed" if step.state == "correct" else "failed",
            "output": step.sentence.plain or ("" if grade.problem else step.state),
            "output_format": "text",
            "visibility": "visible",
        }
        for name, step in grade.steps.items()
        if step.most > 0
    ]
    return {
        "score": grade.points,
        "execution_time": round(grade.seconds),
        "output": grade.problem.plain,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def write_results(folder: Path, grades: Sequence[Grade]) -> None:
    """Write a ``results.json`` for each student, in a folder each.

    Raises
    ------
    OSError
        If it can't be written.
    """
    for grade in grades:
        own = folder / grade.student.plain
        own.mkdir(parents=True, exist_ok=True)
        write_json(own / NAME, results(grade))


def write_single(folder: Path, grade: Grade) -> None:
    """Write the ``results.json`` of one student, where Gradescope looks for it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / NAME, results(grade))
