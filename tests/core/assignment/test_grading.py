"""A class is graded to its end: one row a student, whatever one of them handed in, however often it is interrupted."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.assignment import grading, kept, sandbox
from mnist_core.assignment.cases import cases_of, write_idx_files
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.grading import grade, grade_entries
from mnist_core.assignment.kept import NAME
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.rubric import Rubric
from mnist_core.errors import AssignmentError, RunError
from mnist_core.jobs.job import PROJECT
from tests.core.assignment.class_room import OVER_BATCH, SIGMOID, SOLUTION, by_student, write_class
from tests.core.assignment.marked import marking, new_mark, wait_for_marked

RUBRIC = Rubric({"sigmoid": 2.0, "softmax": 4.0}, 0.25)


@pytest.fixture
def checks(monkeypatch):
    """Names of the files that are checked."""
    names = []
    check = grading.check

    def spy(submission, *arguments, **options):
        names.append(submission.name.plain)
        return check(submission, *arguments, **options)

    monkeypatch.setattr(grading, "check", spy)
    return names


def without_time(grades):
    return [replace(one, seconds=0.0) for one in grades]


def test_each_student_is_one_row_with_points_and_words(tmp_path):
    folder = write_class(tmp_path, ada=SOLUTION, bob=SIGMOID + OVER_BATCH, cleo=SIGMOID)
    found = []
    grades = grade(folder, RUBRIC, on_grade=found.append)
    assert sorted(found, key=lambda one: one.student) == grades
    ada, bob, cleo = grades
    assert [one.student.plain for one in grades] == ["ada", "bob", "cleo"]
    assert [one.points for one in grades] == [6.0, 3.0, 2.0]
    assert {one.total for one in grades} == {6.0}
    assert ada.findings == "" and not ada.stopped_at
    assert bob.steps["softmax"].mistakes == ("softmax-over-batch",)
    assert bob.findings.startswith("softmax: ") and bob.stopped_at == "softmax"
    assert cleo.findings == "not written: softmax"
    assert all(one.seconds > 0 and len(one.sha256) == 64 and one.file.plain.endswith(".py") for one in grades)


def test_whatever_one_hands_in_the_others_are_graded(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "LOAD_SECONDS", 4.0)
    forever = "while True: pass\n"
    folder = write_class(
        tmp_path / "class",
        ada=SIGMOID,
        broken=b"# -*- coding: utf-8 -*-\nx = '\xff\xfe'\n",
        empty="",
        nothing="print('hello')\n",
        nonsense="def sigmoid(z:\n",
        zeros=b"\x00" * 50,
        leaves=f"import os\nos._exit(0)\n{SIGMOID}",
        dies="class Odd:\n    import os\n    os._exit(3)\n" + SIGMOID,
        loops=f"class Odd:\n    {forever}" + SIGMOID,
        large="#" * 1_100_000,
        twice=SIGMOID,
    )
    (folder / "twice (1).py").write_text(SIGMOID)
    (folder / "zipped.zip").write_bytes(b"PK")
    (folder / "none").mkdir()
    (folder / "linked.py").symlink_to(folder / "ada.py")
    (folder / "notebook.ipynb").write_text('{"cells": 3}')
    grades = by_student(grade(folder, RUBRIC, jobs=4))
    for student, sentence in {
        "broken": "broken.py can't be decoded",
        "empty": "empty.py has none of the functions: expected read_idx,",
        "nothing": "nothing.py has none of the functions",
        "nonsense": "nonsense.py is not Python (line 1:",
        "zeros": "zeros.py",
        "dies": "The file can't be loaded: Ended: It ended its own process",
        "loops": "The file can't be loaded: Timeout: It did not return within 4 s",
        "large": "large.py can't be read (it has 1.1 MB, expected at most 1.0): use another file.",
        "twice": "2 files (twice (1).py, twice.py)",
        "zipped": "zipped.zip is packed: unpack it.",
        "none": "No .py or .ipynb file.",
        "linked": "linked.py is a link",
        "notebook": "notebook.ipynb is no notebook",
    }.items():
        assert grades[student].problem.plain.startswith(sentence), student
        assert grades[student].points == 0 and grades[student].total == 6
        assert not grades[student].stopped_at
    for student in ("ada", "leaves"):
        assert grades[student].points == 2 and not grades[student].problem
    assert len(grades) == 15


def test_a_function_without_end_costs_its_own_step(tmp_path):
    folder = write_class(tmp_path, ada=SIGMOID.replace("return", "while z is not None: pass\n    return") + OVER_BATCH)
    (ada,) = grade(folder, RUBRIC)
    assert ada.steps["sigmoid"].points == 0 and ada.steps["softmax"].points == 1
    assert "did not return within 5 s" in ada.findings


def test_a_fault_of_the_checker_is_a_row_and_is_not_kept(tmp_path, monkeypatch):
    folder = write_class(tmp_path, ada=SIGMOID, bob=SIGMOID + "\n")
    check = grading.check

    def faulty(submission, *arguments, **options):
        if submission.name.plain == "ada.py":
            raise ZeroDivisionError("float division by zero")
        return check(submission, *arguments, **options)

    monkeypatch.setattr(grading, "check", faulty)
    ada, bob = grade(folder, RUBRIC)
    assert "The check itself failed (ZeroDivisionError: float division by zero): grade it by hand" in ada.findings
    assert bob.points == 2
    monkeypatch.setattr(grading, "check", check)
    assert [one.points for one in grade(folder, RUBRIC)] == [2, 2]


def test_a_machine_without_processes_is_no_grade(tmp_path, monkeypatch):
    def none(*_, **__):
        raise AssignmentError("No process could be started for the file: end other programs, then check again.")

    folder = write_class(tmp_path, ada=SIGMOID)
    with monkeypatch.context() as patched:
        patched.setattr(grading, "check", none)
        assert "No process could be started" in grade(folder, RUBRIC)[0].findings
    assert grade(folder, RUBRIC)[0].points == 2


def test_what_was_graded_is_not_graded_again(tmp_path, checks):
    folder = write_class(tmp_path, ada=SIGMOID, bob=SIGMOID + OVER_BATCH)
    first = grade(folder, RUBRIC)
    checks.clear()
    assert grade(folder, RUBRIC) == first
    assert checks == []


def test_a_change_of_file_seed_points_or_checker_grades_again(tmp_path, checks, monkeypatch):
    folder = write_class(tmp_path, ada=SIGMOID, bob=SIGMOID + "\n")
    grade(folder, RUBRIC, seed=1)
    checks.clear()
    (folder / "ada.py").write_text(SIGMOID + "# better\n")
    grade(folder, RUBRIC, seed=1)
    assert checks == ["ada.py"]
    for rubric, seed in ((RUBRIC, 2), (replace(RUBRIC, partial=0.5), 1), (Rubric({"sigmoid": 2.0}), 1)):
        checks.clear()
        assert {one.points for one in grade(folder, rubric, seed)} == {2}
        assert sorted(checks) == ["ada.py", "bob.py"]
    monkeypatch.setattr(kept, "checker", lambda: "another version")
    checks.clear()
    grade(folder, RUBRIC, seed=1)
    assert sorted(checks) == ["ada.py", "bob.py"]


def test_a_file_under_another_name_keeps_its_grade_and_gets_its_own_row(tmp_path, checks):
    folder = write_class(tmp_path, ada=SIGMOID)
    grade(folder, RUBRIC)
    (folder / "ada.py").rename(folder / "zoe.py")
    checks.clear()
    (zoe,) = grade(folder, RUBRIC)
    assert (zoe.student.plain, zoe.file.plain, zoe.points, checks) == ("zoe", "zoe.py", 2, [])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-20],
        lambda content: content + b'{"key": "x", "gra',
        lambda content: b"nonsense\n\xff\xff\n[]\n{}\n" + b'{"key": 1, "grade": {}}\n' + b"[" * 5000 + b"\n",
        lambda content: content.replace(b'"state":"correct"', b'"state":"perfect"'),
        lambda content: b"",
    ],
    ids=["half a last line", "half of one more", "lines of another kind", "states that there are not", "emptied"],
)
def test_damaged_grades_are_made_again_and_what_is_whole_stays(tmp_path, checks, damage):
    folder = write_class(tmp_path, ada=SIGMOID, bob=SIGMOID + "\n")
    first = grade(folder, RUBRIC, jobs=1)
    (folder / NAME).write_bytes(damage((folder / NAME).read_bytes()))
    assert without_time(grade(folder, RUBRIC)) == without_time(first)
    checks.clear()
    grade(folder, RUBRIC)
    assert checks == []


def test_grades_that_can_not_be_kept_are_an_error_before_anything_is_checked(tmp_path, checks):
    folder = write_class(tmp_path, ada=SIGMOID)
    (folder / NAME).mkdir()
    with pytest.raises(RunError, match=r"\.grades\.jsonl|write to"):
        grade(folder, RUBRIC)
    assert checks == []


def test_as_many_as_jobs_are_checked_at_a_time(tmp_path, monkeypatch):
    folder = write_class(tmp_path, **{f"s{number}": SIGMOID + "\n" * number for number in range(6)})
    entries, report = read_roster(folder), None
    at_once, most, lock = 0, 0, threading.Lock()
    check = grading.check

    def slow(submission, *arguments, **options):
        nonlocal at_once, most, report
        with lock:
            at_once += 1
            most = max(most, at_once)
            report = report or check(submission, *arguments, **options)
        time.sleep(0.1)
        with lock:
            at_once -= 1
        return report

    monkeypatch.setattr(grading, "check", slow)
    for jobs in (1, 3):
        most = 0
        assert len(list(grade_entries(entries, RUBRIC, jobs=jobs))) == 6
        assert most == jobs


def test_an_end_by_the_caller_waits_for_the_files_in_progress_alone(tmp_path, checks):
    folder = write_class(tmp_path, **{f"s{number}": SIGMOID + "\n" * number for number in range(8)})

    class Enough(Exception):
        pass

    def stop(_):
        raise Enough

    with pytest.raises(Enough):
        grade(folder, RUBRIC, jobs=2, on_grade=stop)
    assert len(checks) <= 3
    assert len((folder / NAME).read_bytes().splitlines()) >= 1


def grading_process(folder, *options):
    command = [sys.executable, "-m", "mnist_core", "grade", str(folder), *options]
    return subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def kept_lines(folder):
    path = folder / NAME
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for_lines(folder, count):
    deadline = time.monotonic() + 60
    while kept_lines(folder) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_grading_that_is_killed_goes_on_where_it_stood(tmp_path, checks):
    files = {f"s{number}": SIGMOID + "\n" * number for number in range(8)}
    folder = write_class(tmp_path / "class", **files)
    process = grading_process(folder, "--jobs", "1")
    try:
        wait_for_lines(folder, 2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    graded = kept_lines(folder)
    assert graded < len(files)
    grades = grade(folder, Rubric())
    assert len(checks) == len(files) - graded
    whole = grade(write_class(tmp_path / "whole", **files), Rubric())
    assert without_time(grades) == without_time(whole)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are named as on Linux")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_ctrl_c_ends_grading_and_the_code_that_runs(tmp_path, number):
    mark = new_mark()
    loop = f"def sigmoid(z):\n    {marking(mark)}\n    while True: pass\n"
    folder = write_class(tmp_path, ada=SIGMOID, bob=loop, **{f"s{n}": loop + "\n" * n for n in range(20)})
    process = grading_process(folder, "--jobs", "2")
    try:
        wait_for_lines(folder, 1)
        wait_for_marked(mark, present=True)
        process.send_signal(number)
        _, error = process.communicate(timeout=40)
    finally:
        process.kill()
    assert process.returncode in (128 + number, -number)
    assert "Traceback" not in error
    assert kept_lines(folder) < 22
    wait_for_marked(mark, present=False)


def test_the_same_seed_gives_the_same_grades(tmp_path):
    odd = SIGMOID + "def softmax(z):\n    return np.exp(z - z.max()) / np.exp(z).sum() + 0.1\n"
    grades = [grade(write_class(tmp_path / name, ada=odd, bob=SIGMOID + OVER_BATCH), Rubric(), 5) for name in "ab"]
    assert without_time(grades[0]) == without_time(grades[1])


def flat(value):
    """All numbers in arguments of a step."""
    if isinstance(value, list | tuple):
        return np.concatenate([flat(item) for item in value])
    return np.ravel(np.asarray(value, float))


@pytest.mark.parametrize("step", [name for name in STEPS if name not in ("read_idx", "initialize", "train")])
def test_another_seed_gives_other_inputs(step):
    seeds = [[flat(case.args) for case in cases_of(step, seed)] for seed in (0, 1, 42, 2**32 - 1)]
    for k, one in enumerate(seeds):
        for other in seeds[k + 1 :]:
            assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    again = [flat(case.args) for case in cases_of(step, 42)]
    assert all(map(np.array_equal, again, seeds[2]))


def test_another_seed_gives_other_files(tmp_path):
    contents = []
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        contents.append([path.read_bytes() for path in write_idx_files(tmp_path / str(seed), seed)])
    assert all(a != b for a, b in zip(*contents, strict=True))


@pytest.mark.parametrize("seed", [1, 2**32 - 1])
def test_with_any_seed_what_is_right_is_right(tmp_path, seed):
    (ada,) = grade(write_class(tmp_path, ada=SOLUTION), Rubric(), seed)
    assert ada.points == ada.total


def test_a_file_written_for_the_inputs_of_a_check_fails_at_the_hidden_ones(tmp_path):
    """It looks up what it was shown by `mnist check`, seed 0."""
    shown = [(case.args[0].tolist(), case.args[1].tolist()) for case in cases_of("accuracy", 0)]
    right = [float(np.mean(case.args[0] == case.args[1])) for case in cases_of("accuracy", 0)]
    text = (
        f"SHOWN = {shown}\nRIGHT = {right}\n"
        "def accuracy(predicted, labels):\n    return RIGHT[SHOWN.index((predicted.tolist(), labels.tolist()))]\n"
    )
    folder = write_class(tmp_path, ada=text)
    rubric = Rubric({"accuracy": 1.0})
    assert grade(folder, rubric, seed=0)[0].points == 1
    assert grade(folder, rubric, seed=77)[0].points == 0
