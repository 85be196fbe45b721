"""A real app and a real browser; the tests are skipped where one of them is missing."""

import pytest

from tests.browser.server import CHROMIUM_FLAGS, find_chromium, serve


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
    """Address of a fresh server on the sample, whose log must stay free of tracebacks."""
    nothing = str(tmp_path / "cache")
    with serve(tmp_path, MNIST_DATA_DIR="", XDG_CACHE_HOME=nothing, LOCALAPPDATA=nothing) as (url, log):
        yield url
        assert "Traceback" not in log.read_text()


@pytest.fixture
def page(chromium):
    """A new tab of 1440x900 that must see no errors on its console."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    tab = context.new_page()
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert errors == []
