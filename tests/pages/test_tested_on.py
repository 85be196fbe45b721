"""Evaluation: a run tested on other data, when asked, and said above all scores."""

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.evaluation.metrics import wilson_interval
from mnist_core.evaluation.predict import evaluate
from tests.helpers import by_label, html, texts, unescaped


@pytest.fixture
def kmnist(tmp_path):
    """Images in the place of KMNIST: the sample's 200 first test digits and their labels, one class on."""
    folder, sample = tmp_path / "cache" / "kmnist", load_dataset("sample")
    folder.mkdir(parents=True)
    for split, count in (("train", 40), ("t10k", 200)):
        write_idx(folder / f"{split}-images-idx3-ubyte", sample.test_images[:count])
        write_idx(folder / f"{split}-labels-idx1-ubyte", (sample.test_labels[:count] + 1) % 10)
    return load_dataset("full", folder)


def test_a_run_is_tested_on_its_own_data_unless_asked(open_page, finished, kmnist):
    app = open_page("evaluation")
    assert by_label(app.selectbox, "Tested on").value == "own"
    assert not app.warning
    assert app.metric[2].value.endswith("of 1,000")
    by_label(app.selectbox, "Tested on").set_value("kmnist").run()
    assert app.query_params["on"] == "kmnist"
    result = evaluate(finished.load_network(), kmnist.test_images, kmnist.test_labels)
    assert (app.metric[0].value, app.metric[2].value) == (f"{result.accuracy:.2%}", f"{result.errors} of 200")
    np.testing.assert_array_equal(app.dataframe[0].value, result.confusion_matrix)
    low, high = wilson_interval(200 - result.errors, 200)
    own = evaluate(finished.load_network(), *_test_set(load_dataset("sample")))
    own_low, own_high = wilson_interval(1000 - own.errors, 1000)
    said = unescaped(app.warning)
    for part in (
        "Tested on KMNIST (unverified), not on the data of the run.",
        f"{100 * (high - low):.2f} points wide on these 200 test images",
        f"{100 * (own_high - own_low):.2f} points on its own 1,000, where the accuracy is {own.accuracy:.2%}",
        "お is counted as correct where the network answers 0",
    ):
        assert part in said
    assert "test set of KMNIST" in unescaped(app.caption)
    assert "true き" in app.dataframe[0].value.index
    app.query_params["digit"] = "3"
    app.run()
    assert "Image 3 of the test set" in texts(app.markdown)
    assert "training image" in html(app)  # its neighbours are from the run's own data


def _test_set(dataset):
    return dataset.test_images, dataset.test_labels


def test_an_address_that_names_other_data_than_fit_is_ignored(open_page, finished, kmnist):
    app = open_page("evaluation", on="emnist-letters")
    assert "on=emnist-letters, which is ignored" in unescaped(app.warning)
    assert app.metric[2].value.endswith("of 1,000")


def test_the_data_in_use_are_offered_when_they_fit(open_page, finished, tiny_folder):
    other = tiny_folder(train=20, test=10, classes=10, shape=(28, 28))
    app = open_page("evaluation", data=str(other))
    by_label(app.selectbox, "Tested on").set_value("data").run()
    assert app.metric[2].value.endswith("of 10")
    app = open_page("evaluation", data=str(tiny_folder(shape=(28, 28))))
    assert not [text for box in app.selectbox for text in box.options if text.startswith("the data in use")]
