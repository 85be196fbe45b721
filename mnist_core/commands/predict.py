"""``mnist predict``: classify image files, and data sets without labels."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.commands.output import complain, note, say, say_json
from mnist_core.commands.parser import (
    ProgramParser,
    add_command,
    add_json,
    add_run,
    add_runs_dir,
    program_name,
    read_path,
)
from mnist_core.data.classes import Classes, display_width, padded
from mnist_core.data.formats.kinds import PICTURE, TEXT
from mnist_core.data.formats.look import Found, look
from mnist_core.data.formats.names import split_of
from mnist_core.data.preparing.prepare import Choices, LabelledError, unlabelled
from mnist_core.data.preparing.prepared import open_source
from mnist_core.errors import DatasetError, MnistError, PictureError, reason_of
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.reading import MAX_BYTES, read_picture
from mnist_core.runs.run import find_run

PICTURES = "pictures"
"""What ``formats.table`` calls them: one alone may be a photo, in which the digit is yet to be found."""


UNCLEAR = {PICTURE, TEXT, "empty", "WebP", "PDF", "unknown"}
"""Kinds of files of which the reader of pictures knows as much, or more."""


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "predict", "RUN IMAGE ... [OPTIONS]", "classify image files with the model of a run", _predict
    )
    add_run(command)
    command.add_argument(
        "images", nargs="+", type=read_path, metavar="IMAGE",
        help="PNG, JPEG or WebP of one digit, or of whatever the network knows; used unchanged if it is white on black "
        "and as large as the training images, otherwise inverted if necessary, cropped, centred and scaled; or a file "
        "or folder of many images without labels",
    )  # fmt: skip
    add_json(command, "a JSON list with all probabilities instead of a table")
    add_runs_dir(command)


def _predict(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run, arguments.runs_dir)
    network = run.load_network()
    shape = run.image_shape(network)
    classes = run.dataset.classes(network.layer_sizes[-1])
    images, problems = [], []
    for path in arguments.images:
        try:
            images += _images_at(path, shape)
        except DatasetError as error:
            problems.append(str(error))
        except MnistError as error:
            problems.append(f"{path}: {error}")
    rows = predict(network, np.array([image for _, image in images]).reshape(-1, *shape)).astype(float)
    report = [_describe(name, row, classes) for (name, _), row in zip(images, rows, strict=True)]
    if arguments.json:
        say_json(report)
    else:
        _print_table(report, classes)
    for problem in problems:
        complain(problem)
    return 1 if problems else 0


def _images_at(path: Path, shape: tuple[int, int]) -> list[tuple[str, np.ndarray]]:
    """Read a picture, or all images of a data set that have no labels; each with what to call it."""
    found = _found(path)
    if found is None or found.format in (None, *([] if path.is_dir() else [PICTURES])):
        return [(str(path), _digit_at(path, shape, found))]
    source = open_source(path)
    only = split_of(path.name) if path.is_file() else None  # what is beside it was read as well
    try:
        data = unlabelled(source, Choices(shape=shape), only)
    except LabelledError as error:
        raise DatasetError(
            f"{path}: found images with labels, but expected some without. "
            f"Score the run on them with: {program_name()} evaluate RUN --data-dir {path}"
        ) from error
    for sentence in data.notes[:-1]:  # the last one says that there are no labels
        note(sentence.plain)
    return [(f"{path}[{number}]", image) for number, image in enumerate(data.images)]


def _found(path: Path) -> Found | None:
    try:
        return look(path)
    except (DatasetError, OSError):
        return None


def _digit_at(path: Path, shape: tuple[int, int], found: Found | None) -> np.ndarray:
    """Read a picture of one digit; of what is none, say what it is, if that is known."""
    try:
        return find_digits(read_picture(_read_file(path)), False, shape).images[0]
    except PictureError as error:
        if found and found.problem and path.is_file() and not {file.kind for file in found.files} <= UNCLEAR:
            raise DatasetError(found.problem) from error
        raise


def _describe(name: str, probabilities: np.ndarray, classes: Classes) -> dict[str, Any]:
    label, *others = np.argsort(-probabilities, kind="stable").tolist()
    return {
        "image": name,
        "label": label,
        "class_name": classes[label].plain,
        "probability": float(probabilities[label]),
        "runner_up": others[0] if others else None,
        "runner_up_name": classes[others[0]].plain if others else None,
        "probabilities": probabilities.tolist(),
    }


def _print_table(report: list[dict[str, Any]], classes: Classes) -> None:
    width = max((display_width(entry["image"]) for entry in report), default=0)
    for entry in report:
        second = entry["runner_up"]
        runner_up = (
            "" if second is None else f"   runner-up {classes[second].plain} ({entry['probabilities'][second]:.1%})"
        )
        say(f"{padded(entry['image'], width)}   {entry['class_name']} ({entry['probability']:.1%}){runner_up}")


def _read_file(path: Path) -> bytes:
    """Read a file, and no more of it than a picture may have: it may be a device without end."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise PictureError("there is no such file: check its name.") from error
    except IsADirectoryError as error:
        raise PictureError("this is a folder: name the pictures in it.") from error
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        raise PictureError(f"can't be read ({reason_of(error)}): check its permissions and the disk.") from error
