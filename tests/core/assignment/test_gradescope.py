"""What Gradescope reads is what its documentation publishes, and the autograder runs without a network."""

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from mnist_core.assignment.autograder import ONLY_FOR_PAGES, autograder_zip, requirements
from mnist_core.assignment.gradescope import results, write_results, write_single
from mnist_core.assignment.grading import grade
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.sandbox import bubblewrap
from mnist_core.errors import AssignmentError
from mnist_core.jobs.job import PROJECT
from tests.core.assignment.class_room import OVER_BATCH, SIGMOID, SOLUTION, by_student, write_class

RUBRIC = Rubric({"sigmoid": 2.0, "softmax": 4.5}, 0.25, 4242)

# https://gradescope-autograders.readthedocs.io/en/latest/specs/
NUMBER, TEXT = (int, float), str
VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
FIELDS = {
    "score": NUMBER, "execution_time": NUMBER, "output": TEXT, "output_format": FORMATS, "test_output_format": FORMATS,
    "test_name_format": FORMATS, "visibility": VISIBILITY, "stdout_visibility": VISIBILITY, "extra_data": dict,
    "tests": list, "leaderboard": list,
}  # fmt: skip
FIELDS_OF_A_TEST = {
    "score": NUMBER, "max_score": NUMBER, "status": {"passed", "failed"}, "name": TEXT, "name_format": FORMATS,
    "number": TEXT, "output": TEXT, "output_format": FORMATS, "tags": list, "visibility": VISIBILITY,
    "extra_data": dict,
}  # fmt: skip


def assert_fields(found, published):
    for name, value in found.items():
        assert name in published
        expected = published[name]
        assert value in expected if isinstance(expected, set) else isinstance(value, expected), name
        assert not isinstance(value, bool)


def assert_published(content):
    """It has the published fields only, each of its type, and what is required."""
    assert_fields(content, FIELDS)
    assert "score" in content or all("score" in test for test in content["tests"])
    for test in content["tests"]:
        assert_fields(test, FIELDS_OF_A_TEST)
        assert 0 <= test["score"] <= test["max_score"]
        assert "\r" not in test["output"]
    assert content["score"] == pytest.approx(sum(test["score"] for test in content["tests"]))


@pytest.fixture(scope="module")
def grades(tmp_path_factory):
    folder = write_class(tmp_path_factory.mktemp("class"), ada=SOLUTION, bob=SIGMOID + OVER_BATCH, cleo=b"\xff", dan="")
    return grade(folder, RUBRIC)


def test_results_have_the_published_fields(grades):
    for one in grades:
        assert_published(json.loads(json.dumps(results(one), allow_nan=False)))


def test_points_and_words_of_each_step_are_there(grades):
    ada, bob, cleo, _ = map(results, grades)
    assert ada["score"] == 6.5
    assert [test["status"] for test in ada["tests"]] == ["passed", "passed"]
    sigmoid, softmax = bob["tests"]
    assert (sigmoid["name"], sigmoid["score"], sigmoid["max_score"]) == ("sigmoid", 2.0, 2.0)
    assert (softmax["score"], softmax["max_score"], softmax["status"]) == (1.125, 4.5, "failed")
    assert softmax["output"] == by_student(grades)["bob"].steps["softmax"].sentence.plain != ""
    assert (cleo["score"], len(cleo["tests"])) == (0, 2)
    assert cleo["output"].startswith("cleo.py can't be decoded")


def test_each_student_gets_a_folder(grades, tmp_path):
    write_results(tmp_path / "results", grades)
    for one in grades:
        path = tmp_path / "results" / one.student.plain / "results.json"
        assert json.loads(path.read_text(encoding="utf-8")) == results(one)
    write_single(tmp_path / "one", grades[0])
    assert json.loads((tmp_path / "one" / "results.json").read_text(encoding="utf-8")) == results(grades[0])


@pytest.fixture(scope="module")
def packed():
    return autograder_zip(PROJECT, RUBRIC)


def test_what_gradescope_runs_lies_at_the_root_of_the_archive(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        for name in ("setup.sh", "run_autograder"):
            assert stat.S_IMODE(archive.getinfo(name).external_attr >> 16) == 0o755
            text = archive.read(name).decode()
            assert text.startswith("#!/usr/bin/env bash\n") and "\r" not in text
            assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
        names = archive.namelist()
    assert "mnist_core/assignment/grading.py" in names
    assert any(name.startswith("mnist_core/data/sample.") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests", "pages", "/"))]
    assert packed == autograder_zip(PROJECT, RUBRIC)


def test_it_installs_what_the_command_line_needs_and_no_dashboard():
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    left_out = [line for line in declared if line not in requirements(PROJECT)]
    assert len(left_out) == len(ONLY_FOR_PAGES)
    assert all(line.startswith(ONLY_FOR_PAGES) for line in left_out)


def test_outside_of_a_checkout_it_says_what_to_do(tmp_path):
    with pytest.raises(AssignmentError, match=r"packed from a checkout of this project, and .* is none"):
        autograder_zip(tmp_path, RUBRIC)


BLOCK = """
import sys
for name in ("streamlit", "streamlit_drawable_canvas", "matplotlib", "altair", "pandas"):
    sys.modules[name] = None
"""


@pytest.fixture
def image(packed, tmp_path):
    """What Gradescope makes of the archive, with this interpreter in place of the one that setup.sh installs."""
    root = tmp_path / "autograder"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(root / "source")
    shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
    (root / "run_autograder").chmod(0o755)
    (root / "submission").mkdir()
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (root / "source" / "sitecustomize.py").write_text(BLOCK)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    what = "import sys, mnist_core; assert 'pandas' in sys.modules; print(mnist_core.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(root / "source")}
    asked = subprocess.run([python, "-c", what], env=environment, cwd=root, capture_output=True, text=True, check=True)
    assert Path(asked.stdout.strip()).is_relative_to(root / "source")
    return root


def run(root, programs=os.environ["PATH"]):
    """Call run_autograder as Gradescope does, without a network where that can be had."""
    program = bubblewrap()
    alone = [program, "--dev-bind", "/", "/", "--unshare-net"] if program else []
    environment = {"PATH": programs, "HOME": str(root)}
    command = [*alone, str(root / "run_autograder")]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    content = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    assert_published(content)
    return content


@pytest.mark.skipif(os.name == "nt", reason="Gradescope runs Linux")
@pytest.mark.parametrize("place", ["my_network.py", "week 3/net.py"])
def test_the_autograder_grades_a_submission_without_a_network(image, place):
    path = image / "submission" / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(SIGMOID + OVER_BATCH)
    content = run(image)
    assert content["score"] == 3.125
    assert [test["name"] for test in content["tests"]] == ["sigmoid", "softmax"]
    assert [entry.name for entry in (image / "submission").iterdir()] == [Path(place).parts[0]]
    if os.name == "posix":
        for name in ("source", "submission", "results"):
            assert stat.S_IMODE((image / name).stat().st_mode) == 0o700
        for name in (".", "venv"):
            assert stat.S_IMODE((image / name).stat().st_mode) == 0o755


@pytest.mark.skipif(os.name == "nt", reason="Gradescope runs Linux")
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "No .py or .ipynb file."),
        ({"a.py": SIGMOID, "b.py": SIGMOID}, "2 files (a.py, b.py): leave the one that counts."),
        ({"net.py": "def f(:"}, "net.py is not Python"),
    ],
)
def test_a_submission_that_can_not_be_graded_gets_its_results_too(image, files, words):
    for name, text in files.items():
        (image / "submission" / name).write_text(text)
    content = run(image)
    assert content["score"] == 0
    assert words in content["output"]


@pytest.mark.skipif(os.name == "nt", reason="Gradescope runs Linux")
def test_a_student_can_not_bring_grades_along(image, tmp_path):
    """A file of grades in the submission, even the true one of a better file with the same name, is not read."""
    (image / "submission" / "net.py").write_text(SIGMOID)
    honest = run(image)
    graded = write_class(tmp_path / "class", net=SIGMOID)
    grade(graded, RUBRIC, 4242)
    kept = graded / ".grades.jsonl"
    kept.write_text(kept.read_text().replace('"points":0.0', '"points":4.5'))
    shutil.copy(kept, image / "submission")
    assert run(image)["score"] == honest["score"] == 2


SPY = """\
def sigmoid(z):
    import glob
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            found.append(open(path, errors="replace").read().replace(chr(0), " "))
        except OSError:
            pass
    raise ValueError(" ".join(line for line in found if "--gradescope" in line))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Gradescope runs Linux")
def test_a_submission_finds_the_seed_in_no_command_line(image, tmp_path):
    programs = tmp_path / "programs"  # which is all but bubblewrap
    programs.mkdir()
    for name in ("bash", "chmod", "dirname", "mkdir"):
        (programs / name).symlink_to(shutil.which(name))
    (image / "submission" / "net.py").write_text(SPY)
    said = run(image, str(programs))["tests"][0]["output"]
    assert "--rubric source/rubric.toml" in said
    assert "4242" not in said
