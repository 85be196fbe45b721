"""The page Your code: a file is checked in the background, its findings shown, and the file trained."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
import streamlit as st

from mnist_core.assignment import background
from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.own_runs import start_own_run
from mnist_core.assignment.source import MAX_BYTES, Content
from mnist_core.assignment.starter import solution, starter_file
from mnist_core.assignment.training import trains
from mnist_core.data.dataset import load_dataset
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.implementation import IMPLEMENTATION, Implementation, code_of, read_implementation
from mnist_core.runs.run import list_runs
from mnist_core.runs.schema import write_record
from mnist_core.runs.tables import Rows
from mnist_core.training.config import LOOP_SETTINGS, TrainingConfig
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText
from pages.components import data
from pages.components.assignment import checked
from pages.components.assignment.train import where_they_part
from tests.helpers import by_label, shown, wait

SOLUTION = solution()
QUICK = SOLUTION.replace("def update(", "def no_update(").replace("def train(", "def no_train(")
"""Without the steps that the checks of the whole need, which take seconds."""
NO_N = QUICK.replace("(a - y) / len(x)", "(a - y)")
BIAS = ("delta.sum(axis=0)", "delta.mean(axis=0)")
SHORT = TrainingConfig(epochs=2, hidden_layers=(6,), batch_size=100)


@pytest.fixture(autouse=True)
def nothing_under_way():
    """Let no check of another test hold a place."""
    yield
    for check in list(background._line):
        check.stop()


@pytest.fixture
def save(tmp_path):
    """A function that saves a file as an editor does, some time ago."""

    def save(text, name="my_network.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (time.time() - 5,) * 2)
        return path

    return save


@pytest.fixture
def open_file(open_page):
    """A function that opens the page, types the path of a file, and waits until it is checked."""

    def open_file(path):
        app = open_page("your_code")
        by_label(app.text_input, "Path of your file").set_value(str(path)).run()
        return until_checked(app)

    return open_file


def until_checked(app, seconds=60):
    deadline = time.monotonic() + seconds
    while not texts(app.caption, "Checked; "):
        assert time.monotonic() < deadline, [caption.value for caption in app.caption]
        time.sleep(0.1)
        app.run()
    return app


def texts(elements, part):
    return [shown(element.value) for element in elements if part in shown(element.value)]


def steps_of(app, state):
    """Names of the steps in a state, from their rows."""
    rows = [element.value for element in app.markdown if element.value.startswith(":")]
    rows += [expander.label for expander in app.expander]
    return {shown(row).split("**")[1] for row in rows if f"** · {state}" in row}


def test_without_a_file_it_says_what_to_do(open_page):
    app = open_page("your_code")
    assert texts(app.info, "Choose the file with your network")
    assert texts(app.caption, "Choose your file above first")
    assert texts(app.subheader, "What a mistake does")


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_starter_file_is_offered_at_each_level(level, open_page):
    app = open_page("your_code")
    by_label(app.radio, "Level").set_value(level).run()
    assert app.query_params.get("level", "1") == str(level)
    assert by_label(app.get("download_button"), "Download my_network.py")


def test_a_correct_file(open_file, save):
    app = open_file(save(SOLUTION))
    (summary,) = texts(app.success, "my_network.py")
    assert f": {len(STEPS) + len(WHOLE)} correct, in " in summary
    assert steps_of(app, "correct") >= set(STEPS)
    assert steps_of(app, "wrong") == set()
    assert app.button(key="train_own").label == "Train it beside the reference"
    assert texts(app.caption, "it is checked again when you save it")


def test_a_mistake_is_named_beside_its_lines(open_file, save):
    app = open_file(save(NO_N))
    assert steps_of(app, "wrong") == {"back_propagate"}
    assert texts(app.markdown, MISTAKES["gradient-not-averaged"].sentence)
    (code,) = [element.value for element in app.code if "def back_propagate" in element.value]
    line = NO_N.split("\n").index(next(row for row in NO_N.split("\n") if "def back_propagate" in row)) + 1
    assert code.lstrip().startswith(f"{line} ")
    assert texts(app.caption, f"Line {line} of my_network.py")
    assert texts(app.warning, "Something is wrong in back_propagate. You may train all the same")


def test_help_comes_in_portions_up_to_a_limit_and_not_for_another_mistake(open_file, save, monkeypatch):
    path = save(NO_N)
    app = open_file(path)
    mistake = MISTAKES["gradient-not-averaged"]
    parts = ("Hint:", "Formula:")
    assert not texts(app.info, "Hint:")
    for count, label in enumerate(("Show the hint", "Show the formula", "Show the code")):
        assert [bool(texts(app.info, part)) for part in parts] == [count > 0, count > 1]
        assert app.button(key="help_back_propagate").label == label
        app.button(key="help_back_propagate").click().run()
    assert texts(app.info, mistake.hint)
    assert [element.value for element in app.code if "def " not in element.value and "delta" in element.value]
    assert not [button for button in app.button if button.key == "help_back_propagate"]
    monkeypatch.setenv("MNIST_HINTS", "1")
    app.run()
    assert [bool(texts(app.info, part)) for part in parts] == [True, False]
    assert not [button for button in app.button if button.key == "help_back_propagate"]
    save(QUICK.replace(*BIAS))
    until_named(app, "bias")
    assert not texts(app.info, "Hint:")


def test_another_file_begins_without_help(open_file, save):
    app = open_file(save(NO_N))
    app.button(key="help_back_propagate").click().run()
    assert texts(app.info, "Hint:")
    by_label(app.text_input, "Path of your file").set_value(str(save(NO_N, "other.py"))).run()
    until_checked(app)
    assert texts(app.caption, "of other.py")
    assert not texts(app.info, "Hint:")


def test_an_upload_and_its_report_outlive_a_page_switch(open_page, monkeypatch):
    monkeypatch.setattr(data, "serves_others", lambda: True)
    monkeypatch.setenv("MNIST_ALLOW_CODE", "1")
    app = open_page("your_code")
    app.file_uploader[0].upload("mine.py", NO_N.encode()).run()
    until_checked(app)
    app.switch_page("pages/overview.py").run()
    app.switch_page("pages/your_code.py").run()
    assert app.file_uploader[0].value is None
    assert steps_of(app, "wrong") == {"back_propagate"}
    assert texts(app.markdown, "mine.py")
    by_label(app.button, "Remove").click().run()
    assert texts(app.info, "Choose the file with your network")
    assert not steps_of(app, "wrong")


def until_named(app, part, seconds=60):
    deadline = time.monotonic() + seconds
    while not texts(app.markdown, part):
        assert time.monotonic() < deadline, [element.value for element in app.markdown]
        time.sleep(0.1)
        app.run()


def test_the_numbers_are_pictures(open_file, save):
    app = open_file(save(NO_N))
    assert not app.get("image")
    by_label(app.toggle, "The numbers").set_value(True).run()
    assert len(app.get("image")) == 3
    for title in ("Your dW1", "Expected dW1", "Difference"):
        assert texts(app.caption, title)


def test_a_saved_file_is_checked_again_and_drawn_once(open_file, save):
    path = save(NO_N)
    app = open_file(path)
    first = app.session_state["check_shown"]
    app.run()
    assert app.session_state["check_shown"] is first
    save(QUICK)
    deadline = time.monotonic() + 60
    while not app.success:
        assert time.monotonic() < deadline
        assert steps_of(app, "wrong") == {"back_propagate"}, "the findings stay until there are new ones"
        app.run()
        time.sleep(0.05)
    assert steps_of(app, "wrong") == set()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "my_network.py can't be read (No such file or directory)"),
        (lambda path: path.write_text("def f(:\n"), "is not Python (line 1"),
        (lambda path: path.write_bytes(b"#" * 2 * MAX_BYTES), "it has 2.0 MB, expected at most 1.0"),
        (lambda path: path.write_bytes(b"x = '\xff'"), "can't be decoded"),
    ],
    ids=["gone", "half written", "huge", "not UTF-8"],
)
def test_a_file_that_was_spoilt_keeps_what_was_found(spoil, message, open_file, save):
    path = save(NO_N)
    app = open_file(path)
    spoil(path)
    deadline = time.monotonic() + 30
    while not texts(app.error, message):
        assert time.monotonic() < deadline, [error.value for error in app.error]
        app.run()
        time.sleep(0.05)
    assert texts(app.caption, "from the last check")
    assert steps_of(app, "wrong") == {"back_propagate"}
    save(QUICK)
    until_checked(app)


@pytest.mark.parametrize(
    "path", ["/no/such/file.py", "/dev/zero", "~nobody-here/a.py", "a\0b.py", "/etc/passwd", "x" * 5000 + ".py", "/tmp"]
)
def test_an_odd_path_gets_a_sentence(path, open_page):
    app = open_page("your_code")
    by_label(app.text_input, "Path of your file").set_value(path).run()
    assert app.error
    assert not texts(app.caption, "from the last check")


def test_a_path_in_the_address_is_not_run(open_page, save):
    path = save(QUICK)
    for name in ("path", "code_path", "file"):
        app = open_page("your_code", **{name: str(path)})
        assert texts(app.info, "Choose the file with your network"), name


def test_a_notebook(open_file, save):
    cells = [
        {"cell_type": "markdown", "source": ["# Mine"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import numpy as np"]},
        {"cell_type": "code", "source": NO_N},
    ]
    app = open_file(save(json.dumps({"cells": cells, "nbformat": 4}), "mine.ipynb"))
    assert steps_of(app, "wrong") == {"back_propagate"}
    assert texts(app.caption, "Cell 2, line ")


def test_an_upload_is_checked_and_trained(open_page, tmp_path):
    app = open_page("your_code", **{"from": "Upload"})
    by_label(app.get("file_uploader"), "Your file (.py or .ipynb)").upload("mine.py", QUICK.encode(), "text/x-python")
    app.run()
    until_checked(app)
    assert texts(app.success, "mine.py")


def test_what_it_prints_is_shown_as_text(open_file, save):
    app = open_file(
        save(QUICK.replace("    return images", "    print('[x](http://evil.example)')\n    return images"))
    )
    assert [element for element in app.code if "[x](http://evil.example)" in element.value]


def test_a_hostile_name_is_shown_as_it_is(open_file, save):
    name = "![x](http://evil.example/x.png).py"
    app = open_file(save(QUICK, name.replace("/", "_")))
    (success,) = app.success
    assert "![x](" not in success.value
    assert "![x](http:__evil.example_x.png).py" in shown(success.value)


def test_an_unwritten_gradient_can_not_be_trained(open_file, save):
    app = open_file(save(starter_file()))
    assert "back_propagate" in steps_of(app, "to be written")
    assert texts(app.caption, "Write back_propagate first")
    assert not [button for button in app.button if button.key == "train_own"]


def test_what_the_code_decides_is_greyed_out(open_page):
    app = open_page("your_code")
    fixed = [field for field in app.text_input if field.disabled]
    assert fixed
    assert len(texts(app.caption, "Only the reference implements it")) == len(fixed)
    settings = TrainingConfig.settings()
    assert {field.label for field in fixed} <= {settings[name].title for name in settings if name not in LOOP_SETTINGS}


def test_a_file_is_trained_beside_the_reference(open_file, save):
    app = open_file(save(NO_N))
    app.session_state["settings"] = SHORT
    app.run()
    app.button(key="train_own").click().run()
    runs = list_runs()
    assert len(runs) == 2
    for run in runs:
        wait(run)
    app.run()
    own, reference = (run.refresh() for run in sorted(runs, key=lambda run: run.about.name.plain != "my_network.py"))
    assert own.config == reference.config == SHORT
    assert code_of(own.path).read_text(encoding="utf-8") == NO_N
    assert read_implementation(own.path).finding.plain.startswith("back_propagate: ")
    assert app.query_params["pair"] == f"{own.id},{reference.id}"
    assert texts(app.markdown, "own code")
    assert texts(app.markdown, "The curves part in epoch 1")
    again = open_page_again(app, own, reference)
    assert texts(again.markdown, "The curves part in epoch 1")


def open_page_again(app, own, reference):
    from streamlit.testing.v1 import AppTest

    fresh = AppTest.from_file(app._script_path, default_timeout=30)
    fresh.query_params["pair"] = f"{own.id},{reference.id}"
    fresh.run()
    return fresh.switch_page("pages/your_code.py").run()


@pytest.mark.parametrize("pair", ["gone-1,gone-2", "one", "a,b,c", "a,a"])
def test_a_pair_that_is_not_there_gets_a_sentence_once(pair, open_page):
    app = open_page("your_code", pair=pair)
    expected = "No run 'gone-1'" if "gone" in pair else "expected the ids of two runs, joined by a comma"
    assert len(texts(app.warning, expected)) == 1
    assert not app.error
    assert "pair" not in app.query_params
    assert not app.run().warning


def test_a_pair_that_is_deleted_while_it_trains_is_said_once(open_page, make_run):
    own, reference = make_run(state="running"), make_run(state="running")
    app = open_page("your_code", pair=f"{own.id},{reference.id}")
    assert app.button(key="stop_both")
    shutil.rmtree(reference.path)
    app.run()
    assert len(texts(app.warning, f"No run '{reference.id}'")) == 1
    assert not app.run().warning


def test_a_mistake_is_trained_beside_the_reference(open_page):
    app = open_page("your_code", mistake="update-uphill")
    app.session_state["settings"] = SHORT
    app.run()
    app.button(key="train_mistake").click().run()
    for run in list_runs():
        wait(run)
    app.run()
    assert texts(app.markdown, "mistake: update-uphill")
    assert texts(app.markdown, "The curves part in epoch")
    assert len(by_label(app.selectbox, "Mistake").options) == sum(map(trains, MISTAKES.values()))


def test_code_in_a_sentence_of_the_catalogue_is_shown_as_code(open_page, make_run):
    mistake = MISTAKES["sigmoid-precedence"]
    run = make_run()
    named = UntrustedText(mistake.id), mistake.id, UntrustedText(mistake.sentence)
    write_record(run.path / IMPLEMENTATION, Implementation(*named))
    for page in ("training", "runs"):
        app = open_page(page, **{"run" if page == "training" else "runs": run.id})
        assert [text.value for text in app.markdown].count(mistake.sentence) == 1
    assert "`" in mistake.sentence
    app = open_page("your_code", mistake=mistake.id)
    assert f"{mistake.sentence} {mistake.effect}" in [caption.value for caption in app.caption]


@pytest.fixture
def own_run(tmp_path):
    """A finished run of a learner's code with a finding."""
    run = start_own_run(SHORT, load_dataset("sample"), "mine.py", NO_N.encode(), "update: *The* gradient is added.")
    return wait(run)


@pytest.mark.parametrize("name", ["training", "runs", "evaluation", "inside", "draw", "label_issues"])
def test_every_page_marks_the_run(name, own_run, open_page):
    query = {"runs": own_run.id} if name == "runs" else {"run": own_run.id}
    app = open_page(name, **query)
    assert texts(app.markdown, "own code"), name
    assert texts(app.markdown, "*The* gradient is added")
    assert by_label(app.get("download_button"), "Its code")


@pytest.mark.parametrize("name", ["training", "runs", "evaluation"])
def test_a_damaged_mark_takes_no_page_down(name, own_run, open_page):
    (own_run.path / "implementation.json").write_text("{", encoding="utf-8")
    query = {"runs": own_run.id} if name == "runs" else {"run": own_run.id}
    app = open_page(name, **query)
    assert texts(app.error, "implementation.json")
    assert app.title


def test_an_imported_run_has_its_mark_and_no_code(own_run, open_page, tmp_path):
    imported = import_run(export_run(own_run))
    app = open_page("training", run=imported.id)
    assert texts(app.markdown, "own code")
    assert not [button for button in app.get("download_button") if button.label == "Its code"]


def test_a_server_for_others_runs_no_code_unless_allowed(own_run, open_page, save, monkeypatch):
    get_option = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else get_option(name))
    app = open_page("your_code")
    assert texts(app.info, "MNIST_ALLOW_CODE=1")
    assert not app.text_input
    assert not app.get("file_uploader")
    training = open_page("training", run=own_run.id)
    assert texts(training.caption, "MNIST_ALLOW_CODE=1")
    assert not [button for button in training.button if button.key in ("train_more", "resume")]
    monkeypatch.setenv("MNIST_ALLOW_CODE", "yes")
    assert texts(open_page("your_code").info, "MNIST_ALLOW_CODE=1")
    monkeypatch.setenv("MNIST_ALLOW_CODE", "1")
    app = open_page("your_code")
    assert app.get("file_uploader")
    assert not app.text_input or all(field.disabled for field in app.text_input), "no path of the server's files"


@pytest.mark.slow
def test_two_checks_run_at_a_time_and_the_others_wait(open_page, save, monkeypatch):
    slow = "import time\n" + QUICK.replace("    return images", "    time.sleep(2)\n    return images")
    first, second = (background.Check(Content(f"{k}.py", slow.encode())) for k in range(2))
    app = open_page("your_code")
    by_label(app.text_input, "Path of your file").set_value(str(save(QUICK))).run()
    assert texts(app.caption, "Two files are checked at a time on this server: 1 file is ahead of yours")
    assert first.ahead == second.ahead == 0
    under_way = app.session_state["check"]
    app.run()
    assert app.session_state["check"] is under_way, "it is not begun twice"
    assert threads_of_checks() == 3
    until_checked(app)


def threads_of_checks():
    import threading

    return sum(thread.name == "check" for thread in threading.enumerate())


def test_a_changed_file_gives_up_its_place(save):
    slow = "import time\n" + QUICK.replace("    return images", "    time.sleep(1)\n    return images")
    checks = [background.Check(Content(f"{k}.py", slow.encode())) for k in range(4)]
    for check in checks[1:]:
        check.stop()
    deadline = time.monotonic() + 30
    while len(background._line) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert background._line == checks[:1], "the others gave up their places"
    assert all(check.report is None and check.error is None for check in checks[1:])
    checks[0].stop()


def test_where_curves_part_is_said_or_that_they_do_not():
    def rows(*losses):
        return Rows(EpochMetrics(epoch, loss, *[0.0] * 5) for epoch, loss in enumerate(losses, start=1))

    assert "part in epoch 2" in where_they_part(rows(1.0, 0.9, 0.8), rows(1.0, 0.7, 0.5), False)
    assert "the same over 2 epochs" in where_they_part(rows(1.0, 0.012), rows(1.01, 0.010, 0.009), False)
    assert "no epoch that both" in where_they_part(rows(), rows(1.0), False)
    assert "begin with the first" in where_they_part(rows(), rows(1.0), True)


def test_the_file_is_looked_at_again_when_it_is_settled(tmp_path):
    path = Path(tmp_path, "a.py")
    path.write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(checked.NotSettled):
        checked.read_settled(str(path))
    os.utime(path, (time.time() - 1,) * 2)
    assert checked.read_settled(str(path)) == ("a.py", b"x = 1\n")
