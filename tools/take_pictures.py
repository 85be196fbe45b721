"""Make the pictures of the README: python -m tools.take_pictures"""

import io
import math
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.grading import submissions
from mnist_core.assignment.starter import solution
from mnist_core.data.dataset import find_full
from mnist_core.jobs.start import start_run
from mnist_core.runs.about import About
from mnist_core.runs.run import list_runs
from mnist_core.training.config import PRESETS
from tests.browser.server import CHROMIUM_FLAGS, App, find_chromium, serve

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WIDTH = 960
STUDENTS = ("Amal", "Bruno", "Chen", "Dana", "Emil", "Fatou", "Goran", "Hana", "Idris", "Jonas", "Kofi", "Lena")


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
    page.get_by_role("button", name="See its errors").wait_for(timeout=300_000)
    (reference,) = list_runs(app.runs)
    fast = start_run(PRESETS["fast"].config, reference.dataset, app.runs)
    while fast.refresh().status.active:
        page.wait_for_timeout(500)
    reference.describe(About.of("Reference recipe"))
    fast.describe(About.of("Fast preset", tags=("ReLU", "AdamW")))
    pages = (
        "", "dataset", "preprocessing", "step_by_step?step=2", f"runs?runs={reference.id},{fast.id}",
        f"evaluation?run={reference.id}", f"inside?run={fast.id}",
    )  # fmt: skip
    for address in pages:
        page.goto(f"{app.url}/{address}")
        page.get_by_role("heading", level=1).wait_for()
        take(page, address.split("?")[0] or "overview")
    check_a_mistake(page, app)
    grade_a_class(page, app)
    draw_a_three(page, app, fast.id)
    check_the_labels(page, app, fast.id)


def check_a_mistake(page: Page, app: App) -> None:
    """Check a file that forgets to divide by N, and show its numbers."""
    path = app.runs.parent / "my_network.py"
    path.write_text(solution().replace("(a - y) / len(x)", "(a - y)"), encoding="utf-8")
    page.goto(f"{app.url}/your_code")
    field = page.get_by_label("Path of your file")
    field.fill(str(path))
    field.press("Enter")
    page.get_by_role("button", name="Show the hint").click()
    page.get_by_text("The numbers").click()
    page.get_by_text("Blue is below 0").wait_for()
    page.get_by_text(re.compile(r"back_propagate\s*·\s*wrong")).evaluate("node => node.scrollIntoView()")
    page.get_by_test_id("stMain").evaluate("node => node.scrollBy(0, -90)")
    take(page, "your_code")


def grade_a_class(page: Page, app: App) -> None:
    """Grade a small class, and show its grades and what it finds hard."""
    folder = app.runs.parent / "submissions"
    folder.mkdir()
    for student, text in zip(STUDENTS, submissions(len(STUDENTS)), strict=True):
        (folder / f"{student}.py").write_text(text, encoding="utf-8")
    page.goto(f"{app.url}/class_grades")
    field = page.get_by_label("Folder of the submissions")
    field.fill(str(folder))
    field.press("Enter")
    page.get_by_role("button", name="Grade", exact=True).click()
    page.get_by_role("heading", name="The first step that fails").wait_for(timeout=300_000)
    page.get_by_test_id("stDataFrame").first.evaluate("node => node.scrollIntoView()")
    take(page, "class")


def draw_a_three(page: Page, app: App, run: str) -> None:
    """Draw on the canvas as a hand would."""
    page.goto(f"{app.url}/draw?run={run}")
    canvas = page.locator("canvas.upper-canvas")
    canvas.wait_for()
    page.wait_for_timeout(1000)
    box = canvas.bounding_box()
    bows = [(160 + 70 * math.cos(t / 10), 105 + 55 * math.sin(t / 10)) for t in range(-25, 16)]
    bows += [(160 + 80 * math.cos(t / 10), 220 + 62 * math.sin(t / 10)) for t in range(-15, 26)]
    page.mouse.move(box["x"] + bows[0][0], box["y"] + bows[0][1])
    page.mouse.down()
    for x, y in bows:
        page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.up()
    page.get_by_role("heading", name=re.compile("^The network reads")).wait_for()
    take(page, "draw")


def check_the_labels(page: Page, app: App, run: str) -> None:
    """Check the labels of a run, and lay the label issues on the desk."""
    page.goto(f"{app.url}/label_issues?run={run}")
    page.get_by_role("button", name="Check the labels").click()
    page.get_by_text(re.compile("^The network disagrees with")).wait_for(timeout=600_000)
    take(page, "label_issues")
    page.get_by_role("button", name=re.compile("^Decide on")).click()
    page.get_by_text("The keys are on.").wait_for()
    take(page, "label_desk")


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
