"""``mnist runs``: list the runs; pause, resume or stop one."""

import argparse
from functools import cache
from pathlib import Path
from typing import Any

from mnist_core.commands.diagnosis import diagnosis_json, diagnosis_of
from mnist_core.commands.output import say, say_json
from mnist_core.commands.parser import ProgramParser, add_command, add_json, add_runs_dir, one_of, program_name
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import RunError
from mnist_core.jobs.start import request, resume_run
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import Run, default_runs_dir, find_run, list_runs

VERBS = ("list", "pause", "resume", "stop")


def add(program: ProgramParser) -> None:
    """Add the command."""
    command = add_command(
        program, "runs", "[list | pause RUN | resume RUN | stop RUN] [OPTIONS]",
        "list the runs; pause, resume or stop one", _runs,
    )  # fmt: skip
    command.add_argument(
        "verb", nargs="?", type=one_of(VERBS)["type"], default="list", metavar="VERB",
        help=f"what to do: {', '.join(VERBS)} (default: list)",
    )  # fmt: skip
    command.add_argument("run", nargs="?", metavar="RUN", help="the run to pause, resume or stop")
    add_json(command, "list them as JSON: one object a run")
    add_runs_dir(command)


def _runs(arguments: argparse.Namespace) -> None:
    verb = arguments.verb
    if verb == "list":
        if arguments.run:
            arguments.usage_error(f"list takes no run: {program_name()} evaluate {arguments.run} shows one")
        _list(arguments)
        return
    if not arguments.run:
        arguments.usage_error(f"{verb} needs the id of a run: {program_name()} runs {verb} RUN")
    if arguments.json:
        arguments.usage_error(f"--json lists runs, and has no meaning with {verb}: leave it out")
    run = find_run(arguments.run, arguments.runs_dir)
    if verb == "resume":
        resume_run(run)
        say(f"run {run.id} continues after epoch {run.status.epoch} of {run.epochs}")
    else:
        request(run, verb)
        say(f"asked run {run.id} to {verb}")


def _list(arguments: argparse.Namespace) -> None:
    root = arguments.runs_dir or default_runs_dir()
    if arguments.runs_dir:
        _check_folder(root)
    runs = list_runs(root)
    if arguments.json:
        load = cache(load_dataset)  # most runs share their data
        found = [diagnosis_of(run, lambda run: run.load_dataset(load)) for run in runs]
        say_json([{**_describe(run), "diagnosis": diagnosis_json(own)} for run, own in zip(runs, found, strict=True)])
    elif not runs:
        say(f"No runs in {root} yet. Train one: {program_name()} train")
    else:
        _print_table(runs)


def _check_folder(root: Path) -> None:
    """Refuse a folder that a person named and that does not exist."""
    if not root.is_dir():
        found = "is a file" if root.exists() else "does not exist"
        raise RunError(f"The runs folder {root} {found}: name a folder of runs with --runs-dir.")


def _describe(run: Run) -> dict[str, Any]:
    """What ``--json`` says about a run; a damaged one has its problem, and null for what can't be read."""
    status, sound = run.status, run.problem is None
    config, dataset = run.origin or (None, None)
    return {
        "run": run.id,
        "name": run.about.name.plain,
        "tags": [tag.plain for tag in run.about.tags],
        "state": status.state,
        "created": run.created,
        "epoch": status.epoch if sound else None,
        "epochs": run.epochs if sound else None,
        "model_epoch": model_epoch(run) if sound else None,
        "test_accuracy": status.test_accuracy,
        "test_loss": status.test_loss,
        "dataset": dataset.name.plain if dataset else None,
        "corrections": run.corrections_sha256,
        "settings": config.to_dict() if config else None,
        "error": status.error.plain if status.error else None,
        "problem": run.problem,
    }


def _print_table(runs: list[Run]) -> None:
    say(f"{'run':<22}{'state':<13}{'epochs':<11}{'model epoch':<13}{'test accuracy':<15}data")
    for run in runs:
        if run.problem:
            say(f"{run.id:<22}damaged      {run.problem}")
            continue
        accuracy = "-" if run.status.test_accuracy is None else f"{run.status.test_accuracy:.2%}"
        epochs = f"{run.status.epoch}/{run.epochs}"
        model = str(model_epoch(run) or "-")
        say(f"{run.id:<22}{run.status.state:<13}{epochs:<11}{model:<13}{accuracy:<15}{run.dataset.name.plain}")
