"""``mnist grade``: grade the implementations of a class."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mnist_core.assignment.autograder import autograder_zip
from mnist_core.assignment.cases import SEEDS
from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.grades import Grade, summarize, to_csv
from mnist_core.assignment.gradescope import write_results, write_single
from mnist_core.assignment.grading import grade, grade_entries
from mnist_core.assignment.roster import read_roster, read_single
from mnist_core.assignment.rubric import Rubric, read_rubric
from mnist_core.assignment.sandbox import bubblewrap, describe_isolation
from mnist_core.assignment.similarity import similar_entries
from mnist_core.commands.output import note, say
from mnist_core.commands.parser import ProgramParser, add_command, number
from mnist_core.disk import write_atomically
from mnist_core.errors import counted
from mnist_core.jobs.job import PROJECT
from mnist_core.runs.files import writing_to

JOBS = (1, 64)
SEED_OF_CHECKS = 0
SHOWN_COUNTS = 8


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(program, "grade", "FOLDER [OPTIONS]", "grade a folder of implementations", _grade)
    command.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER", help="one file or folder a student, named after them"
    )
    command.add_argument("--rubric", type=Path, help="TOML file with the points of each step (default: built in)")
    command.add_argument(
        "--seed", type=number(whole=True, limits=SEEDS), help="seed of the hidden inputs (default: the rubric's, or 0)"
    )
    command.add_argument(
        "--jobs", type=number(whole=True, limits=JOBS), default=2, help="files checked at a time (default: 2)"
    )
    command.add_argument("--csv", type=Path, metavar="FILE", help="write the table of grades")
    command.add_argument("--gradescope", type=Path, metavar="DIR", help="write a results.json for each student")
    command.add_argument(
        "--single", action="store_true", help="FOLDER is the submission of one student, as Gradescope has it"
    )
    command.add_argument(
        "--autograder-zip", type=Path, metavar="FILE", help="write an autograder for Gradescope, and grade nothing"
    )


def _grade(arguments: argparse.Namespace) -> None:
    _check_usage(arguments)
    rubric = read_rubric(arguments.rubric) if arguments.rubric else Rubric()
    seed = rubric.seed if arguments.seed is None else arguments.seed
    if seed == SEED_OF_CHECKS:
        note("seed 0 gives the inputs that mnist check shows: choose another one, with --seed or in the rubric.")
    if arguments.autograder_zip:
        _write(arguments.autograder_zip, autograder_zip(PROJECT, replace(rubric, seed=seed)))
        return
    if not bubblewrap():
        note(describe_isolation())
    if arguments.single:
        grades = list(grade_entries([read_single(arguments.folder)], rubric, seed))
        _print_grade(grades[0])
    else:
        grades = grade(arguments.folder, rubric, seed, arguments.jobs, _print_grade)
    if arguments.csv:
        _write(arguments.csv, to_csv(grades).encode())
    if arguments.gradescope:
        with writing_to(arguments.gradescope):
            if arguments.single:
                write_single(arguments.gradescope, grades[0])
            else:
                write_results(arguments.gradescope, grades)
    if not arguments.single:
        _print_summary(grades)
        _print_pairs(arguments.folder)


def _check_usage(arguments: argparse.Namespace) -> None:
    if arguments.autograder_zip:
        return
    if arguments.folder is None:
        arguments.usage_error("grade needs the folder of the submissions")
    inside = arguments.gradescope and arguments.folder.resolve() in (path := arguments.gradescope.resolve()).parents
    if inside and not arguments.single:
        arguments.usage_error(f"--gradescope {path} lies in the folder of the submissions: choose another one")


def _write(path: Path, content: bytes) -> None:
    with writing_to(path.absolute().parent):
        write_atomically(path, lambda file: file.write(content))
    say(f"wrote {path} ({len(content):,} bytes)")


def _print_grade(one: Grade) -> None:
    step = one.stopped_at
    said = one.problem.plain or (f"{step}: {one.steps[step].sentence.plain}" if step else "all correct")
    say(f"{one.student.plain:<24} {one.points:>6g} of {one.total:g}   {said}")


def _print_summary(grades: Sequence[Grade]) -> None:
    found = summarize(grades)
    say()
    say(f"{counted(found.graded, 'file')} graded, {found.ungraded} not; mean {found.mean:.0%} of the points")
    for title, counts in (("mistake", found.mistakes), ("first step that fails", found.stopped_at)):
        for name, count in list(counts.items())[:SHOWN_COUNTS]:
            about = f"  {MISTAKES[name].sentence}" if name in MISTAKES else ""
            say(f"{count:>4} x {title} {name}{about}")


def _print_pairs(folder: Path) -> None:
    for pair in similar_entries(read_roster(folder)):
        note(f"{pair.first.plain} and {pair.second.plain} share {pair.similarity:.0%} of their code: have a look.")
