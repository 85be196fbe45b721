"""Why a run does not learn: shown on Training with a button, and on Runs as a mark."""

import shutil
import time
from dataclasses import asdict, replace

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.runs.files import write_json
from mnist_core.runs.implementation import IMPLEMENTATION, Implementation
from mnist_core.runs.run import create_run, read_run
from mnist_core.runs.schema import write_record
from mnist_core.runs.tables import METRICS
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText
from pages.components.runs import diagnosis
from tests.helpers import by_label, texts, unescaped, use_folder, wait


@pytest.fixture(scope="module")
def slow_run(tmp_path_factory):
    """A run whose learning rate is far too low, to be copied."""
    config = TrainingConfig(epochs=2, hidden_layers=(8,), learning_rate=1e-8, seed=3)
    return wait(start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("slow")))


@pytest.fixture
def slow(slow_run, tmp_path):
    """The slow run, in this test's runs folder."""
    return read_run(shutil.copytree(slow_run.path, tmp_path / "runs" / slow_run.path.name))


def record(run, losses, accuracy, **status):
    """Write epochs of a run, as its worker would."""
    rows = [
        EpochMetrics(n, loss, accuracy, float("nan"), float("nan"), 0.5, 1.0) for n, loss in enumerate(losses, start=1)
    ]
    METRICS.rewrite(run.path, rows)
    changed = replace(run.status, epoch=len(rows), heartbeat=time.time(), **status)
    write_json(run.path / "status.json", asdict(changed))
    return run.refresh()


def test_a_healthy_run_is_called_healthy(open_page, finished):
    app = open_page("training", run=finished.id)
    assert "Diagnosis: healthy" in texts(app.caption)
    assert "Try " not in "".join(button.label for button in app.button)


def test_a_finding_says_what_is_seen_and_its_button_fills_the_sliders(open_page, slow):
    app = open_page("training", run=slow.id)
    (warning,) = app.warning
    said = warning.value.replace("\\", "")
    assert said.startswith("**Learning rate too low.** An accuracy of ")
    assert said.count("than guessing") == 1
    assert "Raise the learning rate from 1e-08 to 0.5" in said
    by_label(app.button, "Try learning rate 0.5").click().run()
    assert app.session_state["settings"] == replace(slow.config, learning_rate=0.5)
    assert app.number_input(key="learning_rate_field").value == 0.5
    assert app.number_input(key="units_0_field").value == 8
    assert "this one change" in texts(app.toast)


def test_a_failure_that_names_its_cause_is_not_said_twice(open_page, make_run):
    error = (
        "The loss became nan in epoch 2: the steps are too long. Lower the learning rate (it is 100) and start again."
    )
    run = make_run(TrainingConfig(learning_rate=100), state="failed", error=error, epoch=1)
    record(run, [40.0], 0.1, state="failed")
    app = open_page("training", run=run.id)
    assert "the steps are too long" in texts(app.error)
    assert not app.warning
    by_label(app.button, "Start again with learning rate 0.1")
    write_record(run.path / IMPLEMENTATION, Implementation(UntrustedText("mine.py")))
    record(run, [40.0, 50.0], 0.1, state="failed")
    assert "Check the code first." in texts(open_page("training", run=run.id).warning)


def test_a_running_run_is_judged_once_it_has_some_epochs(open_page, make_run):
    run = make_run(TrainingConfig(learning_rate=100), state="running", images_total=5000)
    record(run, [40.0] * 2, 0.1)
    app = open_page("training", run=run.id)
    assert not app.warning
    assert "healthy" not in texts(app.caption)
    record(run, [40.0] * 3, 0.1)
    assert "Learning rate too high" in texts(open_page("training", run=run.id).warning)
    record(run, [1.0, 0.8, 0.6, 0.5], 0.9)
    assert "healthy so far" in texts(open_page("training", run=run.id).caption)


def test_without_its_data_a_run_is_not_judged(open_page, tiny_folder):
    folder = tiny_folder(train=60, test=60)
    run = wait(start_run(TrainingConfig(epochs=1, hidden_layers=()), load_dataset("full", folder)))
    for file in folder.iterdir():
        file.unlink()
    app = open_page("training", run=run.id)
    assert "healthy" not in texts(app.caption)
    assert not app.warning


def test_the_table_of_runs_has_a_mark_and_the_selected_ones_a_badge(open_page, finished, slow, make_run):
    make_run(state="queued")
    app = open_page("runs", runs=f"{slow.id},{finished.id}")
    table = app.dataframe[0].value
    marks = dict(zip(table["state"] + table["rate"].astype(str), table["diagnosis"], strict=True))
    assert marks["finished1e-08"] == "Learning rate too low"
    assert marks["finished0.003"] == "healthy"
    assert list(table["state"][table["diagnosis"].isna()]) == ["queued"]
    badges = unescaped(app.markdown)
    assert "-badge[:material/stethoscope: Learning rate too low]" in badges
    assert "-badge[:material/health_and_safety: healthy]" in badges


def test_a_run_is_marked_once_its_data_is_found(open_page, tiny_folder, tmp_path):
    folder = tiny_folder(60, 60)
    run = create_run(TrainingConfig(hidden_layers=()), load_dataset("full", folder))
    record(run, [1.0] * 3, 0.9, state="finished")
    moved = folder.rename(tmp_path / "moved")
    app = open_page("runs", runs=run.id)
    assert list(app.dataframe[0].value["diagnosis"]) == [None]
    app.switch_page("pages/overview.py").run()
    use_folder(app, moved)
    app.switch_page("pages/runs.py").run()
    (mark,) = app.dataframe[0].value["diagnosis"]
    assert mark


def test_the_epochs_of_a_running_run_take_no_place_from_runs_that_ended(open_page, finished, make_run, monkeypatch):
    judged = []
    monkeypatch.setattr(diagnosis, "diagnose_run", lambda run, dataset: judged.append(run.id))
    for run in (finished, make_run(state="running")):
        diagnosis._diagnose.clear()
        diagnosis._diagnose_active.clear()
        diagnosis.diagnosis_of(run)
        diagnosis._diagnose_active.clear()
        diagnosis.diagnosis_of(run)
    assert [judged.count(run_id) for run_id in dict.fromkeys(judged)] == [1, 2]


def test_many_runs_are_marked_little_by_little(open_page, finished, slow, monkeypatch):
    monkeypatch.setattr(diagnosis, "MARKED_FIRST", 1)
    monkeypatch.setattr(diagnosis, "MARKING_SECONDS", 0.0)
    app = open_page("runs")
    assert list(app.dataframe[0].value["diagnosis"].isna()) == [False, True]
    assert sorted(app.run().dataframe[0].value["diagnosis"]) == ["Learning rate too low", "healthy"]
