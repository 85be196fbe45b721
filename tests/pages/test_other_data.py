"""Every page on data that differs from MNIST: other shapes, few classes, few images; and on models that went wrong."""

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.errors import MnistError
from mnist_core.evaluation.predict import evaluate, per_image
from mnist_core.jobs.start import start_run
from mnist_core.nn.network import Network
from mnist_core.runs.files import write_npz
from mnist_core.training.config import TrainingConfig
from pages.components.router import PAGES
from tests.helpers import texts, unescaped, wait, without_checksums

NAMES = [info.file for info in PAGES]
QUERIES = {"evaluation": {"show": "all", "digit": "0"}}

SHAPES = {
    "4x9": {"shape": (4, 9)},
    "one row": {"shape": (1, 30)},
    "one column": {"shape": (30, 1)},
    "one pixel": {"shape": (1, 1)},
    "2x2": {"shape": (2, 2)},
    "one class": {"shape": (6, 6), "classes": 1},
    "few images": {"shape": (5, 5), "train": 4, "test": 3, "classes": 2},
    "one image": {"shape": (5, 5), "train": 1, "test": 1, "classes": 1},
}


FAST = ("4x9", "one row", "one class")
"""Kinds whose pages are drawn in every run; those of the others are slow."""


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] * (name not in FAST)) for name in SHAPES]
)
def other_data(request, tiny_folder, tmp_path_factory):
    """A folder with data of another form, and the folder of a run on it; None if such data is refused."""
    folder = tiny_folder(**{"train": 60, "test": 20, **SHAPES[request.param]})
    try:
        dataset = load_dataset("full", folder)
        config = TrainingConfig(epochs=2, hidden_layers=(3,))
        run = wait(start_run(config, dataset, tmp_path_factory.mktemp("runs")))
    except MnistError:
        return folder, None
    assert run.status.state == "finished", run.status
    return folder, run


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_drawn(open_page, other_data, monkeypatch, name):
    folder, run = other_data
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    if run:
        monkeypatch.setenv("MNIST_RUNS_DIR", str(run.path.parent))
    app = open_page(name, **QUERIES.get(name, {}))
    if run and name == "evaluation":
        assert "Image 0 of the test set" in texts(app.markdown)


@pytest.mark.parametrize("step", range(1, 10))
def test_every_step_of_the_lesson_is_drawn(open_page, other_data, monkeypatch, step):
    folder, _ = other_data
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    open_page("step_by_step", step=str(step))


@pytest.mark.parametrize("name", ["draw", "upload"])
def test_images_that_are_not_square_are_not_fed_as_squares(open_page, tiny_folder, name):
    run = wait(start_run(TrainingConfig(epochs=1, hidden_layers=()), load_dataset("full", tiny_folder(shape=(4, 9)))))
    app = open_page(name, run=run.id)
    assert "images of 4x9 pixels, and handwriting is only fitted to square ones" in texts(app.error)


def test_a_single_class_has_no_second_one():
    found = per_image(np.zeros(3, int), np.ones((3, 1), np.float32))
    assert found.margin.tolist() == found.confidence.tolist() == [1, 1, 1]
    result = evaluate(Network((4, 1)), np.zeros((3, 2, 2), np.uint8), np.zeros(3, int))
    assert result.digits.predicted.tolist() == [0, 0, 0]


MODELS = {"nan": np.nan, "infinite": np.inf, "huge": 1e38}


@pytest.mark.parametrize("name", ["evaluation", "inside", "draw", "upload"])
@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_no_numbers_gets_a_sentence(open_page, finished, name, model):
    arrays = finished.load_network().to_arrays()
    arrays["W1"] = np.full_like(arrays["W1"], MODELS[model])
    if model == "huge":
        arrays["W2"], arrays["W3"] = arrays["W1"][:128, :64], np.full_like(arrays["W3"], 1e38)
    write_npz(without_checksums(finished).path / "model.npz", arrays)
    app = open_page(name)
    if name in ("evaluation", "inside") or model != "huge":
        assert "learning rate" in unescaped(app.error)


def test_the_row_of_an_image_with_one_row_is_shown(open_page, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("t10k", 10)):
        write_idx(tmp_path / f"{split}-images-idx3-ubyte", rng.integers(256, size=(count, 1, 12), dtype=np.uint8))
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte", (np.arange(count) % 3).astype(np.uint8))
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path))
    app = open_page("preprocessing")
    assert "1 row of 12 pixels" in texts(app.markdown)
    assert "Row 0 becomes elements 0 to 11" in texts(app.markdown)
