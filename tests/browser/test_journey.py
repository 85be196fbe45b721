"""The journey of a person through the real app, in a real browser."""

import re

import pytest

from mnist_core.runs.run import find_run, list_runs
from pages.components.router import PAGES
from tests.helpers import go, set_number, settle

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser
PROGRESS = re.compile(r"^After epoch (\d+)")


def epochs_shown(page):
    """Number behind 'After epoch' under the curves."""
    return int(PROGRESS.match(page.get_by_text(PROGRESS).inner_text())[1])


def wait_for_more(page, epochs):
    """Wait until the curves go on beyond ``epochs``; return how far."""
    page.wait_for_function(
        """epochs => [...document.querySelectorAll('p')].some(p => {
               const found = p.innerText.match(/^After epoch (\\d+)/); return found && Number(found[1]) > epochs; })""",
        arg=epochs,
    )
    return epochs_shown(page)


def stop_button(page):
    """The button that only a run under way has."""
    return page.get_by_role("button", name="Stop", exact=True)


def test_from_the_data_to_the_mistakes(app, page):
    page.goto(app.url)
    page.get_by_role("heading", name="Learn neural networks on MNIST").wait_for()
    page.get_by_text("In use: MNIST (sample of 6,000)").wait_for()
    page.get_by_role("button", name="Start with the data").click()

    page.get_by_role("heading", name="Dataset", level=1).wait_for()
    caption = page.get_by_text(re.compile(r"^Image [\d,]+ of the training set"))
    picture = page.get_by_test_id("stImage").locator("img").first
    text, source = caption.inner_text(), picture.get_attribute("src")
    page.get_by_role("button", name="Random image").click()
    expect(caption).not_to_have_text(text)
    expect(picture).not_to_have_attribute("src", source)
    index = re.search(r"[\d,]+", caption.inner_text())[0].replace(",", "")
    index_field = page.get_by_label(re.compile("^Index"))
    expect(index_field).to_have_value(index)

    go(page, "Preprocessing")
    expect(index_field).to_have_value(index)
    page.get_by_text("28x28 → 784").wait_for()

    go(page, "Training")
    page.get_by_text("784-128-64-10").first.wait_for()
    set_number(page, "Epochs", 3)
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(re.compile(r"% accuracy on the test set of MNIST \(sample of 6,000\)")).wait_for()
    page.get_by_text(re.compile(r"^After epoch 3\b")).wait_for()  # drawn after the score
    page.get_by_role("button", name="See its errors").click()

    page.get_by_role("heading", name="Evaluation", level=1).wait_for()
    assert f"run={find_run('latest', app.runs).id}" in page.url
    mistakes = page.locator('[role="img"][aria-label^="test image"]')
    mistakes.first.wait_for()
    page.get_by_role("combobox", name=re.compile("True label")).click()
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    captions = page.locator('[role="img"][aria-label^="test image"] + div')
    page.get_by_text(re.compile(r"^Images 1 to \d+ of")).wait_for()
    expect(captions.filter(has_not_text=re.compile("^8 → "))).to_have_count(0)
    assert captions.count() == mistakes.count() > 0


def test_a_run_is_watched_left_found_again_stopped_and_lost(app, page):
    page.goto(app.url)
    page.get_by_role("heading", level=1).wait_for()
    go(page, "Training")
    set_number(page, "Epochs", 5000)
    set_number(page, "Batch size (images)", 16)
    page.get_by_role("button", name="Start training").click()
    stop_button(page).wait_for()
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(2)
    for chart in charts.all():
        chart.locator("svg path, canvas").first.wait_for(state="attached")

    # From before the first epoch on, the page is not loaded again, nothing jumps, no chart is taken out or blank.
    page.evaluate(
        """() => {
            window.charts = [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')];
            window.frames_seen = window.frames_bad = 0;
            const whole = chart => chart.isConnected && chart.offsetHeight > 200 &&
                chart.querySelector('svg path, canvas');
            (function look() {
                window.frames_seen += 1;
                window.frames_bad += window.charts.every(whole) ? 0 : 1;
                requestAnimationFrame(look);
            })();
        }"""
    )
    page.get_by_text(PROGRESS).wait_for()
    main = page.get_by_test_id("stMain")
    main.evaluate("node => node.scrollTo(0, 200)")
    done = epochs_shown(page)
    for _ in range(2):
        done = wait_for_more(page, done)
    assert page.evaluate("window.charts?.length") == 2, "the page was loaded again"
    assert page.evaluate("window.frames_seen") > 0
    assert page.evaluate("window.frames_bad") == 0, "a chart was taken out, shrunk or emptied while it was updated"
    assert main.evaluate("node => node.scrollTop") == 200

    go(page, "Dataset")
    go(page, "Training")
    stop_button(page).wait_for()
    assert wait_for_more(page, done) > done
    page.reload()
    stop_button(page).wait_for()
    second = page.context.new_page()
    second.goto(f"{app.url}/training")
    stop_button(second).click()
    for tab in (second, page):
        tab.get_by_role("button", name="See its errors").wait_for()
        expect(tab.locator(".stMarkdownBadge", has_text="stopped")).to_be_visible()
    second.close()
    assert [run.status.state for run in list_runs(app.runs)] == ["stopped"]

    page.get_by_role("button", name="Start training").click()
    stop_button(page).wait_for()
    lost = find_run("latest", app.runs)
    lost.path.rename(app.runs.parent / "gone")  # in one step, while its worker writes
    page.get_by_text(re.compile(f"[Nn]o run '{lost.id}'")).first.wait_for()


def test_the_first_visit_of_a_fresh_server_may_be_any_page(fresh_app, page):
    page.goto(f"{fresh_app.url}/training")
    page.get_by_role("heading", name="Training", level=1).wait_for()
    page.get_by_text("No run yet").wait_for()
    links = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    assert [link.split("\n")[-1] for link in links] == [info.title for info in PAGES]
    expect(page).to_have_title("MNIST in NumPy")


def test_every_page_fits_a_phone(app, page, trained):
    page.set_viewport_size({"width": 390, "height": 844})
    for title, url_path in ((info.title, info.url_path) for info in PAGES):
        page.goto(f"{app.url}/{url_path}")
        page.get_by_role("heading", level=1).wait_for()
        if title == "Training":
            page.get_by_role("button", name="See its errors").wait_for()
        if title == "Evaluation":
            page.get_by_text(re.compile("^Images 1 to")).wait_for()
        if title == "Inside":
            page.get_by_text("Each column is a histogram").wait_for()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, title
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth"), title
