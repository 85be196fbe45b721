"""Damaged run folders: each is listed with its reason, and the pages show all others as before."""

import json
import os
import shutil
from dataclasses import replace

import pytest

from mnist_core.runs.run import list_runs
from mnist_core.runs.schema import write_record
from mnist_core.runs.tables import METRICS
from tests.helpers import texts, unescaped

PAGES = ("overview", "training", "runs", "evaluation", "inside", "label_issues")


def entry(file, *path, value):
    def damage(folder):
        content = holder = json.loads((folder / file).read_text())
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
        (folder / file).write_text(json.dumps(content))

    return damage


def replaced(file, content):
    return lambda folder: (folder / file).write_bytes(content)


DAMAGES = {
    "created of 400 digits": entry("config.json", "created", value=10**400),
    "no name": entry("config.json", "dataset", "name", value=None),
    "half a character": entry("config.json", "dataset", "name", value="\ud800"),
    "a list of settings": entry("config.json", "training", value=[1]),
    "epoch -5": entry("status.json", "epoch", value=-5),
    "epoch NaN": entry("status.json", "epoch", value=float("nan")),
    "images_done": entry("status.json", "images_done", value=-1e300),
    "heartbeat of 400 digits": entry("status.json", "heartbeat", value=10**400),
    "accuracy of 400 digits": entry("status.json", "test_accuracy", value=10**400),
    "an error that is a list": entry("status.json", "error", value=["x"]),
    "no status": lambda folder: (folder / "status.json").unlink(),
    "no JSON": replaced("status.json", b"\xff\xfe{"),
    "a pipe": lambda folder: ((folder / "status.json").unlink(), os.mkfifo(folder / "status.json")),
}


@pytest.fixture
def damaged(finished):
    """Ids of damaged copies of the finished run, and of one whose folder has no name."""
    for number, damage in enumerate(DAMAGES.values()):
        folder = finished.path.with_name(f"20260101-000000-{number:04x}")
        shutil.copytree(finished.path, folder)
        damage(folder)
    shutil.copytree(finished.path, finished.path.parent / os.fsdecode(b"20260101-\xff\xfe"))
    return [run.id for run in list_runs(finished.path.parent) if run.problem]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_sound_run_beside_damaged_ones(open_page, finished, damaged, page):
    assert len(damaged) == len(DAMAGES) + 1
    app = open_page(page)
    if page not in ("overview", "runs"):
        assert app.selectbox(key="run_picker").value == finished.id


def test_a_damaged_run_is_listed_with_its_reason_and_can_be_deleted(open_page, finished, damaged):
    app = open_page("runs", runs=",".join(damaged))
    assert len(app.dataframe[0].value) == len(damaged) + 1
    reasons = [error.value for error in app.error]
    assert len(reasons) == 8, "of all that are shown"
    assert all("can't be read" in reason or "is missing" in reason or "rename" in reason for reason in reasons)
    app.button(key="delete").click().run()
    app.button(key="delete_confirmed").click().run()
    assert [run.id for run in list_runs(finished.path.parent)] == [finished.id]
    app.button(key="undo").click().run()
    assert len(list_runs(finished.path.parent)) == len(damaged) + 1


@pytest.mark.parametrize("page", PAGES)
def test_a_closed_runs_folder_is_said_in_a_sentence(open_page, finished, monkeypatch, page):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    app = open_page(page)
    assert "can't be read (Permission denied): make it readable" in unescaped(app.error)


def test_damaged_metrics_are_said_and_the_rest_of_the_page_is_there(open_page, finished):
    with (finished.path / "metrics.csv").open("a") as file:
        file.write("-5,1,1,1,1,1,1\n")
    status = replace(finished.status, checksums={})
    write_record(finished.path / "status.json", status)
    app = open_page("training", run=finished.id)
    assert "(metrics.csv: epoch is '-5': expected a whole number of at least 1)" in unescaped(app.error)
    assert f"{finished.status.test_accuracy:.2%}" in unescaped(app.markdown)


def test_damaged_rows_of_a_running_run_are_counted(open_page, make_run):
    run = make_run(state="running", epoch=1)
    (run.path / "metrics.csv").write_text(f"{METRICS.header}\n1,0.5,0.9,nan,nan,0.1,1\nx,1\n2,1\n")
    assert "2 damaged rows are left out." in texts(open_page("training", run=run.id).caption)
    assert "2 damaged rows are left out." in texts(open_page("runs", runs=run.id).caption)


def test_the_curves_of_a_damaged_table_are_missing_and_the_others_are_drawn(open_page, finished):
    other = finished.path.with_name("20260101-000000-abcd")
    shutil.copytree(finished.path, other)
    (other / "metrics.csv").write_bytes(b"nonsense\n")
    app = open_page("runs", runs=f"{finished.id},{other.name}")
    assert "The metrics of run 20260101-000000-abcd can't be read" in unescaped(app.error)
    assert len(app.get("vega_lite_chart")) == 2


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"x" * 100_000])
def test_a_control_file_that_is_no_request_asks_for_nothing(open_page, make_run, content):
    run = make_run(state="running", epoch=1)
    (run.path / "control").write_bytes(content)
    assert not open_page("training", run=run.id).button(key="stop").disabled
