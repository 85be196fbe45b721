"""A click names what it was made on: lists may change between the drawing and the click."""

import ast
import re
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.runs.files import write_npz
from mnist_core.runs.run import list_runs
from pages.components.digits import grid
from pages.components.digits.gallery import Choice, choice_of_cell
from tests.helpers import by_label, texts, without_checksums
from tests.test_architecture import FILES, module_name


@pytest.fixture
def browser(monkeypatch):
    """The gallery's side of the browser: ``tiles`` are the values of the buttons drawn, ``clicked`` the one clicked."""
    seen = SimpleNamespace(tiles=[], key=None, clicked=None)

    def component(data, key, **_):
        seen.tiles = [int(value) for value in re.findall(r'<button value="(\d+)"', data["html"])]
        seen.key = key
        return SimpleNamespace(clicked=seen.clicked)

    monkeypatch.setattr(grid, "_CLICKABLE", component)
    return seen


def give(run, network):
    """Give a run another model, as a run that still trains does every other second."""
    write_npz(without_checksums(run).path / "model.npz", network.to_arrays())


def train_on(run):
    network = run.load_network()
    network.weights[-1][:] = network.weights[-1][:, ::-1].copy()
    give(run, network)


def test_a_click_opens_the_image_it_was_made_on_although_the_list_has_changed(open_page, finished, browser):
    app = open_page("evaluation")
    tiles = browser.tiles
    train_on(finished)
    browser.clicked = tiles[0]
    app.run()
    assert browser.tiles != tiles
    assert f"Image {tiles[0]:,} of the test set" in texts(app.markdown)


def test_a_click_on_a_tile_that_a_shorter_list_no_longer_has_opens_it(open_page, finished, browser):
    app = open_page("evaluation", show="all", sort="index")
    browser.clicked = browser.tiles[-1]
    app.selectbox(key="choice_true").set_value(1).run()
    assert f"Image {browser.clicked:,} of the test set" in texts(app.markdown)


def test_another_split_is_another_gallery(open_page, finished, browser):
    app = open_page("evaluation")
    key = browser.key
    by_label(app.button_group, "Images of the").set_value("training set").run()
    assert browser.key != key, "an index of the test set would open a training image"


@pytest.mark.parametrize("value", [-1, 1000, 10**400, 0.5, float("nan"), float("inf"), "7", "", [3], {}])
def test_what_no_tile_sends_opens_nothing(open_page, finished, browser, value):
    app = open_page("evaluation")
    browser.clicked = value
    app.run()
    assert "Nearest training images" not in texts(app.markdown)


def test_the_tiles_of_the_gallery_send_the_index_in_the_split(open_page, finished, browser):
    open_page("evaluation", show="all", sort="index", true="3")
    sample = load_dataset("sample")
    assert browser.tiles == np.flatnonzero(sample.test_labels == 3)[:100].tolist()


def test_rows_selected_in_a_table_that_has_changed_select_no_other_run(open_page, finished, make_run):
    app = open_page("runs")
    key = app.dataframe[0].key
    newer = make_run(state="stopped")  # moves the finished run one row down
    app.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    assert app.dataframe[0].value["name"].tolist() == [newer.id, finished.id]
    assert "runs" not in app.query_params


def test_a_second_click_on_undo_restores_nothing_else(open_page, finished, make_run):
    make_run(state="stopped")
    app = open_page("runs", runs=",".join(run.id for run in list_runs()))
    app.button(key="delete").click().run()
    app.button(key="delete_confirmed").click().run()
    undo = app.button(key="undo")
    undo.click().run()
    undo.click().run()  # sent before the button was gone
    assert len(list_runs()) == 2


def test_an_error_is_drawn_from_the_model_of_now(open_page, finished):
    app = open_page("inside")
    network = finished.load_network()
    network.biases[-1][:] = [1e4, *[0] * 9]  # by now, everything is a 0, so that only 0s are correct
    give(finished, network)
    by_label(app.button, "Random error").click().run()
    number = by_label(app.number_input, "Test image (0 to 999)").value
    assert load_dataset("sample").test_labels[number] != 0


CALLBACKS = ("on_click", "on_change", "on_select", "on_dismiss", "on_clicked_change")
KEPT = ("rerun", "ignore")


def unguarded(source):
    """The callbacks of a source that are neither ``callback(...)`` nor decorated with it, and raw fragments."""
    tree = ast.parse(source)
    guarded = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "callback" in map(ast.unparse, node.decorator_list)
    } | {
        node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("callback(")
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in CALLBACKS:
            value = ast.unparse(node.value)
            if not value.startswith("callback(") and value not in guarded and value.strip("'") not in KEPT:
                found.append(value)
        if isinstance(node, ast.Dict):
            found += [
                ast.unparse(value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value in CALLBACKS
                if not ast.unparse(value).startswith("callback(")
            ]
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("st.fragment", "st.dialog"):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    "path", [path for path in FILES if not module_name(path).startswith("mnist_core")], ids=module_name
)
def test_every_callback_and_fragment_is_guarded(path):
    if module_name(path) != "pages.components.errors":
        assert unguarded(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "st.button('x', on_click=act)",
        "st.slider('x', on_change=lambda: act())",
        "st.dataframe(x, on_select=read)",
        "widget = {'on_change': self.read}",
        "@st.fragment\ndef f(): ...",
        "st.dialog('x')(f)()",
    ],
)
def test_the_check_finds_an_unguarded_one(source):
    assert len(unguarded(source)) == 1


@pytest.mark.parametrize(
    ("cells", "choice"),
    [
        ([(3, "→ 5")], Choice(true=3, predicted=5)),
        ([(0, "→ 0"), (1, "→ 1")], Choice(true=0, predicted=0)),
        ([], Choice()),
        ([(3, "true ↓ predicted →")], Choice()),
        ([(3, "")], Choice()),
        ([(3, "→ 10")], Choice()),
        ([(-1, "→ 1")], Choice()),
        ([(10, "→ 1")], Choice()),
    ],
)
def test_a_cell_of_the_confusion_table_is_a_class_and_a_prediction_or_nothing(cells, choice):
    assert choice_of_cell(cells, load_dataset("sample").classes) == choice
