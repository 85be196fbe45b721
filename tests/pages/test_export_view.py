"""Take a model along, and test one that was brought, on the evaluation page."""

import pickle

import numpy as np
import pytest
import streamlit as st

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import evaluate, predict
from mnist_core.models import formats as export_module
from mnist_core.models.formats import FORMATS, export
from mnist_core.models.reading import read_model
from mnist_core.nn.network import Network
from mnist_core.runs.run import find_run
from tests.helpers import by_label, texts, use_folder


def upload(app, name, content):
    """Upload a model file, and return the text of the expander's error or None."""
    by_label(app.file_uploader, "Model file (.npz or .safetensors)").set_value((name, content, "")).run()
    return app.error[0].value if app.error else None


def values(app):
    return {metric.label: metric.value for metric in by_label(app.expander, "Test a model file").metric}


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_offered_and_holds_the_model(open_page, finished, kind, monkeypatch):
    if FORMATS[kind].package:
        pytest.importorskip(FORMATS[kind].package)
    offered = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, *_, **__: offered.update({label: data}))
    app = open_page("evaluation")
    by_label(app.button_group, "Format").set_value(kind).run()
    expander = by_label(app.expander, "Download the model")
    assert FORMATS[kind].about in texts(expander.markdown)
    stem = f"model_{finished.id.replace('-', '_')}"
    assert stem in expander.code[0].value
    content = offered[f"Download {stem}{FORMATS[kind].suffix}"]()
    network = finished.load_network()
    if kind in ("npz", "safetensors"):
        np.testing.assert_array_equal(read_model(content).parameters, network.parameters)
    elif kind == "python":
        assert content == export(network, (28, 28), kind)
    else:
        images = load_dataset("sample").test_images
        session = pytest.importorskip("onnxruntime").InferenceSession(content)
        np.testing.assert_allclose(session.run(None, {"images": images})[0], predict(network, images), atol=1e-5)


def test_a_missing_package_is_named_in_place_of_the_button(open_page, finished, monkeypatch):
    monkeypatch.setattr(export_module, "find_spec", lambda name: None)
    app = open_page("evaluation")
    by_label(app.button_group, "Format").set_value("onnx").run()
    expander = by_label(app.expander, "Download the model")
    assert "pip install onnx" in texts(expander.info)
    assert not expander.get("download_button")
    by_label(app.button_group, "Format").set_value("npz").run()
    assert by_label(app.expander, "Download the model").get("download_button")


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_a_model_file_is_tested_without_any_run(open_page, kind):
    if FORMATS[kind].package:
        pytest.importorskip(FORMATS[kind].package)
    network, sample = Network((784, 12, 10), "tanh"), load_dataset("sample")
    expected = evaluate(network, sample.test_images, sample.test_labels)
    app = open_page("evaluation")
    assert upload(app, "mine.bin", export(network, (28, 28), kind)) is None
    assert values(app) == {
        "Test accuracy": f"{expected.accuracy:.2%}",
        "Test loss (nats)": f"{expected.loss:.4f}",
        "Errors": f"{expected.errors} of 1,000",
    }
    assert "mine.bin (784-12-10, tanh) on the 1,000 test images of **MNIST (sample of 6,000)**." in texts(app.caption)


def test_a_model_of_a_run_scores_as_the_run(open_page, finished):
    app = open_page("evaluation")
    assert upload(app, "model.npz", (finished.path / "model.npz").read_bytes()) is None
    assert values(app)["Test accuracy"] == app.metric[0].value


def test_what_can_t_be_tested_is_said_in_a_sentence(open_page, finished):
    app = open_page("evaluation")
    assert "model.pt is a pickle (.pkl, .pt), and reading one runs code" in upload(app, "model.pt", pickle.dumps(1))
    assert "text.npz is neither an .npz nor a .safetensors file" in upload(app, "text.npz", b"hello")
    small = export(Network((20, 3)), (5, 4), "npz")
    assert "small.npz reads 20 pixels and tells 3 classes apart; the images of MNIST" in upload(app, "small.npz", small)
    huge = Network((784, 8, 10), "relu")
    huge.parameters[:] = 1e38
    assert "is not a number" in upload(app, "huge.npz", export(huge, (28, 28), "npz"))
    assert by_label(app.expander, "The code behind this page"), "the page goes on below"


def test_the_data_in_use_is_what_it_is_tested_on(open_page, tiny_folder):
    folder = tiny_folder(test=9)
    app = open_page("overview")
    use_folder(app, folder)
    app.switch_page("pages/evaluation.py").run()
    assert upload(app, "small.npz", export(Network((20, 3)), (5, 4), "npz")) is None
    assert values(app)["Errors"].endswith("of 9")


def test_a_model_file_is_kept_as_a_run_and_evaluated_like_one(open_page, finished):
    app = open_page("evaluation")
    network = Network((784, 12, 10), "relu")
    assert upload(app, "mine.npz", export(network, (28, 28), "npz")) is None
    by_label(app.button, "Keep as a run").click().run()
    kept = find_run("latest")
    assert app.selectbox(key="run_picker").value == kept.id
    sample = load_dataset("sample")
    result = evaluate(network, sample.test_images, sample.test_labels)
    assert app.metric[0].value == f"{result.accuracy:.2%}"
    np.testing.assert_array_equal(app.dataframe[0].value, result.confusion_matrix)
    for page in ("inside", "draw", "training"):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.error
