"""Step by step in a real browser: from the first step to the last, and back."""

import pytest

from tests.helpers import settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser
STEPS = 9


def test_next_leads_to_the_end_and_on_to_the_training(app, page):
    page.goto(f"{app.url}/step_by_step")
    next_step = page.get_by_role("button", name="Next step")
    for step in range(1, STEPS + 1):
        page.get_by_text(f"Step {step} of {STEPS}").wait_for()
        page.get_by_role("heading", level=3, name=f"{step} · ").wait_for()
        settle(page)
        expect(page.locator(".katex-display").first).to_be_visible()
        assert page.locator(".katex-error").count() == 0
        assert (f"step={step}" in page.url) == (step > 1)
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth"), step
        if step < STEPS:
            next_step.click()
    expect(next_step).to_be_disabled()
    page.get_by_text("They agree: the largest relative error").wait_for()

    page.reload()
    page.get_by_text(f"Step {STEPS} of {STEPS}").wait_for()
    page.get_by_role("button", name="Back").click()
    page.get_by_text(f"Step {STEPS - 1} of {STEPS}").wait_for()
    page.get_by_text("9 Check", exact=True).click()
    page.get_by_role("link", name="Next: train a network").click()
    page.get_by_role("heading", name="Training", level=1).wait_for()
    assert "step=" not in page.url


def test_every_step_fits_a_phone(app, page):
    page.set_viewport_size({"width": 390, "height": 844})
    for step in range(1, STEPS + 1):
        page.goto(f"{app.url}/step_by_step?step={step}")
        page.get_by_text(f"Step {step} of {STEPS}").wait_for()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, step
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth"), step
