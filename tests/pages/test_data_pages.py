"""Dataset and Preprocessing."""

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.training.config import PRESETS
from tests.helpers import by_label, html, texts, use_folder


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


def test_the_table_describes_the_arrays(open_page, sample):
    table = open_page("dataset").dataframe[0].value
    assert table["array"].tolist() == ["train_images", "train_labels", "test_images", "test_labels"]
    for row in table.itertuples():
        array = getattr(sample, row.array)
        assert (row.shape, row.dtype) == (str(array.shape), str(array.dtype))
        assert row.values == f"{array.min()} to {array.max()}"
        assert row.memory == f"{array.nbytes / 1e6:.2f} MB"


def test_another_image_is_kept_on_the_next_page(open_page, sample):
    app = open_page("dataset")
    shown = set()
    for _ in range(3):
        by_label(app.button, "Random image").click().run()
        shown.add(app.number_input(key="picked_index").value)
    assert len(shown) > 1
    index = app.number_input(key="picked_index").value
    assert f"Image {index:,} of the training set" in texts(app.caption)
    for row in sample.train_images[index][10:18]:
        assert "".join(f">{value}</td>" for value in row) in "".join(
            part for part in html(app).replace("<td", "\n<td").split("\n") for part in [part[part.find(">") :]]
        )
    app.switch_page("pages/preprocessing.py").run()
    assert app.number_input(key="picked_index").value == index
    assert app.dataframe[1].value.index[0].startswith(f"image {index:,}: ")


def test_an_index_beyond_the_smaller_split_is_its_last(open_page):
    app = open_page("dataset")
    app.number_input(key="picked_index").set_value(4999).run()
    app.button_group(key="picked_split").set_value("test set").run()
    assert not app.exception
    assert app.number_input(key="picked_index").value == 999
    assert "Image 999 of the test set" in texts(app.caption)


def test_the_grid_follows_its_filters(open_page, sample):
    app = open_page("dataset")
    by_label(app.selectbox, "Class").set_value(7).run()
    by_label(app.selectbox, "From").set_value("test set").run()
    assert "60 of 100 images" in texts(app.caption)
    first = html(app)
    assert first.count('role="img" aria-label="label 7, image') == 60
    chosen = np.random.default_rng(1).permutation(np.flatnonzero(sample.test_labels == 7))[:60]
    assert all(f"label 7, image {index:,} of the test set" in first for index in chosen)
    by_label(app.number_input, "Random seed").set_value(2).run()
    assert html(app) != first


def test_a_class_without_images_is_named(open_page, tiny_folder, monkeypatch):
    folder = tiny_folder(train=9, test=9, classes=3)
    for split in ("train", "t10k"):
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", np.array([0, 2, 2] * 3, np.uint8))
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    app = open_page("dataset")
    by_label(app.selectbox, "Class").set_value(1).run()
    assert "has no image of class 1" in app.info[0].value
    assert "The rarest class of the training set has 0 images" in texts(app.caption)


def test_preprocessing_shows_shapes_rows_and_one_hot(open_page, sample):
    app = open_page("preprocessing")
    app.number_input(key="picked_index").set_value(5).run()
    row, hot, steps = (frame.value for frame in app.dataframe[:3])
    vector = flatten(normalize(sample.train_images[5:6]))[0]
    np.testing.assert_array_equal(row.to_numpy()[0], vector[14 * 28 : 15 * 28])
    assert hot.index.tolist() == [f"image {n}: {sample.train_labels[n]}" for n in range(5, 13)]
    np.testing.assert_array_equal(hot, one_hot(sample.train_labels[5:13], 10))
    assert steps["shape of a mini-batch"].tolist() == [
        "(128, 28, 28)",
        "(128, 28, 28)",
        "(128, 784)",
        "(128,)",
        "(128, 10)",
    ]
    assert steps["shape of the training set"].tolist()[2:] == ["(5000, 784)", "(5000,)", "(5000, 10)"]
    assert steps["dtype"].tolist() == ["uint8", "float32", "float32", "uint8", "float32"]
    app.slider[0].set_value(3).run()
    assert "elements 84 to 111" in texts(app.markdown)
    np.testing.assert_array_equal(app.dataframe[0].value.to_numpy()[0], vector[84:112])


def test_augmentation_is_previewed_live_and_kept_for_the_next_run(open_page):
    app = open_page("preprocessing")
    assert "All amounts are 0" in texts(app.info)
    by_label(app.button, "Use the amounts of the Best preset").click().run()
    assert app.session_state["settings"].augmentation == PRESETS["best"].config.augmentation
    first = html(app)
    assert first.count("distorted image") == 2 * 19
    app.slider(key="rotation_slider").set_value(30.0).run()
    turned = html(app)
    assert turned != first
    by_label(app.button, "New distortions").click().run()
    assert html(app) != turned
    app.switch_page("pages/training.py").run()
    assert app.slider(key="rotation_slider").value == 30


def test_odd_data_is_named_where_it_is_chosen_and_described(open_page, tiny_folder):
    folder = tiny_folder(train=200, test=100)
    labels = (np.arange(200) % 3).astype(np.uint8)
    labels[17] = 255
    write_idx(folder / "train-labels-idx1-ubyte.gz", labels)
    app = open_page("overview")
    assert not app.warning
    use_folder(app, folder)
    for name in ("overview", "dataset"):
        app.switch_page(f"pages/{name}.py").run()
        (warning,) = app.warning
        assert warning.value.startswith("**1 of 200 training labels (image 17) is 255, where all others are 0 to 2.**")
        assert "256 outputs" in warning.value


def test_the_name_of_a_folder_is_shown_as_it_is(open_page, tiny_folder):
    folder = tiny_folder().rename(tiny_folder().with_name("![x](http_) *a*"))
    app = open_page("overview")
    use_folder(app, folder)
    app.switch_page("pages/dataset.py").run()
    assert "**!\\[x\\](http\\_) \\*a\\*: 12 training" in texts(app.markdown)
