"""Two runs with other labels: before and after, by the original and by the corrected labels."""

import time

import numpy as np
import pytest

from mnist_core.data.corrected.corrections import Corrections, decide
from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.label_noise import flip_at_random
from mnist_core.evaluation.predict import evaluate
from mnist_core.evaluation.significance import mcnemar
from mnist_core.jobs.start import start_run
from mnist_core.training.config import TrainingConfig
from pages.components.runs.before_after import accuracy_in_words
from tests.helpers import by_label, html, texts, unescaped, wait


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


@pytest.fixture
def retrained(finished, sample):
    """A function that trains the settings of the finished run again, with corrections."""

    def train(corrections, config=None):
        return wait(start_run(config or finished.config, sample, corrections=corrections))

    return train


def compare(open_page, *runs):
    app = open_page("overview")
    app.query_params["runs"] = ",".join(run.id for run in runs)
    return app.switch_page("pages/runs.py").run()


def wrong_test_images(run, sample, count):
    result = evaluate(run.load_network(), sample.test_images, sample.test_labels)
    wrong = np.flatnonzero(result.predicted != sample.test_labels)[:count]
    return [(int(n), int(result.predicted[n])) for n in wrong]


def test_only_test_labels_that_follow_the_network_raise_the_score_and_the_page_warns(
    open_page, finished, retrained, sample
):
    taken = wrong_test_images(finished, sample, 12)
    after = retrained(decide(sample, "test", [*taken[:10], (taken[10][0], None)]))
    before = evaluate(finished.load_network(), sample.test_images, sample.test_labels)
    app = compare(open_page, after, finished)
    assert "Only test labels were corrected" in texts(app.warning)
    table = app.table[0].value
    right = 1000 - before.errors
    assert table.loc["by original labels (1,000 images)", "Before"] == accuracy_in_words(right, 1000)
    assert table.loc["by corrected labels (999 images)", "Before"] == accuracy_in_words(right + 10, 999)
    assert table.loc["by corrected labels (999 images)", "After"] == accuracy_in_words(right + 10, 999)
    assert set(table["McNemar's test"]) == {"no difference"}, "the same labels to train on, the same network"
    assert "Labels" in app.dataframe[1].value.index
    assert f"Before: **{finished.id}**" in unescaped(app.markdown), "in whatever order they were chosen"
    app.query_params["run"] = after.id
    app.switch_page("pages/evaluation.py").run()
    original = f"by the original labels of all 1,000 images the accuracy is {accuracy_in_words(right, 1000)}"
    assert original in texts(app.caption)


def test_other_training_labels_give_another_network_and_its_digits_change_sides(open_page, finished, retrained, sample):
    noise = flip_at_random(sample, 0.3, 5)
    changes = decide(sample, "train", [(one.index, one.new) for one in noise], when=time.time())
    test_change = decide(sample, "test", [(0, None), (1, int(sample.test_labels[1] + 1) % 10)])
    corrections = Corrections((*changes, *test_change))
    after = retrained(corrections)
    app = compare(open_page, finished, after)
    assert "Both training and test labels were corrected" in texts(app.info)
    corrected = corrections.apply(sample)
    right = [
        evaluate(run.load_network(), corrected.test_images, corrected.test_labels).predicted == corrected.test_labels
        for run in (finished, after)
    ]
    test = mcnemar(*right)
    row = app.table[0].value.loc["by corrected labels (999 images)"]
    assert row["Only after correct, only before"] == f"{test.only_b} to {test.only_a}"
    assert row["McNemar's test"].startswith(f"p = {test.p_value:.3g}")
    assert after.status.test_accuracy == pytest.approx(right[1].mean()), "the score of the run is by its own labels"
    shown = html(app)
    assert f"Correct before, wrong after: {test.only_a}" in texts(app.markdown)
    assert shown.count('aria-label="test image') == min(test.only_a, 40) + min(test.only_b, 40)
    by_label(app.button_group, "Score by").set_value("original labels").run()
    assert app.dataframe[2].value["images"].sum() == 1000
    assert app.dataframe[2].value["labels changed to it"].sum() == 0


def test_more_test_labels_on_the_same_training_labels_are_not_said_to_be_training_labels(
    open_page, finished, retrained, sample
):
    training = decide(sample, "train", [(0, int(sample.train_labels[0] + 1) % 10)])
    first, second = retrained(training), retrained(Corrections((*training, *decide(sample, "test", [(0, None)]))))
    app = compare(open_page, first, second)
    assert "Only test labels were corrected since" in texts(app.warning)
    assert "Both training and test" not in texts(app.info)


def test_noise_and_other_settings_are_said(open_page, finished, retrained, sample):
    after = retrained(flip_at_random(sample, 0.02, 5), TrainingConfig(epochs=1, hidden_layers=(5,)))
    app = compare(open_page, finished, after)
    assert "flipped on purpose" in texts(app.info)
    assert "label noise" in texts(app.markdown)
