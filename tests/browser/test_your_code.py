"""A learner's whole journey on the page Your code."""

import re
import time
import urllib.request

import pytest

from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.starter import starter_file
from mnist_core.runs.implementation import code_of
from mnist_core.runs.run import list_runs
from tests.browser.server import away_from_home, serve
from tests.helpers import set_number, wait

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install -r .ci/requirements.txt"
).expect

SLOW = 60_000
MISTAKEN = STEPS["back_propagate"].source.replace("(a - y) / len(x)", "(a - y)")


def write_functions(text, **sources):
    """Replace unwritten functions of a starter file, as a learner does."""
    for name, source in sources.items():
        unwritten = re.search(rf"def {name}\(.*?raise NotImplementedError\(.*?\)\n", text, re.DOTALL)
        text = text.replace(unwritten[0], source)
    return text


def show(page, app, path):
    page.goto(f"{app.url}/your_code")
    page.get_by_role("heading", name="Your code", level=1).wait_for()
    field = page.get_by_label("Path of your file")
    field.fill(str(path))
    field.press("Enter")


def step(page, name, state):
    """The row of a step in a state."""
    return page.get_by_text(re.compile(rf"{name}\s*·\s*{state}"))


def test_from_the_starter_file_to_an_evaluated_network(app, page, tmp_path):
    page.goto(f"{app.url}/your_code")
    page.get_by_text("Starter file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my_network.py").click()
    path = tmp_path / "my_network.py"
    download.value.save_as(path)
    starter = path.read_text(encoding="utf-8")
    assert starter == starter_file(1)

    show(page, app, path)
    step(page, "back_propagate", "to be written").wait_for(timeout=SLOW)
    page.get_by_text("Write back_propagate first").wait_for()

    # The first mistake is named, and help comes in portions.
    others = {name: STEPS[name].source for name in ("sigmoid_derivative", "update")}
    wrong = write_functions(starter, back_propagate=MISTAKEN, **others)
    path.write_text(wrong, encoding="utf-8")
    page.get_by_text("The gradient is summed over the batch, not divided by N").first.wait_for(timeout=SLOW)
    expect(page.get_by_text("def back_propagate")).to_be_visible()
    expect(page.get_by_text("Hint:")).to_have_count(0)
    page.get_by_role("button", name="Show the hint").click()
    page.get_by_text("Hint:").wait_for()
    page.get_by_text("The numbers").click()
    page.get_by_text("Difference").wait_for()

    # Corrected in the file: checked again by itself.
    path.write_text(write_functions(starter, back_propagate=STEPS["back_propagate"].source, **others), encoding="utf-8")
    expect(step(page, "back_propagate", "correct")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Hint:")).to_have_count(0)

    # Trained beside the reference, and evaluated.
    page.get_by_text("Settings of the next run").click()
    set_number(page, "Epochs", 2)
    page.get_by_role("button", name="Train it beside the reference").click()
    page.get_by_role("heading", name="Beside the reference").wait_for()
    page.get_by_text("The curves are the same over 2 epochs").wait_for(timeout=SLOW)
    page.get_by_role("link", name="Its Evaluation").click()
    page.get_by_role("heading", name="Evaluation", level=1).wait_for()
    page.get_by_text("own code").first.wait_for()
    page.get_by_role("heading", name="Confusion matrix").wait_for(timeout=SLOW)
    own, reference = sorted(list_runs(app.runs), key=lambda run: code_of(run.path) is None)
    assert f"run={own.id}" in page.url
    assert own.status.test_accuracy == pytest.approx(reference.status.test_accuracy, abs=0.01)
    with page.expect_download() as download:
        page.get_by_role("button", name="Its code").click()
    assert download.value.suggested_filename == "my_network.py"


def test_nothing_moves_while_nothing_changes(app, page, tmp_path):
    path = tmp_path / "my_network.py"
    text = write_functions(
        starter_file(1),
        back_propagate=MISTAKEN,
        sigmoid_derivative="def sigmoid_derivative(z):\n    return z * (1 - z)\n",
    )
    path.write_text(text, encoding="utf-8")
    show(page, app, path)
    page.get_by_text(re.compile("checked again when you save it")).wait_for(timeout=SLOW)
    second = (
        page.get_by_test_id("stExpander").filter(has_text=re.compile(r"back_propagate\s*·\s*wrong")).locator("details")
    )
    second.locator("summary").click()  # the first wrong step is open already
    page.get_by_text("The gradient is summed over the batch, not divided by N").first.wait_for(timeout=SLOW)
    page.wait_for_timeout(1000)
    main = page.get_by_test_id("stMain")
    main.evaluate("node => node.scrollTo(0, 300)")
    page.evaluate(
        """() => {
            window.changes = [];
            const note = records => records.forEach(record => window.changes.push(
                `${record.type} ${record.target.nodeName} ${record.target.textContent.slice(0, 60)}`));
            const inside = document.querySelector('[data-testid="stMainBlockContainer"]');
            new MutationObserver(note).observe(inside, {childList: true, characterData: true, subtree: true});
        }"""
    )
    page.wait_for_timeout(3500)  # three looks at the file
    assert page.evaluate("window.changes") == []
    assert main.evaluate("node => node.scrollTop") == 300

    # Another step is corrected: the open one stays open, and the page where it is.
    derivative = STEPS["sigmoid_derivative"].source
    path.write_text(text.replace("def sigmoid_derivative(z):\n    return z * (1 - z)\n", derivative), encoding="utf-8")
    saved = time.monotonic()
    page.get_by_text(re.compile(r"Checking my\\?_network\.py")).or_(
        step(page, "sigmoid_derivative", "correct")
    ).first.wait_for()
    print(f"seen after {time.monotonic() - saved:.1f} s")
    expect(step(page, "sigmoid_derivative", "correct")).to_be_visible(timeout=SLOW)
    expect(second).to_have_attribute("open", "")
    assert main.evaluate("node => node.scrollTop") > 0


def test_a_mistake_is_trained_and_marked(app, page):
    page.goto(f"{app.url}/your_code?mistake=update-uphill&epochs=2")
    page.get_by_role("button", name="Train the mistake beside the reference").click()
    page.get_by_text("The curves part in epoch 1").or_(page.get_by_text("no epoch that both")).first.wait_for(
        timeout=SLOW
    )
    runs = [wait(run) for run in list_runs(app.runs)]
    assert len(runs) == 2
    page.get_by_role("link", name="Its Training").click()
    page.get_by_role("heading", name="Training", level=1).wait_for()
    page.get_by_text("mistake: update-uphill").first.wait_for()


@pytest.mark.parametrize("allowed", [False, True])
def test_a_server_for_others_runs_no_code_unless_allowed(allowed, chromium, tmp_path):
    environment = away_from_home(tmp_path / "home") | ({"MNIST_ALLOW_CODE": "1"} if allowed else {})
    with serve(tmp_path, "--server.address", "0.0.0.0", **environment) as running:
        assert urllib.request.urlopen(f"{running.url}/_stcore/health", timeout=10).status == 200
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{running.url}/your_code")
        page.get_by_role("heading", name="Your code", level=1).wait_for()
        if allowed:
            page.get_by_test_id("stFileUploader").wait_for()
        else:
            page.get_by_text("so it runs no code of its visitors").wait_for()
            expect(page.get_by_test_id("stFileUploader")).to_have_count(0)
        expect(page.get_by_label("Path of your file")).to_have_count(0)
        context.close()
