"""``mnist evaluate``: scores of a run on a test set."""

import argparse
import math
from typing import Any

from mnist_core.commands.diagnosis import diagnosis_json, diagnosis_lines, diagnosis_of
from mnist_core.commands.output import note, say, say_json
from mnist_core.commands.parser import (
    ProgramParser,
    add_command,
    add_data,
    add_data_dir,
    add_json,
    add_run,
    add_runs_dir,
    chosen_data,
)
from mnist_core.data.checks import dataset_warnings
from mnist_core.data.classes import Classes, display_width, padded
from mnist_core.data.dataset import Dataset
from mnist_core.errors import DatasetError, counted, times
from mnist_core.evaluation.metrics import per_class_scores, wilson_interval
from mnist_core.evaluation.predict import Evaluation, evaluate
from mnist_core.evaluation.significance import no_better_than_guessing
from mnist_core.nn.network import Network
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import Run, find_run

WIDEST_NAME = 24
"""Columns of the names of classes in the table."""


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(program, "evaluate", "RUN [OPTIONS]", "scores of a run on the test set", _evaluate)
    add_run(command)
    add_json(command, "one JSON object instead of a table")
    add_data(command)
    add_data_dir(command)
    add_runs_dir(command)


def _evaluate(arguments: argparse.Namespace) -> None:
    run = find_run(arguments.run, arguments.runs_dir)
    named = chosen_data(arguments)
    original = named or run.load_dataset(original=True)
    own = named is None or named.has_content(run.dataset.checksums)
    network = run.load_network(original if own else None)
    if named:
        _compare_data(run, network, named)
    corrections = run.corrections() if own else None
    dataset = corrections.apply(original) if corrections else original
    result = evaluate(network, dataset.test_images, dataset.test_labels)
    uncorrected = (
        evaluate(network, original.test_images, original.test_labels)
        if corrections and corrections.changes("test")
        else None
    )
    outputs = network.layer_sizes[-1]
    classes = run.dataset.classes(outputs) if own else Classes.of(dataset.class_names, outputs)
    found = diagnosis_of(run, lambda _: dataset) if own else None
    lines = [] if arguments.json else diagnosis_lines(found)
    doubt = no_better_than_guessing(result.accuracy, result.labels, classes)
    if doubt and not any(doubt in line for line in lines):
        note(doubt)
    if arguments.json:
        say_json(
            {
                "run": run.id,
                "dataset": {"name": dataset.name.plain, "source": dataset.source},
                "trained_on": run.dataset.name.plain,
                "own_data": own,
                "accuracy": result.accuracy,
                "interval": _interval(result),
                "loss": result.loss,
                "errors": result.errors,
                "class_names": [name.plain for name in classes],
                "confusion_matrix": result.confusion_matrix.tolist(),
                "diagnosis": diagnosis_json(found),
                **({"corrections": corrections.sha256} if corrections else {}),
                **({"original_labels": _scores(uncorrected)} if uncorrected else {}),
            }
        )
    else:
        _print_table(run, dataset, classes, result, uncorrected)
        for line in lines:
            say(line)


def _compare_data(run: Run, network: Network, dataset: Dataset) -> None:
    """Say that the data are not those of the run; refuse those that its network can't read."""
    shape, pixels = dataset.image_shape, network.layer_sizes[0]
    try:
        expected: tuple[int, ...] = run.dataset.shape()[0]
    except DatasetError:  # gone: only the number of pixels is still known
        expected = shape if math.prod(shape) == pixels else (pixels,)
    if shape != expected:
        wanted = times(expected) if len(expected) == 2 else counted(pixels, "pixel")
        raise DatasetError(
            f"Run {run.id} was trained on images of {wanted}, but those of {dataset.name.plain} "
            f"are {times(shape)}: name data with images of its size, or leave it out."
        )
    for sentence in dataset.notes:
        note(sentence.plain)
    for warning in dataset_warnings(dataset):
        note(str(warning))
    if not dataset.has_content(run.dataset.checksums):
        note(
            f"Run {run.id} was trained on other data ({run.dataset.name.plain}): "
            f"these are its scores on {dataset.name.plain}."
        )
    outputs = network.layer_sizes[-1]
    own, other = run.dataset.classes(outputs), Classes.of(dataset.class_names, outputs)
    if own != other:
        label = next(label for label in range(outputs) if own[label] != other[label])
        note(
            f"Class {label} is {other[label].plain!r} here, and {own[label].plain!r} where the run was trained: "
            "classes are compared by their number alone."
        )


def _interval(result: Evaluation) -> tuple[float, float]:
    return wilson_interval(len(result.labels) - result.errors, len(result.labels))


def _scores(result: Evaluation) -> dict[str, Any]:
    """Scores on the test labels as they are in the files, for ``--json``."""
    return {
        "images": len(result.labels),
        "accuracy": result.accuracy,
        "interval": _interval(result),
        "loss": result.loss,
        "errors": result.errors,
    }


def _print_table(
    run: Run, dataset: Dataset, classes: Classes, result: Evaluation, uncorrected: Evaluation | None
) -> None:
    kept = model_epoch(run)
    model = f", model of epoch {kept:,}" if kept not in (None, run.status.epoch) else ""
    say(f"run        {run.id}, {run.status.epoch:,} of {counted(run.epochs, 'epoch')}{model}")
    say(f"data       {dataset.name.plain}, {counted(len(result.labels), 'test image')}")
    if dataset.corrections:
        say(f"labels     {dataset.corrections.description}")
    on = " on corrected labels" if uncorrected else ""
    low, high = _interval(result)
    errors = counted(result.errors, "error")
    say(f"accuracy   {result.accuracy:.2%}{on}   ({errors}; 95 % interval {low:.2%} to {high:.2%})")
    if uncorrected:
        errors = f"{counted(uncorrected.errors, 'error')} in {counted(len(uncorrected.labels), 'image')}"
        say(f"           {uncorrected.accuracy:.2%} on original labels   ({errors})")
    say(f"loss       {result.loss:.4f} nats")
    say()
    names = classes.plain(WIDEST_NAME)
    width = max(map(display_width, ["class", *names]))
    say(f"{padded('class', width)}   precision  recall  F1      images")
    for name, row in zip(names, zip(*per_class_scores(result.confusion_matrix), strict=True), strict=True):
        say(padded(name, width) + "   {:<10.3f} {:<7.3f} {:<7.3f} {:,}".format(*row))
