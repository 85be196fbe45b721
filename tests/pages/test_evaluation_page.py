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

from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.evaluation.metrics import calibration, per_class_scores, roc_auc, top_k_accuracy, wilson_interval
from mnist_core.evaluation.predict import evaluate, misclassified
from mnist_core.inspection.neighbours import nearest_neighbours
from mnist_core.jobs.start import start_run
from mnist_core.runs.files import write_json
from mnist_core.training.config import TrainingConfig
from tests.helpers import by_label, html, texts, wait, write_config


@pytest.fixture
def result(finished):
    sample = load_dataset("sample")
    return evaluate(finished.load_network(), sample.test_images, sample.test_labels)


def captions(app):
    """The lines under the digits of the gallery: (true, predicted, confidence in percent)."""
    (grid,) = [
        element.proto.json
        for element in app.get("bidi_component")
        if "mnist_digit_grid" in element.proto.component_name
    ]
    found = re.findall(r">(\d) → (\d) · (\d+)%<", json.loads(grid)["html"])
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
    low, high = wilson_interval(1000 - result.errors, 1000)
    assert app.metric[0].delta == f"95 % interval {low:.2%} to {high:.2%}"
    second, third = (top_k_accuracy(result.labels, result.probabilities, k) for k in (2, 3))
    assert app.metric[2].delta == f"top 2: {second:.2%}, top 3: {third:.2%}"
    assert app.metric[1].delta == f"calibration error {calibration(result.labels, result.probabilities).error:.2%}"
    np.testing.assert_allclose(app.dataframe[1].value["auc"], roc_auc(result.labels, result.probabilities))
    assert "**test set of MNIST (sample of 6,000)**" in texts(app.caption)
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


def line(result, n):
    """What stands under a digit."""
    return int(result.labels[n]), int(result.predicted[n]), int(f"{100 * result.digits.confidence[n]:.0f}")


def lines(result, positions):
    return [line(result, n) for n in positions]


def test_the_gallery_begins_with_the_mistakes_the_most_confident_first_and_is_paged(open_page, result):
    wrong = misclassified(result.labels, result.probabilities).index
    app = open_page("evaluation")
    assert captions(app) == lines(result, wrong[:100])
    by_label(app.number_input, f"Page (1 to {math.ceil(len(wrong) / 100)})").set_value(2).run()
    assert captions(app) == lines(result, wrong[100:200])
    app.selectbox(key="choice_order").set_value("least confident").run()
    assert captions(app)[0][2] == line(result, wrong[-1])[2]


@pytest.mark.parametrize(
    ("order", "measure"),
    [
        ("most confident", lambda digits: -digits.confidence),
        ("smallest margin", lambda digits: digits.margin),
        ("largest loss", lambda digits: -digits.loss),
        ("index", lambda digits: np.zeros(len(digits.loss))),
    ],
)
def test_all_digits_in_every_order(open_page, result, order, measure):
    app = open_page("evaluation", show="all", sort=order)
    expected = np.argsort(measure(result.digits), kind="stable")
    assert captions(app) == lines(result, expected[:100])


def test_filters_and_the_address_say_the_same(open_page, result):
    wrong = misclassified(result.labels, result.probabilities)
    true, predicted = int(wrong.true[0]), int(wrong.predicted[0])
    app = open_page("evaluation")
    app.selectbox(key="choice_true").set_value(true).run()
    app.selectbox(key="choice_predicted").set_value(predicted).run()
    pair = (wrong.true == true) & (wrong.predicted == predicted)
    assert captions(app) == lines(result, wrong.index[pair][:100])
    assert pair.sum() == result.confusion_matrix[true, predicted]
    again = open_page("evaluation", **{"true": str(true), "pred": str(predicted)})
    assert captions(again) == captions(app)
    assert again.button_group(key="choice_outcome").disabled
    app.button_group(key="choice_split").set_value("training set").run()
    address = {key: value if isinstance(value, str) else value[0] for key, value in app.query_params.items()}
    assert address == {
        "run": address["run"], "true": str(true), "pred": str(predicted), "split": "training set",
    }  # fmt: skip


def test_a_cell_of_the_diagonal_shows_right_digits(open_page, result):
    label = int(np.diag(result.confusion_matrix).argmax())
    app = open_page("evaluation", **{"true": str(label), "pred": str(label)})
    assert {found[:2] for found in captions(app)} == {(label, label)}
    found = f"of {result.confusion_matrix[label, label]:,}: true label"
    assert found in texts(app.caption)


def test_an_address_that_is_not_valid_is_as_none(open_page, result):
    app = open_page("evaluation", true="77", pred="x", show="some", sort="", digit="1e9", split="both")
    assert captions(app) == captions(open_page("evaluation"))


def test_the_confidence_range_and_an_empty_choice(open_page, result):
    app = open_page("evaluation", show="all", sort="index")
    app.slider(key="choice_confidence").set_value((0.2, 0.3)).run()
    inside = np.flatnonzero((result.digits.confidence >= 0.2) & (result.digits.confidence <= 0.3))
    assert captions(app) == lines(result, inside[:100])
    app.slider(key="choice_confidence").set_value((0.99, 1.0)).run()
    assert "The test set has no image with a confidence of 99% to 100%" in texts(app.info)


def test_the_training_digits_can_be_browsed(open_page, finished):
    app = open_page("evaluation", split="training set", show="all", sort="index")
    sample = load_dataset("sample")
    trained = evaluate(finished.load_network(), sample.train_images, sample.train_labels)
    assert captions(app) == lines(trained, range(100))
    assert "of 5,000: true label" in texts(app.caption)


@pytest.mark.parametrize("split", ["test set", "training set"])
def test_a_digit_is_opened_by_the_address(open_page, finished, split):
    app = open_page("evaluation", digit="17", split=split)
    sample = load_dataset("sample")
    images, labels = (
        (sample.test_images, sample.test_labels) if split == "test set" else (sample.train_images, sample.train_labels)
    )
    shown = evaluate(finished.load_network(), images, labels)
    said = texts(app.markdown)
    assert f"**Image 17 of the {split}** · true label **{labels[17]}**, predicted **{shown.predicted[17]}**" in said
    assert "Nearest training images" in said
    near = nearest_neighbours(images[17], sample.train_images, 11).index
    near = near[near != 17][:10] if split == "training set" else near[:10]
    assert re.findall(r"training image ([\d,]+), label", html(app)) == [text for n in near for text in (f"{n:,}",) * 2]


def test_errors_only_hides_the_diagonal_and_columns_have_their_percent(open_page, result):
    app = open_page("evaluation")
    app.button_group(key="confusion_unit").set_value("column %").run()
    columns = result.confusion_matrix / np.maximum(result.confusion_matrix.sum(axis=0), 1)
    np.testing.assert_allclose(app.dataframe[0].value, 100 * columns)
    app.toggle(key="errors_only").set_value(True).run()
    styles = app.dataframe[0].proto.arrow_data.styler.styles
    hidden = re.search(r"([^{}]*)\{[^}]*transparent", styles)[1]
    assert set(re.findall(r"row\d_col\d", hidden)) == {f"row{n}_col{n}" for n in range(10)}


def test_the_csv_has_every_prediction(open_page, result, finished, monkeypatch):
    offered = []
    monkeypatch.setattr(st, "download_button", lambda label, data, name, *_, **__: offered.append((label, data, name)))
    open_page("evaluation")
    ((data, name),) = [(data, name) for label, data, name in offered if label == "Download all predictions (CSV)"]
    assert name == f"predictions-{finished.id}.csv"
    table = pd.read_csv(io.BytesIO(data()))
    assert table.columns.tolist() == [
        "index", "true", "true_name", "predicted", "predicted_name", "confidence",
        *(f"probability_{k}" for k in range(10)),
    ]  # fmt: skip
    assert table["true_name"].tolist() == table["true"].tolist()
    np.testing.assert_array_equal(table["index"], np.arange(1000))
    np.testing.assert_array_equal(table["true"], load_dataset("sample").test_labels)
    np.testing.assert_array_equal(table["predicted"], result.probabilities.argmax(axis=1))
    np.testing.assert_allclose(table["confidence"], result.probabilities.max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(table.iloc[:, 6:], result.probabilities, rtol=1e-5)


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
    run = wait(start_run(config, load_dataset("full", folder)))
    app = open_page("evaluation")
    assert app.selectbox(key="run_picker").value == run.id
    assert [metric.value for metric in app.metric][::2] == ["100.00%", "0 of 3"]
    assert "No test image is misclassified" in app.success[0].value
    np.testing.assert_array_equal(app.dataframe[0].value, np.eye(3))


def test_a_run_under_way_is_evaluated_as_far_as_it_is(open_page, finished, result):
    content = json.loads((finished.path / "status.json").read_text())
    write_json(finished.path / "status.json", {**content, "state": "running", "epoch": 1, "heartbeat": time.time()})
    app = open_page("evaluation")
    assert "still active" in app.info[0].value
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
    write_config(finished, content)
    app = open_page("evaluation")
    assert "gone: found no such folder" in app.error[0].value


def test_other_data_under_the_same_name_is_refused(open_page, finished):
    content = json.loads((finished.path / "config.json").read_text())
    content["dataset"]["checksums"] = {"sample.npz": "0" * 64}
    write_config(finished, content)
    app = open_page("evaluation")
    assert "are not those that this run was created with" in app.error[0].value
