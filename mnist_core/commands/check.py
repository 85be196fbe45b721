"""``mnist check``: check an implementation of one's own, step by step."""

import argparse
import sys
import time
from pathlib import Path
from typing import NoReturn

from mnist_core.assignment.cases import SEEDS
from mnist_core.assignment.check import Report, check
from mnist_core.assignment.hints import MOST_HINTS, VARIABLE, allowed_hints
from mnist_core.assignment.report import in_full, line_of, plain, summary, to_json
from mnist_core.assignment.sandbox import bubblewrap, describe_isolation
from mnist_core.assignment.source import read_submission
from mnist_core.commands.output import complain, note, say, say_json
from mnist_core.commands.parser import ProgramParser, add_command, add_json, number
from mnist_core.errors import AssignmentError

WATCH_SECONDS = 0.2

Stamp = tuple[int, int, int] | None


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(program, "check", "FILE [OPTIONS]", "check your own implementation, step by step", _check)
    command.add_argument("file", type=Path, metavar="FILE", help="a .py file or an .ipynb notebook")
    command.add_argument(
        "--hints", type=number(whole=True, limits=(0, MOST_HINTS)), default=0,
        help="how much help: 0 the result, 1 a hint, 2 the formula, 3 the code (default: 0)",
    )  # fmt: skip
    command.add_argument("--watch", action="store_true", help="check again whenever the file is saved, until Ctrl-C")
    command.add_argument(
        "--seed", type=number(whole=True, limits=SEEDS), default=0, help="seed of the inputs (default: 0)"
    )
    add_json(command, "one JSON object instead of lines")


def _check(arguments: argparse.Namespace) -> int:
    if arguments.hints > allowed_hints():
        note(f"{VARIABLE} allows --hints {allowed_hints()} at most.")
    if not bubblewrap():
        note(describe_isolation())
    return _watch(arguments) if arguments.watch else _once(arguments)


def _watch(arguments: argparse.Namespace) -> NoReturn:
    """Check the file, and again whenever it is saved, also while it is being checked."""
    checked = _stamp(arguments.file)
    while True:
        _once(arguments)
        sys.stdout.flush()
        checked = _next_stamp(arguments.file, checked)
        if not arguments.json:
            say()
            say("─" * 40)


def _next_stamp(path: Path, checked: Stamp) -> Stamp:
    """Wait until a file is another one and stays so for a moment: an editor may replace it, or write it in parts."""
    before = checked
    while True:
        time.sleep(WATCH_SECONDS)
        now = _stamp(path)
        if now == before and now not in (None, checked):
            return now
        before = now


def _stamp(path: Path) -> Stamp:
    """What tells a saved file from the one before; None while there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _once(arguments: argparse.Namespace) -> int:
    """Check the file; 0 if all of it is correct, 1 if something is wrong, 2 if it can't be read or run."""
    try:
        submission = read_submission(arguments.file)
        quiet = arguments.json
        report = check(submission, arguments.seed, None if quiet else lambda finding: say(line_of(finding)))
    except AssignmentError as error:
        complain(error)
        return 2
    if arguments.json:
        say_json(to_json(report))
    else:
        _print(report, arguments.hints)
    loaded = all(finding.step != "load" for finding in report.findings)
    return 0 if report.correct else 1 if loaded else 2


def _print(report: Report, hints: int) -> None:
    if report.first_wrong:
        for line in in_full(report.first_wrong, report.submission, hints):
            say(line)
    say()
    for line in summary(report):
        say(line)
    for sentence in report.submission.notes:
        note(sentence)
    if report.output.strip():
        say("It printed:")
        for line in plain(report.output).strip().split("\n")[:20]:
            say(f"    {line}")
