"""``mnist grade``: grade the implementations of a class."""

import argparse
from pathlib import Path

from mnist_core.assignment.catalogue import MISTAKES
from mnist_core.assignment.gradescope import autograder_zip, write_results
from mnist_core.assignment.grading import Grade, grade, summarize, to_csv
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.rubric import Rubric, read_rubric
from mnist_core.assignment.similarity import similar_pairs
from mnist_core.assignment.source import read_submission
from mnist_core.commands.output import note, say
from mnist_core.commands.parser import ProgramParser, add_command, number
from mnist_core.errors import AssignmentError, counted
from mnist_core.jobs.job import PROJECT
from mnist_core.runs.files import write_atomically, writing_to
from mnist_core.untrusted import UntrustedText


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(program, "grade", "FOLDER [OPTIONS]", "grade a folder of implementations", _grade)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="one file or folder a student, named after them")
    command.add_argument("--rubric", type=Path, help="TOML file with the points of each step (default: built in)")
    command.add_argument("--seed", type=number(whole=True), default=0, help="seed of the hidden inputs (default: 0)")
    command.add_argument("--jobs", type=number(whole=True), default=2, help="files checked at a time (default: 2)")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write the table of grades")
    command.add_argument("--gradescope", type=Path, metavar="DIR", help="write a results.json for each student")
    command.add_argument(
        "--autograder-zip", type=Path, metavar="FILE", help="write an autograder for Gradescope, and grade nothing"
    )


def _grade(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.jobs <= 64:
        arguments.usage_error(f"--jobs is {arguments.jobs}, expected 1 to 64")
    rubric = read_rubric(arguments.rubric) if arguments.rubric else Rubric()
    if arguments.autograder_zip:
        content = autograder_zip(PROJECT, rubric, arguments.seed)
        with writing_to(arguments.autograder_zip.absolute().parent):
            write_atomically(arguments.autograder_zip, lambda file: file.write(content))
        say(f"wrote {arguments.autograder_zip} ({len(content):,} bytes)")
        return
    grades = grade(arguments.folder, rubric, arguments.seed, arguments.jobs, _print_grade)
    if arguments.csv:
        table = to_csv(grades).encode()
        with writing_to(arguments.csv.absolute().parent):
            write_atomically(arguments.csv, lambda file: file.write(table))
    if arguments.gradescope:
        with writing_to(arguments.gradescope):
            write_results(arguments.gradescope, grades)
    _print_summary(grades)
    _print_pairs(arguments.folder)


def _print_grade(one: Grade) -> None:
    said = one.problem or (f"{one.first_wrong}: {one.findings[one.first_wrong]}" if one.first_wrong else "all correct")
    say(f"{one.student:<24} {one.points:>6g} of {one.total:g}   {said}")


def _print_summary(grades: list[Grade]) -> None:
    found = summarize(grades)
    say()
    say(f"{counted(found.graded, 'file')} graded, {found.ungraded} not; mean {found.mean:.0%} of the points")
    for title, counts in (("mistake", found.mistakes), ("first step that fails", found.stopped_at)):
        for name, count in list(counts.items())[:8]:
            about = f"  {MISTAKES[name].sentence}" if name in MISTAKES else ""
            say(f"{count:>4} x {title} {name}{about}")


def _print_pairs(folder: Path) -> None:
    texts: list[tuple[UntrustedText, str]] = []
    for entry in read_roster(folder):
        try:
            if entry.path:
                texts.append((entry.student, read_submission(entry.path).text))
        except AssignmentError:  # said in its row
            continue
    for pair in similar_pairs(texts):
        note(f"{pair.first.plain} and {pair.second.plain} share {pair.similarity:.0%} of their code: have a look.")
