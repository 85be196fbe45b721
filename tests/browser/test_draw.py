"""Digits drawn with the mouse on the real canvas, and pictures uploaded, in a real browser."""

import math
import re
import time

import pytest

from mnist_core.data.dataset import load_dataset
from tests.helpers import encode, go, page_of, settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser
ONE = [(165, 60), (160, 160), (157, 262)]
ZERO = [
    (160 - 62 * math.sin(turn / 24 * 2 * math.pi), 160 - 100 * math.cos(turn / 24 * 2 * math.pi)) for turn in range(25)
]


def canvas_of(page):
    canvas = page.locator("canvas.upper-canvas")
    expect(canvas).to_have_count(1)  # for a moment, the one before is there, too
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    settle(page)
    return canvas


def draw(page, points):
    """Draw one stroke with the mouse; return when the button was let go."""
    box = canvas_of(page).bounding_box()
    (x, y), *rest = [(box["x"] + x, box["y"] + y) for x, y in points]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    return time.monotonic()


def read(page, since):
    """Wait for the reading; print how long after ``since`` it was on the screen."""
    heading = page.get_by_role("heading", name=re.compile(r"^The network reads a \d"))
    heading.wait_for()
    page.get_by_text(re.compile(r"^Output: 10 softmax units")).wait_for()
    print(f"from the end of the stroke to the reading on the screen: {1000 * (time.monotonic() - since):.0f} ms")
    return int(re.search(r"\d", heading.inner_text())[0])


def label_it(page, digit):
    page.get_by_test_id("stButtonGroup").get_by_text(str(digit), exact=True).click()


def test_digits_drawn_by_hand_are_read_and_collected(app, page, trained):
    page.goto(f"{app.url}/draw")
    empty = page.get_by_text("The canvas is empty: draw a digit from 0 to 9")
    empty.wait_for()
    assert read(page, draw(page, ZERO)) == 0
    label_it(page, 0)
    page.get_by_text("1 of 1 correct").wait_for()
    empty.wait_for()

    assert read(page, draw(page, ONE)) == 1
    top = canvas_of(page).bounding_box()["y"]
    canvas_of(page).hover()
    page.locator(".dc-toolbar").get_by_role("button", name=re.compile("undo", re.I)).click()
    empty.wait_for()
    assert canvas_of(page).bounding_box()["y"] == top, "the canvas moved"

    assert read(page, draw(page, ONE)) == 1
    draw(page, [(60, 280), (260, 280)])
    page.get_by_text(re.compile(r"^cropped: 2\d\dx2\d\d")).wait_for()
    page.get_by_role("button", name="Undo", exact=True).last.click()
    page.get_by_text(re.compile(r"^cropped: 2\d\dx\d\d$")).wait_for()
    page.get_by_role("button", name="Clear", exact=True).click()
    empty.wait_for()

    assert read(page, draw(page, ONE)) == 1
    go(page, "Dataset")
    go(page, "Draw")
    expect(page.get_by_role("heading", name="The network reads a 1")).to_be_visible()
    draw(page, [(60, 280), (260, 280)])  # the stroke joins the ones from before
    page.get_by_text(re.compile(r"^cropped: 2\d\dx2\d\d")).wait_for()
    label_it(page, 1)
    page.get_by_text(re.compile(r"of 2 correct")).wait_for()
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as a data set (zip)").click()
    assert download.value.suggested_filename == "my-digits.zip"


def test_a_page_of_digits_is_uploaded_and_read(app, page, trained, tmp_path):
    sample = load_dataset("sample")
    (tmp_path / "page.png").write_bytes(encode(page_of(sample.test_images[:12], 6)))
    (tmp_path / "text.png").write_bytes(b"no picture")
    page.goto(f"{app.url}/upload")
    page.get_by_text("No pictures yet").wait_for()
    page.locator("input[type=file]").set_input_files([tmp_path / "page.png", tmp_path / "text.png"])
    page.get_by_text("Found a text file, but expected a PNG, JPEG or WebP picture").wait_for()
    digits = page.locator('[role="img"][aria-label*="of page.png: predicted"]')
    expect(digits).to_have_count(12)
    labels = [int(re.search(r"predicted (\d)", digits.nth(n).get_attribute("aria-label"))[1]) for n in range(12)]
    assert sum(label == true for label, true in zip(labels, sample.test_labels[:12], strict=True)) >= 10
