"""Runs: the table in every state, the comparison, and what can be done with runs."""

import io
import json
import re
import shutil
import time
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest
import streamlit as st

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import evaluate
from mnist_core.evaluation.significance import mcnemar
from mnist_core.jobs.start import start_run
from mnist_core.runs.about import About
from mnist_core.runs.files import write_json
from mnist_core.runs.run import list_runs, read_run
from mnist_core.runs.schema import write_record
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from pages.components.runs import table
from tests.helpers import by_label, html, texts, unescaped, wait, write_config


@pytest.fixture(scope="session")
def other_folder(tmp_path_factory):
    """Folder of a second finished run, without a validation share, to be copied."""
    config = TrainingConfig(epochs=3, activation="relu", hidden_layers=(20,), learning_rate=0.1)
    return wait(start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("other"))).path


@pytest.fixture
def other(other_folder, tmp_path):
    """The second run, in this test's runs folder."""
    return read_run(shutil.copytree(other_folder, tmp_path / "runs" / other_folder.name))


def open_runs(open_page, *runs):
    """The page, with these runs chosen through the address."""
    app = open_page("overview")
    if runs:
        app.query_params["runs"] = ",".join(run.id for run in runs)
    return app.switch_page("pages/runs.py").run()


def tick(app, *rows):
    """Choose rows of the table, as a click would."""
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def names(app):
    return app.dataframe[0].value["name"].tolist()


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("runs")
    assert "No runs yet" in texts(app.info)
    assert app.get("page_link")[0].proto.page == "training"


def test_the_table_says_what_each_run_is(open_page, finished, make_run):
    finished.describe(About.of("first", "my note", ("a", "b")))
    running = make_run(state="running", epoch=7)
    table = open_page("runs").dataframe[0].value
    assert table["name"].tolist() == [running.id, "first"]
    assert table["state"].tolist() == ["running", "finished"]
    row = table.iloc[1]
    assert row["accuracy"] == pytest.approx(100 * finished.status.test_accuracy)
    assert row["loss"] == pytest.approx(finished.status.test_loss)
    assert (row["layers"], row["activation"], row["optimizer"], row["rate"], row["batch"]) == (
        "128-64", "sigmoid", "Adam", 0.003, 128,
    )  # fmt: skip
    assert (row["epochs"], row["note"], row["data"]) == ("2 of 2", "my note", "MNIST (sample of 6,000)")
    assert list(row["tags"]) == ["a", "b"]
    assert table.iloc[0]["epochs"] == "7 of 100"


def test_a_damaged_run_is_listed_and_can_be_chosen(open_page, finished):
    (finished.path / "config.json").write_text("{")
    app = open_runs(open_page, finished)
    assert app.dataframe[0].value["state"].tolist() == ["damaged"]
    assert "config.json can't be read" in texts(app.error)
    assert "Evaluate" not in [button.label for button in app.button]
    assert len(app.dataframe) == 1


def test_filters_by_words_state_and_tags(open_page, finished, other, make_run):
    finished.describe(About.of("first", tags=("a", "b")))
    other.describe(About.of("second", "Very small", tags=("a",)))
    make_run(state="stopped")
    app = open_page("runs")
    assert len(names(app)) == 3
    by_label(app.multiselect, "Tags").set_value(["a"]).run()
    assert set(names(app)) == {"first", "second"}
    by_label(app.text_input, "Filter").set_value("SMALL relu").run()
    assert names(app) == ["second"]
    by_label(app.text_input, "Filter").set_value("nothing of this kind").run()
    assert "No run matches these filters" in texts(app.info)
    by_label(app.text_input, "Filter").set_value("").run()
    by_label(app.multiselect, "Tags").set_value([]).run()
    by_label(app.multiselect, "State").set_value(["stopped"]).run()
    assert app.dataframe[0].value["state"].tolist() == ["stopped"]


def test_a_row_is_made_once_a_run(open_page, finished, other, monkeypatch):
    app = open_page("runs")
    made, row = [], table.row
    monkeypatch.setattr(table, "row", lambda run: made.append(run.id) or row(run))
    by_label(app.text_input, "Filter").set_value("relu 20 0.1").run()
    assert names(app) == [other.id]
    assert sorted(made) == sorted([finished.id, other.id])


def test_the_choice_is_in_the_address_and_outlives_filters_and_page(open_page, finished, other):
    app = open_page("runs")
    assert "runs" not in app.query_params
    order = [run.id for run in list_runs()]
    tick(app, 1)
    assert app.query_params["runs"] == order[1]
    tick(app, 0, 1)
    assert app.query_params["runs"] == f"{order[1]},{order[0]}", "in the order of choice"
    by_label(app.text_input, "Filter").set_value("relu").run()
    assert app.query_params["runs"] == f"{order[1]},{order[0]}"
    assert "1 of the 2 selected runs is hidden" in texts(app.caption)
    by_label(app.text_input, "Filter").set_value("").run()
    tick(app, 0)
    assert app.query_params["runs"] == order[0]
    app.switch_page("pages/training.py").run()
    app.switch_page("pages/runs.py").run()
    assert app.query_params["runs"] == order[0]
    tick(app)
    assert "runs" not in app.query_params


def test_runs_of_the_address_that_are_gone_are_named(open_page, finished):
    app = open_page("overview")
    app.query_params["runs"] = f"nonsense,{finished.id},{finished.id}"
    app.switch_page("pages/runs.py").run()
    assert "There is no run nonsense here" in texts(app.warning)
    assert app.query_params["runs"] == finished.id


def test_one_run_has_curves_and_a_hint(open_page, finished):
    app = open_runs(open_page, finished)
    assert [block.value for block in app.subheader] == ["1 run selected", "Curves"]
    assert len(app.get("vega_lite_chart")) == 2
    assert "Select a second run" in texts(app.caption)


def points(app, number):
    """Spec of a chart."""
    return json.loads(app.get("vega_lite_chart")[number].proto.spec)


def test_curves_are_over_epochs_or_time_in_one_colour_a_run(open_page, finished, other):
    finished.describe(About.of("first"))
    app = open_runs(open_page, finished, other)
    spec = points(app, 0)["layer"][0]["encoding"]
    assert spec["color"]["scale"]["domain"] == ["first", other.id]
    assert len(set(spec["color"]["scale"]["range"])) == 2
    assert spec["strokeDash"]["scale"]["domain"] == ["training", "validation"]
    assert spec["x"]["title"] == "epoch"
    assert "dashed curves are validation" in texts(app.caption)
    by_label(app.button_group, "Horizontal axis").set_value("By time").run()
    assert points(app, 1)["layer"][0]["encoding"]["x"]["title"] == "seconds of training"
    by_label(app.toggle, "Log scale").set_value(True).run()
    assert points(app, 0)["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"


def test_a_damaged_run_takes_no_colour_from_the_others(open_page, finished, other):
    (finished.path / "status.json").write_text("{")
    app = open_runs(open_page, finished, other)
    curves = points(app, 0)["layer"][0]["encoding"]["color"]["scale"]
    assert curves["domain"] == [other.id]
    assert re.findall("border-radius:4px;background:(#[0-9a-f]{6})", html(app)) == curves["range"]


def test_only_the_settings_that_differ_are_shown(open_page, finished, other):
    table = open_runs(open_page, finished, other).dataframe[1].value
    assert table.columns.tolist() == [finished.id, other.id]
    assert table.T.to_dict("list") == {
        "Epochs": ["2", "3"],
        "Learning rate": ["0.003", "0.1"],
        "Optimizer": ["Adam", "SGD"],
        "Hidden layers": ["128-64", "20"],
        "Activation": ["sigmoid", "ReLU"],
        "Validation fraction": ["0.1", "0"],
    }


def test_digits_that_only_one_gets_right(open_page, finished, other):
    sample = load_dataset("sample")
    right = [
        evaluate(run.load_network(), sample.test_images, sample.test_labels).predicted == sample.test_labels
        for run in (finished, other)
    ]
    test = mcnemar(*right)
    app = open_runs(open_page, finished, other)
    cells = [[int(cell.replace(",", "")) for cell in row] for row in app.table[0].value.to_numpy()]
    assert cells == [[test.both_correct, test.only_a], [test.only_b, test.both_wrong]]
    assert sum(map(sum, cells)) == 1000
    assert f"exact binomial: p = {test.p_value:.3g}" in texts(app.caption)
    assert f"{test.only_a:,} to {test.only_b:,}" in texts(app.markdown)
    shown = [int(index.replace(",", "")) for index in re.findall(r'aria-label="test image ([\d,]+):', html(app))]
    only = np.flatnonzero(right[0] & ~right[1]), np.flatnonzero(~right[0] & right[1])
    first = min(60, len(only[0]))
    assert set(shown[:first]) <= set(only[0])
    assert set(shown[first:]) <= set(only[1])
    assert len(shown) == first + min(60, len(only[1]))


def test_a_run_and_its_copy_get_the_same_digits_right(open_page, finished, tmp_path):
    copy = read_run(shutil.copytree(finished.path, tmp_path / "runs" / "copy"))
    for run in (finished, copy):
        run.describe(About.of("twin"))
    app = open_runs(open_page, finished, copy)
    assert "Both classify the same images correctly" in texts(app.markdown)
    assert "same settings and the same data" in texts(app.caption)
    domain = points(app, 0)["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == [f"twin ({finished.id})", "twin (copy)"]


def test_runs_on_other_data_are_not_compared_digit_by_digit(open_page, finished, other):
    content = json.loads((other.path / "config.json").read_text())
    content["dataset"] |= {"name": "letters", "checksums": {"a": "b"}}
    write_config(other, content)
    app = open_runs(open_page, finished, other)
    assert "select two runs on the same data set" in texts(app.info)
    assert app.dataframe[1].value.loc["Data set"].tolist() == ["MNIST (sample of 6,000)", "letters"]


def test_a_run_without_a_model_has_none_to_compare(open_page, finished, make_run):
    run = make_run(state="stopped")
    app = open_runs(open_page, finished, run)
    assert f"{run.id} has no model: it was stopped before its first epoch was complete" in unescaped(app.info)
    assert "None of these runs has completed an epoch" in texts(open_runs(open_page, run).caption)


def test_damaged_files_are_said_in_a_sentence(open_page, finished, other):
    (finished.path / "model.npz").write_bytes(b"nonsense")
    (other.path / "metrics.csv").write_bytes(b"header\n1.5,1,1,1,1,1,1\n")
    app = open_runs(open_page, finished, other)
    assert f"The metrics of run {other.id} can't be read" in texts(app.error)
    assert f"The model of run {finished.id} can't be read" in texts(app.error)


def test_more_runs_than_colours(open_page, make_run):
    runs = [make_run(state="stopped") for _ in range(10)]
    app = open_runs(open_page, *runs)
    assert "10 runs selected" in texts(app.subheader)
    assert "Only the first 8 are shown and compared" in texts(app.caption)
    assert len([button for button in app.button if button.label == "Edit"]) == 8


def test_a_run_is_named_tagged_and_noted(open_page, finished):
    finished.describe(About.of(tags=("old",)))
    config = (finished.path / "config.json").read_bytes()
    app = open_runs(open_page, finished)
    by_label(app.button, "Edit").click().run()
    by_label(app.text_input, "Name").set_value("best *so* far")
    app.multiselect(key=f"tags_{finished.id}").set_value([])
    by_label(app.text_area, "Note").set_value("for the lesson")
    by_label(app.button, "Save").click().run()
    assert finished.refresh().about == About.of("best *so* far", "for the lesson")
    assert (finished.path / "config.json").read_bytes() == config
    assert names(app) == ["best *so* far"]
    assert r"best \*so\* far" in texts(app.markdown)
    app.switch_page("pages/training.py").run()
    assert app.selectbox(key="run_picker").options[0].startswith("best *so* far · ")


def test_a_damaged_about_is_said_where_it_is_edited(open_page, finished):
    (finished.path / "about.json").write_text("{")
    app = open_runs(open_page, finished)
    by_label(app.button, "Edit").click().run()
    assert "about.json can't be read" in texts(app.warning)


def delete(app):
    app.button(key="delete").click().run()
    return app.button(key="delete_confirmed").click().run()


def test_a_run_is_deleted_after_a_question_and_brought_back(open_page, finished, other):
    app = open_runs(open_page, finished)
    app.button(key="delete").click().run()
    assert finished.path.exists(), "not before the answer"
    app.button(key="delete_confirmed").click().run()
    assert [run.id for run in list_runs()] == [other.id]
    assert names(app) == [other.id]
    assert "runs" not in app.query_params
    assert f"Deleted run {finished.id}" in texts(app.toast)
    app.button(key="undo").click().run()
    assert len(list_runs()) == 2
    assert app.query_params["runs"] == finished.id
    assert "undo" not in [button.key for button in app.button]


def test_deleted_runs_are_gone_when_the_page_is_left(open_page, finished, other, tmp_path):
    app = delete(open_runs(open_page, finished, other))
    assert "No runs yet" in texts(app.info)
    assert "Deleted 2 runs" in texts(app.markdown)
    assert len(list((tmp_path / "runs" / ".trash").iterdir())) == 2
    app.switch_page("pages/training.py").run()
    assert list((tmp_path / "runs" / ".trash").iterdir()) == []
    app.switch_page("pages/runs.py").run()
    assert "undo" not in [button.key for button in app.button]


def test_what_another_session_deleted_just_now_is_left_to_it(open_page, finished, other):
    first = delete(open_runs(open_page, finished))
    second = open_page("runs")
    second.switch_page("pages/overview.py").run()
    first.button(key="undo").click().run()
    assert len(list_runs()) == 2


def test_an_undo_that_comes_too_late_says_so(open_page, finished, tmp_path):
    app = delete(open_runs(open_page, finished))
    shutil.rmtree(tmp_path / "runs" / ".trash")
    app.button(key="undo").click().run()
    assert "can't be brought back" in texts(app.error)


def test_a_run_under_way_is_not_deleted(open_page, finished, make_run):
    running = make_run(state="running")
    app = delete(open_runs(open_page, running, finished))
    assert f"Run {running.id} is running: pause or stop it first" in texts(app.error)
    assert [run.id for run in list_runs()] == [running.id]


def test_a_run_is_exported_and_imported(open_page, finished, monkeypatch):
    offered = []
    with monkeypatch.context() as patch:
        patch.setattr(st, "download_button", lambda label, data, name, *_, **__: offered.append((name, data)))
        open_runs(open_page, finished)
    ((name, make),) = offered
    assert name == f"run-{finished.id}.zip"
    content = make()
    assert "model.npz" in {entry.split("/")[1] for entry in zipfile.ZipFile(io.BytesIO(content)).namelist()}
    shutil.rmtree(finished.path)
    app = open_page("runs")
    app.file_uploader[0].upload("run.zip", content).run()
    assert f"Imported run {finished.id}" in texts(app.toast)
    assert app.query_params["runs"] == finished.id
    assert names(app) == [finished.id]
    assert app.file_uploader[0].value is None, "the uploader is ready for the next one"


def test_a_damaged_zip_is_refused_in_a_sentence(open_page, finished):
    app = open_page("runs")
    app.file_uploader[0].upload("run.zip", b"nonsense").run()
    assert "This is no zip file, or a damaged one" in texts(app.error)
    assert names(app) == [finished.id]


def test_the_page_follows_a_run_that_ends(open_page, make_run, monkeypatch):
    row, drawn = table.row, []

    def row_of_a_run_that_ends_now(run):
        drawn.append(run.status.state)
        write_json(run.path / "status.json", asdict(Status("finished", 100, heartbeat=time.time())))
        return row(run)

    run = make_run(state="running")
    monkeypatch.setattr(table, "row", row_of_a_run_that_ends_now)
    app = open_runs(open_page, run)
    assert drawn == ["running", "finished"]
    assert app.dataframe[0].value["state"].tolist() == ["finished"]


def test_to_the_evaluation(open_page, finished, other):
    app = open_runs(open_page, other)
    by_label(app.button, "Evaluate").click().run()
    assert app.title[0].value == "Evaluation"
    assert app.selectbox(key="run_picker").value == other.id


def test_a_run_without_checksums_says_that_damage_may_go_unnoticed(open_page, finished):
    app = open_runs(open_page, finished)
    assert "without checksums" not in texts(app.caption)
    write_record(finished.path / "status.json", replace(finished.status, checksums={}))
    app = open_runs(open_page, finished)
    assert "An older version wrote this run, without checksums" in texts(app.caption)


def test_the_size_of_what_is_deleted_is_said(open_page, finished):
    (finished.path / ".checkpoint.npz.1.tmp").write_bytes(bytes(5_000_000))
    app = open_runs(open_page, finished)
    by_label(app.button, "Delete").click().run()
    size = sum(path.stat().st_size for path in finished.path.iterdir()) / 1e6
    assert size > 5
    assert f"with all recorded data, {size:,.1f} MB?" in texts(app.markdown)
