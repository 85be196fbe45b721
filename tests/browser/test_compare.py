"""Runs beside one another in a real browser: chosen by clicks, named, deleted, taken away and brought back."""

import re

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.runs.about import About
from mnist_core.runs.run import find_run, list_runs
from mnist_core.training.config import TrainingConfig
from tests.helpers import go, settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser
HEADER, ROW = 36, 35
"""Heights in the table, which is a canvas."""


@pytest.fixture
def two_runs(app, wait_for_end):
    """Two finished runs, the newest first."""
    configs = (TrainingConfig(epochs=2, validation_fraction=0.1), TrainingConfig(epochs=3, activation="relu"))
    for config, name in zip(configs, ("sigmoid net", "ReLU net"), strict=True):
        wait_for_end(start_run(config, load_dataset("sample"), app.runs)).describe(About.of(name))
    return list_runs(app.runs)


@pytest.fixture
def wait_for_end(page):
    """A function that waits until a run is no longer under way."""

    def wait(run):
        for _ in range(300):
            if not run.status.active:
                return run
            page.wait_for_timeout(100)
            run = run.refresh()
        raise AssertionError(run.status)

    return wait


def tick(page, row):
    """Click the box of a row of the table."""
    page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller").click(
        position={"x": 22, "y": HEADER + ROW * row + ROW // 2}
    )
    settle(page)


def test_two_runs_are_chosen_and_compared(app, page, two_runs):
    page.goto(app.url)
    page.get_by_role("heading", level=1).wait_for()
    go(page, "Runs")
    page.get_by_text("Select one or more rows").wait_for()
    tick(page, 1)
    page.get_by_role("heading", name="1 run selected").wait_for()
    tick(page, 0)
    page.get_by_role("heading", name="2 runs selected").wait_for()
    assert page.url.endswith(f"runs={two_runs[1].id}%2C{two_runs[0].id}")
    look_at_comparison(page)

    page.reload()
    page.get_by_role("heading", name="2 runs selected").wait_for()
    look_at_comparison(page)
    page.get_by_role("radio", name="By time").or_(page.get_by_role("button", name="By time")).click()
    page.get_by_text("Time is training time").wait_for()
    tick(page, 0)  # the boxes are those of before
    page.get_by_role("heading", name="1 run selected").wait_for()
    assert page.url.endswith(f"runs={two_runs[1].id}&axis=By+time")


def look_at_comparison(page):
    """Curves of both, and the digits that only one gets right."""
    page.get_by_text("McNemar's test (1947), exact binomial").wait_for()
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(2)
    for chart in charts.all():
        expect(chart.locator("svg, canvas").first).to_be_visible()
    digits = page.locator('[role="img"][aria-label^="test image"]')
    digits.first.wait_for()
    assert digits.count() > 5
    expect(page.get_by_text(re.compile("^sigmoid net correct, ReLU net wrong: "))).to_be_visible()
    expect(page.get_by_text(re.compile("^ReLU net correct, sigmoid net wrong: "))).to_be_visible()


def test_a_run_is_named_deleted_brought_back_and_taken_elsewhere(app, page, two_runs, tmp_path):
    newest = two_runs[0]
    page.goto(f"{app.url}/runs?runs={newest.id}")
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("my best")
    dialog.get_by_label("Note").fill("for the lesson")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    page.get_by_text("for the lesson").wait_for()
    assert find_run(newest.id, app.runs).about == About.of("my best", "for the lesson")

    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    zip_file = tmp_path / download.value.suggested_filename
    assert zip_file.name == f"run-{newest.id}.zip"
    download.value.save_as(zip_file)

    page.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("removed for good when you leave this page").wait_for()
    expect(dialog).to_have_count(0)
    assert [run.id for run in list_runs(app.runs)] == [two_runs[1].id]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert len(list_runs(app.runs)) == 2

    page.get_by_role("button", name="Delete", exact=True).click()  # it is chosen again
    dialog.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("removed for good when you leave this page").wait_for()
    go(page, "Dataset")
    assert not list((app.runs / ".trash").iterdir())
    go(page, "Runs")
    page.get_by_role("button", name="Import a run").click()
    page.locator('input[type="file"]').set_input_files(zip_file)
    page.get_by_text(f"Imported run {newest.id}").wait_for()
    page.get_by_text("for the lesson").wait_for()
    assert find_run(newest.id, app.runs).about.name.plain == "my best"
