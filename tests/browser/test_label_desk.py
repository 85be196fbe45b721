"""The label desk in a real browser, with the keyboard alone."""

import time

import pytest

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import load_dataset
from mnist_core.runs.desk_file import desk_file
from tests.helpers import settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser
SECONDS_FOR_20 = 40
"""60 in two minutes."""


@pytest.fixture
def decided(app):
    """A function that reads what is decided of the training set: the new label by index, in the order of index."""
    path = desk_file(load_dataset("sample"), app.runs)

    def read():
        return {one.index: one.new for one in Corrections.read(path)} if path.exists() else {}

    return read


@pytest.fixture
def desk(page, app, trained):
    """The desk over all training images."""
    page.goto(app.url)
    page.get_by_role("heading", level=1).wait_for()
    page.goto(f"{app.url}/label_desk?list=All+images&run={trained.id}")
    shown(page, 0)
    page.get_by_text("The keys are on.").wait_for()
    return page


def shown(page, index):
    """Wait until an image is on the desk."""
    page.get_by_alt_text(f"training image {index}", exact=True).wait_for()


def test_twenty_decisions_with_the_keyboard_alone(desk, decided):
    labels = load_dataset("sample").train_labels
    began = time.monotonic()
    for index in range(20):
        desk.keyboard.press({18: "Space", 19: "x"}.get(index, str(index % 10)))
        shown(desk, index + 1)
    assert time.monotonic() - began < SECONDS_FOR_20
    expected = {index: index % 10 for index in range(18)} | {18: labels[18], 19: None}
    assert decided() == expected
    desk.keyboard.press("u")
    shown(desk, 19)
    assert 19 not in decided()
    desk.keyboard.press("ArrowLeft")
    shown(desk, 18)
    desk.reload()
    shown(desk, 18)
    expect(desk.get_by_text("number 19 of 5,000 · 19 decided")).to_be_visible()
    expect(desk.get_by_role("button", name="Keep the label")).to_have_attribute("aria-pressed", "true")


def test_keys_that_are_struck_faster_than_the_server_draws_are_not_lost(desk, decided):
    for _ in range(6):
        desk.keyboard.press("ArrowRight", delay=0)
    shown(desk, 6)
    desk.keyboard.press("3")
    desk.keyboard.press("5")
    shown(desk, 7)
    settle(desk)
    assert decided() == {6: 5}, "both were struck before the next image was there"


def test_keys_write_where_a_field_has_the_focus_and_escape_brings_them_back(desk, decided):
    desk.get_by_label("Your name").fill("Ada")
    desk.keyboard.press("7")
    expect(desk.get_by_text("The keys write into a field now")).to_be_visible()
    desk.keyboard.press("Enter")
    settle(desk)
    assert decided() == {}
    desk.keyboard.press("Escape")
    expect(desk.get_by_text("The keys are on.")).to_be_visible()
    desk.keyboard.press("7")
    shown(desk, 1)
    assert decided() == {0: 7}
    desk.get_by_role("button", name="8: the label is 8").click()
    shown(desk, 2)
    desk.keyboard.press("Space")
    shown(desk, 3)
    assert decided() == {0: 7, 1: 8, 2: load_dataset("sample").train_labels[2]}, (
        "a click leaves the keys where they were"
    )


def test_one_click_trains_again_and_the_comparison_shows_before_and_after(desk, decided):
    for index in range(3):
        desk.keyboard.press("x")
        shown(desk, index + 1)
    desk.get_by_role("button", name="Retrain with 3 corrections").click()
    desk.get_by_role("heading", name="Runs", level=1).wait_for()
    desk.get_by_role("heading", name="Before and after the corrections").wait_for()
    expect(desk.get_by_text("by original labels (1,000 images)")).to_be_visible()
    expect(desk.get_by_text("corrected labels", exact=True).first).to_be_visible()
    expect(desk.get_by_text("Correct before, wrong after")).to_be_visible()
    assert decided() == dict.fromkeys(range(3))
