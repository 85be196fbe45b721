"""Data as people have it: pictures in a zip file are uploaded, looked at, prepared, taken, and in use on every page."""

import zipfile

import pytest

from mnist_core.data.dataset import load_dataset
from tests.helpers import encode, go, settle

pytestmark = pytest.mark.browser

NAMES = ("Katze", "Hund")


def test_pictures_from_an_upload_become_the_data_in_use(app, page, tmp_path):
    images = 255 - load_dataset("sample").train_images[:12]
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as packed:
        for number, image in enumerate(images):
            packed.writestr(f"{NAMES[number % 2]}/{number}.png", encode(image))
    page.goto(f"{app.url}/dataset")
    page.get_by_text("Use other data").click()
    page.set_input_files("input[type=file]", tmp_path / "scans.zip")
    page.get_by_role("button", name="Read these files").click()
    page.get_by_text("The images are dark on light").wait_for()
    page.get_by_role("button", name="Take it").click()
    page.get_by_text("scans: 10 training and 2 test images of 28x28, 2 classes").wait_for()
    settle(page)
    go(page, "Preprocessing")
    page.get_by_test_id("stSidebar").get_by_text("10 training and 2 test images").wait_for()
