"""A real app and a real browser; the tests are skipped where one of them is missing."""

import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.runs.run import read_run
from mnist_core.training.config import PRESETS
from tests.browser.server import CHROMIUM_FLAGS, away_from_home, end_trainings, find_chromium, serve
from tests.helpers import wait

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


@pytest.fixture(scope="session")
def server(chromium, tmp_path_factory):
    """One server on the sample for all tests; see `app`."""
    with serve_sample(tmp_path_factory.mktemp("server")) as running:
        yield running


@contextmanager
def serve_sample(folder):
    """Serve the app on the sample, on one core: the browser needs one, too."""
    one_core = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    with serve(folder, **away_from_home(folder / "home"), **one_core) as running:
        yield running


@pytest.fixture
def app(server):
    """The server with no runs, whose log must stay free of tracebacks during the test."""
    written = server.log.stat().st_size
    yield server
    end_trainings(server.runs)
    shutil.rmtree(server.runs, ignore_errors=True)
    log = server.log.read_bytes()[written:].decode()
    assert "Traceback" not in log, log


@pytest.fixture
def fresh_app(chromium, tmp_path):
    """A server that nobody visited yet."""
    with serve_sample(tmp_path) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory):
    """Folder of a run that reads digits well, but not all of them."""
    config = replace(PRESETS["fast"].config, epochs=8)
    return wait(start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("trained"))).path


@pytest.fixture
def trained(app, trained_folder):
    """The trained run, among this test's runs."""
    return read_run(Path(shutil.copytree(trained_folder, app.runs / trained_folder.name)))


@pytest.fixture
def new_page(chromium, app):
    """A function that opens a tab in a browser of its own; none may see an error or ask another server for anything."""
    contexts, errors, outside = [], [], []

    def hear(message):
        if message.type == "error" and not PROBED_BY_STREAMLIT.search(message.location["url"]):
            errors.append(f"{message.text} ({message.location['url']})")

    def check(request):
        if not request.url.startswith(("http://localhost:", "data:", "blob:")):
            outside.append(request.url)

    def open_tab(width=1440, height=900):
        context = chromium.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        context.set_default_timeout(20_000)
        context.on("console", hear)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("request", check)
        return context.new_page()

    yield open_tab
    for context in contexts:
        context.close()
    assert outside == [], "the page asked another server"
    assert errors == []


@pytest.fixture
def page(new_page):
    """A tab of 1440x900."""
    return new_page()
