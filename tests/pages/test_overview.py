"""Overview: the data in use, the download, the latest runs, the next step."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from mnist_core.data import dataset
from mnist_core.data.dataset import load_dataset
from mnist_core.data.published import download
from mnist_core.evaluation.predict import evaluate
from mnist_core.runs.run import list_runs
from tests.helpers import by_label, shown, texts, use_folder, wait


def test_a_first_visit_shows_the_sample_and_where_to_begin(open_page):
    app = open_page("overview")
    assert [(metric.label, metric.value) for metric in app.metric] == [
        ("Training images", "5,000"),
        ("Test images", "1,000"),
        ("Image size", "28x28 pixels"),
        ("Classes", "10"),
    ]
    assert app.button[0].label == "Start with the data"
    assert "No runs yet" in texts(app.info)
    assert by_label(app.button, "Download full MNIST")
    assert "5,000 training and 1,000 test images" in texts(app.sidebar.caption)
    app.button[0].click().run()
    assert app.title[0].value == "Dataset"


def test_the_full_data_needs_no_download(open_page, full_data_dir, monkeypatch):
    monkeypatch.setenv("MNIST_DATA_DIR", str(full_data_dir))
    app = open_page("overview")
    assert app.metric[0].value == "60,000"
    assert "Download full MNIST" not in [button.label for button in app.button]


def test_a_folder_that_is_missing_is_named_and_the_sample_heals_it(open_page, monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "gone"))
    app = open_page("overview")
    assert "found no such folder" in app.error[0].value
    assert "MNIST_DATA_DIR" in app.error[0].value
    assert "no data set" in texts(app.sidebar.markdown)
    app.radio[0].set_value("sample").run()
    by_label(app.button, "Use this data").click().run()
    assert not app.error
    assert app.metric[0].value == "5,000"


@pytest.mark.parametrize("page", ["dataset", "preprocessing", "training"])
def test_other_pages_say_what_is_wrong_with_the_data(open_page, monkeypatch, tmp_path, page):
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "gone"))
    app = open_page(page)
    assert "found no such folder" in app.error[0].value


def test_a_dead_mirror_leaves_the_sample_and_says_why(open_page, monkeypatch):
    monkeypatch.setattr(download, "MIRRORS", ("http://127.0.0.1:9/",))
    app = open_page("overview")
    by_label(app.button, "Download full MNIST").click().run()
    assert "could not be downloaded: 127.0.0.1:9 could not be reached" in shown(app.error[0].value)
    assert app.metric[0].value == "5,000"


def test_a_download_is_in_use_at_once(open_page, monkeypatch, tiny_folder, tmp_path):
    folder = tiny_folder(train=30, test=12, classes=4)
    files = {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in folder.iterdir()
    }

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(download, "MIRRORS", (f"http://127.0.0.1:{server.server_port}/",))
        monkeypatch.setattr(download, "cache_dir", dataset.cache_dir)
        monkeypatch.setattr(download.download, "__defaults__", (*download.download.__defaults__[:-1], files))
        app = open_page("overview")
        by_label(app.button, "Download full MNIST").click().run()
        server.shutdown()
    assert not app.error, app.error[0].value
    assert [metric.value for metric in app.metric] == ["30", "12", "5x4 pixels", "4"]


def test_a_folder_of_ones_own_serves_every_page(open_page, tiny_folder):
    folder = tiny_folder(train=30, test=12, classes=3, shape=(8, 6))
    app = open_page("overview")
    use_folder(app, folder)
    assert [metric.value for metric in app.metric] == ["30", "12", "8x6 pixels", "3"]
    assert folder.name in texts(app.sidebar.markdown)
    assert "30 training and 12 test images" in texts(app.sidebar.caption)

    app.switch_page("pages/dataset.py").run()
    assert not app.error
    assert app.dataframe[0].value["shape"].tolist() == ["(30, 8, 6)", "(30,)", "(12, 8, 6)", "(12,)"]
    app.switch_page("pages/preprocessing.py").run()
    assert not app.error
    assert "**8x6 → 48** numbers" in texts(app.markdown)

    app.switch_page("pages/training.py").run()
    assert "**48-128-64-3**" in texts(app.markdown)
    app.number_input(key="epochs_field").set_value(3).run()
    by_label(app.button, "Start training").click().run()
    run = wait(list_runs()[0])
    assert (run.status.state, run.status.error) == ("finished", None)
    own = load_dataset("full", folder)
    result = evaluate(run.load_network(), own.test_images, own.test_labels)

    app.switch_page("pages/evaluation.py").run()
    assert not app.error
    assert app.metric[0].value == f"{result.accuracy:.2%}" == f"{run.status.test_accuracy:.2%}"
    np.testing.assert_array_equal(app.dataframe[0].value, result.confusion_matrix)
    assert f"**test set of {folder.name}**" in texts(app.caption)


@pytest.mark.parametrize("page", ["overview", "dataset", "preprocessing", "training", "evaluation"])
def test_the_sidebar_names_the_data_on_every_page(open_page, page):
    app = open_page(page)
    assert "MNIST (sample of 6,000)" in texts(app.sidebar.markdown)
    assert "5,000 training and 1,000 test images" in texts(app.sidebar.caption)


def test_the_choice_is_this_sessions_alone(open_page, tiny_folder):
    app = open_page("overview")
    use_folder(app, tiny_folder())
    assert app.metric[0].value == "12"
    assert open_page("overview").metric[0].value == "5,000"


def test_a_wrong_folder_changes_nothing(open_page, tmp_path):
    app = open_page("overview")
    use_folder(app, tmp_path)
    assert "found no train-images-idx3-ubyte" in app.error[0].value
    assert app.metric[0].value == "5,000"


def test_latest_runs_and_the_next_step(open_page, finished, make_run):
    app = open_page("overview")
    assert app.button[0].label == "See what the latest network gets wrong"
    assert f"**{finished.status.test_accuracy:.2%}** accuracy on the test set of MNIST (sample of 6,000)" in texts(
        app.markdown
    )
    damaged = make_run()
    (damaged.path / "status.json").write_text("{")
    running = make_run(state="running", epoch=3)
    app.run()
    assert f"`{damaged.id}` status.json can't be read" in texts(app.markdown)
    assert app.button[0].label == "Watch the active run"
    app.button[0].click().run()
    assert app.title[0].value == "Training"
    assert app.selectbox(key="run_picker").value == running.id
