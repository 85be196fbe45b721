"""The command line, as ``mnist`` or ``python -m mnist_core``: download, train, evaluate, predict, export, runs."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from tqdm import tqdm

from mnist_core.data.dataset import load_dataset
from mnist_core.data.download import download
from mnist_core.errors import MnistError, RunError, times
from mnist_core.evaluation.metrics import per_class_scores
from mnist_core.evaluation.predict import evaluate, predict
from mnist_core.handwriting.ink import ink_on_black
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.reading import read_picture
from mnist_core.jobs.start import request, resume_run, start_run
from mnist_core.models.formats import FORMATS, export, file_name
from mnist_core.runs.files import write_atomically
from mnist_core.runs.run import Run, default_runs_dir, find_run, list_runs
from mnist_core.training.config import PRESETS, TrainingConfig

EXAMPLES = """\
a first session:
  {prog} download                  fetch the 70,000 images (11.6 MB), once
  {prog} train                     the reference recipe: 784-128-64-10, 100 epochs
  {prog} train --preset best       over 99 %: ReLU, AdamW, one-cycle, augmented images
  {prog} train --epochs 5 --hidden-layers 300 100 --learning-rate 0.1
  {prog} runs                      all runs, with their test accuracy
  {prog} evaluate latest           scores and errors of the newest run
  {prog} evaluate 2026 --json      for scripts; the beginning of a run id is enough
  {prog} predict latest seven.png  classify an image of your own
  {prog} export latest --format python --output model.py    also onnx, npz, safetensors

Without the download, training uses the sample of 6,000 MNIST images included in the project.
Runs are folders, which the dashboard (streamlit run app.py) shows live.
exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage"""

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def program_name() -> str:
    """How the command line was invoked: the installed command ``mnist``, or ``python -m mnist_core``."""
    return "mnist" if Path(sys.argv[0]).stem == "mnist" else "python -m mnist_core"


def build_parser() -> argparse.ArgumentParser:
    """Describe the commands and their options."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=program_name(),
        description="Train and examine neural networks on MNIST, in plain NumPy.",
        epilog=EXAMPLES.format(prog=program_name()),
        formatter_class=formatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_download(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_export(commands)
    _add_runs(commands)
    return parser


def _add_download(commands: Commands) -> None:
    command = commands.add_parser("download", help="fetch the full MNIST data set, checked by SHA-256")
    command.add_argument("--data-dir", type=Path, help="folder for the four files (default: your cache folder)")
    command.set_defaults(action=_download)


def _add_train(commands: Commands) -> None:
    command = commands.add_parser("train", help="train a network; prints the run id and the test accuracy")
    command.add_argument(
        "--preset", choices=tuple(PRESETS), default="reference",
        help="settings to start from; single options override them (default: %(default)s)",
    )  # fmt: skip
    for setting in TrainingConfig.settings().values():
        default = " ".join(setting.to_arguments(setting.default)[1:])
        text = f"{setting.help} (default: {default})".replace("%", "%%")
        command.add_argument(setting.option, default=argparse.SUPPRESS, help=text, **setting.argument)
    command.add_argument(
        "--source",
        choices=("auto", "full", "sample"),
        default="auto",
        help="which data (default: full if available, otherwise the sample)",
    )
    _add_folders(command, data=True)
    command.set_defaults(action=_train)


def _add_evaluate(commands: Commands) -> None:
    command = commands.add_parser("evaluate", help="scores of a run on the test set")
    command.add_argument("run", metavar="RUN", help="a run id, the beginning of one, or 'latest'")
    command.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    _add_folders(command, data=True)
    command.set_defaults(action=_evaluate)


def _add_predict(commands: Commands) -> None:
    command = commands.add_parser("predict", help="classify image files with the model of a run")
    command.add_argument("run", metavar="RUN", help="a run id, the beginning of one, or 'latest'")
    command.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE",
        help="PNG, JPEG or WebP of one digit; used unchanged if it is white on black and as large as the training "
        "images, otherwise inverted if necessary, cropped, centred and scaled",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="a JSON list with all probabilities instead of a table")
    _add_folders(command, data=False)
    command.set_defaults(action=_predict)


def _add_export(commands: Commands) -> None:
    command = commands.add_parser("export", help="write the model of a run as a file for other programs")
    command.add_argument("run", metavar="RUN", help="a run id, the beginning of one, or 'latest'")
    formats = "; ".join(f"{name}: {kind.about.rstrip('.')}" for name, kind in FORMATS.items())
    command.add_argument("--format", choices=tuple(FORMATS), required=True, help=formats)
    command.add_argument(
        "--output", type=Path, help="file or folder to write to (default: model_RUN in the current folder)"
    )
    _add_folders(command, data=False)
    command.set_defaults(action=_export)


def _add_runs(commands: Commands) -> None:
    command = commands.add_parser("runs", help="list the runs; pause, resume or stop one")
    command.add_argument(
        "verb",
        nargs="?",
        choices=("list", "pause", "resume", "stop"),
        default="list",
        help="what to do (default: list)",
    )
    command.add_argument("run", nargs="?", metavar="RUN", help="the run to pause, resume or stop")
    _add_folders(command, data=False)
    command.set_defaults(action=_runs, usage_error=command.error)


def _add_folders(command: argparse.ArgumentParser, data: bool) -> None:
    if data:
        command.add_argument(
            "--data-dir",
            type=Path,
            help="folder of four IDX files in the MNIST naming (default: MNIST_DATA_DIR, then the cache)",
        )
    command.add_argument("--runs-dir", type=Path, help="folder of the runs (default: MNIST_RUNS_DIR, then ./runs)")


def _download(arguments: argparse.Namespace) -> None:
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int, message: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(message, refresh=False)
            bar.refresh()

        folder = download(arguments.data_dir, progress=show)
    print(f"The full data set is in {folder}")


def asked_config(arguments: argparse.Namespace) -> TrainingConfig:
    """Settings of ``train``: those of its preset, overridden by the options given."""
    given = {name: value for name, value in vars(arguments).items() if name in TrainingConfig.settings()}
    return TrainingConfig(**{**PRESETS[arguments.preset].config.to_dict(), **given})


def _train(arguments: argparse.Namespace) -> None:
    config = asked_config(arguments)
    dataset = load_dataset("full" if arguments.data_dir else arguments.source, arguments.data_dir)
    print(f"data  {dataset.description}")
    run = start_run(config, dataset, arguments.runs_dir)
    print(f"run   {run.id}", flush=True)
    run = _follow(run)
    if run.status.state in ("failed", "interrupted"):
        raise RunError(
            run.status.error.plain
            if run.status.error
            else f"The training process of run {run.id} died: see {run.path / 'log.txt'} for the reason."
        )
    if run.status.test_accuracy is None:
        raise RunError(f"Run {run.id} was stopped before the end of its first epoch, so it has no model to test.")
    early = " (stopped early, best model kept)" if run.stopped_early else ""
    print(f"{run.status.state} after {run.status.epoch} epochs{early}, test accuracy {run.status.test_accuracy:.2%}")


def _follow(run: Run) -> Run:
    """Show the progress of a run until it ends; Ctrl-C asks it to stop and waits until it has."""
    with tqdm(total=run.epochs, unit="epoch", disable=None) as bar:
        while run.status.active:
            try:
                time.sleep(0.1)
                run = run.refresh()
                _update_bar(bar, run)
            except KeyboardInterrupt:
                bar.write("stopping after Ctrl-C ...", file=sys.stderr)
                request(run, "stop")
    return run


def _update_bar(bar: "tqdm[NoReturn]", run: Run) -> None:
    metrics = run.metrics() if run.status.epoch > bar.n else []
    if metrics:
        bar.set_postfix(
            loss=f"{metrics[-1].train_loss:.4f}", accuracy=f"{metrics[-1].train_accuracy:.2%}", refresh=False
        )
    bar.update(run.status.epoch - bar.n)


def _evaluate(arguments: argparse.Namespace) -> None:
    run = find_run(arguments.run, arguments.runs_dir)
    dataset = load_dataset("full", arguments.data_dir) if arguments.data_dir else run.dataset.load()
    result = evaluate(run.load_network(), dataset.test_images, dataset.test_labels)
    if arguments.json:
        report = {
            "run": run.id,
            "dataset": {"name": dataset.name.plain, "source": dataset.source},
            "accuracy": result.accuracy,
            "loss": result.loss,
            "errors": result.errors,
            "confusion_matrix": result.confusion_matrix.tolist(),
        }
        print(json.dumps(report))
        return
    print(f"run        {run.id}, {run.status.epoch} of {run.epochs} epochs")
    print(f"data       {dataset.name.plain}, {len(result.labels):,} test images")
    print(f"accuracy   {result.accuracy:.2%}   ({result.errors:,} errors)")
    print(f"loss       {result.loss:.4f} nats\n")
    print("class   precision  recall  F1      images")
    for label, row in enumerate(zip(*per_class_scores(result.confusion_matrix), strict=True)):
        print("{:<7} {:<10.3f} {:<7.3f} {:<7.3f} {:,}".format(label, *row))


def _predict(arguments: argparse.Namespace) -> None:
    run = find_run(arguments.run, arguments.runs_dir)
    network = run.load_network()
    shape = run.image_shape(network)
    images = np.stack([_read_digit(path, shape) for path in arguments.images])
    rows = predict(network, images).astype(float)
    report = []
    for path, row in zip(arguments.images, rows, strict=True):
        digit, *others = np.argsort(-row, kind="stable").tolist()
        report.append(
            {
                "image": str(path),
                "digit": digit,
                "probability": row[digit],
                "runner_up": others[0] if others else None,
                "probabilities": row.tolist(),
            }
        )
    if arguments.json:
        print(json.dumps(report))
        return
    width = max(len(entry["image"]) for entry in report)
    for entry in report:
        second = entry["runner_up"]
        runner_up = "" if second is None else f"   runner-up {second} ({entry['probabilities'][second]:.1%})"
        print(f"{entry['image']:<{width}}   {entry['digit']} ({entry['probability']:.1%}){runner_up}")


def _read_digit(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read an image file as an image like those of the training set: uint8 of this shape, white on black."""
    try:
        grey = read_picture(path.read_bytes())
        ink = ink_on_black(grey)
        white_on_black = np.vdot(ink, grey - grey.mean()) > 0  # the ink is brighter than the average pixel
        if grey.shape == shape and white_on_black:
            return grey
        if shape[0] != shape[1]:
            raise RunError(
                f"found {times(grey.shape)} pixels, expected white on black of {times(shape)}, "
                "as in training: only square images are fitted, so resize it."
            )
        return to_mnist(ink, shape[0])
    except MnistError as error:
        raise type(error)(f"{path}: {error}") from error


def _export(arguments: argparse.Namespace) -> None:
    run = find_run(arguments.run, arguments.runs_dir)
    network = run.load_network()
    content = export(network, run.image_shape(network), arguments.format)
    path = arguments.output or Path()
    if path.is_dir():
        path /= file_name(run.id, arguments.format)
    try:
        write_atomically(path, lambda file: file.write(content))
    except OSError as error:
        raise RunError(f"Can't write {path} ({error.strerror}): choose another place with --output.") from error
    print(f"wrote {path} ({len(content):,} bytes)")


def _runs(arguments: argparse.Namespace) -> None:
    if arguments.verb != "list":
        if not arguments.run:
            verb = arguments.verb
            arguments.usage_error(f"{verb} needs the id of a run: {program_name()} runs {verb} RUN")
        run = find_run(arguments.run, arguments.runs_dir)
        if arguments.verb == "resume":
            resume_run(run)
            print(f"run {run.id} continues after epoch {run.status.epoch} of {run.epochs}")
        else:
            request(run, arguments.verb)
            print(f"asked run {run.id} to {arguments.verb}")
        return
    runs = list_runs(arguments.runs_dir)
    if not runs:
        print(f"No runs in {arguments.runs_dir or default_runs_dir()} yet. Train one: {program_name()} train")
        return
    print(f"{'run':<22}{'state':<13}{'epochs':<11}{'test accuracy':<15}data")
    for run in runs:
        if run.problem:
            print(f"{run.id:<22}damaged      {run.problem.plain}")
            continue
        accuracy = "-" if run.status.test_accuracy is None else f"{run.status.test_accuracy:.2%}"
        epochs = f"{run.status.epoch}/{run.epochs}"
        print(f"{run.id:<22}{run.status.state:<13}{epochs:<11}{accuracy:<15}{run.dataset.name.plain}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        Words of the command line after the program's name; those of this process by default.

    Returns
    -------
    int
        Exit code: 0 if the command succeeded, 1 if it failed, with one sentence on stderr.

    Raises
    ------
    SystemExit
        With code 2 if the usage is wrong, 0 after ``--help``.
    """
    parsed = build_parser().parse_args(arguments)
    try:
        parsed.action(parsed)
    except (MnistError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted by Ctrl-C", file=sys.stderr)
        return 1
    return 0
