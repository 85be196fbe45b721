"""Make the pictures of the README: python -m tests.browser.take_pictures"""

import io
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from mnist_core import jobs
from mnist_core.config import PRESETS
from mnist_core.dataset import find_full
from mnist_core.runs import About, list_runs
from tests.browser.server import CHROMIUM_FLAGS, App, find_chromium, serve

PICTURES = Path(__file__).parent / "pictures"
WIDTH = 960


def take(page: Page, name: str) -> None:
    """Save what the tab shows, small."""
    page.wait_for_timeout(1500)  # fonts and charts
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    PICTURES.mkdir(exist_ok=True)
    picture.quantize(128).save(PICTURES / f"{name}.png", optimize=True)
    print(f"{name}.png, {(PICTURES / f'{name}.png').stat().st_size / 1000:.0f} kB")


def walk(page: Page, app: App) -> None:
    """Train the reference network and the fast preset, and take a picture of each page."""
    page.goto(f"{app.url}/training")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(re.compile(r"^After epoch [3-6]\d")).wait_for(timeout=300_000)
    take(page, "training")
    page.get_by_role("button", name="What does it get wrong?").wait_for(timeout=300_000)
    (reference,) = list_runs(app.runs)
    fast = jobs.start(PRESETS["fast"], reference.dataset, app.runs)
    while fast.refresh().status.active:
        page.wait_for_timeout(500)
    reference.describe(About("Reference recipe"))
    fast.describe(About("Fast preset", tags=("ReLU", "AdamW")))
    pages = ("", "dataset", "preprocessing", f"runs?runs={reference.id},{fast.id}", f"evaluation?run={reference.id}")
    for address in pages:
        page.goto(f"{app.url}/{address}")
        page.get_by_role("heading", level=1).wait_for()
        take(page, address.split("?")[0] or "overview")


def main() -> None:
    """Serve the app with the full data, if it is there, and drive a browser."""
    found = find_full()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        home = Path(folder, "mnist")
        if found:
            home.symlink_to(found)  # so that the picture shows ~/mnist
        environment = {"MNIST_DATA_DIR": str(home) if found else "", "HOME": folder}
        with serve(Path(folder), **environment) as app:
            browser = driver.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            walk(page, app)
            browser.close()


if __name__ == "__main__":
    main()
