"""Draw: every state of the page; the canvas itself is drawn on in tests/browser."""

import io
import json
import re
import sys
import zipfile
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from PIL import Image

from mnist_core.data import own_digits
from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.training.config import TrainingConfig
from tests.helpers import by_label, full_disk, html, shown, texts, write_config


@pytest.fixture
def canvas(monkeypatch):
    """A canvas on which ``canvas.ink`` is drawn by hand; ``canvas.calls`` is how the page asked for it."""
    hand = SimpleNamespace(ink=None, calls=[])

    def st_canvas(**options):
        hand.calls.append(options)
        data = None
        if hand.ink is not None:
            buffer = io.BytesIO()
            Image.fromarray(hand.ink).save(buffer, "PNG")
            data = buffer.getvalue()
        return SimpleNamespace(image_bytes=data, json_data={"objects": [{}] if data else []})

    module = ModuleType("streamlit_drawable_canvas")
    module.st_canvas = st_canvas
    monkeypatch.setitem(sys.modules, "streamlit_drawable_canvas", module)
    return hand


def large(image):
    return np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC))


def label_it(app, digit):
    by_label(app.get("button_group"), "I drew a …").set_value(digit).run()


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("draw")
    assert "There is no network to try yet" in app.info[0].value
    (link,) = app.get("page_link")
    assert (link.proto.label, link.proto.page) == ("Train a network", "training")


def test_a_run_without_a_model_says_so(open_page, make_run):
    make_run(state="running")
    assert "This run has no model yet" in texts(open_page("draw").info)


def test_the_real_canvas_is_empty_at_first(open_page, finished):
    app = open_page("draw")
    assert "The canvas is empty: draw a digit from 0 to 9" in texts(app.info)
    assert "Nothing yet" in texts(app.caption)
    assert by_label(app.button, "Clear").disabled


def test_a_digit_is_read_as_by_the_core(open_page, finished, canvas):
    canvas.ink = large(load_dataset("sample").test_images[0])
    app = open_page("draw")
    expected = to_mnist(canvas.ink)
    probabilities = predict(finished.load_network(), expected[np.newaxis])[0]
    assert texts(app.subheader).startswith(f"The network reads a {probabilities.argmax()}")
    assert f"Confidence {probabilities.max():.1%}" in texts(app.caption)
    assert len(app.get("vega_lite_chart") + app.get("arrow_vega_lite_chart")) == 1
    assert "centred: 28x28" in html(app)
    assert re.findall(r">(Hidden layer \d: \d+ \w+ units|Output: \d+ softmax units)<", html(app)) == [
        "Hidden layer 1: 128 sigmoid units", "Hidden layer 2: 64 sigmoid units", "Output: 10 softmax units",
    ]  # fmt: skip


def test_labelled_digits_are_kept_scored_and_downloaded(open_page, finished, canvas, monkeypatch):
    offered = []
    monkeypatch.setattr(st, "download_button", lambda label, data, name, *_, **more: offered.append((data, name, more)))
    images = load_dataset("sample").test_images[:3]
    app = open_page("draw")
    predicted = []
    for number, image in enumerate(images):
        canvas.ink = large(image)
        app.run()
        predicted.append(int(re.search(r"The network reads a (\d)", texts(app.subheader))[1]))
        key = canvas.calls[-1]["key"]
        label_it(app, predicted[-1] if number else (predicted[-1] + 1) % 10)
        assert canvas.calls[-1]["key"] != key, "the next digit begins on an empty canvas"
    assert "Accuracy on your digits: **67%**, 2 of 3 correct" in texts(app.markdown)
    assert f">{(predicted[0] + 1) % 10} → {predicted[0]}<" in html(app)
    assert f">{predicted[1]} ✓<" in html(app)
    data, name, more = offered[-1]
    assert (name, more["disabled"]) == ("my-digits.zip", False)
    assert len(zipfile.ZipFile(io.BytesIO(data())).namelist()) == 4

    by_label(app.button, "Remove last").click().run()
    assert "1 of 2 correct" in texts(app.markdown)
    by_label(app.button, "Remove all").click().run()
    assert "Nothing yet" in texts(app.caption)


def test_a_drawing_is_labelled_by_name(open_page, finished, canvas):
    names = ["**zq** <b>", *"いろはにほへとちり"]
    config = json.loads((finished.path / "config.json").read_text())
    config["dataset"]["class_names"] = names
    write_config(finished, config)
    canvas.ink = large(load_dataset("sample").test_images[0])
    app = open_page("draw")
    question = by_label(app.get("button_group"), "I drew …")
    assert [shown(option.content) for option in question.proto.options] == names
    question.set_value(1).run()
    assert re.search(r">い( ✓)?<", html(app))
    assert "Accuracy on your images" in texts(app.markdown)


def test_a_drawing_outlives_a_change_of_the_page(open_page, finished, canvas):
    canvas.ink = large(load_dataset("sample").test_images[0])
    app = open_page("draw")
    read = app.subheader[0].value
    app.switch_page("pages/dataset.py").run()
    canvas.ink = None  # a canvas tells nothing until it is drawn on
    app.switch_page("pages/draw.py").run()
    assert canvas.calls[-1]["initial_drawing"] == {"objects": [{}]}
    assert app.subheader[0].value == read
    by_label(app.button, "Clear").click().run()
    assert "The canvas is empty" in texts(app.info)
    assert canvas.calls[-1]["initial_drawing"] is None


def test_undo_takes_the_last_stroke_back(open_page, finished, canvas):
    images = load_dataset("sample").test_images
    canvas.ink = large(images[0])
    app = open_page("draw")
    sees = html(app)
    canvas.ink = np.maximum(canvas.ink, large(images[1]))
    app.run()
    assert html(app) != sees
    canvas.ink = None
    by_label(app.button, "Undo").click().run()
    assert html(app) == sees
    assert canvas.calls[-1]["initial_drawing"] == {"objects": [{}]}
    by_label(app.button, "Undo").click().run()
    assert "The canvas is empty" in texts(app.info)


def test_an_undone_drawing_is_empty(open_page, finished, canvas):
    canvas.ink = large(load_dataset("sample").test_images[0])
    app = open_page("draw")
    canvas.ink = np.zeros((280, 280), np.uint8)
    app.run()
    assert "The canvas is empty" in texts(app.info)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [((5, 4), "is only fitted to square ones"), ((20, 20), "")],
)
def test_networks_of_other_sizes(open_page, tiny_folder, canvas, shape, sentence):
    from mnist_core.jobs.start import start_run
    from tests.helpers import wait

    wait(start_run(TrainingConfig(epochs=1), load_dataset("full", tiny_folder(shape=shape))))
    canvas.ink = large(load_dataset("sample").test_images[0])
    app = open_page("draw")
    if sentence:
        assert sentence in app.error[0].value
    else:
        assert "centred: 20x20" in html(app)


def test_drawn_digits_join_the_training_set(open_page, finished, canvas):
    sample = load_dataset("sample")
    app = open_page("draw")
    for n in range(2):
        canvas.ink = large(sample.test_images[n])
        app.run()
        label_it(app, int(sample.test_labels[n]))
    by_label(app.button, "Add to the training set").click().run()
    assert "now has 5,002 images, 2 of them yours" in app.success[0].value
    app.switch_page("pages/training.py").run()
    assert "5,002 images" in texts(app.markdown)


def test_a_full_disk_keeps_the_digits_and_says_so(open_page, finished, canvas, monkeypatch):
    sample = load_dataset("sample")
    app = open_page("draw")
    canvas.ink = large(sample.test_images[0])
    app.run()
    label_it(app, int(sample.test_labels[0]))

    monkeypatch.setattr(own_digits, "write_idx", full_disk)
    by_label(app.button, "Add to the training set").click().run()
    assert "No space left on device" in app.error[0].value
    assert "of 1 correct" in texts(app.markdown)
