"""Visitors of a server that other computers reach choose no folder: an answer would tell them which folders exist."""

import shutil

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.own_digits import add_to_training
from mnist_core.data.published.catalogue import NAMED
from pages.components import data
from pages.components.data import FOLDERS_ARE_OFF, own_digits_dir
from tests.helpers import by_label, texts, unescaped, use_folder

SAMPLE = "5,000"


@pytest.fixture
def class_room(monkeypatch):
    monkeypatch.setattr(data, "serves_others", lambda: True)


def folders(tmp_path, tiny_folder):
    """A data set, a folder without one, and none at all: visitors must not tell them apart."""
    return [tiny_folder(), tmp_path, tmp_path / "missing", "~", "relative", tmp_path / "runs" / ".data" / ".."]


def test_no_address_tells_which_folders_exist(class_room, open_page, tmp_path, tiny_folder):
    said = set()
    for folder in folders(tmp_path, tiny_folder):
        app = open_page("overview", data=str(folder))
        assert app.metric[0].value == SAMPLE
        assert not app.error
        assert app.query_params == {}
        (warning,) = app.warning
        said.add(unescaped([warning]).replace(str(folder), "…"))
    assert said == {
        f"The address says data=…, which is ignored: expected auto, sample or one of {', '.join(NAMED)}. "
        f"{FOLDERS_ARE_OFF}"
    }


def test_the_field_is_off_and_says_what_to_do(class_room, open_page):
    app = open_page("overview")
    app.radio[0].set_value("full").run()
    assert not app.text_input
    assert FOLDERS_ARE_OFF in texts(app.info)
    assert "MNIST_DATA_DIR" in FOLDERS_ARE_OFF
    assert by_label(app.button, "Use this data").disabled


def test_a_choice_of_before_and_a_click_of_before_are_refused(open_page, tmp_path, tiny_folder, monkeypatch):
    app = open_page("overview")
    use_folder(app, tiny_folder())
    assert app.metric[0].value == "12"
    app.radio[0].set_value("full").run()
    app.text_input[0].set_value(str(tiny_folder())).run()
    monkeypatch.setattr(data, "serves_others", lambda: True)
    by_label(app.button, "Use this data").click().run()
    assert app.metric[0].value == SAMPLE
    assert "data" not in app.query_params
    assert [error.value for error in app.error] == [FOLDERS_ARE_OFF]


def test_what_the_owner_of_the_server_named_is_in_use(class_room, open_page, tiny_folder, monkeypatch):
    monkeypatch.setenv("MNIST_DATA_DIR", str(tiny_folder()))
    assert open_page("overview").metric[0].value == "12"


def test_the_panel_takes_uploads_but_no_path(class_room, open_page, tiny_folder):
    app = open_page("dataset")
    assert [group.label for group in app.button_group if group.label == "Files from"] == []
    contents = [(path.name, path.read_bytes(), "") for path in tiny_folder().iterdir()]
    app.file_uploader[0].set_value(contents).run()
    by_label(app.button, "Read these files").click().run()
    by_label(app.button, "Take it").click().run()
    assert "12 training and 6 test images of 5x4" in texts(app.markdown)
    assert not app.error


def test_own_digits_still_join_the_training_set(class_room, open_page):
    sample = load_dataset("sample")
    folder = add_to_training(sample, sample.train_images[:2], sample.train_labels[:2], own_digits_dir())
    app = open_page("overview", data=str(folder))
    assert not app.warning
    assert app.metric[0].value == "5,002"
    shutil.rmtree(folder)
