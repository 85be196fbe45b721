"""Text from outside in every Streamlit element that interprets Markdown: Chromium shows it, and makes nothing of it."""

import re

import pytest

from tests.browser.server import serve
from tests.helpers import settle
from tests.hostile_text import HOSTILE

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt")

pytestmark = pytest.mark.browser

LOOK = """() => [...document.querySelectorAll('[class*=st-key-shown-]')].map(box => [
    [...box.classList].find(name => name.startsWith('st-key-shown-')).slice('st-key-shown-'.length),
    box.textContent,
    [...box.querySelectorAll('a, img, b, strong, em, del, code, h1, h2, h3, h4, li, hr, blockquote, script, sup, '
        + '.katex, span[role=img], [class*=stMarkdownColored], [class*=stMarkdownBadge], br')]
        .filter(node => !node.closest('[data-testid=stIconMaterial], [data-testid=stExpanderToggleIcon]'))
        .map(node => node.tagName.toLowerCase())])"""
DRAWN = "[...document.querySelectorAll('[class*=st-key-shown-]')].every(box => box.textContent.trim())"
OWN_MARKUP = {
    "picture": ["img"],
    "code": ["code"],
    "bold": ["strong"], "badge": ["span"], "beside_emoji": ["span"], "page_link": ["a"], "title": ["h1"],
    "subheader": ["h3"],
}  # fmt: skip
EXPECTED = {"all": " · ".join(HOSTILE.values()), **{kind.replace(" ", "-"): text for kind, text in HOSTILE.items()}}
"""Texts by the class that Streamlit makes of the key of their container."""


def in_one_line(text):
    return " ".join(text.replace("\N{WORD JOINER}", "").replace("\r", "").split())


def test_every_element_shows_text_from_outside_as_it_is(chromium, tmp_path):
    asked = []
    with serve(tmp_path, script="tests/browser/every_element.py") as app:
        page = chromium.new_page(viewport={"width": 1440, "height": 30_000})  # what is out of sight is not drawn
        page.on("request", lambda request: asked.append(request.url))
        page.goto(app.url)
        page.get_by_text("The end").wait_for()
        settle(page)
        page.wait_for_function(DRAWN)
        boxes = page.evaluate(LOOK)
        page.get_by_role("button", name="Open dialog").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("in the dialog").wait_for()
        assert in_one_line(HOSTILE["link"]) in in_one_line(dialog.text_content())
        assert dialog.locator("a").count() == page.get_by_test_id("stToast").locator("a").count() == 0
        page.close()
    assert len(boxes) > 3 * len(HOSTILE)
    for key, text, markup in boxes:
        element, kind = key.split("-", 1)
        if kind == "raw":
            assert "em" in markup, f"{element} does not interpret Markdown"
        else:
            expected = in_one_line(EXPECTED[kind])
            assert (f"{expected} · {expected}" if element == "code" else expected) in in_one_line(text), key
            assert markup == OWN_MARKUP.get(element, []), f"{key}: {text}"
    assert [url for url in asked if not re.match("http://localhost:|data:|blob:", url)] == []
