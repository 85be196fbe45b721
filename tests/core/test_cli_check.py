"""``mnist assignment`` and ``mnist check``, as a learner uses them."""

import json
import re
import subprocess
import sys
import threading

import pytest

from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.sandbox import bubblewrap
from mnist_core.assignment.starter import solution
from mnist_core.cli import main
from mnist_core.commands import check
from mnist_core.jobs.job import PROJECT

SOLUTION = solution()
WRONG_SIGMOID = "import numpy as np\n\n\ndef sigmoid(z):\n    return np.tanh(z)\n"
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


def test_a_teacher_limits_the_help(write, capsys, monkeypatch):
    path = write(WRONG_SIGMOID)
    monkeypatch.setenv("MNIST_HINTS", "1")
    assert main(["check", path, "--hints", "3"]) == 1
    printed = capsys.readouterr()
    assert "note: MNIST_HINTS allows --hints 1 at most." in printed.err
    assert "Hint: " in printed.out
    assert all(absent not in printed.out for absent in ("Formula:", "Code:", "More help:"))
    for wrong in ("4", "-1", "all", "1.0", "²"):
        monkeypatch.setenv("MNIST_HINTS", wrong)
        assert main(["check", path]) == 1
        assert f"error: MNIST_HINTS is {wrong!r}, expected 0 to 3" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["check"], ["grade", "--seed", "1"]])
def test_code_that_can_read_all_files_is_said_to(words, write, tmp_path, capsys, monkeypatch):
    path = write(WRONG_SIGMOID)
    command, *options = words
    main([command, path if command == "check" else str(tmp_path), *options])
    assert ("install bubblewrap" in capsys.readouterr().err) == (not bubblewrap())
    bubblewrap.cache_clear()
    monkeypatch.setattr("shutil.which", lambda name: None)
    main([command, path if command == "check" else str(tmp_path), *options])
    bubblewrap.cache_clear()
    assert capsys.readouterr().err.count("install bubblewrap") == 1


def test_what_is_not_python_or_cannot_be_loaded_ends_with_2(write, capsys):
    assert main(["check", write("def f(:")]) == 2
    assert "not Python" in capsys.readouterr().err
    assert main(["check", write("import nowhere_at_all\nX = nowhere_at_all.x\ndef sigmoid(z):\n    return z\n")]) == 2
    printed = capsys.readouterr()
    assert "load, line 2: The file can't be loaded (line 2): ModuleNotFoundError" in printed.out
    assert printed.out.split("\n")[-2].startswith("Nothing could be checked, in ")


def test_a_file_without_functions_has_nothing_correct(write, capsys):
    assert main(["check", write("import nowhere_at_all\nnowhere_at_all.x")]) == 1
    printed = capsys.readouterr()
    assert f"{len(STEPS) - 1} missing" in printed.out
    assert "note: line 2 runs when the file is imported: it was left out" in printed.err


def test_a_missing_file_and_foreign_numbers_are_wrong_usage(tmp_path, capsys):
    assert main(["check", str(tmp_path / "gone.py")]) == 2
    assert "can't be read" in capsys.readouterr().err
    for option, value, most in (("--hints", "7", 3), ("--seed", "-1", 2**32 - 1), ("--seed", str(2**32), 2**32 - 1)):
        with pytest.raises(SystemExit) as caught:
            main(["check", "x.py", option, value])
        assert caught.value.code == 2
        assert f"{option}: found {value}, expected 0 to {most}" in capsys.readouterr().err


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
