"""Classes with names: each page names them wherever it speaks of a class, and calls nothing a digit that is none."""

import io
import re
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.label_check import Progress
from mnist_core.nn.network import Network
from mnist_core.runs.files import write_json
from mnist_core.runs.uploaded import keep_as_run
from mnist_core.untrusted import UntrustedText
from pages.components import data
from tests.helpers import encode, enlarged

NAMES = ("Ankle boot", "い", "=**strong** <b>x</b>")
IMAGES = 60
PAGES = {
    "overview": {},
    "dataset": {},
    "preprocessing": {},
    **{f"step_by_step {step}": {"step": str(step)} for step in range(1, 10)},
    "training": {},
    "evaluation": {"show": "all", "digit": "0"},
    "evaluation empty": {"true": "0", "pred": "1", "confidence": "0,0.01"},
    "inside": {},
    "runs": {},
    "draw": {},
    "upload": {},
    "label_issues": {},
}
OTHER_DATA = ("Named data sets", "Use other data")
"""Panels that speak of other data than those in use."""

WITHOUT_CLASSES = ("training", *(f"step_by_step {step}" for step in (2, 6, 7, 8, 9)))
"""Pages that speak of no class by its name."""
FEW = ("evaluation empty", "step_by_step 4")
"""Pages that name some of the classes."""

NUMBERED = re.compile(
    r"\b(?:label|labelled|class|true|predicted|suggested label|reads a|classified as|which for|speak for|no image of)"
    r"(?: label)?[ :*]{1,5}\d(?![\d,.%])|(?<!\d )→ \d|>\d → |>\d · |\bdigits?\b"
)
"""A class by its number, or a digit where there are none."""


def named(dataset):
    return replace(dataset, given_names=tuple(map(UntrustedText, NAMES)))


@pytest.fixture(scope="module")
def runs(tiny_folder, tmp_path_factory):
    """A runs folder with two runs on data with names, the labels of one are checked; and the folder of the data."""
    folder, root = tiny_folder(train=IMAGES, test=20, shape=(12, 12)), tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        network = Network((144, 8, 3), seed=seed)
        network.parameters *= 16
        run = keep_as_run(network, named(load_dataset("full", folder)), f"run {seed}", root)
    probabilities = np.full((IMAGES, 3), 0.1)
    probabilities[np.arange(IMAGES), (load_dataset("full", folder).train_labels + 1) % 3] = 0.8
    np.savez(run.path / "cross_validation.npz", probabilities=probabilities, done=np.array(5))
    write_json(run.path / "cross_validation.json", asdict(Progress("finished", 5, 1.0)))
    return root, folder


@pytest.fixture
def charts(runs, monkeypatch):
    """Runs and data in use have names; what the charts of a page say is noted."""
    root, folder = runs
    noted = []
    monkeypatch.setenv("MNIST_RUNS_DIR", str(root))
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    monkeypatch.setattr(data, "load_dataset", lambda *choice: named(load_dataset(*choice)))
    draw = DeltaGenerator.altair_chart

    def note(place, chart, **options):
        noted.append(chart.to_json(ensure_ascii=False))
        return draw(place, chart, **options)

    monkeypatch.setattr(DeltaGenerator, "altair_chart", note)
    monkeypatch.setattr(st, "altair_chart", lambda chart, **options: note(st._main, chart, **options))
    return noted


def written(app):
    """Everything that a page says of the data in use, without the code that it shows."""

    def walk(block):
        for node in block.children.values():
            if node.type in ("dataframe", "arrow_data_frame"):
                yield f"{node.value.columns.tolist()} {node.value.index.tolist()} {node.value.to_numpy().tolist()}"
            elif node.type != "code" and (proto := getattr(node, "proto", None)) is not None:
                yield str(proto)
            if hasattr(node, "children") and getattr(node, "label", "") not in OTHER_DATA:
                yield from walk(node)

    return "\n".join(walk(app.main))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_classes_and_no_numbers(open_page, charts, runs, name):
    page = name.split()[0]
    ids = ",".join(path.name for path in runs[0].iterdir())
    app = open_page(page, **PAGES[name], **({"runs": ids} if page == "runs" else {}))
    text = written(app) + "\n".join(charts)
    assert not (found := NUMBERED.search(text)), text[max(found.start() - 80, 0) : found.end() + 40]
    for box in app.selectbox:
        if box.label == "Class" or box.label.endswith(" label"):
            assert box.options[1:] == list(NAMES)
    if name not in WITHOUT_CLASSES:
        assert "Ankle boot" in text
        assert "い" in text or name in FEW


def test_reading_a_picture_names_what_is_read(open_page, charts, monkeypatch):
    offered = []
    monkeypatch.setattr(st, "download_button", lambda label, make, *_, **__: offered.append(make))
    app = open_page("upload")
    picture = np.zeros((12, 12), np.uint8)
    picture[2:10, 5:7] = 255
    app.file_uploader[0].set_value([("boot.png", encode(enlarged(picture)), "image/png")]).run()
    assert not NUMBERED.search(written(app))
    table = pd.read_csv(io.BytesIO(offered[-1]()))
    assert table["class_name"].tolist() == [("Ankle boot", "い", "'=**strong** <b>x</b>")[table["label"][0]]]


def test_names_are_no_markup(open_page, charts):
    for page in ("draw", "evaluation"):
        app = open_page(page, show="all", digit="0")
        for element in (*app.markdown, *app.caption, *app.subheader, *app.info):
            assert not re.search(r"(?<!\\)\*\*strong|(?<!\\)<b>", element.value), element.value
