"""Evaluation: scores, confusion table, gallery and every state without them."""

import io
import json
import math
import re
import time

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from mnist_core import jobs
from mnist_core.config import TrainingConfig
from mnist_core.dataset import load_dataset
from mnist_core.evaluation import evaluate, misclassified, per_class_scores
from mnist_core.idx import write_idx
from mnist_core.runs import write_json
from tests.pages.conftest import by_label, html, texts, wait


@pytest.fixture
def result(finished):
    sample = load_dataset("sample")
    return evaluate(finished.load_network(), sample.test_images, sample.test_labels)


def captions(app):
    """The lines under the digits of the gallery: (true, predicted, confidence in percent)."""
    found = re.findall(r">(\d) → (\d) · (\d+)%<", html(app))
    return [tuple(map(int, line)) for line in found]


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("evaluation")
    assert "There is no run to evaluate yet" in app.info[0].value
    (link,) = app.get("page_link")
    assert (link.proto.label, link.proto.page) == ("Train a network", "training")


def test_a_run_without_a_model_says_so(open_page, make_run):
    make_run(state="running")
    app = open_page("evaluation")
    assert "This run has no model yet" in texts(app.info)


def test_scores_are_those_of_the_core(open_page, result):
    app = open_page("evaluation")
    assert [metric.value for metric in app.metric] == [
        f"{result.accuracy:.2%}", f"{result.loss:.4f}", f"{result.errors} of 1,000", "2 of 2",
    ]  # fmt: skip
    assert "**test set of MNIST (sample of 5,000)**" in texts(app.caption)
    table = app.dataframe[1].value
    for name, values in per_class_scores(result.confusion_matrix)._asdict().items():
        np.testing.assert_allclose(table[name], values)


def test_confusion_in_counts_and_in_percent_of_rows(open_page, result):
    app = open_page("evaluation")
    np.testing.assert_array_equal(app.dataframe[0].value, result.confusion_matrix)
    by_label(app.button_group, "Cells show").set_value("row %").run()
    np.testing.assert_allclose(
        app.dataframe[0].value, result.confusion_matrix / result.confusion_matrix.sum(1, keepdims=True) * 100
    )


def test_the_gallery_is_sorted_filtered_and_paged(open_page, result):
    wrong = misclassified(result.labels, result.probabilities)
    app = open_page("evaluation")
    expected = [
        (t, p, int(f"{100 * c:.0f}")) for t, p, c in zip(wrong.true, wrong.predicted, wrong.confidence, strict=True)
    ]
    assert captions(app) == expected[:60]
    by_label(app.number_input, f"Page (1 to {math.ceil(len(expected) / 60)})").set_value(2).run()
    assert captions(app) == expected[60:120]

    by_label(app.selectbox, "Sorted by confidence").set_value("lowest first").run()
    assert captions(app)[0][2] == expected[-1][2]
    true, predicted = expected[0][:2]
    by_label(app.selectbox, "True label").set_value(true).run()
    by_label(app.selectbox, "Predicted label").set_value(predicted).run()
    pair = [line for line in expected if line[:2] == (true, predicted)]
    assert captions(app) == pair[::-1][:60]
    assert len(pair) == result.confusion_matrix[true, predicted]

    by_label(app.selectbox, "Predicted label").set_value(true).run()
    assert f"No test digit with true label {true} was predicted as {true}" in texts(app.info)


def test_the_csv_has_every_prediction(open_page, result, finished, monkeypatch):
    offered = []
    monkeypatch.setattr(st, "download_button", lambda label, data, name, *_, **__: offered.append((label, data, name)))
    open_page("evaluation")
    ((data, name),) = [(data, name) for label, data, name in offered if label == "Download all predictions (CSV)"]
    assert name == f"predictions-{finished.id}.csv"
    table = pd.read_csv(io.BytesIO(data()))
    assert table.columns.tolist() == ["index", "true", "predicted", "confidence"] + [
        f"probability_{k}" for k in range(10)
    ]
    np.testing.assert_array_equal(table["index"], np.arange(1000))
    np.testing.assert_array_equal(table["true"], load_dataset("sample").test_labels)
    np.testing.assert_array_equal(table["predicted"], result.probabilities.argmax(axis=1))
    np.testing.assert_allclose(table["confidence"], result.probabilities.max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(table.iloc[:, 4:], result.probabilities, rtol=1e-5)


def test_the_download_button_is_there(open_page, finished):
    buttons = [button.proto for button in open_page("evaluation").get("download_button")]
    (button,) = [button for button in buttons if button.label == "Download all predictions (CSV)"]
    assert not button.disabled


def test_a_perfect_network_has_no_gallery(open_page, tiny_folder):
    folder = tiny_folder(train=6, test=3, classes=3)
    for split, count in (("train", 6), ("t10k", 3)):
        stripes = np.zeros((count, 5, 4), np.uint8)
        stripes[np.arange(count), np.arange(count) % 3] = 255  # class k has a white row k
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", stripes)
    config = TrainingConfig(epochs=50, learning_rate=2.0, hidden_layers=(), batch_size=6)
    run = wait(jobs.start(config, load_dataset("full", folder)))
    app = open_page("evaluation")
    assert app.selectbox(key="run_picker").value == run.id
    assert [metric.value for metric in app.metric][::2] == ["100.00%", "0 of 3"]
    assert "Not a single test digit is misclassified" in app.success[0].value
    np.testing.assert_array_equal(app.dataframe[0].value, np.eye(3))


def test_a_run_under_way_is_evaluated_as_far_as_it_is(open_page, finished, result):
    content = json.loads((finished.path / "status.json").read_text())
    write_json(finished.path / "status.json", {**content, "state": "running", "epoch": 1, "heartbeat": time.time()})
    app = open_page("evaluation")
    assert "still under way" in app.info[0].value
    assert app.metric[0].value == f"{result.accuracy:.2%}"
    assert app.metric[3].value == "1 of 2"


def test_the_run_in_the_address_is_the_one_shown(open_page, finished, make_run):
    newest = make_run(state="stopped")
    assert open_page("evaluation").selectbox(key="run_picker").value == newest.id
    app = open_page("overview")
    app.query_params["run"] = finished.id
    app.switch_page("pages/evaluation.py").run()
    assert app.selectbox(key="run_picker").value == finished.id
    assert app.metric[3].value == "2 of 2"


def test_a_damaged_model_is_said_in_a_sentence(open_page, finished):
    (finished.path / "model.npz").write_bytes(b"nonsense")
    app = open_page("evaluation")
    assert f"The model of run {finished.id} can't be read" in app.error[0].value


def test_a_data_set_that_is_gone_is_said_in_a_sentence(open_page, finished, tmp_path):
    content = json.loads((finished.path / "config.json").read_text())
    content["dataset"].update(source="full", data_dir=str(tmp_path / "gone"))
    write_json(finished.path / "config.json", content)
    app = open_page("evaluation")
    assert "gone: found no such folder" in app.error[0].value


def test_other_data_under_the_same_name_is_refused(open_page, finished):
    content = json.loads((finished.path / "config.json").read_text())
    content["dataset"]["checksums"] = {"mnist_5k.csv.gz": "0" * 64}
    write_json(finished.path / "config.json", content)
    app = open_page("evaluation")
    assert "are not those that this run was created with" in app.error[0].value
