"""Runs that are trained with a learner's code: real processes, on a tiny data set."""

import io
import time
import zipfile

import numpy as np
import pytest

from mnist_core.assignment import own_runs, worker
from mnist_core.assignment.own_runs import parted, start_again, start_beside, start_mistaken_run, start_own_run
from mnist_core.assignment.sandbox import Limits
from mnist_core.assignment.starter import solution
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import AssignmentError, RunError
from mnist_core.jobs.start import request, resume_run, start_run
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.implementation import code_of, read_implementation
from mnist_core.runs.run import create_run, list_runs
from mnist_core.runs.trash import delete_run
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import EpochMetrics, build_network, train
from mnist_core.training.state import TrainingState
from tests.helpers import assert_same_parameters, wait

SOLUTION = solution()
CONFIG = TrainingConfig(epochs=3, hidden_layers=(6,), batch_size=7, learning_rate=0.5)
LONG = TrainingConfig(epochs=10_000, hidden_layers=(6,), batch_size=7)
HEAD = "import time\nimport numpy as np\n\n\ndef back_propagate(x, y, parameters):\n"


@pytest.fixture
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=40))


@pytest.fixture
def start(dataset, tmp_path):
    def start(text, config=CONFIG, **options):
        return start_own_run(config, dataset, "mine.py", text.encode(), runs_dir=tmp_path, **options)

    return start


def assert_near(run, other):
    for row, second in zip(run.metrics(), other.metrics(), strict=True):
        np.testing.assert_allclose(row[1:3], second[1:3], rtol=1e-4)


def test_a_correct_file_trains_as_the_reference_beside_it(start, tmp_path):
    run = wait(start(SOLUTION))
    beside = wait(start_beside(run, tmp_path))
    for each in (run, beside):
        assert each.status.state == "finished", each.status.error
    assert_near(run, beside)
    assert run.status.test_accuracy == beside.status.test_accuracy
    assert beside.config == run.config
    assert "mine.py" in beside.about.name.plain
    assert read_implementation(beside.path) is None


def test_it_trains_without_bubblewrap(start, monkeypatch, tmp_path):
    run = wait(start(SOLUTION))
    monkeypatch.setenv("PATH", str(tmp_path))
    alone = wait(start(SOLUTION))
    assert alone.status.state == "finished", alone.status.error
    assert_same_parameters(alone.load_network(), run.load_network())
    stuck = wait(start(HEAD + "    time.sleep(1000)"), lambda run: run.status.state == "running")
    request(stuck, "stop")
    assert wait(stuck, seconds=10).status.state == "stopped"


def test_the_file_and_its_finding_are_kept(start):
    run = wait(start(SOLUTION, finding="The gradient is not divided by N."))
    implementation = read_implementation(run.path)
    assert (implementation.name.plain, implementation.mistake) == ("mine.py", None)
    assert implementation.finding.plain == "The gradient is not divided by N."
    assert code_of(run.path).read_bytes() == SOLUTION.encode()
    assert [tag.plain for tag in run.about.tags] == ["own code"]


def test_a_mistake_trains_apart_from_the_reference(dataset, tmp_path):
    run = wait(start_mistaken_run(CONFIG, dataset, "update-uphill", tmp_path))
    right = wait(start_run(CONFIG, dataset, tmp_path))
    assert run.status.state == "finished", run.status.error
    assert run.metrics()[-1].train_loss > right.metrics()[-1].train_loss
    assert read_implementation(run.path).mistake == "update-uphill"
    assert not run.about.note, "that is for a person's own words"


@pytest.mark.parametrize("name", ["no-such-mistake", "idx-little-endian"])
def test_what_can_not_be_trained_leaves_no_run(name, dataset, tmp_path):
    with pytest.raises(AssignmentError, match="can be trained"):
        start_mistaken_run(CONFIG, dataset, name, tmp_path)
    assert list_runs(tmp_path) == []


def test_a_file_without_a_gradient_leaves_no_run(start, tmp_path):
    with pytest.raises(AssignmentError, match="no function back_propagate: write it first"):
        start("x = 1\n")
    assert list_runs(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("    raise ValueError('odd')", "back_propagate failed in line 6: It raises ValueError: odd."),
        ("    import os; os._exit(0)", "It ended its own process"),
        ("    return [np.ones(10**10)]", "MemoryError|Unable to allocate|memory"),
        ("    return None", "the gradients are None"),
    ],
)
def test_code_that_fails_ends_its_run_with_a_sentence(body, sentence, start):
    run = wait(start(HEAD + body))
    assert run.status.state == "failed"
    assert pytest.raises(AssertionError, match=sentence).matches(AssertionError(run.status.error.plain))
    assert "An error in the program" not in run.status.error.plain


@pytest.mark.parametrize("verb", ["pause", "stop"])
@pytest.mark.slow
def test_a_call_that_takes_long_does_not_keep_a_run_from_obeying(verb, start):
    run = start(HEAD + "    time.sleep(1000)")
    run = wait(run, lambda run: run.status.state == "running")
    time.sleep(1)
    beat = run.refresh().status.heartbeat
    wait(run, lambda run: run.status.heartbeat > beat)
    request(run, verb)
    run = wait(run, seconds=10)
    assert run.status.state == {"pause": "paused", "stop": "stopped"}[verb]
    assert run.status.error is None


def test_a_call_without_end_ends_the_run(start, dataset, monkeypatch):
    monkeypatch.setattr(own_runs, "start_run", create_run)
    monkeypatch.setattr(worker, "LIMITS", Limits(call_seconds=0.5))
    run = start(HEAD + "    while True: pass")
    network = build_network(CONFIG, dataset)
    state = TrainingState.start(CONFIG, network)
    waits = []
    with (
        pytest.raises(AssignmentError, match=r"did not return within 0\.5 s: look for a loop that does not end"),
        worker.own_code(run, network, state, lambda: waits.append(1)) as gradient,
    ):
        list(train(CONFIG, dataset, network, state=state, gradient=gradient))
    assert waits


@pytest.mark.parametrize("mistake", [None, "update-last-layer-only"])
def test_a_resumed_run_gives_the_same_bits(mistake, start, dataset, tmp_path):
    config = TrainingConfig(epochs=200 if mistake else 60, hidden_layers=(6,), batch_size=2, validation_fraction=0.2)

    def begin():
        return start_mistaken_run(config, dataset, mistake, tmp_path) if mistake else start(SOLUTION, config)

    whole = wait(begin())
    parts = wait(begin(), lambda run: run.status.epoch >= 3)
    request(parts, "pause")
    parts = wait(parts)
    assert parts.status.state == "paused"
    assert parts.status.epoch < config.epochs
    parts = wait(resume_run(parts))
    assert parts.status.state == "finished", parts.status.error
    assert_same_parameters(parts.load_network(), whole.load_network())
    assert [row[:-1] for row in parts.metrics()] == [row[:-1] for row in whole.metrics()]


def test_the_code_does_not_travel_and_resuming_says_so(start, dataset, tmp_path):
    run = wait(start(SOLUTION, LONG), lambda run: run.status.epoch >= 1)
    request(run, "pause")
    run = wait(run)
    packed = export_run(run)
    names = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    assert f"{run.id}/implementation.json" in names
    assert not any("own_code" in name for name in names)
    imported = import_run(packed, tmp_path / "other", [dataset])
    implementation = read_implementation(imported.path)
    assert implementation == read_implementation(run.path)
    assert code_of(imported.path) is None
    np.testing.assert_array_equal(imported.load_network().parameters, run.load_network().parameters)
    failed = wait(resume_run(imported))
    assert failed.status.state == "failed"
    assert "does not travel with an exported run" in failed.status.error.plain
    assert failed.status.epoch == run.status.epoch
    with pytest.raises(AssignmentError, match="does not travel"):
        start_again(imported, CONFIG, tmp_path / "other")


def test_a_damaged_record_is_refused_on_import_and_said(start, tmp_path):
    run = wait(start(SOLUTION))
    (run.path / "implementation.json").write_text('{"name": 3}', encoding="utf-8")
    with pytest.raises(RunError, match=r"implementation\.json"):
        read_implementation(run.path)
    with pytest.raises(RunError, match=r"implementation\.json"):
        import_run(export_run(run), tmp_path / "other")
    assert list_runs(tmp_path / "other") == []
    failed = wait(resume_run(run, 1))
    assert failed.status.state == "failed"
    assert "implementation.json" in failed.status.error.plain


def test_a_deleted_run_takes_its_code_along(start, tmp_path):
    run = wait(start(SOLUTION))
    delete_run(run)
    assert list_runs(tmp_path) == []
    assert not run.path.exists()


def test_the_same_code_starts_again_with_other_settings(start, dataset, tmp_path):
    run = wait(start(SOLUTION, finding="odd"))
    again = wait(start_again(run, TrainingConfig(epochs=1, hidden_layers=(6,), learning_rate=0.1), tmp_path))
    assert again.status.state == "finished", again.status.error
    assert again.config.learning_rate == 0.1
    assert code_of(again.path).read_bytes() == SOLUTION.encode()
    assert read_implementation(again.path) == read_implementation(run.path)
    mistaken = wait(start_mistaken_run(CONFIG, dataset, "update-uphill", tmp_path))
    again = wait(start_again(mistaken, CONFIG, tmp_path))
    assert read_implementation(again.path).mistake == "update-uphill"


def rows(losses):
    return [EpochMetrics(epoch, loss, *[0.0] * 5) for epoch, loss in losses.items()]


@pytest.mark.parametrize(
    ("ours", "theirs", "epochs", "first"),
    [
        ({1: 1.0, 2: 0.9, 3: 0.8}, {1: 1.0, 2: 0.7, 3: 0.5}, 3, 2),
        ({1: float("nan")}, {1: 1.0}, 1, 1),
        ({1: 1.0, 2: 0.012}, {1: 1.01, 2: 0.010, 3: 0.009}, 2, None),
        ({1: 2.0, 3: 0.5, 4: 0.25}, {1: 2.0, 2: 1.0, 3: 0.5, 4: 0.25}, 3, None),
        ({2: 1.0}, {1: 2.0, 2: 1.0}, 1, None),
        ({}, {1: 1.0}, 0, None),
        ({1: 1.0}, {2: 1.0}, 0, None),
    ],
)
def test_losses_are_compared_epoch_by_epoch_also_where_a_damaged_row_was_left_out(ours, theirs, epochs, first):
    count, pair = parted(rows(ours), rows(theirs))
    assert count == epochs
    assert (pair and [row.epoch for row in pair]) == (first and [first, first])
