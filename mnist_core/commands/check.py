"""``mnist check``: check an implementation of one's own, step by step."""

import argparse
import time
from pathlib import Path

from mnist_core.assignment.cases import SEEDS
from mnist_core.assignment.check import Report, check
from mnist_core.assignment.report import in_full, line_of, plain, summary, to_json
from mnist_core.assignment.source import read_submission
from mnist_core.commands.output import complain, note, say, say_json
from mnist_core.commands.parser import ProgramParser, add_command, add_json, number
from mnist_core.errors import AssignmentError

WATCH_SECONDS = 0.3
HINTS = (0, 3)


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(program, "check", "FILE [OPTIONS]", "check your own implementation, step by step", _check)
    command.add_argument("file", type=Path, metavar="FILE", help="a .py file or an .ipynb notebook")
    command.add_argument(
        "--hints", type=number(whole=True, limits=HINTS), default=0,
        help="how much help: 0 the result, 1 a hint, 2 the formula, 3 the code (default: 0)",
    )  # fmt: skip
    command.add_argument("--watch", action="store_true", help="check again whenever the file is saved, until Ctrl-C")
    command.add_argument(
        "--seed", type=number(whole=True, limits=SEEDS), default=0, help="seed of the inputs (default: 0)"
    )
    add_json(command, "one JSON object instead of lines")


def _check(arguments: argparse.Namespace) -> int:
    code = _once(arguments)
    while arguments.watch:
        stamp = _stamp(arguments.file)
        while _stamp(arguments.file) == stamp:
            time.sleep(WATCH_SECONDS)
        say("\n" + "─" * 40)
        code = _once(arguments)
    return code


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:  # an editor replaces the file
        return None
    return status.st_mtime_ns, status.st_size


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
