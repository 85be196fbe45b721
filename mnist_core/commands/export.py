"""``mnist export``: write the model of a run as a file."""

import argparse
from pathlib import Path

from mnist_core.commands.output import say
from mnist_core.commands.parser import ProgramParser, add_command, add_run, add_runs_dir, one_of
from mnist_core.disk import write_atomically
from mnist_core.errors import RunError, advice_on, counted, reason_of
from mnist_core.models.formats import FORMATS, export, file_name
from mnist_core.runs.run import find_run


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "export", "RUN --format FORMAT [OPTIONS]", "write the model of a run as a file for other programs",
        _export,
    )  # fmt: skip
    add_run(command)
    formats = "; ".join(f"{name}: {kind.about.rstrip('.')}" for name, kind in FORMATS.items())
    command.add_argument("--format", **one_of(FORMATS), required=True, help=formats)
    command.add_argument(
        "--output", type=Path, help="file or folder to write to (default: model_RUN in the current folder)"
    )
    add_runs_dir(command)


def _export(arguments: argparse.Namespace) -> None:
    run = find_run(arguments.run, arguments.runs_dir)
    network = run.load_network()
    classes = run.dataset.classes(network.layer_sizes[-1])
    content = export(network, run.image_shape(network), arguments.format, classes)
    path = arguments.output or Path()
    try:
        if path.is_dir():
            path /= file_name(run.id, arguments.format)
        if path.exists() and not path.is_file():  # a pipe or a device is written to, never replaced by a file
            path.write_bytes(content)
        else:
            write_atomically(path, lambda file: file.write(content))
    except OSError as error:
        raise RunError(
            f"Can't write {path} ({reason_of(error)}): {advice_on(error)}, or choose another place with --output."
        ) from error
    say(f"wrote {path} ({counted(len(content), 'byte')})")
