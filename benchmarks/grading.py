"""How long a class takes to grade, and how much of that is the checks.

    python benchmarks/grading.py --students 30 --jobs 2

A third of the class is right, each in another style or order of the functions; the others make a mistake of the
catalogue, have gaps, or loop for ever.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mnist_core.assignment import grading
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.grading import grade
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.similarity import similar_entries

SOLUTION = "import numpy as np\n\n\n" + "\n\n".join(step.source for step in STEPS.values())
MISTAKES = (
    ("delta.sum(axis=0)", "delta.sum()"),
    ("(a - y) / len(x)", "(a - y)"),
    ("z.max(axis=1, keepdims=True)", "z.max(axis=0, keepdims=True)"),
    ("* inputs[k] * (1 - inputs[k])", ""),
    ("weights - learning_rate", "weights + learning_rate"),
    (".argmax(axis=1)", ".argmax(axis=0)"),
    ("images / 255.0", "images / 256.0"),
)
LOOP = ("return np.mean(predicted == labels)", "while True:\n        pass")


def submissions(students: int) -> Iterator[str]:
    """One text a student, all different."""
    for number in range(students):
        text = SOLUTION
        if number % 3 and number % 10 != 9:
            text = text.replace(*MISTAKES[number % len(MISTAKES)])
        if number % 10 == 9:
            text = text.replace(*LOOP)
        yield f"# student {number}\n{text}"


def main() -> int:
    """Grade a class twice, and print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=30, help="size of the class (default: 30)")
    parser.add_argument("--jobs", type=int, default=2, help="files checked at a time (default: 2)")
    arguments = parser.parse_args()
    seconds = []
    check = grading.check

    def timed(*given: object, **options: object) -> object:
        began = time.perf_counter()
        try:
            return check(*given, **options)  # type: ignore[arg-type]
        finally:
            seconds.append(time.perf_counter() - began)

    grading.check = timed  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, text in enumerate(submissions(arguments.students)):
            (folder / f"student {number:03}.py").write_text(text, encoding="utf-8")
        began = time.perf_counter()
        grades = grade(folder, Rubric(), seed=1, jobs=arguments.jobs)
        took = time.perf_counter() - began
        began = time.perf_counter()
        again = grade(folder, Rubric(), seed=1, jobs=arguments.jobs)
        took_again = time.perf_counter() - began
        began = time.perf_counter()
        pairs = similar_entries(read_roster(folder))
        took_pairs = time.perf_counter() - began
    share = sum(seconds) / arguments.jobs / took
    print(
        f"{len(grades)} submissions, {arguments.jobs} at a time: {took / 60:.2f} minutes, {share:.0%} of it the checks"
    )
    print(f"a check: {min(seconds):.1f} to {max(seconds):.1f} s, {sum(seconds) / len(seconds):.1f} s on average")
    print(f"again, from what was kept: {took_again:.2f} s; code that is alike: {took_pairs:.2f} s, {len(pairs)} pairs")
    return 0 if [one.points for one in again] == [one.points for one in grades] else 1


if __name__ == "__main__":
    sys.exit(main())
