"""The address of a page is a link: in another browser it opens the same view."""

import re

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.training.config import TrainingConfig
from tests.helpers import settle, wait

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser


@pytest.fixture
def newest(trained, app):
    """A newer run than the trained one: what pages show without a link."""
    return wait(start_run(TrainingConfig(epochs=1), load_dataset("sample"), app.runs))


def segment(page, name):
    """A choice of a segmented control, which Streamlit draws as a radio or as a button."""
    return page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first


def is_chosen(element):
    """Whether a segment is the chosen one."""
    return element.evaluate(
        "node => node.getAttribute('aria-checked') === 'true' || node.getAttribute('aria-pressed') === 'true'"
        " || (node.dataset.testid ?? '').endsWith('Active')"
    )


def choose_run(page, run):
    """Choose a run in the picker of a page."""
    page.get_by_test_id("stSelectbox").first.get_by_role("combobox").click()
    page.get_by_role("option").filter(has_text=f"{run.status.test_accuracy:.2%}").click()
    page.wait_for_url(re.compile(f"run={run.id}"))
    settle(page)


def in_another_browser(page, new_page):
    """The same address in a browser that was never here."""
    settle(page)
    other = new_page()
    other.goto(page.url)
    other.get_by_role("heading", level=1).wait_for()
    settle(other)
    return other


def test_a_link_to_the_training_shows_its_run_chart_and_scale(app, page, new_page, trained, newest):
    page.goto(f"{app.url}/training")
    page.get_by_text(re.compile("^After epoch 1:")).wait_for()
    choose_run(page, trained)
    page.get_by_text("Log scale").click()
    page.wait_for_url(re.compile("log=yes"))
    other = in_another_browser(page, new_page)
    other.get_by_text(re.compile("^After epoch 8:")).wait_for()
    expect(other.get_by_role("switch", name="Log scale").or_(other.get_by_label("Log scale")).first).to_be_checked()

    segment(page, "Layers").click()
    page.wait_for_url(re.compile("chart=Layers"))
    other = in_another_browser(page, new_page)
    other.get_by_text(re.compile("gradients vanish")).first.wait_for()
    assert is_chosen(segment(other, "Layers"))


def test_a_link_to_the_evaluation_shows_its_cells_and_filters(app, page, new_page, trained, newest):
    page.goto(f"{app.url}/evaluation?run={trained.id}")
    page.get_by_text("Errors only").click()
    page.wait_for_url(re.compile("errors=yes"))
    segment(page, "row %").click()
    page.wait_for_url(re.compile("cells="))
    settle(page)
    page.get_by_role("combobox", name=re.compile("True label")).click()
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("true=8"))
    captions = '[role="img"][aria-label^="test image"] + div'
    expect(page.locator(captions).filter(has_not_text=re.compile("^8 → "))).to_have_count(0)
    settle(page)
    other = in_another_browser(page, new_page)
    expect(other.get_by_label("Errors only").first).to_be_checked()
    assert is_chosen(segment(other, "row %"))
    expect(other.locator(captions).first).to_be_visible()
    assert other.locator(captions).all_inner_texts() == page.locator(captions).all_inner_texts()

    page.get_by_role("button").filter(has=page.get_by_role("img", name=re.compile("^test image"))).first.click()
    page.wait_for_url(re.compile("digit="))
    opened = page.get_by_role("dialog").get_by_text(re.compile(r"^Image [\d,]+ of the test set")).inner_text()
    other = in_another_browser(page, new_page)
    assert other.get_by_role("dialog").get_by_text(re.compile(r"^Image [\d,]+ of the test set")).inner_text() == opened


def test_a_link_to_the_inside_shows_its_digit_layer_and_unit(app, page, new_page, trained, newest):
    page.goto(f"{app.url}/inside?run={trained.id}&layer=2&unit=40&digit=17&values=activations")
    page.get_by_text(re.compile("^Unit 40 of layer 2 on")).wait_for()
    unit = page.get_by_label(re.compile("^Unit"))
    unit.fill("41")
    unit.press("Enter")
    page.wait_for_url(re.compile("unit=41"))
    page.get_by_text(re.compile("^Unit 41 of layer 2 on")).wait_for()
    other = in_another_browser(page, new_page)
    other.get_by_text(re.compile("^Unit 41 of layer 2 on")).wait_for()
    other.get_by_text(re.compile("^Test image 17 is")).wait_for()
    expect(other.get_by_role("spinbutton", name=re.compile("^Test image"))).to_have_value("17")
    assert is_chosen(segment(other, "activations"))


def test_a_link_to_the_runs_shows_their_comparison(app, page, new_page, trained, newest):
    page.goto(f"{app.url}/runs?runs={trained.id},{newest.id}")
    page.get_by_role("heading", name=re.compile("^2 ")).wait_for()
    segment(page, "By time").click()
    page.wait_for_url(re.compile("axis=By"))
    page.get_by_label("Filter").fill("relu")
    page.get_by_label("Filter").press("Enter")
    page.wait_for_url(re.compile("filter=relu"))
    other = in_another_browser(page, new_page)
    other.get_by_role("heading", name=re.compile("^2 ")).wait_for()
    expect(other.get_by_label("Filter")).to_have_value("relu")
    assert is_chosen(segment(other, "By time"))
    other.get_by_text("Time is training time").wait_for()


def test_a_choice_survives_other_pages_and_comes_back_into_the_address(app, page, trained, newest):
    page.goto(f"{app.url}/inside?run={trained.id}&layer=2&unit=40")
    page.get_by_text(re.compile("^Unit 40 of layer 2 on")).wait_for()
    for title in ("Dataset", "Inside"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        page.get_by_role("heading", name=title, level=1).wait_for()
        settle(page)
        assert ("unit=40" in page.url) == (title == "Inside")
    page.get_by_text(re.compile("^Unit 40 of layer 2 on")).wait_for()
    assert f"run={trained.id}" in page.url
