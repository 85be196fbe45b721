"""Label desk: keys decide, nothing is lost, and two people share one file."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from hypothesis import given, settings
from hypothesis import strategies as any_of

from mnist_core.assignment import own_runs
from mnist_core.data.corrected.corrections import Corrections, decide
from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.label_noise import flip_at_random
from mnist_core.jobs.label_check import Progress
from mnist_core.runs.desk_file import desk_file
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run, list_runs
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from pages.components.labels import keypad
from pages.components.labels.exchange import word_for
from tests.helpers import by_label, html, texts, unescaped


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


@pytest.fixture
def checked(make_run, sample):
    """A run whose check contradicts the first 20 training labels and the first 3 test labels."""
    run = make_run(state="stopped")
    for name, labels, wrong in (("", sample.train_labels, 20), ("_test", sample.test_labels, 3)):
        probabilities = np.full((len(labels), 10), 0.01)
        probabilities[np.arange(len(labels)), labels] = 0.91
        probabilities[:wrong] = np.roll(probabilities[:wrong], 1, axis=1)
        np.savez(run.path / f"cross_validation{name}.npz", probabilities=probabilities, done=np.array(5))
    write_json(run.path / "cross_validation.json", asdict(Progress("finished", 5, 1.0, tested=True)))
    return run


@pytest.fixture
def keys(monkeypatch):
    """Stands in for the keypad in the browser: ``keys.press(app, action, ...)`` presses it."""
    seen = SimpleNamespace(data=None, number=0)

    def component(data, key, on_presses_change):
        seen.data = data
        st.button("press", key="press", on_click=on_presses_change)

    def press(app, *actions, **place):
        sent = []
        for action in actions:
            seen.number = max(seen.number, seen.data["handled"]) + 1
            sent.append({"n": seen.number, "action": action, "split": seen.data["split"], "index": seen.data["index"]})
        return send(app, [each | place for each in sent])

    def send(app, sent):
        app.session_state[keypad.KEY] = {"presses": sent}
        return app.button(key="press").click().run()

    monkeypatch.setattr(keypad, "_KEYPAD", component)
    seen.press, seen.send = press, send
    return seen


def decided(sample):
    path = desk_file(sample)
    found = Corrections.read(path) if path.exists() else Corrections()
    return [(one.split, one.index, one.new) for one in found]


def test_keys_decide_at_once_and_the_next_undecided_image_comes(open_page, checked, keys, sample):
    app = open_page("label_desk")
    assert keys.data["index"] == 0
    keys.press(app, "class 7")
    assert decided(sample) == [("train", 0, 7)]
    keys.press(app, "keep")
    keys.press(app, "drop")
    assert decided(sample) == [("train", 0, 7), ("train", 1, sample.train_labels[1]), ("train", 2, None)]
    keys.press(app, "previous", "previous", "previous")
    assert (keys.data["index"], keys.data["decided"]) == (0, 7)
    keys.press(app, "class 8")
    assert decided(sample)[0] == ("train", 0, 8)
    assert keys.data["index"] == 3, "the decided ones are passed over"
    keys.press(app, "undo")
    assert decided(sample)[0] == ("train", 0, 7), "the decision before it is back"
    assert keys.data["index"] == 0
    keys.press(app, "undo", "undo", "undo", "undo")
    assert decided(sample) == []
    assert "There is no decision of yours to undo" in texts(app.caption)


def test_a_reload_keeps_decisions_place_and_name(open_page, checked, keys, sample):
    app = open_page("label_desk")
    by_label(app.text_input, "Your name").set_value("Ada").run()
    keys.press(app, "class 7")
    keys.press(app, "next")
    address = {name: app.query_params[name] for name in ("run", "image", "who")}
    keys.number = 0
    again = open_page("label_desk", **address)
    assert keys.data["index"] == 2
    assert "number 3 of 20 · 1 decided" in again.get("progress")[0].proto.text
    assert Corrections.read(desk_file(sample)).get("train", 0).who == UntrustedText("Ada")
    keys.press(again, "undo")
    assert decided(sample) == []
    assert keys.data["index"] == 0


def test_two_people_write_one_file_and_undo_only_their_own(open_page, checked, keys, sample):
    ada, bob = open_page("label_desk"), open_page("label_desk")
    keys.press(ada, "class 7", index=0)
    keys.press(bob, "class 8", index=1)
    assert decided(sample) == [("train", 0, 7), ("train", 1, 8)]
    keys.press(bob, "class 3", index=0)
    keys.press(ada, "undo")
    assert "Somebody else has decided on training image 0 since" in texts(ada.error)
    assert decided(sample) == [("train", 0, 3), ("train", 1, 8)]


def test_a_key_decides_on_the_image_that_was_on_the_screen(open_page, checked, keys, sample):
    app = open_page("label_desk")
    keys.press(app, "class 7", "class 9")
    assert decided(sample) == [("train", 0, 9)], "both were pressed on the first image"
    assert keys.data["index"] == 1
    sent = [{"n": 1, "action": "class 4", "split": "train", "index": 1}]
    keys.send(app, sent)
    assert decided(sample) == [("train", 0, 9)], "sent before, and handled"


JUNK = (
    {"action": "class 10"}, {"action": "class 99999999999999999999"}, {"action": "class x"}, {"action": "format"},
    {"index": 5000}, {"index": -1}, {"split": "all"}, {"n": None}, {"n": True, "action": 3}, {"n": float("nan")},
)  # fmt: skip


def test_what_is_no_decision_on_an_image_here_decides_nothing(open_page, checked, keys, sample):
    app = open_page("label_desk")
    sound = {"action": "class 1", "split": "train", "index": 0}
    keys.send(app, [{"n": n} | sound | junk for n, junk in enumerate(JUNK, 1)])
    assert decided(sample) == []


ANYTHING = any_of.recursive(
    any_of.none() | any_of.booleans() | any_of.floats() | any_of.integers() | any_of.text(max_size=5),
    lambda inner: (
        any_of.lists(inner, max_size=3)
        | any_of.dictionaries(any_of.sampled_from(["n", "action", "split", "index"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(ANYTHING, any_of.integers(0, 5))
def test_presses_are_read_from_whatever_a_browser_sends(sent, handled):
    presses = keypad.read_presses(sent, handled)
    numbers = [press.number for press in presses]
    assert numbers == sorted(numbers)
    assert all(number > handled for number in numbers)
    assert all(press.index >= 0 and isinstance(press.action, str) for press in presses)


def test_a_decision_that_can_not_be_written_says_so_and_the_image_stays(open_page, checked, keys, sample):
    path = desk_file(sample)
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("no folder")
    app = open_page("label_desk")
    assert "can't be read" in texts(app.error) or "Can't" in texts(app.error)
    path.parent.unlink()
    app.run()
    path.parent.write_text("no folder")
    keys.press(app, "class 7")
    assert len(app.error) >= 1


def test_a_damaged_file_of_decisions_is_a_sentence(open_page, checked, sample):
    path = desk_file(sample)
    path.parent.mkdir(parents=True)
    path.write_text("nonsense")
    assert "Choose a CSV file of corrections" in unescaped(open_page("label_desk").error)


def test_the_lists_are_issues_decided_and_all(open_page, checked, keys, sample):
    app = open_page("label_desk", split="test set")
    assert "number 1 of 3 · 0 decided" in app.get("progress")[0].proto.text
    app.query_params["label"] = str(sample.test_labels[0])
    app.run()
    assert f"(given {sample.test_labels[0]}) · 0 decided" in app.get("progress")[0].proto.text
    by_label(app.button_group, "Images").set_value("Decided").run()
    assert "Nobody has decided" in texts(app.info)
    by_label(app.button_group, "Images").set_value("All images").run()
    assert "of 1,000" in app.get("progress")[0].proto.text
    keys.press(app, "next", "next")
    keys.press(app, "class 0")
    assert decided(sample) == [("test", 2, 0)]
    by_label(app.button_group, "Images").set_value("Decided").run()
    assert "number 1 of 1 · 1 decided" in app.get("progress")[0].proto.text
    given = sample.test_labels[2]
    assert f"{given} → 0" in html(app) or f"{given} → kept" in html(app)


def test_the_evidence_is_of_the_image(open_page, checked, keys, sample):
    app = open_page("label_desk")
    label = int(sample.train_labels[0])
    assert f"says {(label + 1) % 10}, not {label}" in texts(app.caption)
    shown = html(app)
    assert f"mean of the training images labelled {(label + 1) % 10}" in shown
    assert shown.count('title="training image') == 10
    assert "training image 0, " not in shown, "it is no neighbour of its own"


def test_without_a_check_it_leads_to_it_and_shows_all_images(open_page, make_run, keys):
    make_run(state="stopped")
    app = open_page("label_desk")
    assert "not checked with this run yet" in texts(app.info)
    assert app.get("page_link")[0].proto.label == "Check the labels"
    by_label(app.button_group, "Images").set_value("All images").run()
    assert "There is none: the run has no model yet" in texts(app.caption)


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("label_desk")
    assert "there is no run yet" in app.info[0].value


def test_labels_that_were_flipped_on_purpose_are_not_decided_on(open_page, sample):
    create_run(TrainingConfig(), sample, corrections=flip_at_random(sample, 0.02, 1))
    app = open_page("label_desk")
    assert "flipped on purpose" in texts(app.warning)
    assert not app.get("progress")


def test_one_click_trains_again_with_the_corrections(open_page, checked, keys, sample, monkeypatch):
    started = []

    def start(config, dataset, runs_dir=None, complete=None, corrections=None):
        started.append(create_run(config, dataset, runs_dir, complete, corrections))
        return started[-1]

    monkeypatch.setattr(own_runs, "start_run", start)
    app = open_page("label_desk")
    assert by_label(app.button, "Retrain with 0 corrections").disabled
    keys.press(app, "keep")
    assert "nothing to train again with" in texts(app.caption)
    keys.press(app, "class 3")
    by_label(app.button, "Retrain with 1 correction").click().run()
    (run,) = started
    assert run.config == checked.config
    assert run.corrections() == Corrections.read(desk_file(sample))
    assert app.title[0].value == "Runs"
    assert app.query_params["runs"] == f"{checked.id},{run.id}"
    assert "corrected labels" in texts(app.markdown)
    assert run.corrections_sha256[:12] in texts(app.caption)
    app.switch_page("pages/label_desk.py").run()
    assert keys.data["index"] == 2, "the desk goes on where it was"
    assert app.button(key="retrain").disabled, "such a run is there"
    app.button(key="before_after").click().run()
    assert app.query_params["runs"] == f"{checked.id},{run.id}"
    assert "with these very corrections already" in texts(open_page("label_desk", run=run.id).caption)
    assert len(list_runs()) == 2


def csv(sample, *decisions):
    """A file in which Bob decided long ago."""
    return Corrections(
        tuple(
            one
            for index, new in decisions
            for one in decide(sample, "train", [(index, new)], UntrustedText("Bob"), 1e9)
        )
    ).content


def test_a_file_is_compared_with_the_desk_and_merged(open_page, checked, keys, sample):
    app = open_page("label_desk")
    keys.press(app, "class 7")
    keys.press(app, "class 8")
    (upload,) = app.file_uploader
    upload.upload("bob.csv", csv(sample, (0, 7), (1, 2), (5, None))).run()
    shown = unescaped(app.markdown)
    assert "the desk and bob.csv agree on 1 of 2 images" in shown
    assert "Cohen's kappa: 0.33 (fair)" in shown
    app.button(key="desk_merge").click().run()
    assert decided(sample) == [("train", 0, 7), ("train", 1, 8), ("train", 5, None)], "the later decision counts"
    assert "they differed on 1 image" in texts(app.success)


def test_two_files_are_compared_with_one_another(open_page, checked, keys, sample):
    app = open_page("label_desk")
    first, second = csv(sample, (0, 7), (1, 2)), csv(sample, (0, 7), (1, 3))
    app.file_uploader[0].set_value([("ada.csv", first, "text/csv"), ("bob.csv", second, "text/csv")]).run()
    assert "ada.csv and bob.csv agree on 1 of 2 images" in unescaped(app.markdown)
    assert decided(sample) == []


def test_a_file_that_is_none_of_decisions_is_refused_in_a_sentence(open_page, checked, keys):
    app = open_page("label_desk")
    app.file_uploader[0].upload("bob.csv", b"nonsense").run()
    assert "bob.csv: found no column split" in unescaped(app.error)


def test_decisions_on_other_data_are_not_merged(open_page, checked, keys, sample, tiny_folder):
    other = load_dataset("full", tiny_folder(train=60))
    content = decide(other, "train", [(0, None)]).content
    app = open_page("label_desk")
    app.file_uploader[0].upload("other.csv", content).run()
    assert "do not fit" in texts(app.error)
    assert "desk_merge" not in [button.key for button in app.button]


def test_words_for_kappa():
    assert [word_for(kappa) for kappa in (1.0, 0.8, 0.7, 0.1, -0.2)] == [
        "almost perfect", "almost perfect", "substantial", "slight", "worse than chance",
    ]  # fmt: skip
