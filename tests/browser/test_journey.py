"""The journey of a person through the real app, in a real browser."""

import re
import shutil

import pytest

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

pytestmark = pytest.mark.browser
PAGES = ("Overview", "Dataset", "Preprocessing", "Training", "Evaluation")


def go(page, title):
    """Follow a link of the sidebar."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    page.get_by_role("heading", name=title, level=1).wait_for()


def set_number(page, label, value):
    """Type into an exact number field, and wait until the app took it."""
    field = page.get_by_label(f"{label}, exactly")
    field.fill(str(value))
    field.press("Enter")
    settle(page)


def settle(page):
    """Wait until the app is not running a script."""
    page.wait_for_timeout(150)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def epochs_shown(page):
    """Number behind 'After epoch' under the curves."""
    text = page.get_by_text(re.compile(r"^After epoch \d+")).inner_text()
    return int(re.search(r"\d+", text)[0])


def test_from_the_data_to_the_mistakes(app, page):
    page.goto(app)
    page.get_by_role("heading", name="Learn neural networks on MNIST").wait_for()
    page.get_by_text("In use: MNIST (sample of 5,000)").wait_for()
    page.get_by_role("button", name="Start with the data").click()

    page.get_by_role("heading", name="Dataset", level=1).wait_for()
    shown = page.get_by_text(re.compile(r"^Image [\d,]+ of the training set"))
    before = shown.inner_text()
    page.get_by_role("button", name="Another one at random").click()
    page.wait_for_function(
        "before => ![...document.querySelectorAll('p')].some(p => p.innerText.startsWith(before))", arg=before[:-20]
    )
    index = re.search(r"[\d,]+", shown.inner_text())[0].replace(",", "")
    index_field = page.get_by_label(re.compile("^Index"))
    expect(index_field).to_have_value(index)

    go(page, "Preprocessing")
    expect(index_field).to_have_value(index)
    page.get_by_text("28 x 28 → 784").wait_for()

    go(page, "Training")
    page.get_by_text("784-128-64-10").first.wait_for()
    set_number(page, "Epochs", 3)
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(re.compile(r"% accuracy on the test set of MNIST \(sample of 5,000\)")).wait_for()
    assert epochs_shown(page) == 3
    page.get_by_role("button", name="What does it get wrong?").click()

    page.get_by_role("heading", name="Evaluation", level=1).wait_for()
    assert "run=" in page.url
    tiles = page.locator('[role="img"][aria-label^="test image"]')
    tiles.first.wait_for()
    page.get_by_role("combobox", name=re.compile("True label")).click()
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    page.wait_for_function(
        """() => { const all = [...document.querySelectorAll('[role="img"][aria-label^="test image"]')];
                   return all.length > 0 && all.every(tile => tile.ariaLabel.includes('true label 8,')); }"""
    )


def test_a_run_is_watched_left_found_again_stopped_and_lost(app, page, tmp_path):
    page.goto(f"{app}/training")  # the first address that this fresh server is asked for
    page.get_by_text("No run yet").wait_for()
    links = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    assert [link.split("\n")[-1] for link in links] == list(PAGES)
    set_number(page, "Epochs", 5000)
    set_number(page, "Batch size (images)", 16)
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(re.compile(r"^After epoch \d+")).wait_for()

    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.evaluate("node => { node.isTheSame = true }")
    main = page.get_by_test_id("stMain")
    main.evaluate("node => node.scrollTo(0, 200)")
    seen = [epochs_shown(page)]
    for _ in range(2):
        page.wait_for_function(
            """last => [...document.querySelectorAll('p')].some(p => {
                   const found = p.innerText.match(/^After epoch (\\d+)/); return found && Number(found[1]) > last; })""",
            arg=seen[-1],
        )
        seen.append(epochs_shown(page))
    assert seen == sorted(set(seen))
    assert chart.evaluate("node => node.isTheSame === true"), "the chart was taken out and drawn anew"
    assert main.evaluate("node => node.scrollTop") == 200

    go(page, "Dataset")
    go(page, "Training")
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    page.reload()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    tab = page.context.new_page()
    tab.goto(f"{app}/training")
    tab.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="What does it get wrong?").wait_for()
    page.locator(".stMarkdownBadge", has_text="stopped").wait_for()

    page.get_by_role("button", name="Start training").click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if path.name in page.url)
    shutil.rmtree(folder, ignore_errors=True)
    page.get_by_text(f"No run '{folder.name}' in").wait_for()


def test_every_page_fits_a_phone(app, page):
    page.set_viewport_size({"width": 390, "height": 844})
    for title in PAGES:
        page.goto(f"{app}/{'' if title == 'Overview' else title.lower()}")
        page.get_by_role("heading", level=1).wait_for()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth"), title
