"""The app under test: every page through the router, with a runs folder of its own and the sample as data."""

import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.data import dataset
from mnist_core.data.dataset import load_dataset
from mnist_core.data.published import named
from mnist_core.jobs.start import start_run
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run, read_run
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from tests.helpers import wait

APP = str(Path(__file__).resolve().parents[2] / "app.py")


@pytest.fixture(scope="session")
def finished_folder(tmp_path_factory):
    """Folder of a finished run of two epochs on the sample, to be copied."""
    config = TrainingConfig(epochs=2, validation_fraction=0.1, optimizer="adam", learning_rate=0.003)
    return wait(start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("finished"))).path


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Point runs and cache to empty folders, so that the sample is what there is."""
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.delenv("MNIST_DATA_DIR", raising=False)
    for module in (dataset, named):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def no_exception(monkeypatch):
    """Fail at once when any drawing of a page, also one after a click, ends in an exception."""
    run = AppTest._run

    def checked(app, *arguments, **options):
        drawn = run(app, *arguments, **options)
        assert not drawn.exception, drawn.exception[0].value
        return drawn

    monkeypatch.setattr(AppTest, "_run", checked)


@pytest.fixture
def finished(finished_folder, tmp_path):
    """The finished run, in this test's runs folder."""
    return read_run(Path(shutil.copytree(finished_folder, tmp_path / "runs" / finished_folder.name)))


@pytest.fixture
def make_run():
    """A function that writes a run folder in a given state, as a worker would."""

    def make(config=None, **status):
        run = create_run(config or TrainingConfig(), DatasetReference.of(load_dataset("sample")))
        status = replace(Status(heartbeat=time.time()), **status)
        write_json(run.path / "status.json", asdict(status))
        return run.refresh()

    return make


@pytest.fixture
def open_page():
    """A function that opens a page in a new session and returns it drawn."""

    def open_page(name, **query):
        app = AppTest.from_file(APP, default_timeout=30)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        if name != "overview":
            app.switch_page(f"pages/{name}.py").run()
        return app

    return open_page
