"""The table of grades is data for a spreadsheet and nothing else; the summary counts students."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.assignment.grades import Grade, StepGrade, summarize, to_csv
from mnist_core.untrusted import UntrustedText, no_formula


def grade(student="ada", problem="", **steps):
    steps = {name: StepGrade(*step) if isinstance(step, tuple) else step for name, step in steps.items()}
    return Grade(UntrustedText(student), UntrustedText(f"{student}.py"), "0" * 64, steps, UntrustedText(problem), 1.26)


def wrong(sentence, *mistakes, points=0.0):
    return StepGrade("wrong", points, 2.0, UntrustedText(sentence), mistakes)


def cells(text):
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-2+3", "@sum", "\t=1", "＝1", "  =1", "=cmd|' /C calc'!A0"])
def test_no_name_and_no_finding_is_a_formula(name):
    _, row = cells(to_csv([grade(name, softmax=wrong(name))]))
    for cell in (row[0], row[-4], row[-2]):
        assert not re.match(r"\s*[=+\-@＝]", cell)
        assert name.strip() in cell


def test_what_another_separator_would_cut_off_is_no_formula_either():
    text = to_csv([grade("ada", softmax=wrong('It raises ValueError: x;=1+1\t=2,"=3"|@a\n-5'))])
    for part in re.split(r'[;\t,"|\n]', text):
        assert not re.match(r"\s*[=+\-@＝]", part)


@given(st.text(max_size=80))
def test_any_text_is_harmless_wherever_it_is_cut(text):
    for part in re.split(r'[;\t,"|\n]', no_formula(text)):
        assert not re.match(r"\s*[=+\-@＝＋－＠]", part)
    assert no_formula(no_formula(text)) == no_formula(text)


def test_usual_text_stays():
    for text in ("Bob-Ann O'Neil", "With 4 images: W differs by -1 times", "a = b", "x@y"):
        assert no_formula(text) == text


def test_the_table_has_all_steps_that_give_points():
    one = grade(softmax=("correct", 2.0, 2.0), train=("wrong", 0.0, 0.0, UntrustedText("It does not learn.")))
    other = grade("bob", "No file.", softmax=("skipped", 0.0, 2.0))
    head, first, second = cells(to_csv([one, other]))
    assert head == ["student", "points", "total", "softmax", "findings", "seconds", "file", "sha256"]
    assert first == ["ada", "2.0", "2.0", "2.0", "train: It does not learn.", "1.3", "ada.py", "0" * 64]
    assert second[:5] == ["bob", "0.0", "2.0", "0.0", "No file."]
    assert cells(to_csv([])) == [["student", "points", "total", "findings", "seconds", "file", "sha256"]]


def test_a_student_stops_at_the_first_step_that_is_wrong_or_missing_and_counts():
    optional = StepGrade("missing", 0.0, 0.0)
    missing = StepGrade("missing", 0.0, 1.0)
    assert grade(a=optional, b=StepGrade("skipped", 0.0, 1.0), c=missing, d=wrong("x")).stopped_at == "c"
    assert grade(a=StepGrade("correct", 1.0, 1.0)).stopped_at == ""
    assert grade(problem="No file.", a=missing).stopped_at == ""


def test_a_mistake_counts_once_a_student_and_the_most_common_comes_first():
    grades = [
        grade("a", x=wrong("s", "m1", "m2"), y=wrong("s", "m1")),
        grade("b", x=wrong("s", "m1", points=1.0), y=StepGrade("correct", 2.0, 2.0)),
        grade("c", x=StepGrade("correct", 2.0, 2.0), y=wrong("s", "m0")),
        grade("d", "No file.", x=wrong("s", "m9")),
    ]
    found = summarize(grades)
    assert found.mistakes == {"m1": 2, "m0": 1, "m2": 1}
    assert list(found.mistakes) == ["m1", "m0", "m2"]
    assert found.stopped_at == {"x": 2, "y": 1}
    assert (found.graded, found.ungraded) == (3, 1)
    assert found.mean == pytest.approx((0 + 3 / 4 + 2 / 4) / 3)


def test_a_class_of_nobody_has_a_summary():
    for grades in ([], [grade(problem="No file.")], [grade()]):
        assert summarize(grades).mean == 0
