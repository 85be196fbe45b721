"""How long a class takes to grade, and how much of that is the checks.

    python -m benchmarks.grading --students 30 --jobs 2

Of six students two are right, in one of several styles; two make a mistake, one makes a mistake and has a gap, and one
has a gap or loops for ever.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mnist_core.assignment import grading
from mnist_core.assignment.grading import grade
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.similarity import similar_entries
from mnist_core.assignment.starter import solution
from tests.core.assignment.styles import STYLES

SOLUTION = solution()
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
GAPS = ("one_hot", "softmax", "feed_forward", "update")


def submissions(students: int) -> Iterator[str]:
    """One text a student, all different."""
    right = (SOLUTION, *STYLES.values())
    for number in range(students):
        round_, kind = divmod(number, 6)
        text = right[(2 * round_ + kind // 3) % len(right)] if kind % 3 == 0 else SOLUTION
        if kind in (1, 2, 4):
            text = text.replace(*MISTAKES[(3 * round_ + kind // 2) % len(MISTAKES)])
        if kind == 5 and round_ % 2:
            text = text.replace(*LOOP)
        elif kind >= 4:
            text = without(GAPS[round_ % len(GAPS)], text)
        yield f"# student {number}\n{text}"


def without(function: str, text: str) -> str:
    """Leave a function out."""
    return "\n\n\n".join(part for part in text.split("\n\n\n") if not part.startswith(f"def {function}("))


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
