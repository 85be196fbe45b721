"""Inside in a real browser: the map shows the picture of a digit, and another digit is another drawing."""

import re

import pytest

from tests.helpers import settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser


def test_a_pointer_over_the_map_shows_the_digit(app, page, trained):
    page.goto(f"{app.url}/inside?run={trained.id}")
    page.get_by_text("test images along the first two principal components of the 64 units").wait_for()
    settle(page)
    chart = page.get_by_test_id("stVegaLiteChart").nth(2)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    picture = page.locator("#vg-tooltip-element img")
    for share in range(15, 90):
        page.mouse.move(box["x"] + box["width"] * share / 100, box["y"] + box["height"] * 0.5)
        page.wait_for_timeout(60)
        if picture.count() and picture.is_visible():
            break
    expect(picture).to_be_visible()
    assert picture.evaluate("node => node.complete && node.naturalWidth") == 84
    assert re.search(r"label\s+\d\s+predicted\s+\d", page.locator("#vg-tooltip-element").inner_text())
    page.mouse.move(5, 5)

    verdict = page.get_by_text(re.compile(r"^Test image \d+ is classified as"))
    page.get_by_role("button", name="Random error").click()
    expect(verdict).to_have_text(re.compile("but its label is"))
    expect(page.get_by_role("spinbutton", name=re.compile("^Test image"))).not_to_have_value("0")
