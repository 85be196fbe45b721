"""``mnist assignment``: write a starter file for an implementation of one's own."""

import argparse
from pathlib import Path

from mnist_core.assignment.contract import LEVELS
from mnist_core.assignment.starter import starter_file
from mnist_core.commands.output import say
from mnist_core.commands.parser import ProgramParser, add_command, number, program_name
from mnist_core.errors import AssignmentError


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "assignment", "[FILE] [OPTIONS]", "write a starter file for a network of your own", _assignment
    )
    command.add_argument(
        "file", type=Path, nargs="?", default=Path("my_network.py"), metavar="FILE",
        help="file to write (default: my_network.py)",
    )  # fmt: skip
    levels = "; ".join(f"{level}: {about}" for level, about in LEVELS.items())
    command.add_argument("--level", type=number(whole=True), default=1, help=f"{levels} (default: 1)")


def _assignment(arguments: argparse.Namespace) -> None:
    path = arguments.file
    if path.suffix != ".py":
        raise AssignmentError(f"{path} is no Python file: choose a name that ends with .py.")
    content = starter_file(arguments.level, path.name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError as error:
        raise AssignmentError(f"{path} exists already: choose another name, so that nothing is lost.") from error
    say(f"wrote {path}. Check it with: {program_name()} check {path} --watch")
