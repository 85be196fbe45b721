"""Dataset page: published sets by name, and files that are shown, prepared as chosen, and only then taken."""

import os
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from mnist_core.data.dataset import load_dataset
from mnist_core.data.published import catalogue
from mnist_core.data.published.catalogue import KMNIST
from mnist_core.data.uploaded_data import KEPT_SECONDS, keep_upload, safe_name
from pages.components.data_sets import named as page
from tests.helpers import by_label, texts, unescaped
from tests.hostile_text import hostile_parts
from tests.pages.test_hostile_text import assert_harmless

NAMES = ["cat", "dog", "owl"]


def button(app, key):
    return next(found for found in app.button if found.key == key)


@pytest.fixture
def kmnist(tiny_folder, monkeypatch):
    """The table's KMNIST, served by this computer in small."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Keep the test's output clean."""

    folder = tiny_folder(train=30, test=12, classes=10)
    files = {name: ((folder / name).stat().st_size, None) for name in KMNIST.files}
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        known = replace(KMNIST, files=files, mirrors=(f"http://127.0.0.1:{server.server_port}/",))
        monkeypatch.setitem(catalogue.NAMED, "kmnist", known)
        yield known
        server.shutdown()


def test_a_named_set_is_fetched_used_and_shown_as_unverified(open_page, kmnist):
    app = open_page("dataset")
    assert button(app, "fetch_kmnist").label.startswith("Download about")
    button(app, "fetch_kmnist").click().run()
    assert app.query_params["data"] == "kmnist"
    assert "In use: **KMNIST" in texts(app.markdown) and "here, unverified" in texts(app.markdown)
    assert (button(app, "use_kmnist").label, button(app, "use_kmnist").disabled) == ("In use", True)
    assert "train-images-idx3-ubyte.gz" in texts(app.code)
    assert "き" in by_label(app.selectbox, "Class").options
    app = open_page("overview", data="kmnist")
    assert app.metric[0].value == "30"


def test_a_mirror_that_fails_is_said_beside_its_button(open_page, kmnist, monkeypatch):
    monkeypatch.setitem(catalogue.NAMED, "kmnist", replace(kmnist, mirrors=("http://127.0.0.1:9/",)))
    app = open_page("dataset")
    button(app, "fetch_kmnist").click().run()
    assert "could not be downloaded: 127.0.0.1:9 could not be reached" in unescaped(app.error)
    assert "MNIST (sample of 6,000)" in texts(app.markdown)


def test_a_large_set_says_so_before_and_is_not_for_visitors(open_page, monkeypatch):
    app = open_page("dataset")
    assert "One file with all of EMNIST" in texts(app.caption)
    assert not button(app, "fetch_emnist-letters").disabled
    monkeypatch.setattr(page, "serves_others", lambda: True)
    app.run()
    assert button(app, "fetch_emnist-letters").disabled
    assert not button(app, "fetch_kmnist").disabled
    assert "mnist download emnist-letters" in texts(app.caption)


@pytest.fixture
def pictures(tmp_path):
    """Pictures of dark strokes on white, a folder for each class, and one file that is none."""
    images = 255 - load_dataset("sample").train_images[:24]
    for number, image in enumerate(images):
        folder = tmp_path / "scans" / NAMES[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:02}.png")
    (tmp_path / "scans" / "notes.pkl").write_bytes(b"\x80\x04K\x01.")
    return tmp_path / "scans", 255 - images


def type_path(app, path):
    app.button_group(key="other_data_from").set_value("A path on this computer").run()
    by_label(app.text_input, "File or folder").set_value(str(path)).run()


def test_pictures_are_shown_prepared_and_taken(open_page, pictures):
    folder, images = pictures
    app = open_page("dataset")
    type_path(app, folder)
    table = next(frame.value for frame in app.dataframe if "read as" in frame.value)
    assert table[table["read as"] == "picture"]["used as"].tolist() == ["images"] * 3
    assert "pickle" in unescaped(app.warning)
    assert "MNIST (sample of 6,000)" in texts(app.markdown)
    by_label(app.button, "Read these files").click().run()
    assert "dark on light" in texts(app.markdown)
    assert by_label(app.toggle, "Exchange light and dark").value
    by_label(app.text_area, "A name a line, from class 0 on").set_value("Katze\nHund").run()
    assert "Found 2 class names, but labels of 3 classes: add the missing names." in unescaped(app.error)
    by_label(app.text_area, "A name a line, from class 0 on").set_value("Katze\nHund\nEule").run()
    by_label(app.toggle, "Exchange rows and columns").set_value(True).run()
    by_label(app.button, "Take it").click().run()
    assert not app.error
    taken = load_dataset("full", app.query_params["data"])
    assert [name.plain for name in taken.class_names] == ["Katze", "Hund", "Eule"]
    known = {image.T.tobytes() for image in images}
    assert all(image.tobytes() in known for image in taken.train_images)
    assert "Katze" in by_label(app.selectbox, "Class").options


def test_data_as_suggested_stay_where_they_are(open_page, pictures):
    app = open_page("dataset")
    type_path(app, pictures[0])
    by_label(app.button, "Read these files").click().run()
    by_label(app.button, "Take it").click().run()
    assert app.query_params["data"] == str(pictures[0])


def test_images_without_labels_are_predicted(open_page, finished, tmp_path):
    np.savez(tmp_path / "some.npz", images=load_dataset("sample").test_images[:20])
    app = open_page("dataset")
    type_path(app, tmp_path / "some.npz")
    by_label(app.button, "Read these files").click().run()
    assert "The images have no labels" in unescaped(app.markdown)
    assert by_label(app.selectbox, "Predicted by")
    assert "Take it" not in [found.label for found in app.button]


def test_a_path_without_data_is_a_sentence_and_leaves_the_page(open_page, tmp_path):
    app = open_page("dataset")
    (tmp_path / "empty").mkdir()
    for name in ("missing", "empty"):
        type_path(app, tmp_path / name)
        assert str(tmp_path / name) in unescaped(app.error)
        assert app.dataframe[-1].value["array"].tolist()[0] == "train_images"


# Uploads


def test_an_upload_stays_in_its_folder_and_old_ones_go(tmp_path):
    first = keep_upload({"../../a.csv": b"1"}, tmp_path)
    assert first.parent.parent == tmp_path and first.read_bytes() == b"1"
    assert keep_upload({"../../a.csv": b"1"}, tmp_path) == first
    os.utime(first.parent, (0, 0))
    several = keep_upload({"a.csv": b"1", "b.csv": b"2"}, tmp_path)
    assert sorted(path.name for path in several.iterdir()) == ["a.csv", "b.csv"]
    assert not first.exists() and KEPT_SECONDS > 0


@pytest.mark.parametrize("name", ["..", "/", "C:\\x\\..\\y.npz", ".hidden", "a" * 300 + ".csv", "\x00\n.zip", ""])
def test_a_name_from_outside_leads_nowhere(name):
    safe = safe_name(name)
    assert safe and safe[0] != "." and not {"/", "\\", "\0", "\n"} & set(safe) and len(safe) <= 100


def test_names_of_files_and_folders_are_shown_as_they_are(open_page, tmp_path):
    images = load_dataset("sample").train_images[:12]
    for number, image in enumerate(images):
        part = list(hostile_parts("a").values())[number % 3].replace("/", "")
        (tmp_path / "**zqdata**" / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "**zqdata**" / part / f"**zq{number}**.png")
        (tmp_path / "**zqdata**" / f"![zqbroken](a{number}).csv").write_text("<html>")
    app = open_page("dataset")
    type_path(app, tmp_path / "**zqdata**")
    assert_harmless(app)
    by_label(app.button, "Read these files").click().run()
    assert_harmless(app)
    by_label(app.button, "Take it").click().run()
    assert_harmless(app)
    assert "In use: **\\*\\*zqdata\\*\\*" in texts(app.markdown)
