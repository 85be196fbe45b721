"""A report in words for the terminal, and as plain values for programs."""

from typing import Any

from mnist_core.assignment.check import Report
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.finding import Finding, State
from mnist_core.assignment.hints import allowed_hints
from mnist_core.assignment.source import Submission
from mnist_core.untrusted import UntrustedText

MARKS: dict[State, str] = {"correct": "✓", "wrong": "✗", "missing": "–", "skipped": "–"}


def line_of(finding: Finding) -> str:
    """One line for a step: its mark, its name, and what is to be said of it."""
    said = "" if finding.state == "wrong" else finding.sentence
    return f"{MARKS[finding.state]} {finding.step:<20} {plain(said)}".rstrip()


def in_full(finding: Finding, submission: Submission, hints: int) -> list[str]:
    """A step that fails, with the learner's own line, and hints up to a level, if they are allowed."""
    place = f", {submission.place(finding.line)}" if finding.line else ""
    where = f" (first seen with {finding.where})" if finding.where else ""
    lines = ["", f"{finding.step}{place}: {plain(finding.sentence)}{where}"]
    if finding.line and finding.line <= submission.text.count("\n") + 1:
        lines.append(f"    {plain(submission.text.split(chr(10))[finding.line - 1])}")
    if finding.effect:
        lines.append(f"What it does: {finding.effect}")
    allowed = allowed_hints()
    for title, text in finding.hints(min(hints, allowed)):
        lines += (
            [f"{title}:", *(f"    {line}" for line in text.split("\n"))] if title == "Code" else [f"{title}: {text}"]
        )
    if hints < allowed and (finding.hint or finding.formula):
        lines.append(f"More help: --hints {hints + 1}")
    return lines


def summary(report: Report) -> list[str]:
    """Counts of the steps, and the way that the file is written."""
    states = [finding.state for finding in report.findings if finding.step in (*STEPS, *WHOLE)]
    counts = [f"{states.count(state)} {state}" for state in MARKS if states.count(state)]
    way = [f"Found: {report.convention}."] if report.convention else []
    return [f"{', '.join(counts) or 'Nothing could be checked'}, in {report.seconds:.1f} s", *way]


def to_json(report: Report) -> dict[str, Any]:
    """Plain values: one entry a step."""
    return {
        "steps": [
            {
                "step": finding.step,
                "state": finding.state,
                "mistake": finding.mistake,
                "sentence": plain(finding.sentence),
                "line": report.submission.place(finding.line).line if finding.line else None,
                "cell": report.submission.place(finding.line).cell if finding.line else None,
            }
            for finding in report.findings
        ],
        "convention": report.convention,
        "notes": [plain(note) for note in report.submission.notes],
        "seconds": round(report.seconds, 3),
    }


def plain(text: str) -> str:
    """Text that may quote the learner's, without what controls a terminal."""
    return UntrustedText(text).plain
