"""``mnist download``: fetch the full MNIST data set."""

import argparse

from tqdm import tqdm

from mnist_core.commands.output import say
from mnist_core.commands.parser import ProgramParser, add_command, read_path
from mnist_core.data.download import download


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "download", "[--data-dir FOLDER]", "fetch the full MNIST data set, checked by SHA-256", _download
    )
    command.add_argument("--data-dir", type=read_path, help="folder for the four files (default: your cache folder)")


def _download(arguments: argparse.Namespace) -> None:
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int, message: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(message, refresh=False)
            bar.refresh()

        folder = download(arguments.data_dir, progress=show)
    say(f"The full data set is in {folder}")
