"""Checks and grading in the background can be looked at, stopped, left, and found again."""

import threading
import time
from pathlib import Path

import pytest

from mnist_core.assignment import background as module
from mnist_core.assignment import grading
from mnist_core.assignment.background import Check, Order, start_grading
from mnist_core.assignment.kept import NAME
from mnist_core.assignment.rubric import Rubric
from mnist_core.assignment.sandbox import CALL_SECONDS
from mnist_core.assignment.source import Content
from mnist_core.errors import AssignmentError, RunError
from tests.core.assignment.class_room import SIGMOID, write_class
from tests.core.assignment.styles import STYLES

RUBRIC = Rubric({"sigmoid": 2.0})


@pytest.fixture
def gate(monkeypatch):
    """Checks wait until the gate is opened; one permit a check."""
    permits = threading.Semaphore(0)
    check = grading.check

    def waiting(*arguments, **options):
        assert permits.acquire(timeout=30)
        return check(*arguments, **options)

    monkeypatch.setattr(grading, "check", waiting)
    return permits


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_grades_can_be_seen_while_it_goes_on(tmp_path, gate):
    folder = write_class(tmp_path, zoe=SIGMOID, ada=SIGMOID + "\n", bob=b"\xff")
    found = start_grading(Order(folder, RUBRIC, 0, 1))
    assert found.students == 3 and found.active and not found.complete
    gate.release()
    wait_for(lambda: len(found.grades) == 2)
    assert [one.student.plain for one in found.grades] == sorted(one.student.plain for one in found.grades)
    gate.release()
    found.wait(30)
    assert found.complete and not found.active and found.error is None
    assert [one.student.plain for one in found.grades] == ["ada", "bob", "zoe"]


def test_who_comes_again_finds_the_same_grading(tmp_path, gate):
    folder = write_class(tmp_path, ada=SIGMOID)
    first = start_grading(Order(folder, RUBRIC, 0, 1))
    assert start_grading(Order(folder, RUBRIC, 0, 1)) is first
    gate.release()
    first.wait(30)
    again = start_grading(Order(folder, RUBRIC, 0, 1))
    again.wait(30)
    assert again is not first and again.grades == first.grades


def test_it_stops_and_goes_on_where_it_stood(tmp_path, gate):
    folder = write_class(tmp_path, **{f"s{number}": SIGMOID + "\n" * number for number in range(4)})
    found = start_grading(Order(folder, RUBRIC, 0, 1))
    found.stop()
    gate.release()
    gate.release()
    found.wait(30)
    assert not found.active and not found.complete and found.error is None
    assert len(found.grades) < 4
    for _ in range(4):
        gate.release()
    again = start_grading(Order(folder, RUBRIC, 0, 1))
    again.wait(30)
    assert again.complete
    assert (folder / NAME).read_bytes().count(b"\n") == 4


def test_another_seed_takes_the_place_of_the_grading_that_goes_on(tmp_path, gate):
    folder = write_class(tmp_path, ada=SIGMOID)
    first = start_grading(Order(folder, RUBRIC, 0, 1))
    for _ in range(3):
        gate.release()
    second = start_grading(Order(folder, RUBRIC, 1, 1))
    second.wait(30)
    assert not first.active
    assert second.complete


def test_pairs_that_are_alike_are_found_at_the_end(tmp_path):
    folder = write_class(tmp_path, ada=STYLES["a class"], bob=STYLES["a class"] + "\n")
    found = start_grading(Order(folder, RUBRIC, 0, 2))
    found.wait(60)
    assert [(pair.first.plain, pair.second.plain) for pair in found.pairs] == [("ada", "bob")]


def test_a_folder_that_can_not_be_read_is_an_error_at_once(tmp_path):
    with pytest.raises(AssignmentError):
        start_grading(Order(tmp_path / "gone", RUBRIC, 0, 1))


def test_an_error_on_the_way_is_kept(tmp_path):
    folder = write_class(tmp_path, ada=SIGMOID)
    (folder / NAME).mkdir()
    found = start_grading(Order(Path(folder), RUBRIC, 0, 1))
    found.wait(30)
    assert isinstance(found.error, RunError)
    assert not found.complete and found.grades == []


ENDLESS = "def sigmoid(z):\n    while z is not None: pass\n"


def test_a_stop_ends_a_call_and_a_check_that_waits(tmp_path):
    grading_ = start_grading(Order(write_class(tmp_path, ada=ENDLESS), RUBRIC, 0, 1))
    checks = [Check(Content("a.py", ENDLESS.encode())) for _ in range(3)]
    wait_for(lambda: all(check.findings for check in checks[:2]))
    assert [check.ahead for check in checks] == [0, 0, 1]
    broken = Check(Content("a.py", b"def f(:\n"))  # which waits for nobody
    broken.wait(CALL_SECONDS / 2)
    assert "is not Python" in str(broken.error)
    began = time.monotonic()
    for work in (grading_, *checks):
        work.stop()
    for work in (grading_, *checks):
        work.wait(CALL_SECONDS)
    assert time.monotonic() - began < CALL_SECONDS / 2
    assert not any(work.active or work.error for work in (grading_, *checks))
    assert checks[2].findings == [] and checks[0].report is None
    assert grading_.pairs is None and not grading_.complete


def test_what_nobody_expected_is_kept(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr(module, "similar_entries", fail)
    found = start_grading(Order(write_class(tmp_path, ada=b"\xff"), RUBRIC, 0, 1))
    found.wait(30)
    assert isinstance(found.error, ZeroDivisionError)
    assert found.complete and found.pairs is None
    monkeypatch.setattr(module, "check", fail)
    check = Check(Content("a.py", b"def f(x): pass\n"))
    check.wait(30)
    assert isinstance(check.error, ZeroDivisionError)
    assert module._line == []
