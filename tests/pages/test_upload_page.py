"""Upload: pictures good and bad, of one digit and of many."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import find_digits
from tests.helpers import by_label, encode, enlarged, html, page_of, texts


@pytest.fixture
def images():
    return load_dataset("sample").test_images


def upload(app, **files):
    app.file_uploader[0].set_value([(name.replace("_", "."), data, "image/png") for name, data in files.items()]).run()
    return app


def captions(app):
    return [(int(label), int(percent)) for label, percent in re.findall(r">(\d) · (\d+)%<", html(app))]


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("upload")
    assert "There is no network to try yet" in app.info[0].value


def test_nothing_uploaded_says_what_to_do(open_page, finished):
    app = open_page("upload")
    assert "No pictures yet" in texts(app.info)
    assert app.file_uploader[0].accept_multiple_files


def test_a_page_is_read_digit_by_digit(open_page, finished, images):
    page = page_of(images[:6], 3)
    app = upload(open_page("upload"), page_png=encode(page))
    probabilities = predict(finished.load_network(), find_digits(page).images)
    expected = [(row.argmax(), int(f"{100 * row.max():.0f}")) for row in probabilities]
    assert captions(app) == expected
    assert "`page.png` · 496x344 pixels · 6 digits" in texts(app.markdown)
    table = app.dataframe[0].value
    assert table["class_name"].tolist() == list(map(str, probabilities.argmax(axis=1)))
    np.testing.assert_allclose(table["confidence"], probabilities.max(axis=1), rtol=1e-6)

    by_label(app.get("button_group"), "Each picture shows").set_value("one digit").run()
    assert len(captions(app)) == 1


def test_an_image_of_mnist_is_taken_as_it_is(open_page, finished, images):
    app = upload(open_page("upload"), one_png=encode(images[0]), two_png=encode(enlarged(images[1])))
    probabilities = predict(finished.load_network(), images[:1])[0]
    assert captions(app)[0] == (probabilities.argmax(), int(f"{100 * probabilities.max():.0f}"))
    assert "`one.png` · 28x28 pixels · 1 digit" in texts(app.markdown)
    assert len(captions(app)) == 2


def test_bad_files_get_their_sentence_and_do_not_stop_the_others(open_page, finished, images):
    good = encode(enlarged(images[0]))
    app = upload(
        open_page("upload"),
        empty_png=b"",
        text_png=b"no picture",
        cut_jpg=encode(enlarged(images[0]), "JPEG")[:900],
        blank_png=encode(np.full((50, 60), 255, np.uint8)),
        good_png=good,
    )
    assert [re.match(r"`(\w+\.\w+)`: Found", error.value)[1] for error in app.error] == [
        "empty.png", "text.png", "cut.jpg", "blank.png",
    ]  # fmt: skip
    assert "Found no ink" in app.error[3].value
    assert len(captions(app)) == 1


def test_the_csv_has_every_digit(open_page, finished, images, monkeypatch):
    offered = []
    monkeypatch.setattr(st, "download_button", lambda label, data, name, *_, **__: offered.append((data, name)))
    page = page_of(images[:4], 4)
    upload(open_page("upload"), page_png=encode(page))
    data, name = offered[-1]
    assert name == "readings.csv"
    table = pd.read_csv(io.BytesIO(data()))
    found = find_digits(page)
    assert table.columns.tolist() == [
        "file", "number", "label", "class_name", "confidence", "top", "left", "bottom", "right",
        *(f"probability_{k}" for k in range(10)),
    ]  # fmt: skip
    assert [tuple(row) for row in table[["top", "left", "bottom", "right"]].to_numpy()] == found.boxes
    np.testing.assert_allclose(table.iloc[:, 9:], predict(finished.load_network(), found.images), rtol=1e-5)


def test_the_boxes_are_drawn_on_the_picture(open_page, finished, images, monkeypatch):
    shown = []
    image = st.delta_generator.DeltaGenerator.image
    monkeypatch.setattr(
        st.delta_generator.DeltaGenerator,
        "image",
        lambda self, picture, *rest, **more: (shown.append(picture), image(self, picture, *rest, **more))[1],
    )
    page = page_of(images[:3], 3)
    upload(open_page("upload"), page_png=encode(page))
    (picture,) = [picture for picture in shown if isinstance(picture, Image.Image)]
    pixels = np.asarray(picture).astype(int)
    orange = (pixels[..., 0] - pixels[..., 2]) > 100
    for box in find_digits(page).boxes:
        assert orange[box.top - 1, box.left : box.right].mean() > 0.9
        assert orange[box.top : box.bottom, box.left - 1].mean() > 0.9


def test_no_more_pictures_are_read_than_a_page_can_show(open_page, finished, images):
    many = {f"{number}_png": encode(images[number % 3]) for number in range(34)}
    app = upload(open_page("upload"), **many)
    assert "You chose 34 pictures: the first 32 are read." in texts(app.warning)
    assert len(captions(app)) == 32
