"""What the command line writes: into closed pipes, in narrow encodings, without control characters of strangers."""

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core.cli import COMMANDS, main
from mnist_core.commands.output import say_json
from mnist_core.commands.signals import Request
from mnist_core.commands.train import _follow, _problem, _result
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import sentence_of
from mnist_core.jobs.job import PROJECT
from mnist_core.nn.network import Network
from mnist_core.runs.files import write_npz
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from tests.helpers import mnist

HOSTILE = "\x1b[2J\x1b]0;mine\x07\x9b31m\u202egpj.exe\ud800 \r\nerror: forged"


def has_controls(text):
    return any(not character.isprintable() and character != "\n" for character in text)


def strictly(text):
    """Parse JSON as a program that knows neither NaN nor lone surrogates does."""

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    value = json.loads(text, parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode()
    return value


@pytest.fixture
def make_run(tiny_folder, tmp_path):
    """A function that writes a run with a model into the runs folder, and changes of its files by name."""

    def make(model=True, **changes):
        config = TrainingConfig(hidden_layers=(8,), activation="relu")
        run = create_run(config, load_dataset("full", tiny_folder()), tmp_path / "runs")
        if model:
            write_npz(run.path / "model.npz", Network((20, 8, 3), "relu", seed=3).to_arrays())
        for name, change in changes.items():
            path = run.path / f"{name}.json"
            content = json.loads(path.read_text()) if path.exists() else {}
            change(content)
            path.write_text(json.dumps(content))
        return run.refresh()

    return make


@pytest.fixture
def listed(tmp_path, capsys):
    """A function that runs a command on the runs folder and returns exit code, output and errors."""

    def run(*arguments):
        code = main([*map(str, arguments), "--runs-dir", str(tmp_path / "runs")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_runs_as_json(make_run, listed, tmp_path):
    older = make_run(status=lambda status: status.update(state="failed", error="The disk is full.", heartbeat=1e9))
    newer = make_run(
        about=lambda about: about.update(name="mine", note="", tags=["a"]),
        status=lambda status: status.update(state="finished", epoch=1, test_accuracy=0.5, test_loss=1.5),
    )
    (tmp_path / "runs" / "hurt").mkdir()
    code, out, _ = listed("runs", "--json")
    rows = {row["run"]: row for row in strictly(out)}
    assert code == 0
    assert set(rows) == {older.id, newer.id, "hurt"}
    assert len({frozenset(row) for row in rows.values()}) == 1
    assert rows[newer.id]["test_accuracy"] == 0.5
    assert (rows[newer.id]["epoch"], rows[newer.id]["epochs"]) == (1, 100)
    assert (rows[newer.id]["name"], rows[newer.id]["tags"]) == ("mine", ["a"])
    assert TrainingConfig.from_dict(rows[newer.id]["settings"]) == newer.config
    assert rows[older.id]["error"] == "The disk is full."
    assert (rows["hurt"]["state"], rows["hurt"]["epochs"], rows["hurt"]["settings"]) == ("damaged", None, None)
    assert "config.json is missing" in rows["hurt"]["problem"]


def test_no_runs_as_json(listed, tmp_path, monkeypatch, capsys):
    (tmp_path / "runs").mkdir()
    assert listed("runs", "--json")[:2] == (0, "[]\n")
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path / "none"))
    assert main(["runs", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(
    "arguments", [["runs"], ["runs", "--json"], ["evaluate", "latest"], ["export", "latest", "--format", "npz"]]
)
def test_a_run_of_a_stranger_does_not_control_the_terminal(arguments, make_run, listed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(
        model="runs" in arguments,
        about=lambda about: about.update(name="x" + HOSTILE, tags=["t"]),
        config=lambda config: config["dataset"].update(name=HOSTILE),
        status=lambda status: status.update(state="failed", error=HOSTILE),
    )
    code, out, err = listed(*arguments)
    assert code == (0 if "runs" in arguments else 1)
    assert not has_controls(out + err)
    assert len(err.splitlines()) == code
    if "--json" not in arguments and not code:
        assert len(out.splitlines()) == 2


def test_folders_with_hostile_names_do_not_control_the_terminal(make_run, listed, tmp_path):
    run = make_run()
    run.path.rename(run.path.with_name("run\x1b[31m\u202e\nerror: forged"))
    shutil.copytree(next((tmp_path / "runs").iterdir()), tmp_path / "runs" / os.fsdecode(b"\xff\xfe"))
    (tmp_path / "runs" / "hurt\x1b[2J").mkdir()
    code, out, err = listed("runs")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 4
    assert not has_controls(out)
    out.encode()
    assert len(strictly(listed("runs", "--json")[1])) == 3
    for name in ("x", "run\x1b[31m", "hurt\x1b[2J"):
        assert not has_controls("".join(listed("evaluate", name)[1:]))


@pytest.mark.parametrize("arguments", [["runs"], ["train", "--help"], ["evaluate", "ü\udcff"]])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_character_can_be_written_in_every_encoding(encoding, arguments, make_run, tmp_path):
    make_run(config=lambda config: config["dataset"].update(name="手書き ü → \U0001f600"))
    environment = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "PYTHONUTF8": "0",
        "MNIST_RUNS_DIR": str(tmp_path / "runs"),
    }
    done = mnist(*arguments, env=environment, text=False)
    assert done.returncode == ("evaluate" in arguments), done.stderr
    assert b"Traceback" not in done.stderr
    done.stdout.decode(encoding)


def into(command, shell_code, tmp_path):
    """Exit code of the command line in a shell script that has its words in "$@", and what it wrote to stderr."""
    done = subprocess.run(
        ["bash", "-c", shell_code, "bash", sys.executable, "-m", "mnist_core", *command],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            "MNIST_RUNS_DIR": str(tmp_path / "runs"),
        },
        check=False,
    )
    return done.returncode, done.stderr


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


@POSIX
@pytest.mark.parametrize("unbuffered", ["", "PYTHONUNBUFFERED=1 "])
@pytest.mark.parametrize("command", [["runs"], ["runs", "--json"], ["evaluate", "latest"], ["--help"]])
def test_a_reader_that_ends_first_ends_it_quietly(command, unbuffered, make_run, tmp_path):
    make_run()
    code, err = into(command, f'{unbuffered}"$@" | true; exit ${{PIPESTATUS[0]}}', tmp_path)
    assert code == 141 or (unbuffered and "--help" in command and code == 0)  # argparse passes over the error
    assert [line for line in err.splitlines() if not line.startswith("note: ")] == []


@POSIX
@pytest.mark.parametrize("command", [["runs"], ["evaluate", "latest", "--json"], ["train", "--help"]])
def test_a_full_disk_behind_the_output_is_a_sentence(command, make_run, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    make_run()
    code, err = into(command, '"$@" > /dev/full', tmp_path)
    assert code == 1
    (line,) = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert line.startswith("error: ")
    assert "No space left on device" in line
    assert "Errno" not in line


@POSIX
@pytest.mark.parametrize(("command", "code"), [(["runs"], 0), (["evaluate", "none"], 1), (["dance"], 2)])
@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(redirection, command, code, make_run, tmp_path):
    make_run()
    returned, err = into(command, f'"$@" {redirection}', tmp_path)
    assert returned == code
    assert "Traceback" not in err
    assert (err == "") == (code == 0 or "2>&-" in redirection)


def test_the_json_of_a_model_without_numbers_is_json(make_run, listed, tmp_path):
    run = make_run()
    arrays = dict(np.load(run.path / "model.npz"))
    write_npz(
        run.path / "model.npz", {name: array * np.nan if name[0] in "Wb" else array for name, array in arrays.items()}
    )
    code, out, err = listed("evaluate", run.id, "--json")
    if code == 0:  # a model of NaN may be refused, too
        assert strictly(out)["loss"] is None
    else:
        assert err.startswith("error: ")


def test_json_knows_only_json(capsys):
    say_json({"a": [np.float64("nan"), float("inf"), -float("inf"), 1.5], "b\ud800": ("x\udcff", None, True, 7)})
    assert strictly(capsys.readouterr().out) == {"a": [None, None, None, 1.5], "b\ufffd": ["x\ufffd", None, True, 7]}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_write_through_output_only(command):
    tree = ast.parse((PROJECT / "mnist_core" / "commands" / f"{command}.py").read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "print" not in called


FAILING = [
    (["runs"], "runs.list_runs"),
    (["runs", "stop", "x"], "runs.find_run"),
    (["evaluate", "x"], "evaluate.find_run"),
    (["predict", "x", "y"], "predict.find_run"),
    (["export", "x", "--format", "npz"], "export.find_run"),
    (["train"], "train.load_dataset"),
    (["train", "--source", "sample"], "train.start_run"),
    (["download"], "download.download_named"),
    (["assignment"], "assignment.starter_file"),
    (["data", "x"], "data.look"),
    (["check", "x.py"], "check.read_submission"),
    (["grade", "x", "--seed", "1"], "grade.grade"),
]
OS_ERRORS = [
    FileNotFoundError(2, "No such file or directory", "x"),
    PermissionError(13, "Permission denied", "x"),
    IsADirectoryError(21, "Is a directory", "x"),
    NotADirectoryError(20, "Not a directory", "x"),
    OSError(28, "No space left on device"),
    OSError(36, "File name too long", "x"),
    OSError(5, "Input/output error"),
    OSError("no number"),
    OSError(),
]


def test_all_commands_fail_below():
    assert {arguments[0] for arguments, _ in FAILING} == set(COMMANDS)


@pytest.mark.parametrize("error", OS_ERRORS, ids=repr)
@pytest.mark.parametrize(("arguments", "failing"), FAILING)
def test_an_error_of_the_operating_system_is_a_sentence_in_every_command(
    arguments, failing, error, monkeypatch, capsys
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(f"mnist_core.commands.{failing}", fail)
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {sentence_of(error)}"
    assert "Errno" not in line
    assert line.endswith(".")
    assert (error.strerror or "") in line


def test_out_of_memory_is_a_sentence(monkeypatch, capsys):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr("mnist_core.commands.runs.list_runs", fail)
    assert main(["runs"]) == 1
    assert capsys.readouterr().err.startswith("error: This machine ran out of memory")


def test_a_runs_folder_that_is_missing_a_file_or_closed(make_run, listed, tmp_path, monkeypatch):
    code, _, err = listed("runs")
    assert (code, err) == (
        1,
        f"error: The runs folder {tmp_path / 'runs'} does not exist: name a folder of runs with --runs-dir.\n",
    )
    assert "does not exist" in listed("evaluate", "latest")[2]
    (tmp_path / "runs").write_text("")
    assert "is a file" in listed("runs")[2]
    assert "error: " in listed("evaluate", "latest")[2]
    (tmp_path / "runs").unlink()
    make_run()

    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    for arguments in (["runs"], ["runs", "--json"], ["evaluate", "latest"], ["runs", "stop", "x"]):
        code, out, err = listed(*arguments)
        assert (code, out) == (1, "")
        assert "Permission denied" in err
        assert "Errno" not in err


def test_a_damaged_run_stands_in_the_list_beside_the_others(make_run, listed, tmp_path):
    run = make_run()
    (tmp_path / "runs" / "hurt").mkdir()
    (tmp_path / "runs" / "hurt" / "config.json").write_text("{" + HOSTILE.encode("utf-8", "replace").decode())
    code, out, err = listed("runs")
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()[1:]} == {run.id, "hurt"}
    for arguments in (["evaluate"], ["export", "--format", "npz"], ["runs", "resume"], ["runs", "stop"]):
        code, out, err = listed(*arguments, "hurt")
        assert (code, out) == (1, "")
        assert err.startswith("error: Run hurt is damaged: ")
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", [["evaluate"], ["export", "--format", "npz"], ["predict"]])
def test_a_run_without_a_model_says_why(command, make_run, listed):
    extra = ["x.png"] if command == ["predict"] else []
    run = make_run(model=False, status=lambda status: status.update(state="failed", error="The loss became nan."))
    code, _, err = listed(*command, run.id, *extra)
    assert code == 1
    assert err == (f"error: Run {run.id} has no model because it failed: The loss became nan. Choose another run.\n")
    waiting = make_run(model=False)
    assert "has no model yet: its first epoch is not complete" in listed(*command, waiting.id, *extra)[2]


def test_an_unknown_run_leads_to_a_similar_one(make_run, listed):
    run = make_run()
    for typed in (run.id[:-1] + "-", run.id.replace("-", "_"), run.id[1:], run.id.upper() + "x"):
        code, _, err = listed("evaluate", typed)
        assert code == 1
        assert f"Did you mean {run.id}?" in err
    assert "Did you mean" not in listed("evaluate", "mine")[2]
    assert f"No run '{'a' * 500}'" in listed("evaluate", "a" * 500)[2]
    make_run()
    assert "2 runs in" in listed("evaluate", "2")[2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"state": "failed", "error": UntrustedText("The *loss* became nan.")}, "The *loss* became nan."),
        ({"state": "interrupted"}, "log.txt for the reason."),
        ({"state": "stopped"}, "was stopped before the end of its first epoch, so it has no model to test."),
        ({"state": "stopped", "epoch": 1, "test_accuracy": 0.5}, None),
        ({"state": "paused", "epoch": 1}, None),
    ],
)
def test_training_says_why_there_is_no_result(change, sentence, make_run):
    run = make_run()
    problem = _problem(replace(run, status=replace(run.status, **change)))
    assert problem is None if sentence is None else problem.endswith(sentence)


def test_a_run_paused_or_deleted_by_somebody_else_while_it_is_followed(make_run, tmp_path):
    run = make_run(status=lambda status: status.update(state="paused", epoch=1))
    assert _result(run).startswith("paused after 1 epoch; it goes on with: ")
    run = replace(run, status=replace(run.status, state="running"))
    shutil.rmtree(run.path)
    assert "config.json is missing" in _problem(_follow(run, Request()))
