"""A real app and a real browser; the tests are skipped where one of them is missing."""

import re

import pytest

from tests.browser.server import CHROMIUM_FLAGS, away_from_home, find_chromium, serve

PROBED_BY_STREAMLIT = re.compile(r"/\w+/_stcore/(health|host-config)$|/media/\w+\.png$")
"""Streamlit looks for the server below the path of the page first, where it is not, and says so on the console; and it
forgets a picture as soon as the page is left, which may be before the browser asked for it."""


@pytest.fixture(scope="session")
def chromium():
    """Headless Chromium, driven by Playwright."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
    )
    path = find_chromium()
    if not path:
        pytest.skip("needs Chromium or Chrome on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def app(chromium, tmp_path):
    """A fresh server on the sample, whose log must stay free of tracebacks."""
    one_core = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # the browser needs one, too
    with serve(tmp_path, **away_from_home(tmp_path / "home"), **one_core) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


@pytest.fixture
def page(chromium, app):
    """A new tab of 1440x900; neither it nor its siblings may see an error, or ask another server for anything."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    errors, outside = [], []

    def hear(message):
        if message.type == "error" and not PROBED_BY_STREAMLIT.search(message.location["url"]):
            errors.append(f"{message.text} ({message.location['url']})")

    def look(request):
        if not request.url.startswith((app.url, "data:", "blob:")):
            outside.append(request.url)

    context.on("console", hear)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("request", look)
    yield context.new_page()
    context.close()
    assert outside == [], "the page looked outside"
    assert errors == []
