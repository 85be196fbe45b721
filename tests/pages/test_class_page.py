"""The page of a class in every state: shut, empty, wrong, at work, stopped, and graded."""

import threading
import time

import numpy as np
import pytest

from mnist_core.assignment import background, grading
from mnist_core.assignment.kept import NAME
from mnist_core.data.dataset import load_dataset
from mnist_core.training.loop import EpochMetrics
from pages.components import data
from pages.components.assignment import permission
from pages.components.charts.counts import count_bars
from pages.components.charts.curves import curve
from pages.components.digits.reading import probability_chart
from tests.core.assignment.class_room import OVER_BATCH, SIGMOID, write_class
from tests.core.assignment.styles import STYLES
from tests.helpers import by_label, texts

FOLDER = "Folder of the submissions"


@pytest.fixture
def rubric(tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text("partial = 0.25\n[points]\nsigmoid = 2\nsoftmax = 4\n")
    return path


@pytest.fixture
def gate(monkeypatch):
    """Checks wait until the gate is opened."""
    opened = threading.Event()
    check = grading.check

    def waiting(*arguments, **options):
        opened.wait(30)
        return check(*arguments, **options)

    monkeypatch.setattr(grading, "check", waiting)
    yield opened
    opened.set()


def begin(app, folder, rubric=None):
    by_label(app.text_input, FOLDER).set_value(str(folder))
    if rubric:
        by_label(app.text_input, "Rubric, a TOML file (optional)").set_value(str(rubric))
    by_label(app.button, "Grade").click().run()
    return app


def finish(app):
    app.session_state["grading"].wait(60)
    return app.run()


def table(app, number=0):
    return app.dataframe[number].value


def test_without_a_folder_it_says_what_belongs_there(open_page):
    app = open_page("class_grades")
    assert app.title[0].value == "Class"
    assert "one .py or .ipynb file per student" in texts(app.info)
    by_label(app.button, "Grade").click().run()
    assert "Enter the folder of the submissions first" in texts(app.error)


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("/no/such/folder", "can't be read"),
        ("~nobody-of-that-name/class", "has no home folder to begin with"),
        ("{tmp}", "holds no .py or .ipynb file and no folder"),
    ],
)
def test_a_folder_that_can_not_be_graded_gets_a_sentence(open_page, tmp_path, folder, sentence):
    (tmp_path / "empty").mkdir()
    app = begin(open_page("class_grades"), folder.format(tmp=tmp_path / "empty"))
    assert sentence in app.error[0].value.replace("\\", "").replace("\u2060", "")
    assert not app.dataframe


def test_a_rubric_that_is_wrong_gets_a_sentence(open_page, tmp_path):
    (tmp_path / "rubric.toml").write_text("[points]\nsoftmx = 1\n")
    app = begin(open_page("class_grades"), write_class(tmp_path / "class", ada=SIGMOID), tmp_path / "rubric.toml")
    assert "Did you mean softmax?" in app.error[0].value
    assert not (tmp_path / "class" / NAME).exists()


def test_a_class_is_graded_and_what_it_finds_hard_is_shown(open_page, tmp_path, rubric):
    text = STYLES["a class"]
    folder = write_class(
        tmp_path / "class", ada=text, bob=text.replace("delta", "d"), cleo=SIGMOID + OVER_BATCH, eve=b"\xff"
    )
    app = finish(begin(open_page("class_grades"), folder, rubric))
    grades = table(app).set_index("Student")
    assert list(grades.index) == ["ada", "bob", "cleo", "eve"]
    assert grades["Points"].tolist() == [6, 6, 3, 0]
    assert grades.loc["cleo", ["sigmoid", "softmax"]].tolist() == [2, 1]
    assert grades.loc["ada", "Findings"] == "all correct"
    assert "can't be decoded" in grades.loc["eve", "Findings"]
    assert [metric.value for metric in app.metric] == ["3", "1", "83%"]
    charts = app.get("vega_lite_chart")
    assert len(charts) == 2
    assert "Most common, made by 1 student: Softmax" in texts(app.caption)
    pairs = table(app, 1)
    assert pairs[["First", "Second", "In common"]].values.tolist() == [["ada", "bob", 100.0]]
    assert len(app.get("download_button")) == 1
    assert not by_label(app.button, "Grade").disabled


def test_one_student_can_be_read_step_by_step(open_page, tmp_path, rubric):
    folder = write_class(tmp_path / "class", ada=SIGMOID + OVER_BATCH, eve=b"\xff")
    app = finish(begin(open_page("class_grades"), folder, rubric))
    assert "**softmax** · wrong · 1 of 4 · Softmax" in texts(app.markdown)
    by_label(app.selectbox, "Student").set_value("eve").run()
    assert "decoded" in texts(app.warning)
    assert "**softmax**" not in texts(app.markdown)


def test_a_class_without_mistakes_says_so(open_page, tmp_path, rubric):
    rubric.write_text("[points]\nsigmoid = 2\n")
    app = finish(begin(open_page("class_grades"), write_class(tmp_path / "class", ada=SIGMOID), rubric))
    assert "No mistake of the catalogue was made." in texts(app.caption)
    assert "No student is stopped by a step." in texts(app.caption)
    assert "No two files are alike." in texts(app.caption)
    assert not app.get("vega_lite_chart")


def test_while_it_goes_on_the_progress_is_shown_and_a_rerun_goes_on(open_page, tmp_path, rubric, gate):
    folder = write_class(tmp_path / "class", ada=SIGMOID, bob=SIGMOID + OVER_BATCH, eve=b"\xff")
    app = begin(open_page("class_grades"), folder, rubric)
    found = app.session_state["grading"]
    assert by_label(app.button, "Grade").disabled
    assert app.get("progress")[0].proto.text == "0 of 3 students graded"
    app.run()
    assert app.session_state["grading"] is found and found.active
    gate.set()
    finish(app)
    assert len(table(app)) == 3


def test_it_goes_on_while_another_page_is_looked_at(open_page, tmp_path, rubric, gate):
    app = begin(open_page("class_grades"), write_class(tmp_path / "class", ada=SIGMOID), rubric)
    app.switch_page("pages/overview.py").run()
    gate.set()
    app.session_state["grading"].wait(60)
    app.switch_page("pages/class_grades.py").run()
    assert table(app)["Points"].tolist() == [2]
    assert by_label(app.text_input, FOLDER).value == str(tmp_path / "class")


def test_it_can_be_stopped_and_goes_on_where_it_stood(open_page, tmp_path, rubric, gate):
    gate.set()
    app = finish(begin(open_page("class_grades"), write_class(tmp_path / "class", s0=SIGMOID), rubric))
    gate.clear()
    folder = write_class(tmp_path / "class", **{f"s{number}": SIGMOID + "\n" * number for number in range(1, 5)})
    app = begin(app, folder, rubric)
    by_label(app.button, "Stop").click().run()
    gate.set()
    finish(app)
    graded = (folder / NAME).read_bytes().count(b"\n")
    assert 1 <= graded < 5
    assert "of 5 students are graded; Grade goes on from there" in texts(app.info)
    by_label(app.button, "Grade").click().run()
    finish(app)
    assert len(table(app)) == 5 and not app.info


def test_an_error_on_the_way_is_shown(open_page, tmp_path, rubric):
    folder = write_class(tmp_path / "class", ada=SIGMOID)
    (folder / NAME).mkdir()
    app = finish(begin(open_page("class_grades"), folder, rubric))
    assert NAME.strip(".") in app.error[0].value
    assert not app.dataframe


@pytest.mark.parametrize(("others", "allowed"), [(True, "0"), (True, "1")])
def test_on_a_server_that_others_reach_nobody_grades(open_page, monkeypatch, others, allowed):
    for module in (permission, data):
        monkeypatch.setattr(module, "serves_others", lambda: others)
    monkeypatch.setenv(permission.VARIABLE, allowed)
    app = open_page("class_grades")
    assert not app.text_input
    assert ("runs no code" if allowed == "0" else "can't choose a folder") in texts(app.info)
    assert not [button for button in app.button if button.label == "Grade"]


def test_names_and_messages_are_shown_as_they_are(open_page, tmp_path, rubric):
    text = SIGMOID + "def softmax(z):\n    raise ValueError('*a* [b](http://c.d) :material/home: $x$')\n"
    folder = write_class(tmp_path / "class", **{"*Ada* [x](http:..y)": text, "=1+1": SIGMOID})
    app = finish(begin(open_page("class_grades"), folder, rubric))
    students = table(app)["Student"].tolist()
    assert students == ["*Ada* [x](http:..y)", "'=1+1"]
    by_label(app.selectbox, "Student").set_value("*Ada* [x](http:..y)").run()
    (line,) = [element.value for element in app.markdown if "ValueError" in element.value]
    assert "[b](http" not in line and "\\*a\\*" in line


def test_two_sessions_look_at_one_grading(open_page, tmp_path, rubric, gate):
    folder = write_class(tmp_path / "class", ada=SIGMOID)
    first = begin(open_page("class_grades"), folder, rubric)
    second = begin(open_page("class_grades"), folder, rubric)
    assert first.session_state["grading"] is second.session_state["grading"]
    gate.set()
    deadline = time.monotonic() + 60
    while second.session_state["grading"].active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for app in (first, second):
        app.run()
        assert table(app)["Points"].tolist() == [2]
    assert (folder / NAME).read_bytes().count(b"\n") == 1


def test_text_in_charts_is_not_black_which_the_dark_theme_hides():
    charts = (
        count_bars({"softmax": 2}, "students", {"softmax": ""}),
        probability_chart(load_dataset("sample").classes, np.full(10, 0.1)),
        curve([EpochMetrics(1, *[1.0] * 6)], "loss", "loss", 1, kept=1),
    )
    for chart in charts:
        marks = [mark for mark in marks_of(chart.to_dict()) if mark["type"] == "text"]
        assert marks
        assert all("color" in mark for mark in marks)


def marks_of(spec):
    own = [spec["mark"]] if "mark" in spec else []
    return own + [mark for layer in spec.get("layer", ()) for mark in marks_of(layer)]


def test_what_was_not_compared_is_not_said_to_differ(open_page, tmp_path, rubric, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error", "ada.py")

    monkeypatch.setattr(background, "similar_entries", fail)
    app = finish(begin(open_page("class_grades"), write_class(tmp_path / "class", ada=b"\xff"), rubric))
    assert "Input/output error" in texts(app.error)
    assert len(table(app)) == 1
    assert "No two files are alike." not in texts(app.caption)


def test_a_fault_of_the_program_is_raised_again(open_page, tmp_path, rubric, monkeypatch, caplog):
    monkeypatch.setattr(background, "similar_entries", lambda _: 1 // 0)
    folder = write_class(tmp_path / "class", ada=b"\xff")
    with pytest.raises(AssertionError, match="This app has encountered an error"):  # the log says which
        finish(begin(open_page("class_grades"), folder, rubric))
    assert "ZeroDivisionError: integer division or modulo by zero" in caplog.text
