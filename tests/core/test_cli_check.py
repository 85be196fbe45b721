"""``mnist assignment`` and ``mnist check``, as a learner uses them."""

import json
import re
import subprocess
import sys
import time

import pytest

from mnist_core.assignment.contract import STEPS
from mnist_core.cli import main
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


def test_a_missing_file_and_foreign_numbers_are_wrong_usage(tmp_path, capsys):
    assert main(["check", str(tmp_path / "gone.py")]) == 2
    assert "can't be read" in capsys.readouterr().err
    for option, value, most in (("--hints", "7", 3), ("--seed", "-1", 2**32 - 1), ("--seed", str(2**32), 2**32 - 1)):
        with pytest.raises(SystemExit) as caught:
            main(["check", "x.py", option, value])
        assert caught.value.code == 2
        assert f"{option}: found {value}, expected 0 to {most}" in capsys.readouterr().err


def test_a_saved_file_is_checked_again(write):
    path = write(MISTAKEN)
    command = [sys.executable, "-u", "-m", "mnist_core", "check", path, "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        lines = iter(process.stdout.readline, "")
        assert any("✗ back_propagate" in line for line in lines)
        assert any("correct" in line for line in lines)
        time.sleep(0.5)
        write(SOLUTION)
        assert any("✓ back_propagate" in line for line in lines)
        process.kill()
