"""``mnist download``: fetch a data set by its name."""

import argparse
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from mnist_core.commands.output import note, say, say_json
from mnist_core.commands.parser import CommandParser, ProgramParser, add_command, add_json, one_of
from mnist_core.data.catalogue import MNIST, NAMED, NamedSet
from mnist_core.data.download import Progress, download, read_arrived
from mnist_core.data.named import download_named, find_named, folder_of, state_of


def add(program: ProgramParser) -> None:
    """Add the command."""
    command: CommandParser = add_command(
        program,
        "download",
        "[NAME] [OPTIONS]",
        "fetch a data set (default: the full MNIST), checked by SHA-256",
        _download,
    )
    command.add_argument(
        "name", **{**one_of(NAMED), "metavar": "NAME"}, nargs="?", default=MNIST.name,
        help=f"one of {', '.join(NAMED)} (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--list", action="store_true", help="all names with size, licence, citation and whether it is here"
    )
    add_json(command, "with --list: one JSON object")
    command.add_argument("--data-dir", type=Path, help="folder for the four files (default: a folder in your cache)")


def _download(arguments: argparse.Namespace) -> None:
    if arguments.list or arguments.json:
        _show_list(arguments.json)
        return
    known = NAMED[arguments.name]
    if known.member and arguments.data_dir:
        arguments.usage_error(f"{known.title} goes into the cache only, because it is turned into MNIST's form there")
    if not known.verified:
        note(f"{known.title} has no SHA-256 that could be checked here: it is fetched over https, unverified.")
    if known.size > LARGE:
        note(f"{known.title} is one file with all of EMNIST, {known.size_in_words}: this takes a while.")
    fetch: Callable[[Progress], Path] = (
        (lambda progress: download_named(known, progress))
        if arguments.data_dir is None
        else (lambda progress: download(arguments.data_dir, known.mirrors, progress, files=known.files))
    )
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int, message: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(message, refresh=False)
            bar.refresh()

        folder = fetch(show)
    for name, sha256 in read_arrived(folder).items() if not known.verified else ():
        say(f"{sha256}  {name}")
    say(f"{'The full data set' if known is MNIST else known.title} is in {folder}")


LARGE = 100_000_000
"""Bytes from which on a person is told before."""


def _show_list(as_json: bool) -> None:
    if as_json:
        say_json({known.name: _about(known) for known in NAMED.values()})
        return
    say("name             size          state       images            classes  licence")
    for known in NAMED.values():
        images = f"{known.train:,} + {known.test:,}"
        classes = len(known.class_names) or 10
        say(
            f"{known.name:<16} {known.size_in_words:<13} {state_of(known):<11} {images:<17} {classes:<8} {known.licence}"
        )


def _about(known: NamedSet) -> dict[str, object]:
    folder = find_named(known)
    return {
        "title": known.title,
        "about": known.about,
        "bytes": known.size,
        "verified": known.verified,
        "state": state_of(known),
        "folder": str(folder) if folder else None,
        "sha256": dict(read_arrived(folder_of(known))),
        "train": known.train,
        "test": known.test,
        "class_names": list(known.class_names or map(str, range(10))),
        "licence": known.licence,
        "citation": known.citation,
        "mirrors": list(known.mirrors),
        "transposed": known.transposed,
    }
