"""``mnist data``: what a file or folder holds, and the data set that it becomes."""

import argparse
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.commands.output import complain, note, say, say_json
from mnist_core.commands.parser import ProgramParser, add_command, add_json, number, program_name, read_path
from mnist_core.commands.progress import reading
from mnist_core.data.checks import dataset_warnings
from mnist_core.data.classes import display_width, padded
from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.data.formats.look import Found, FoundFile, look
from mnist_core.data.preparing.class_names import read_class_names
from mnist_core.data.preparing.prepare import Choices, Unlabelled, suggest
from mnist_core.data.preparing.prepared import is_plain, open_dataset, open_source, save_prepared
from mnist_core.errors import DatasetError, counted, times
from mnist_core.untrusted import UntrustedText

MOST_LINES = 20
"""Files and classes that are listed; of more, the rest is counted."""

WIDEST_NAME = 48


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "data", "PATH [OPTIONS]", "what a file or folder of data holds, and what becomes of it", _data
    )
    command.add_argument("path", type=read_path, metavar="PATH", help="a file or folder: IDX, CSV, npz, pictures, ...")
    command.add_argument("--save", type=read_path, metavar="FOLDER", help="write the prepared data set there")
    command.add_argument("--size", type=_size, metavar="HxW", help="scale the images, for example to 28x28")
    command.add_argument(
        "--invert", action=argparse.BooleanOptionalAction, help="turn dark on light into light on dark, or don't"
    )
    command.add_argument(
        "--transpose", action=argparse.BooleanOptionalAction, help="exchange rows and columns, or don't"
    )
    command.add_argument("--classes", type=read_path, metavar="FILE", help="names of the classes, one a line")
    command.add_argument("--first-label", type=number(whole=True), metavar="N", help="the label that is class 0")
    command.add_argument(
        "--test-share", type=number(whole=False), default=Choices.test_share, metavar="SHARE",
        help="part of the images to test with, where there is no test set (default: 1/6)",
    )  # fmt: skip
    command.add_argument(
        "--seed", type=number(whole=True), default=Choices.seed, help=f"chooses them (default: {Choices.seed})"
    )
    add_json(command, "one JSON object instead of lines")


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d{1,4})(?:\s*[x×X,* ]\s*(\d{1,4}))?\s*", text)
    if not match:
        raise argparse.ArgumentTypeError(f"found {text[:40]!r}, expected height x width, such as 28x28")
    return int(match[1]), int(match[2] or match[1])


def _choices(arguments: argparse.Namespace) -> Choices:
    names = read_class_names(arguments.classes) if arguments.classes else None
    return Choices(
        arguments.size, arguments.invert, arguments.transpose, names, arguments.test_share, arguments.seed,
        arguments.first_label,
    )  # fmt: skip


def _data(arguments: argparse.Namespace) -> int:
    choices = _choices(arguments)
    found = look(arguments.path)
    if not arguments.json:
        _print_found(found)
    try:
        dataset, offers = _open(arguments, choices)
        saved = save_prepared(dataset, arguments.save) if arguments.save else None
    except DatasetError as error:
        if not arguments.json:
            raise
        say_json(_to_json(found, None, (), None) | {"problem": str(error)})
        complain(error)
        return 1
    if arguments.json:
        say_json(_to_json(found, dataset, offers, saved))
    else:
        _print_dataset(dataset, offers)
        _print_saved(saved)
    return 0


def _open(arguments: argparse.Namespace, choices: Choices) -> tuple[Dataset | Unlabelled, tuple[str, ...]]:
    """Return the data set, and what could be done about it but isn't, because four IDX files are used as they are."""
    with reading() as progress:
        if choices == Choices() and not arguments.save and is_plain(arguments.path):
            _, offers = suggest(open_source(arguments.path, progress))
            return load_dataset("full", arguments.path), offers
        return open_dataset(arguments.path, choices, progress), ()


def _print_found(found: Found) -> None:
    say(f"{found.path}: {found.format or 'no known format'}")
    cells = [_cells(file) for file in found.files[:MOST_LINES]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, file in zip(cells, found.files, strict=False):
        say("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        if file.problem:
            say(f"    {UntrustedText(file.problem).plain}")
    if len(found.files) > MOST_LINES:
        say(f"  and {len(found.files) - MOST_LINES:,} more files")
    if found.problem and found.guess:
        note(found.guess)


def _cells(file: FoundFile) -> tuple[str, ...]:
    """What is known of a file, as the cells of a row."""
    name = UntrustedText(file.name).plain
    known = {True: "checksum known", False: "checksum not known", None: ""}[file.checksum_known]
    return (
        name if len(name) <= WIDEST_NAME else f"…{name[1 - WIDEST_NAME :]}",
        file.kind,
        file.role or "",
        f"{times(file.shape)} {file.dtype or ''}".strip() if file.shape is not None else "",
        "" if file.low is None or file.high is None else f"{file.low:g} to {file.high:g}",
        "" if file.classes is None else f"{file.classes:,} classes",
        known,
    )


def _print_dataset(dataset: Dataset | Unlabelled, offers: tuple[str, ...]) -> None:
    say()
    say(dataset.description)
    if isinstance(dataset, Dataset):
        for line in _class_lines(dataset):
            say(f"  {line}")
    for sentence in dataset.notes:
        say(f"- {sentence.plain}")
    for offer in offers:
        note(f"{offer} Four IDX files are used as they are; --save FOLDER writes the prepared data set.")
    if isinstance(dataset, Dataset):
        for warning in dataset_warnings(dataset):
            note(str(warning))


def _class_lines(dataset: Dataset) -> list[str]:
    """Each class with its counts, and what else is known of the images."""
    counts = [
        np.bincount(labels, minlength=dataset.num_classes) for labels in (dataset.train_labels, dataset.test_labels)
    ]
    names = [name.plain for name in list(dataset.classes)[:MOST_LINES]]
    width = max(len("class"), *map(display_width, names))
    lines = [f"{'class':<{width}}  training     test"]
    for name, train, test in zip(names, *counts, strict=False):
        lines.append(f"{padded(name, width)}  {train:>8,}  {test:>7,}")
    if dataset.num_classes > MOST_LINES:
        lines.append(f"and {dataset.num_classes - MOST_LINES} more classes")
    for name in dict.fromkeys(name for columns in dataset.extra.values() for name in columns):
        values = [np.unique(columns[name]) for columns in dataset.extra.values() if name in columns]
        lines.append(f"{UntrustedText(name).plain}: {counted(len(np.unique(np.concatenate(values))), 'value')}")
    return lines


def _print_saved(saved: Path | None) -> None:
    if saved:
        say(f"saved  {saved}")
        say(f"train  {program_name()} train --data-dir {saved}")


def _to_json(
    found: Found, dataset: Dataset | Unlabelled | None, offers: tuple[str, ...], saved: Path | None
) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "format": found.format,
        "guess": found.guess,
        "problem": found.problem,
        "files": [{"name": file.name, "kind": file.kind} | asdict(file) for file in found.files],
        "dataset": None if dataset is None else _dataset_json(dataset),
        "offers": list(offers),
        "saved": None if saved is None else str(saved),
    }


def _dataset_json(dataset: Dataset | Unlabelled) -> dict[str, Any]:
    known = {
        "name": dataset.name.plain,
        "image_shape": list(dataset.image_shape),
        "notes": [sentence.plain for sentence in dataset.notes],
    }
    if isinstance(dataset, Unlabelled):
        return known | {"images": len(dataset.images)}
    return known | {
        "train_images": len(dataset.train_images),
        "test_images": len(dataset.test_images),
        "class_names": [name.plain for name in dataset.class_names],
        "checksums": dataset.checksums,
    }
