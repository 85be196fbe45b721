"""``mnist assignment`` and ``mnist check``, as a learner uses them."""

import json
import re
import subprocess
import sys
import threading

import pytest

from mnist_core.assignment.contract import STEPS
from mnist_core.cli import main
from mnist_core.commands import check
from mnist_core.jobs.job import PROJECT

SOLUTION = "import numpy as np\n\n\n" + "\n\n".join(step.source for step in STEPS.values())
MISTAKEN = SOLUTION.replace("delta = (a - y) / len(x)", "delta = a - y")


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="mine.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return to_file


def test_a_starter_file_is_written_once_and_checked(tmp_path, capsys):
    path = tmp_path / "mine.py"
    assert main(["assignment", str(path), "--level", "2"]) == 0
    assert "check" in capsys.readouterr().out
    assert main(["assignment", str(path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["check", str(path)]) == 1
    assert "– softmax" in capsys.readouterr().out
    assert main(["assignment", str(tmp_path / "mine.txt")]) == 1
    assert "no Python file" in capsys.readouterr().err


def test_the_first_mistake_is_shown_with_its_line_and_help_in_portions(write, capsys):
    path = write(MISTAKEN)
    assert main(["check", path]) == 1
    out = capsys.readouterr().out
    assert "✗ back_propagate" in out
    assert re.search(r"back_propagate, line \d+: The gradient is summed over the batch", out)
    assert "--hints 1" in out
    assert "Formula" not in out
    assert main(["check", path, "--hints", "3"]) == 1
    out = capsys.readouterr().out
    assert all(title in out for title in ("Hint", "Formula", "Code"))


def test_json_names_each_step(write, capsys):
    assert main(["check", write(MISTAKEN), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    (wrong,) = [step for step in report["steps"] if step["state"] == "wrong"]
    assert (wrong["step"], wrong["mistake"]) == ("back_propagate", "gradient-not-averaged")
    assert MISTAKEN.split("\n")[wrong["line"] - 1].startswith("def back_propagate")
    assert report["seconds"] > 0


@pytest.mark.parametrize(
    ("text", "message"), [("def f(:", "not Python"), ("import nowhere_at_all\nnowhere_at_all.x", "")]
)
def test_what_cannot_be_run_ends_with_2_or_finds_nothing(write, capsys, text, message):
    assert main(["check", write(text)]) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_missing_file_and_foreign_hints_are_wrong_usage(tmp_path, capsys):
    assert main(["check", str(tmp_path / "gone.py")]) == 2
    assert "can't be read" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["check", "x.py", "--hints", "7"])
    assert caught.value.code == 2


class Ended(Exception):
    """Ends the watch of a test."""


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Watch a file that is checked and saved by steps, without a process and without waiting."""

    def watch(saves, *options):
        path = tmp_path / "mine.py"
        path.write_text("0")
        checks, looks = [], iter(saves)

        def once(arguments):
            checks.append(path.read_text())
            if len(checks) == 1 and "during" in saves:
                path.write_text("during the check")
            return 1

        def look(seconds):
            save = next(looks, None)
            if save is None:
                raise Ended
            save = {"during": "", "gone": None}.get(save, save)
            if save is None:
                path.unlink()
            elif save:
                path.write_text(save)

        monkeypatch.setattr(check, "_once", once)
        monkeypatch.setattr(check.time, "sleep", look)
        with pytest.raises(Ended):
            main(["check", str(path), "--watch", *options])
        return checks

    return watch


@pytest.mark.parametrize(
    ("saves", "expected"),
    [
        (["", "", ""], ["0"]),
        (["", "a new one", "", ""], ["0", "a new one"]),
        (["during", "", ""], ["0", "during the check"]),
        (["gone", "", "", "it is back", "", ""], ["0", "it is back"]),
        (["a", "a part", "a part, and the rest", "", ""], ["0", "a part, and the rest"]),
    ],
)
def test_each_save_is_checked_once(watched, saves, expected):
    assert watched(saves) == expected


def test_only_json_goes_to_the_output_of_a_watch_with_json(watched, capsys):
    saves = ["", "a new one", "", ""]
    watched(saves, "--json")
    assert capsys.readouterr().out == ""
    watched(saves)
    assert capsys.readouterr().out.split("\n") == ["", "─" * 40, ""]


def test_a_saved_file_is_checked_again(write):
    path = write("def sigmoid(z):\n    return z\n")
    command = [sys.executable, "-m", "mnist_core", "check", path, "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        late = threading.Timer(60, process.kill)  # a line that never comes ends the test
        late.start()
        (before,) = (step for step in json.loads(process.stdout.readline())["steps"] if step["step"] == "sigmoid")
        write("def sigmoid(z):\n    return 0.5 * (1 + __import__('numpy').tanh(z / 2))\n")
        (after,) = (step for step in json.loads(process.stdout.readline())["steps"] if step["step"] == "sigmoid")
        late.cancel()
        process.kill()
    assert (before["state"], after["state"]) == ("wrong", "correct")
