"""Grade a folder of submissions; what was graded stays graded when it is interrupted."""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mnist_core.assignment.check import check
from mnist_core.assignment.report import plain
from mnist_core.assignment.roster import Entry, read_roster
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.source import read_submission
from mnist_core.errors import AssignmentError, RunError
from mnist_core.runs.files import writing_to

KEPT = ".grades.jsonl"
"""In the folder of the submissions: one line for each file that was graded."""


@dataclass(frozen=True)
class Grade:
    """One row of the table of grades."""

    student: str
    file: str
    sha256: str
    points: float
    total: float
    scores: dict[str, float]
    most: dict[str, float]
    """Points that each step can give."""
    findings: dict[str, str]
    """State of each step, and the sentence of one that is not correct."""
    mistakes: tuple[str, ...]
    """Ids of the catalogue."""
    first_wrong: str
    problem: str
    """Why nothing was graded, or nothing ran."""
    seconds: float


def grade(
    folder: Path, rubric: Rubric, seed: int = 0, jobs: int = 2, on_grade: Callable[[Grade], None] | None = None
) -> list[Grade]:
    """Grade all submissions of a folder.

    Parameters
    ----------
    folder : Path
        See :func:`mnist_core.assignment.roster.read_roster`.
    rubric : Rubric
    seed : int
        Of the inputs that no student knows.
    jobs : int
        Submissions that are checked at a time.
    on_grade : callable, optional
        Gets each grade as soon as it is known.

    Returns
    -------
    list of Grade
        One a student, by name.

    Raises
    ------
    AssignmentError
        If the folder can't be read.
    RunError
        If grades can't be kept in it.
    """
    entries = read_roster(folder)
    kept = _read_kept(folder / KEPT)
    grades: list[Grade] = []
    for one in _graded(entries, kept, rubric, seed, jobs):
        fingerprint, result, is_new = one
        if is_new and result.sha256:
            with writing_to(folder), (folder / KEPT).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": fingerprint, "grade": asdict(result)}) + "\n")
        grades.append(result)
        if on_grade:
            on_grade(result)
    return sorted(grades, key=lambda result: result.student)


def _graded(
    entries: list[Entry], kept: dict[str, dict[str, Any]], rubric: Rubric, seed: int, jobs: int
) -> Iterator[tuple[str, Grade, bool]]:
    """Grades as they come, with the key under which they are kept, and whether they are new."""
    waiting: dict[Future[Grade], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for entry in entries:
            content = _content(entry)
            digest = hashlib.sha256(content).hexdigest() if content is not None else ""
            key = _key(digest, rubric, seed)
            if digest and key in kept:
                yield key, _again(kept[key], entry), False
            else:
                waiting[pool.submit(_grade_one, entry, digest, rubric, seed)] = key
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result(), True


def _content(entry: Entry) -> bytes | None:
    try:
        return entry.path.read_bytes() if entry.path else None
    except OSError:  # said when it is graded
        return None


def _key(digest: str, rubric: Rubric, seed: int) -> str:
    rules = json.dumps([rubric.points, rubric.partial, seed], sort_keys=True)
    return hashlib.sha256(f"{digest} {rules}".encode()).hexdigest()


def _grade_one(entry: Entry, digest: str, rubric: Rubric, seed: int) -> Grade:
    nothing = dict.fromkeys(rubric.points, 0.0)
    file = plain(entry.path.name) if entry.path else ""
    if entry.path is None:
        return Grade(
            entry.student.plain, file, digest, 0.0, rubric.total, nothing, rubric.points, {}, (), "", entry.problem, 0.0
        )
    try:
        report = check(read_submission(entry.path), seed)
    except AssignmentError as error:
        sentence = plain(str(error))
        return Grade(
            entry.student.plain, file, digest, 0.0, rubric.total, nothing, rubric.points, {}, (), "", sentence, 0.0
        )
    scores = rubric.scores(report)
    failed = report.first_wrong
    return Grade(
        student=entry.student.plain,
        file=file,
        sha256=digest,
        points=sum(scores.values()),
        total=rubric.total,
        scores=scores,
        most=rubric.points,
        findings={
            finding.step: plain(f"{finding.state}: {finding.sentence}".strip(": ")) for finding in report.findings
        },
        mistakes=tuple(name for finding in report.findings if finding.mistake for name in finding.mistake.split("+")),
        first_wrong=failed.step if failed else "",
        problem=plain(failed.sentence) if failed and failed.step == "load" else "",
        seconds=report.seconds,
    )


def _read_kept(path: Path) -> dict[str, dict[str, Any]]:
    """Grades of an earlier time; a last line that was not written to its end is left out."""
    if not path.exists():
        return {}
    kept = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RunError(f"{path} can't be read ({error.strerror}): delete it to grade everything again.") from error
    for line in lines:
        try:
            entry = json.loads(line)
            kept[str(entry["key"])] = dict(entry["grade"])
        except (ValueError, KeyError, TypeError):
            continue
    return kept


def _again(fields: dict[str, Any], entry: Entry) -> Grade:
    file = plain(entry.path.name) if entry.path else ""
    return Grade(**{**fields, "student": entry.student.plain, "file": file, "mistakes": tuple(fields["mistakes"])})


def to_csv(grades: list[Grade]) -> str:
    """The table of grades: a row a student, a column a step."""
    steps = list(grades[0].scores) if grades else []
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["student", "points", "total", *steps, "findings", "seconds", "file", "sha256"])
    for one in grades:
        said = "; ".join(f"{step}: {text}" for step, text in one.findings.items() if not text.startswith("correct"))
        cells = [one.student, one.points, one.total, *(one.scores[step] for step in steps)]
        table.writerow(
            [_cell(cell) for cell in [*cells, one.problem or said, round(one.seconds, 1), one.file, one.sha256]]
        )
    return buffer.getvalue()


def _cell(value: object) -> object:
    """Text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


@dataclass(frozen=True)
class ClassSummary:
    """What a class finds hard."""

    graded: int
    ungraded: int
    mean: float
    """Mean share of the points, 0 ... 1."""
    mistakes: dict[str, int]
    """Students for each mistake of the catalogue, the most common first."""
    stopped_at: dict[str, int]
    """Students for each step that is the first to fail."""


def summarize(grades: list[Grade]) -> ClassSummary:
    """Count mistakes and steps over a class."""
    graded = [one for one in grades if not one.problem]
    mistakes = Counter(name for one in graded for name in set(one.mistakes))
    stopped = Counter(one.first_wrong for one in graded if one.first_wrong)
    mean = sum(one.points / one.total for one in graded if one.total) / len(graded) if graded else 0.0
    return ClassSummary(
        len(graded), len(grades) - len(graded), mean, dict(mistakes.most_common()), dict(stopped.most_common())
    )
