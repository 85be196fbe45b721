"""Grade submissions, several at a time; what was graded stays graded when that is interrupted."""

import hashlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mnist_core.assignment.check import Report, check
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.grades import Grade, StepGrade
from mnist_core.assignment.kept import KeptGrades, key_of
from mnist_core.assignment.roster import Entry, read_roster
from mnist_core.assignment.rubric import CHECKS, Rubric
from mnist_core.assignment.source import parse_submission, read_content
from mnist_core.errors import AssignmentError
from mnist_core.untrusted import UntrustedText

LONGEST_SENTENCE = 600
OnGrade = Callable[[Grade], object]


class Stopped(Exception):
    """Nobody waits for the result any more."""


def grade(
    folder: Path,
    rubric: Rubric,
    seed: int = 0,
    jobs: int = 2,
    on_grade: OnGrade | None = None,
    stop: threading.Event | None = None,
) -> list[Grade]:
    """Grade all submissions of a folder, but those that it keeps a grade of.

    Parameters
    ----------
    folder : Path
        See :func:`mnist_core.assignment.roster.read_roster`.
    rubric : Rubric
    seed : int
        Of the inputs that no student knows; at least 0.
    jobs : int
        Submissions that are checked at a time.
    on_grade : callable, optional
        Gets each grade as soon as it is known. An exception of it ends the grading.
    stop : threading.Event, optional
        Ends the grading within a fraction of a second when it is set; what is graded by then is kept.

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
    Stopped
        If ``stop`` is set.
    """
    entries, kept = read_roster(folder), KeptGrades(folder)
    grades = []
    with closing(grade_entries(entries, rubric, seed, jobs, kept, stop)) as found:
        for one in found:
            grades.append(one)
            if on_grade:
                on_grade(one)
    return sorted(grades, key=lambda one: one.student)


def grade_entries(
    entries: Iterable[Entry],
    rubric: Rubric,
    seed: int = 0,
    jobs: int = 1,
    kept: KeptGrades | None = None,
    stop: threading.Event | None = None,
) -> Generator[Grade, None, None]:
    """Grade submissions, see `grade`; yield each grade as soon as it is known, and keep it."""
    waiting: dict[Future[Grade], str] = {}
    left = threading.Event()

    def go_on(*_: object) -> None:
        if left.is_set() or (stop and stop.is_set()):
            raise Stopped

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            for entry in entries:
                go_on()
                try:
                    content = _read(entry)
                except AssignmentError as error:
                    yield _ungraded(entry, rubric, str(error))
                    continue
                digest = hashlib.sha256(content).hexdigest()
                key = key_of(digest, rubric, seed)
                if kept and (before := kept.get(key)):
                    yield replace(before, student=entry.student, file=_file_of(entry))
                    continue
                if len(waiting) == jobs:  # so that an interruption waits for these alone
                    yield from _finished(waiting, kept)
                waiting[pool.submit(_grade_one, entry, content, digest, rubric, seed, go_on)] = key
            while waiting:
                yield from _finished(waiting, kept)
        finally:
            left.set()


def _read(entry: Entry) -> bytes:
    if entry.path is None:
        raise AssignmentError(entry.problem)
    return read_content(entry.path).data


def _finished(waiting: dict[Future[Grade], str], kept: KeptGrades | None) -> Iterator[Grade]:
    """Wait for the next grade, or several at once; only what was checked is kept."""
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        key, one = waiting.pop(future), future.result()
        if kept and one.seconds:
            kept.add(key, one)
        yield one


def _grade_one(
    entry: Entry, content: bytes, digest: str, rubric: Rubric, seed: int, go_on: Callable[..., None]
) -> Grade:
    """Check one file; whatever happens there is said in its row."""
    name = entry.path.name if entry.path else ""
    try:
        submission = parse_submission(name, content)
        if not submission.functions:
            raise AssignmentError(f"{name} has none of the functions: expected {', '.join(STEPS)}.")
        return _of_report(entry, digest, rubric, check(submission, seed, go_on, on_wait=go_on))
    except AssignmentError as error:
        return replace(_ungraded(entry, rubric, str(error)), sha256=digest)
    except Stopped:
        raise
    except Exception as error:  # a fault of the checker's must not cost the others their grades
        sentence = f"The check itself failed ({type(error).__name__}: {error}): grade it by hand, and report this."
        return replace(_ungraded(entry, rubric, sentence), sha256=digest)


def _of_report(entry: Entry, digest: str, rubric: Rubric, report: Report) -> Grade:
    scores = rubric.scores(report)
    found = {finding.step: finding for finding in report.findings}
    names = sorted({*scores, *found} & set(CHECKS), key=CHECKS.index)
    loaded = "load" not in found
    return Grade(
        student=entry.student,
        file=_file_of(entry),
        sha256=digest,
        steps={name: _step(found.get(name), scores.get(name, 0.0), rubric.points.get(name, 0.0)) for name in names},
        problem=_sentence("" if loaded else found["load"].sentence),
        seconds=max(report.seconds, 1e-3),
    )


def _step(finding: Finding | None, points: float, most: float) -> StepGrade:
    if finding is None:
        return StepGrade("skipped", points, most)
    mistakes = tuple(finding.mistake.split("+")) if finding.mistake else ()
    return StepGrade(finding.state, points, most, _sentence(finding.sentence), mistakes)


def _ungraded(entry: Entry, rubric: Rubric, problem: str) -> Grade:
    steps = {name: StepGrade("skipped", 0.0, most) for name, most in rubric.points.items()}
    return Grade(entry.student, _file_of(entry), "", steps, _sentence(problem))


def _file_of(entry: Entry) -> UntrustedText:
    return UntrustedText(entry.path.name if entry.path else "")


def _sentence(text: str) -> UntrustedText:
    """A sentence on one line, which may quote the learner's code."""
    line = " ".join(text.split())
    return UntrustedText(line if len(line) <= LONGEST_SENTENCE else f"{line[:LONGEST_SENTENCE]}…")
