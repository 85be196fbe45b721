"""``mnist download``: fetch a data set by its name."""

import argparse

from tqdm import tqdm

from mnist_core.commands.output import note, say
from mnist_core.commands.parser import ProgramParser, add_command, one_of, read_path
from mnist_core.data.published.catalogue import MNIST, NAMED
from mnist_core.data.published.download import read_arrived
from mnist_core.data.published.named import download_named, state_of

LARGE = 100_000_000
"""Bytes from which on a person is told before."""


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program,
        "download",
        "[NAME] [OPTIONS]",
        "fetch a data set, by default the full MNIST",
        _download,
    )
    command.add_argument(
        "name", **{**one_of(NAMED), "metavar": "NAME"}, nargs="?", default=MNIST.name,
        help=f"one of {', '.join(NAMED)} (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--list", action="store_true", help="all names, with size, state and licence")
    command.add_argument("--data-dir", type=read_path, help="folder for the four files (default: in your cache)")


def _download(arguments: argparse.Namespace) -> None:
    if arguments.list:
        _show_list()
        return
    known = NAMED[arguments.name]
    if not known.verified:
        note(f"{known.title} has no SHA-256 that could be checked here: it is fetched over https, unverified.")
    if known.size > LARGE:
        note(f"{known.title} is one file with all of EMNIST, {known.size_in_words}: this takes a while.")
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int, message: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(message, refresh=False)
            bar.refresh()

        folder = download_named(known, show, target_dir=arguments.data_dir)
    for name, sha256 in read_arrived(folder).items() if not known.verified else ():
        say(f"{sha256}  {name}")
    say(f"{'The full data set' if known is MNIST else known.title} is in {folder}")
    if known is not MNIST:
        say(f"licence: {known.licence}; to cite: {known.citation}")


def _show_list() -> None:
    row = "{:<15}  {:<12}  {:<10}  {:<16}  {:<7}  {}"
    say(row.format("name", "size", "state", "images", "classes", "licence"))
    for known in NAMED.values():
        images, classes = f"{known.train:,} + {known.test:,}", len(known.class_names) or 10
        say(row.format(known.name, known.size_in_words, state_of(known), images, classes, known.licence))
