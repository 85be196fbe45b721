"""Noise laboratory: flip, train, find again, repair; an experiment is known by its labels."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.label_errors import find_label_issues, rank
from mnist_core.evaluation.label_noise import flip_at_random, flip_pairs, repair, retrieval
from mnist_core.jobs.label_check import Progress
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run, list_runs
from mnist_core.runs.schema import write_record
from mnist_core.untrusted import UntrustedText
from pages.components.labels import noise
from tests.helpers import by_label, texts


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


@pytest.fixture
def jobs(monkeypatch):
    """Runs that were started, and runs whose labels were asked to be checked; no process works on them."""
    started, checked = [], []

    def start(config, dataset, complete=None, corrections=None):
        started.append(create_run(config, dataset, complete=complete, corrections=corrections))
        write_record(started[-1].path / "status.json", replace(started[-1].status, state="stopped"))
        return started[-1]

    monkeypatch.setattr(noise, "start_run", start)
    monkeypatch.setattr(noise, "start_label_check", lambda run: checked.append(run.id))
    return started, checked


def give_check(run, sample, found=0.9):
    """Write a check that finds a share of the flipped labels, and suspects some sound ones."""
    noisy, rng = run.load_dataset().train_labels, np.random.default_rng(3)
    believed = np.where(rng.random(len(noisy)) < found, sample.train_labels, noisy)
    believed[:20] = (believed[:20] + 1) % 10
    probabilities = np.full((len(noisy), 10), 0.02)
    probabilities[np.arange(len(noisy)), believed] = rng.uniform(0.5, 0.82, len(noisy))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    np.savez(run.path / "cross_validation.npz", probabilities=probabilities, done=np.array(5))
    write_json(run.path / "cross_validation.json", asdict(Progress("finished", 5, 1.0)))
    return probabilities


def test_without_a_clean_run_it_leads_to_the_training(open_page, sample, finished):
    app = open_page(
        "label_noise", run=create_run(finished.config, sample, corrections=flip_at_random(sample, 0.1, 1)).id
    )
    assert app.selectbox(key="run_picker").value == finished.id, "a run with flipped labels is no clean one"
    assert not app.warning
    finished.path.rename(finished.path.with_name(".gone"))
    assert "there is none yet" in texts(open_page("label_noise").info)


def test_one_click_flips_trains_and_checks(open_page, finished, sample, jobs):
    started, checked = jobs
    app = open_page("label_noise", noise="by pair", percent="10", seed="7")
    count = len(flip_pairs(sample, 0.1, 7))
    assert f"{count} training labels of 5,000 will be flipped" in texts(app.markdown)
    by_label(app.button, "Flip, train and check").click().run()
    (run,) = started
    assert checked == [run.id]
    assert run.config == finished.config
    assert run.corrections() == flip_pairs(sample, 0.1, 7)
    assert [tag.plain for tag in run.about.tags] == ["label noise"]
    assert "flip" not in [button.key for button in app.button], "the experiment has its run"
    by_label(app.number_input, "Seed").set_value(8).run()
    assert by_label(app.button, "Flip, train and check"), "another seed is another experiment"


def test_what_is_found_is_compared_with_the_truth_and_repaired(open_page, finished, sample, jobs):
    started, _ = jobs
    flips = flip_at_random(sample, 0.02, 695)
    app = open_page("label_noise")
    by_label(app.button, "Flip, train and check").click().run()
    noisy = started[0]
    assert by_label(app.button, "Look for the flipped labels"), "nobody looks for them, as nothing works here"
    probabilities = give_check(noisy, sample)
    app.run()
    labels = noisy.load_dataset().train_labels
    expected = retrieval(rank(labels, probabilities, "normalized_margin"), [one.index for one in flips])
    row = app.table[0].value.loc["Normalized margin"]
    assert row["Precision, first 50"] == f"{expected.precision_at(50):.1%}"
    assert row["Average precision"] == f"{expected.average_precision:.3f}"
    issues = find_label_issues(labels, probabilities, "confident_learning")
    assert f"Confident learning suspects {len(issues.index)} labels" in texts(app.caption)
    by_label(app.button, "Leave the suspects out").click().run()
    by_label(app.button, "Relabel the suspects").click().run()
    assert started[1].corrections() == repair(sample, flips, issues.index, None)
    assert started[2].corrections() == repair(sample, flips, issues.index, issues.suggested)
    assert by_label(app.button, "Relabel the suspects").disabled, "it is done"
    assert app.table[1].value.index.tolist() == [
        "clean labels", "flipped labels", "suspects left out", "suspects relabelled",
    ]  # fmt: skip
    assert len(list_runs()) == 4


def test_the_cost_is_counted_on_the_test_labels_that_nobody_touched(open_page, finished, sample):
    flips = flip_at_random(sample, 0.02, 695)
    noisy = create_run(finished.config, sample, corrections=flips)
    for name in ("status.json", "model.npz"):
        (noisy.path / name).write_bytes((finished.path / name).read_bytes())
    network = noisy.refresh().load_network()
    network.weights[-1][:] = 0  # always answers one class
    np.savez(noisy.path / "model.npz", **network.to_arrays())
    write_record(noisy.path / "status.json", replace(finished.status, checksums={}))
    table = open_page("label_noise").table[0].value
    points = float(table.loc["flipped labels", "Points from clean"].replace("\N{MINUS SIGN}", "-"))
    worst = 100 * np.mean(sample.test_labels == network.biases[-1].argmax())
    assert points == pytest.approx(worst - 100 * finished.status.test_accuracy, abs=0.01)
    assert "significant" in table.loc["flipped labels", "McNemar's test"]


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress("failed", error=UntrustedText("The disk is full: free some space.")), "The disk is full"),
        (Progress("stopped", 2, 0.4), None),
    ],
)
def test_a_check_that_ended_early_can_be_started_again(open_page, finished, sample, jobs, progress, words):
    run = create_run(finished.config, sample, corrections=flip_at_random(sample, 0.02, 695))
    write_record(run.path / "status.json", replace(run.status, state="stopped"))
    write_json(run.path / "cross_validation.json", asdict(progress))
    app = open_page("label_noise")
    assert words is None or words in texts(app.error)
    by_label(app.button, "Look for the flipped labels").click().run()
    assert jobs[1] == [run.id]


def test_a_pair_of_one_class_is_refused_in_a_sentence(open_page, finished):
    app = open_page("label_noise", noise="by pair", first="4", second="4")
    assert "expected pairs of different classes" in texts(app.error)
