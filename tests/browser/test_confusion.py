"""From a cell of the confusion table to its digits, to one digit and back, in a real browser."""

import re

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import evaluate
from mnist_core.jobs.start import start_run
from mnist_core.training.config import TrainingConfig
from tests.helpers import settle, wait

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser


def test_from_a_cell_to_its_digits_to_one_of_them(app, page, trained):
    sample = load_dataset("sample")
    confusion = evaluate(trained.load_network(), sample.test_images, sample.test_labels).confusion_matrix
    errors = confusion - confusion * (confusion.max(axis=1, keepdims=True) == confusion)
    true, predicted = divmod(int(errors.argmax()), 10)
    page.goto(f"{app.url}/evaluation")
    table = page.get_by_test_id("stDataFrame").first.locator("canvas").first
    table.wait_for()
    page.get_by_text(re.compile("^Images 1 to")).wait_for()
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    row_height, index_width = 35, box["width"] * 1.3 / 11.3
    x = box["x"] + index_width + (box["width"] - index_width) * (predicted + 0.5) / 10
    page.mouse.click(x, box["y"] + row_height * (true + 1.5))
    page.wait_for_url(re.compile(f"true={true}&pred={predicted}"))
    count = int(confusion[true, predicted])
    page.get_by_text(re.compile(f"^Images 1 to {min(count, 100)} of {count}:")).wait_for()
    tiles = page.get_by_role("button").filter(has=page.get_by_role("img", name=re.compile("^test image")))
    expect(tiles).to_have_count(count)
    expect(tiles.filter(has_text=f"{true} → {predicted}")).to_have_count(count)

    title = tiles.first.get_attribute("title")
    index = re.search(r"[\d,]+", title)[0]
    tiles.first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"Image {index} of the test set").wait_for()
    dialog.get_by_text("Nearest training images").wait_for()
    page.reload()
    page.get_by_role("dialog").get_by_text(f"Image {index} of the test set").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_function("!location.search.includes('digit=')")
    expect(tiles).to_have_count(count)


def test_a_click_in_the_gallery_of_a_run_that_trains_opens_the_image_clicked(app, page):
    config = TrainingConfig(epochs=10_000, learning_rate=0.02, rotation=5)
    run = wait(start_run(config, load_dataset("sample"), app.runs), until=lambda run: (run.path / "model.npz").exists())
    page.goto(f"{app.url}/evaluation?run={run.id}")
    tiles = page.get_by_role("button").filter(has=page.get_by_role("img", name=re.compile("^test image")))
    for position in (0, 7):
        tiles.nth(position).wait_for()
        settle(page)
        index = re.search(r"[\d,]+", tiles.nth(position).get_attribute("title"))[0]
        drawn = (run.path / "model.npz").stat().st_mtime_ns
        wait(run, until=lambda run, drawn=drawn: (run.path / "model.npz").stat().st_mtime_ns != drawn)
        tiles.nth(position).click()
        page.get_by_role("dialog").get_by_text(f"Image {index} of the test set").wait_for()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
