"""``mnist predict``: classify image files."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.commands.output import complain, say, say_json
from mnist_core.commands.parser import ProgramParser, add_command, add_json, add_run, add_runs_dir
from mnist_core.errors import MnistError, PictureError, reason_of
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.reading import MAX_BYTES, read_picture
from mnist_core.runs.run import find_run


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "predict", "RUN IMAGE ... [OPTIONS]", "classify image files with the model of a run", _predict
    )
    add_run(command)
    command.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE",
        help="PNG, JPEG or WebP of one digit; used unchanged if it is white on black and as large as the training "
        "images, otherwise inverted if necessary, cropped, centred and scaled",
    )  # fmt: skip
    add_json(command, "a JSON list with all probabilities instead of a table")
    add_runs_dir(command)


def _predict(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run, arguments.runs_dir)
    network = run.load_network()
    shape = run.image_shape(network)
    images, problems = [], []
    for path in arguments.images:
        try:
            images.append((path, find_digits(read_picture(_read_file(path)), False, shape).images[0]))
        except MnistError as error:
            problems.append(f"{path}: {error}")
    rows = predict(network, np.array([image for _, image in images]).reshape(-1, *shape)).astype(float)
    report = [_describe(path, row) for (path, _), row in zip(images, rows, strict=True)]
    if arguments.json:
        say_json(report)
    else:
        _print_table(report)
    for problem in problems:
        complain(problem)
    return 1 if problems else 0


def _describe(path: Path, probabilities: np.ndarray) -> dict[str, Any]:
    digit, *others = np.argsort(-probabilities, kind="stable").tolist()
    return {
        "image": str(path),
        "digit": digit,
        "probability": float(probabilities[digit]),
        "runner_up": others[0] if others else None,
        "probabilities": probabilities.tolist(),
    }


def _print_table(report: list[dict[str, Any]]) -> None:
    width = max((len(entry["image"]) for entry in report), default=0)
    for entry in report:
        second = entry["runner_up"]
        runner_up = "" if second is None else f"   runner-up {second} ({entry['probabilities'][second]:.1%})"
        say(f"{entry['image']:<{width}}   {entry['digit']} ({entry['probability']:.1%}){runner_up}")


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
