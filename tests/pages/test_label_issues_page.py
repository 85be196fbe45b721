"""Label issues: the check in every state, and what it finds."""

import re
import shutil
import time
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from mnist_core.data.corrected.corrections import decide
from mnist_core.data.dataset import load_dataset
from mnist_core.data.npz import read_npz
from mnist_core.evaluation.label_errors import find_label_issues
from mnist_core.jobs import job, label_check
from mnist_core.jobs.label_check import Progress, read_probabilities, read_progress
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from pages.components.digits import grid
from tests.helpers import by_label, full_disk, texts


@pytest.fixture
def checked(make_run):
    """A run whose cross-validation is finished, with probabilities that contradict the first 70 labels."""
    run = make_run(state="stopped")
    labels = load_dataset("sample").train_labels
    probabilities = np.full((5000, 10), 0.01)
    probabilities[np.arange(5000), labels] = 0.91
    probabilities[:70] = np.roll(probabilities[:70], 1, axis=1)
    np.savez(run.path / "cross_validation.npz", probabilities=probabilities, done=np.array(5))
    write_json(run.path / "cross_validation.json", asdict(Progress("finished", 5, 1.0)))
    return run


@pytest.fixture
def browser(monkeypatch):
    """The gallery's side of the browser: what it shows, and which image was clicked."""
    seen = SimpleNamespace(html="", all=[], clicked=None)

    def component(data, key, **_):
        seen.html = data["html"]
        seen.all.append(data["html"])
        return SimpleNamespace(clicked=seen.clicked)

    monkeypatch.setattr(grid, "_CLICKABLE", component)
    return seen


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("label_issues")
    assert "there is no run yet" in app.info[0].value
    assert app.get("page_link")[0].proto.label == "Train a network"


def test_the_check_runs_to_its_end(open_page, tiny_folder):
    dataset = load_dataset("full", tiny_folder(train=60))
    run = create_run(TrainingConfig(hidden_layers=(5,)), DatasetReference.of(dataset))
    app = open_page("label_issues", run=run.id)
    assert "in 5 folds" in texts(app.markdown)
    by_label(app.button, "Check the labels").click().run()
    deadline = time.monotonic() + 60
    while read_progress(run).active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    app.run()
    issues = find_label_issues(dataset.train_labels, read_probabilities(run))
    assert f"**The network disagrees with {len(issues.index)} of 60 labels**" in texts(app.markdown)


def test_issues_are_ranked_again_only_when_the_check_was_made_again(open_page, checked, browser, monkeypatch):
    counts = []
    monkeypatch.setattr(label_check, "read_npz", lambda *given: counts.append(1) or read_npz(*given))
    app = open_page("label_issues")
    app.selectbox(key="issue_label").set_value(3).run()
    assert len(counts) == 1
    (checked.path / "cross_validation.npz").write_bytes(b"damaged")
    assert "can't be read (cross_validation.npz" in texts(app.run().error)
    assert len(counts) == 2


def test_issues_are_shown_most_suspicious_first_filtered_and_paged(open_page, checked, browser):
    labels = load_dataset("sample").train_labels
    app = open_page("label_issues")
    assert "**The network disagrees with 70 of 5,000 labels**" in texts(app.markdown)
    assert "a suspicion, not a verdict" in texts(app.markdown)
    shown = re.findall(r">(\d) → (\d) · 91%<", browser.html)
    assert shown == [(str(label), str((label + 1) % 10)) for label in labels[:60]]
    by_label(app.number_input, "Page (1 to 2)").set_value(2).run()
    assert browser.html.count("· 91%<") == 10
    by_label(app.selectbox, "Given label").set_value(int(labels[0])).run()
    assert browser.html.count("· 91%<") == np.sum(labels[:70] == labels[0])
    by_label(app.selectbox, "Suggested label").set_value(int(labels[0])).run()
    assert "No label issue matches these filters" in texts(app.info)


def test_the_methods_stand_side_by_side_and_a_click_leads_to_the_desk(open_page, checked, browser):
    app = open_page("label_issues")
    browser.all.clear()
    by_label(app.toggle, "All methods side by side").set_value(True).run()
    assert [drawn.count("· 91%<") for drawn in browser.all] == [18, 18, 18]
    assert "18 are the same in all" in texts(app.caption)
    browser.clicked = 5
    app.run()
    assert app.title[0].value == "Label desk"
    assert app.query_params["image"] == "5"


def test_images_of_a_corrected_run_are_named_by_their_place_in_the_original_data(open_page, browser):
    sample = load_dataset("sample")
    run = create_run(TrainingConfig(), sample, corrections=decide(sample, "train", [(0, None), (3, None)]))
    labels = run.load_dataset().train_labels
    probabilities = np.eye(10)[labels] * 0.9 + 0.01
    probabilities[[0, 2]] = np.roll(probabilities[[0, 2]], 1, axis=1)
    np.savez(run.path / "cross_validation.npz", probabilities=probabilities, done=np.array(5))
    write_json(run.path / "cross_validation.json", asdict(Progress("finished", 5, 1.0)))
    open_page("label_issues", run=run.id)
    assert re.findall(r'button value="(\d+)"', browser.html) == ["1", "4"]


def test_what_a_browser_sends_of_an_image_that_is_none_opens_nothing(open_page, checked, browser):
    browser.clicked = 5000
    assert open_page("label_issues").title[0].value == "Label issues"


def test_the_test_set_has_a_check_of_its_own_which_older_versions_did_not_make(open_page, checked, browser):
    app = open_page("label_issues")
    by_label(app.button_group, "Set").set_value("test set").run()
    assert "An older version checked the training set only" in texts(app.info)
    labels = load_dataset("sample").test_labels
    np.savez(checked.path / "cross_validation_test.npz", probabilities=np.eye(10)[(labels + (labels == 4)) % 10])
    write_json(checked.path / "cross_validation.json", asdict(Progress("finished", 5, 1.0, tested=True)))
    app.run()
    fours = np.flatnonzero(labels == 4)
    assert f"disagrees with {len(fours)} of 1,000 labels" in texts(app.markdown)
    assert "test image" in browser.html
    by_label(app.button, f"Decide on {len(fours)} labels").click().run()
    assert app.title[0].value == "Label desk"
    assert (app.query_params["split"], int(app.query_params["image"])) == ("test set", fours[0])


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress("queued"), "waiting for a free slot"),
        (Progress("running", 2, 0.5), "fold 3 of 5"),
    ],
)
def test_a_running_check_shows_its_progress_and_can_be_stopped(open_page, make_run, progress, words):
    run = make_run(state="stopped")
    write_json(run.path / "cross_validation.json", asdict(progress))
    with FileLock(run.path / "cross_validation.lock"):
        app = open_page("label_issues")
        assert app.get("progress")[0].proto.text == words
        by_label(app.button, "Stop").click().run()
    assert (run.path / "cross_validation.control").read_text() == "stop\n"


@pytest.mark.parametrize("progress", [Progress("stopped", 2, 0.5), Progress("running", 2, 0.5)])
def test_a_check_that_was_cut_short_continues(open_page, make_run, monkeypatch, progress):
    run = make_run(state="stopped")
    write_json(run.path / "cross_validation.json", asdict(progress))
    started = []
    monkeypatch.setattr(label_check, "start_label_check", started.append)
    app = open_page("label_issues")
    assert "2 of 5 folds are done" in texts(app.info)
    by_label(app.button, "Continue").click().run()
    assert [each.id for each in started] == [run.id]


def test_a_failed_check_shows_its_error(open_page, make_run):
    run = make_run(state="stopped")
    write_json(
        run.path / "cross_validation.json",
        asdict(Progress("failed", error=UntrustedText("The disk is full: free some space."))),
    )
    app = open_page("label_issues")
    assert app.error[0].value == "The disk is full: free some space."
    assert by_label(app.button, "Check the labels")


def test_a_check_of_a_deleted_run_cannot_start_and_the_page_says_so(open_page, make_run):
    kept, deleted = make_run(state="stopped"), make_run(state="stopped")
    app = open_page("label_issues")
    shutil.rmtree(deleted.path)
    by_label(app.button, "Check the labels").click().run()
    assert deleted.id in app.error[0].value
    assert app.title[0].value == "Label issues"
    assert app.selectbox(key="run_picker").value == kept.id


def test_a_check_that_a_full_disk_keeps_from_stopping_says_so(open_page, make_run, monkeypatch):
    run = make_run(state="stopped")
    write_json(run.path / "cross_validation.json", asdict(Progress("running", 2, 0.5)))

    monkeypatch.setattr(job, "write_atomically", full_disk)
    with FileLock(run.path / "cross_validation.lock"):
        app = open_page("label_issues")
        by_label(app.button, "Stop").click().run()
        assert "No space left on device" in app.error[0].value
        assert by_label(app.button, "Stop")
