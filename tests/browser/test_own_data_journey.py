"""The journey of a person with data of their own: pictures, a network, its doubts, decisions, and a better network."""

import re

import numpy as np
import pytest

from mnist_core.data.corrected.corrections import Corrections, image_sha256
from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.label_check import read_progress
from mnist_core.runs.desk_file import desk_file
from mnist_core.runs.run import find_run, list_runs
from tests.helpers import encode, go, set_number, settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PER_CLASS = {"train": 150, "test": 20}
WRONG = 6
DECISIONS = 10
ON_THE_DESK = re.compile(r"^training image [\d,]+$")
TRAINING_MS = 90_000


@pytest.fixture
def pictures(tmp_path):
    """A folder of PNGs for each digit; a few training pictures are in a wrong folder. With the true class by image."""
    sample, truth = load_dataset("sample"), {}
    for split, count in PER_CLASS.items():
        images, labels = getattr(sample, f"{split}_images"), getattr(sample, f"{split}_labels")
        for digit in range(10):
            (tmp_path / f"digits/{split}/{digit}").mkdir(parents=True)
        for digit in range(10):
            for number, index in enumerate(np.flatnonzero(labels == digit)[:count]):
                wrong = split == "train" and number == 0 and digit < WRONG
                folder = tmp_path / f"digits/{split}/{(digit + 5) % 10 if wrong else digit}"
                (folder / f"{digit}_{number:03}.png").write_bytes(encode(images[index]))
                truth[image_sha256(images[index])] = digit
    return tmp_path / "digits", truth


def take(page, folder):
    """Choose a folder of pictures as the data in use."""
    page.get_by_text("Use other data").click()
    page.get_by_role("radio", name="A path on this computer").click()
    field = page.get_by_label("File or folder", exact=True)
    field.fill(str(folder))
    field.press("Enter")
    page.get_by_role("button", name="Read these files").click()
    page.get_by_role("button", name="Take it").click()
    page.get_by_test_id("stSidebar").get_by_text("1,500 training and 200 test images").wait_for()
    settle(page)


def decide(page, dataset, truth):
    """Give the image on the desk its true label by a key, and wait for the next one; return its index and label."""
    image = page.get_by_alt_text(ON_THE_DESK)
    name = image.get_attribute("alt")
    index = int(re.sub(r"\D", "", name))
    label = truth[image_sha256(dataset.train_images[index])]
    page.keyboard.press("Space" if label == dataset.train_labels[index] else str(label))
    page.get_by_alt_text(name, exact=True).wait_for(state="detached")
    return index, label


def test_from_a_folder_of_pictures_to_a_network_trained_on_better_labels(app, page, pictures):
    folder, truth = pictures
    page.goto(f"{app.url}/dataset")
    take(page, folder)

    go(page, "Training")
    set_number(page, "Epochs", 8)
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("button", name="See its errors").wait_for(timeout=TRAINING_MS)
    before = find_run("latest", app.runs)
    dataset = before.load_dataset()
    wrong = {i for i, image in enumerate(dataset.train_images) if truth[image_sha256(image)] != dataset.train_labels[i]}
    assert len(wrong) == WRONG

    go(page, "Label issues")
    page.get_by_role("button", name="Check the labels").click()
    page.get_by_text(re.compile(r"disagrees with [\d,]+ of 1,500 labels")).wait_for(timeout=TRAINING_MS)
    assert read_progress(before).tested
    page.get_by_role("button", name=re.compile("^Decide on")).click()

    page.get_by_role("heading", name="Label desk", level=1).wait_for()
    page.get_by_text("The keys are on.").wait_for()
    decided = dict(decide(page, dataset, truth) for _ in range(DECISIONS))
    settle(page)
    corrections = Corrections.read(desk_file(dataset, app.runs))
    assert {one.index: one.new for one in corrections} == decided
    found = wrong & decided.keys()
    assert len(found) >= WRONG / 2, "wrong labels stand first"
    page.get_by_role("button", name=f"Retrain with {len(found)} corrections").click()

    page.get_by_role("heading", name="Before and after the corrections").wait_for(timeout=TRAINING_MS)
    expect(page.get_by_text(f"with {corrections.description}")).to_be_visible()
    expect(page.get_by_text("by original labels (200 images)")).to_be_visible()
    after = max(list_runs(app.runs), key=lambda run: run.created)
    assert after.corrections_sha256 == corrections.sha256
    assert [after.load_dataset().train_labels[index] for index in decided] == list(decided.values())
    assert (folder / "train/5/0_000.png").exists(), "the pictures are where they were"
