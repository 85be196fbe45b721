"""``mnist train``: start a run, follow it, and print its result."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from mnist_core.commands.diagnosis import diagnosis_lines, diagnosis_of
from mnist_core.commands.output import complain, note, say
from mnist_core.commands.parser import (
    ProgramParser,
    add_command,
    add_data,
    add_data_dir,
    add_runs_dir,
    chosen_data,
    layer_size,
    number,
    one_of,
    program_name,
)
from mnist_core.commands.progress import reading
from mnist_core.commands.signals import Request, answered_by
from mnist_core.data.checks import dataset_warnings
from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.errors import RunError, counted
from mnist_core.jobs.start import request, start_run
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import Run
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.memory import check_memory
from mnist_core.training.setting import Setting


def add(program: ProgramParser) -> None:
    """Add the command."""
    settings = TrainingConfig.settings().values()
    hints = {
        **{f"--{setting.url}": f"write {setting.option}" for setting in settings},
        **{name: f"write --preset {name}" for name in PRESETS},
        "--resume": f"a run goes on with `{program_name()} runs resume RUN`",
    }
    command = add_command(
        program, "train", "[OPTIONS]", "train a network; prints the run id and the test accuracy", _train, hints
    )
    command.add_argument(
        "--preset", **one_of(PRESETS), default="reference",
        help="settings to start from; single options override them (default: %(default)s)",
    )  # fmt: skip
    for setting in settings:
        default = " ".join(setting.to_arguments(setting.default)[1:])
        text = f"{setting.help} (default: {default})".replace("%", "%%")
        command.add_argument(setting.option, default=argparse.SUPPRESS, help=text, **_argument(setting))
    command.add_argument(
        "--source", **one_of(("auto", "full", "sample")), default="auto",
        help="which data (default: full if available, otherwise the sample)",
    )  # fmt: skip
    add_data(command)
    add_data_dir(command)
    command.add_argument(
        "--corrections", type=Path, metavar="FILE",
        help="CSV file of corrected labels to train and to test on (default: the labels as they are)",
    )  # fmt: skip
    add_runs_dir(command)


def _argument(setting: Setting) -> dict[str, Any]:
    """Arguments of ``add_argument`` that read a setting, with errors that say what to write instead."""
    given = setting.argument
    if "choices" in given:
        return one_of(given["choices"])
    return {**given, "type": layer_size if "nargs" in given else number(whole=given["type"] is int)}


def asked_config(arguments: argparse.Namespace) -> TrainingConfig:
    """Settings of ``train``: those of its preset, overridden by the options given."""
    config = TrainingConfig(**{**PRESETS[arguments.preset].config.to_dict(), **_given(arguments)})
    check_memory(config)
    return config


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(arguments).items() if name in TrainingConfig.settings()}


def _train(arguments: argparse.Namespace) -> int:
    named = "--data" if arguments.data is not None else "--data-dir" if arguments.data_dir else ""
    if named and arguments.source == "sample":
        arguments.usage_error(f"--source sample and {named} name different data: leave one of them out")
    config = asked_config(arguments)
    _advise(config, arguments)
    with reading() as progress:
        dataset = chosen_data(arguments, progress) or load_dataset(arguments.source, progress=progress)
    if arguments.corrections:
        dataset = Corrections.read(arguments.corrections).apply(dataset)
    say(f"data  {dataset.description}")
    if not dataset.classes.are_numbers:
        say(f"      {dataset.classes.listed().plain}")
    if dataset.corrections:
        say(f"      {dataset.corrections.description}")
    for sentence in dataset.notes:
        note(sentence.plain)
    for warning in dataset_warnings(dataset):
        note(str(warning))
    asked, code = Request(), 0
    with answered_by(asked):  # a run that is being created is not torn apart, but stopped
        run = start_run(config, dataset, arguments.runs_dir)
        try:
            say(f"run   {run.id}")
            sys.stdout.flush()
            code = _tell(_follow(run, asked), dataset)
        except BrokenPipeError:
            if not asked:
                raise
            _ask_to_stop(run)  # Ctrl-C ended the reader, too, as in `mnist train | tee log`
    return code if asked.number is None else 128 + asked.number


def _advise(config: TrainingConfig, arguments: argparse.Namespace) -> None:
    """Say what is unusual about the settings, and which of the options given have no effect."""
    for sentence in config.cautions.values():
        note(sentence)
    for name in _given(arguments):
        setting = TrainingConfig.settings()[name]
        if setting.applies_to and not config.applies(name):
            other, values = setting.applies_to
            wanted = " or ".join(values)
            note(f"{setting.option} has no effect: it is used only with --{other} {wanted}.")


def _follow(run: Run, asked: Request) -> Run:
    """Show the progress of a run until it ends; a signal asks it to stop and waits until it has."""
    told = False
    with tqdm(total=run.epochs, unit="epoch", disable=None) as bar:
        while run.status.active:
            time.sleep(0.1)
            if asked and not told:
                bar.write("stopping; once more to leave at once ...", file=sys.stderr)
                _ask_to_stop(run)
                told = True
            run = run.refresh()
            _update_bar(bar, run)
    return run


def _ask_to_stop(run: Run) -> None:
    try:
        request(run, "stop")
    except RunError:
        if run.refresh().status.active:  # otherwise it ended by itself in this moment
            raise


def _update_bar(bar: "tqdm[NoReturn]", run: Run) -> None:
    metrics = run.metrics() if run.status.epoch > bar.n else []
    if metrics:
        bar.set_postfix(
            loss=f"{metrics[-1].train_loss:.4f}", accuracy=f"{metrics[-1].train_accuracy:.2%}", refresh=False
        )
    bar.update(run.status.epoch - bar.n)


def _tell(run: Run, dataset: Dataset) -> int:
    """Print the result of a run; return the exit code that it means."""
    if problem := _problem(run):
        complain(problem)
        return 1
    say(_result(run))
    for line in diagnosis_lines(diagnosis_of(run, lambda _: dataset)):
        say(line)
    return 0


def _problem(run: Run) -> str | None:
    """Say why there is no result; None if there is one."""
    if run.problem:
        return f"Run {run.id} can't be followed: {run.problem}"
    if run.status.state in ("failed", "interrupted"):
        if run.status.error:
            return run.status.error.plain
        return f"The training process of run {run.id} died: see {run.path / 'log.txt'} for the reason."
    if run.status.state != "paused" and run.status.test_accuracy is None:
        return f"Run {run.id} was stopped before the end of its first epoch, so it has no model to test."
    return None


def _result(run: Run) -> str:
    """Say how a run ended, in one line."""
    ended = f"{run.status.state} after {counted(run.status.epoch, 'epoch')}"
    if run.status.state == "paused":
        return f"{ended}; it goes on with: {program_name()} runs resume {run.id}"
    kept = model_epoch(run)
    model = f" (model of epoch {kept:,}, the best one)" if kept not in (None, run.status.epoch) else ""
    return f"{ended}{model}, test accuracy {run.status.test_accuracy:.2%}"
