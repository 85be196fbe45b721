"""The command line as a person or a script uses it."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core.cli import build_parser, main
from mnist_core.commands.train import asked_config
from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import evaluate
from mnist_core.jobs.job import PROJECT
from mnist_core.runs.run import list_runs
from mnist_core.training.config import PRESETS, TrainingConfig
from tests.helpers import mnist


@pytest.fixture(scope="module")
def trained(tiny_folder, tmp_path_factory):
    """Data folder, runs folder, and what training printed."""
    data, folder = tiny_folder(train=30), tmp_path_factory.mktemp("runs")
    options = ["--epochs", "3", "--batch-size", "8", "--learning-rate", "0.1", "--seed", "7", "--hidden-layers", "5"]
    return data, folder, mnist("train", *options, "--data-dir", data, "--runs-dir", folder)


def test_train_prints_the_run_and_its_accuracy(trained):
    _, folder, done = trained
    (run,) = list_runs(folder)
    assert done.returncode == 0, done.stderr
    assert f"run   {run.id}" in done.stdout
    assert f"finished after 3 epochs, test accuracy {run.status.test_accuracy:.2%}" in done.stdout
    assert (run.config.batch_size, run.config.seed, run.config.hidden_layers) == (8, 7, (5,))


def test_evaluate_gives_the_same_as_the_core(trained):
    data, folder, _ = trained
    (run,) = list_runs(folder)
    dataset = load_dataset("full", data)
    expected = evaluate(run.load_network(), dataset.test_images, dataset.test_labels)
    report = json.loads(mnist("evaluate", run.id[:8], "--json", "--runs-dir", folder).stdout)
    assert report["accuracy"] == expected.accuracy
    assert report["loss"] == pytest.approx(expected.loss)
    assert report["errors"] == expected.errors
    assert report["confusion_matrix"] == expected.confusion_matrix.tolist()
    assert report["dataset"] == {"name": data.name, "source": "full"}
    text = mnist("evaluate", "latest", "--runs-dir", folder).stdout
    assert f"{expected.accuracy:.2%}" in text
    assert len(text.strip().splitlines()) == 6 + 3 + 1  # the last one is the diagnosis


def test_runs_lists_them(trained, tmp_path):
    _, folder, _ = trained
    (run,) = list_runs(folder)
    listed = mnist("runs", "--runs-dir", folder).stdout.splitlines()
    assert listed[1].split()[:3] == [run.id, "finished", "3/3"]
    assert "No runs in" in mnist("runs", "--runs-dir", tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--epochs", "0"], "epochs is 0, expected a whole number from 1 to 10,000."),
        (["train", "--data-dir", "nowhere"], "found no such folder"),
        (
            ["evaluate", "x", "--runs-dir", "nowhere"],
            "No run 'x' in nowhere: there are no runs yet. Train one. The folder does not exist",
        ),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_1(arguments, sentence, capsys):
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_finished_run_cannot_be_stopped(trained):
    _, folder, _ = trained
    done = mnist("runs", "stop", "latest", "--runs-dir", folder)
    assert done.returncode == 1
    assert "is finished: only a queued or running one can be asked to stop" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["dance"], ["train", "--epochs", "many"], ["runs", "eat", "x"], ["runs", "stop"]]
)
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["", *build_parser().commands.choices])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert ("exit codes: 0 done" in text) == (command == "")
    assert "%(" not in text
    assert "%%" not in text


def test_a_command_is_loaded_without_the_others():
    every = list(build_parser().commands.choices)
    for name in every:
        assert list(build_parser([name, "--help"]).commands.choices) == [name]
    for words in ([], ["--help"], ["dance"], ["--epochs", "runs"]):
        assert list(build_parser(words).commands.choices) == every
    code = "import sys; from mnist_core.cli import main; main(['runs', '--runs-dir', '.']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    loaded = set(done.stdout.split())
    assert {name for name in every if f"mnist_core.commands.{name}" in loaded} == {"runs"}
    assert "mnist_core.assignment" not in loaded


@pytest.mark.parametrize(
    ("program", "name"), [("/venv/bin/mnist", "mnist"), ("/project/mnist_core/__main__.py", "python -m mnist_core")]
)
def test_help_names_the_program_as_it_was_invoked(program, name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [program, "--help"])
    with pytest.raises(SystemExit):
        main()
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {name} ")
    assert f"\n  {name} train --preset best" in text


def test_a_preset_and_single_options_beside_it():
    parse = build_parser().parse_args
    assert asked_config(parse(["train"])) == TrainingConfig()
    assert asked_config(parse(["train", "--preset", "best"])) == PRESETS["best"].config
    asked = asked_config(parse(["train", "--preset", "fast", "--epochs", "3", "--activation", "tanh", "--shift", "0"]))
    assert asked == replace(PRESETS["fast"].config, epochs=3, activation="tanh", shift=0.0)


def test_evaluating_on_other_digits_says_so(trained, tiny_folder):
    data, folder, _ = trained
    other = tiny_folder(test=9, seed=5)
    done = mnist("evaluate", "latest", "--json", "--data-dir", other, "--runs-dir", folder)
    assert done.returncode == 0
    assert np.sum(json.loads(done.stdout)["confusion_matrix"]) == 9
    (run,) = list_runs(folder)
    assert (
        f"note: Run {run.id} was trained on other data ({data.name}): these are its scores on {other.name}."
        in done.stderr
    )
    copy = shutil.copytree(data, other / "copy")
    assert "other data" not in mnist("evaluate", "latest", "--data-dir", copy, "--runs-dir", folder).stderr


@pytest.mark.parametrize("shape", [(2, 2), (4, 5), (20, 1), (28, 28)])
def test_evaluating_on_images_of_another_size_is_refused_in_words(shape, trained, tiny_folder, capsys):
    _, folder, _ = trained
    (run,) = list_runs(folder)
    other = tiny_folder(shape=shape)
    assert main(["evaluate", "latest", "--data-dir", str(other), "--runs-dir", str(folder)]) == 1
    height, width = shape
    assert capsys.readouterr().err == (
        f"error: Run {run.id} was trained on images of 5x4, but those of {other.name} are "
        f"{height}x{width}: name data with images of its size, or leave it out.\n"
    )


def test_evaluating_on_another_size_when_the_data_of_the_run_are_gone(tiny_folder, tmp_path, capsys):
    data = tiny_folder()
    assert main(["train", "--epochs", "1", "--data-dir", str(data), "--runs-dir", str(tmp_path)]) == 0
    shutil.rmtree(data)
    capsys.readouterr()
    arguments = ["evaluate", "latest", "--runs-dir", str(tmp_path), "--data-dir"]
    assert main([*arguments, str(tiny_folder(shape=(3, 3)))]) == 1
    (run,) = list_runs(tmp_path)
    assert f"error: Run {run.id} was trained on images of 20 pixels, but those of " in capsys.readouterr().err
    assert main([*arguments, str(tiny_folder(shape=(2, 10)))]) == 0


def test_evaluating_on_more_classes_is_refused(trained, tiny_folder, capsys):
    _, folder, _ = trained
    assert main(["evaluate", "latest", "--data-dir", str(tiny_folder(classes=5)), "--runs-dir", str(folder)]) == 1
    assert "the network has 3 classes" in capsys.readouterr().err


def test_the_json_report_has_these_keys(trained):
    _, folder, _ = trained
    done = mnist("evaluate", "latest", "--json", "--runs-dir", folder)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert set(report) == {
        "run", "dataset", "trained_on", "own_data", "accuracy", "interval", "loss", "errors", "class_names",
        "confusion_matrix", "diagnosis",
    }  # fmt: skip
    assert set(report["dataset"]) == {"name", "source"}
    assert report["run"] == list_runs(folder)[0].id


def test_training_without_hidden_layers_and_with_validation(tiny_folder, tmp_path):
    options = ["--epochs", "1", "--hidden-layers", "--validation-fraction", "0.25"]
    done = mnist("train", *options, "--data-dir", tiny_folder(), "--runs-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = list_runs(tmp_path)
    assert run.config.hidden_layers == ()
    assert run.config.validation_fraction == 0.25
    assert 0 <= run.metrics()[0].val_accuracy <= 1


def test_the_folder_of_runs_may_come_from_the_environment(trained, monkeypatch, capsys):
    _, folder, _ = trained
    monkeypatch.setenv("MNIST_RUNS_DIR", str(folder))
    assert main(["runs"]) == 0
    assert list_runs(folder)[0].id in capsys.readouterr().out


def test_a_damaged_run_is_listed_by_runs_and_refused_by_evaluate(trained, tmp_path, capsys):
    _, folder, _ = trained
    (run,) = list_runs(folder)
    shutil.copytree(run.path, tmp_path / "hurt")
    (tmp_path / "hurt" / "status.json").write_text("{")
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    assert "status.json can't be read" in capsys.readouterr().out
    assert main(["evaluate", "hurt", "--runs-dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: Run hurt is damaged: status.json")


def test_train_warns_of_data_that_is_hardly_meant(tmp_path, tiny_folder):
    done = mnist("train", "--epochs", "1", "--data-dir", tiny_folder(), "--runs-dir", tmp_path)
    assert done.returncode == 0
    assert "note: There are 12 training images of 3 classes." in done.stderr
    assert "There are 12 training" not in done.stdout


def test_a_stuck_run_says_that_it_is_no_better_than_guessing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path))
    options = ["--source", "sample", "--epochs", "1", "--hidden-layers", "8"]
    assert main(["train", *options, "--learning-rate", "1e-8"]) == 0
    result, found = capsys.readouterr().out.splitlines()[-2:]
    assert result.startswith("finished after 1 epoch, test accuracy ")
    assert found.startswith("diagnosis: Learning rate too low: An accuracy of ")
    assert found.count("than guessing: always answering") == 1
    assert found.endswith("Raise the learning rate from 1e-08 to 0.5, or train more epochs.")
    assert main(["evaluate", "latest", "--json"]) == 0
    printed = capsys.readouterr()
    assert "than guessing: always answering" in printed.err
    (diagnosis,) = json.loads(printed.out)["diagnosis"]
    assert diagnosis["cause"] == "learning-rate-too-low"
    assert diagnosis["change"] == {"learning_rate": 0.5}
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["diagnosis"] == [diagnosis]
    assert main(["train", *options, "--preset", "fast"]) == 0
    assert "guessing" not in capsys.readouterr().out


def test_damaged_tables_keep_nobody_from_the_scores(trained, tmp_path):
    _, folder, _ = trained
    (run,) = list_runs(folder)
    copy = Path(shutil.copytree(run.path, tmp_path / run.id))
    (copy / "metrics.csv").write_text("damaged\n")
    done = mnist("evaluate", "latest", "--json", "--runs-dir", tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["diagnosis"] is None
    (row,) = json.loads(mnist("runs", "--json", "--runs-dir", tmp_path).stdout)
    assert row["diagnosis"] is None
    assert row["test_accuracy"] == run.status.test_accuracy


def test_early_stopping_names_the_epoch_of_the_model(tiny_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path))
    options = ["--epochs", "60", "--patience", "3", "--validation-fraction", "0.5", "--learning-rate", "3"]
    assert main(["train", *options, "--data-dir", str(tiny_folder(train=60))]) == 0
    (run,) = list_runs(tmp_path)
    best = min(run.metrics(), key=lambda row: row.val_loss).epoch
    assert best < run.status.epoch < 60
    ended = f"finished after {run.status.epoch} epochs (model of epoch {best}, the best one), test accuracy "
    assert ended in capsys.readouterr().out
    assert main(["evaluate", "latest"]) == 0
    assert f", {run.status.epoch} of 60 epochs, model of epoch {best}\n" in capsys.readouterr().out
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["model_epoch"] == best
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:4] == ["finished", f"{run.status.epoch}/60", str(best)]


def test_one_of_something_is_no_plural(tiny_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path))
    data = tiny_folder(test=1)
    assert main(["train", "--epochs", "1", "--data-dir", str(data)]) == 0
    assert main(["evaluate", "latest"]) == 0
    text = capsys.readouterr().out
    assert "finished after 1 epoch, test accuracy" in text
    assert ", 1 of 1 epoch\n" in text
    assert ", 1 test image\n" in text


def test_an_option_without_effect_is_named(tiny_folder, tmp_path, capsys):
    arguments = ["train", "--epochs", "1", "--data-dir", str(tiny_folder()), "--runs-dir", str(tmp_path)]
    assert main([*arguments, "--momentum", "0.5"]) == 0
    assert (
        "note: --momentum has no effect: it is used only with --optimizer momentum or nesterov."
        in capsys.readouterr().err
    )
    assert main([*arguments, "--momentum", "0.5", "--optimizer", "momentum"]) == 0
    assert "no effect" not in capsys.readouterr().err
    assert main([*arguments, "--optimizer", "adam", "--learning-rate", "0.5"]) == 0
    assert "note: 0.5 is high for adam" in capsys.readouterr().err
