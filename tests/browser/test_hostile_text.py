"""Every page in Chromium, with hostile text in every field that a file, an address or a person can set.

A listener counts who is asked, and the page is searched for markup that the text became.
"""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run, read_run
from mnist_core.training.config import TrainingConfig
from pages.components.router import PAGES
from tests.helpers import encode, enlarged, settle
from tests.hostile_text import FOLDER_NAME, FOUND_IN_PAGE, address_names, hostile_parts, plant

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt")

pytestmark = pytest.mark.browser


@pytest.fixture
def listener():
    """A server beside the app, and the paths that somebody asked it for."""
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def plant_runs(app, trained, listener):
    """Make runs of a class room with one who wishes it ill: a trained one, another, a failed and a damaged one."""
    other = Path(shutil.copytree(trained.path, trained.path.with_name("20260101-000000-abcd")))
    failed = create_run(TrainingConfig(), load_dataset("sample"), app.runs)
    status = json.loads((failed.path / "status.json").read_text(encoding="utf-8"))
    write_json(failed.path / "status.json", {**status, "state": "failed"})
    damaged = create_run(TrainingConfig(), load_dataset("sample"), app.runs)
    for run in (trained.path, other, failed.path, damaged.path):
        plant(run, listener)
    everything = " ".join(hostile_parts(listener).values())
    damaged = damaged.path.rename(damaged.path.with_name(FOLDER_NAME))
    (damaged / "config.json").write_text(json.dumps({"created": everything, "training": {everything: 1}}))
    return trained, read_run(other), read_run(damaged)


def look(page, url, *expected):
    """Open a page, wait until it is drawn, and search it."""
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for()
    settle(page)
    search(page, *expected)


def search(page, *expected):
    """Nothing on the page became markup, and a person reads the expected texts."""
    assert page.evaluate(FOUND_IN_PAGE) == []
    text = page.inner_text("body").replace("\N{WORD JOINER}", "")
    for part in expected:
        assert part in text


def test_no_text_of_a_file_or_an_address_becomes_markup(app, page, trained, listener, tiny_folder, tmp_path):
    address, asked = listener
    parts = hostile_parts(address)
    everything = " ".join(parts.values())
    run, other, damaged = plant_runs(app, trained, address)
    in_the_address = urlencode(dict.fromkeys(set(address_names()) - {"data", "run", "runs"}, everything))
    for info in PAGES:
        quiet = ("overview", "draw", "label_issues", "your_code", "class_grades")
        said = () if info.file in quiet else (parts["image"], parts["address"])
        runs = urlencode({"run": run.id, "runs": f"{run.id},{other.id},{everything}"})
        look(page, f"{app.url}/{info.url_path}?{runs}&{in_the_address}", *said)
    digit = encode(enlarged(load_dataset("sample").test_images[0]))
    pictures = [(f"{everything}.png", digit), (f"{everything}.jpg", b"x")]
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in pictures]
    )
    page.get_by_role("heading", name="All images").wait_for()
    settle(page)
    search(page, *(f"{part}" for part in parts.values()))
    look(page, f"{app.url}/?{urlencode({'data': everything})}", parts["image"])
    look(page, f"{app.url}/training", parts["html"])  # of the run that failed
    look(page, f"{app.url}/runs?{urlencode({'runs': damaged.id})}")
    folder = shutil.copytree(tiny_folder(), tmp_path / FOLDER_NAME)
    look(page, f"{app.url}/dataset?{urlencode({'data': str(folder)})}", FOLDER_NAME)
    assert asked == []
