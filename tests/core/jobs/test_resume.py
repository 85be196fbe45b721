"""Nothing is lost: a run that was paused, stopped or killed anywhere ends as one that ran through, bit for bit."""

import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event, get_ident

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import RunError
from mnist_core.jobs import job
from mnist_core.jobs.start import request, resume_run, start_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import worker_lock
from mnist_core.runs.run import Run, create_run
from mnist_core.runs.schema import write_record
from mnist_core.runs.status import STALE_SECONDS, Status
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_statistics import layer_statistics
from mnist_core.training.loop import build_network, train
from tests.helpers import assert_same_parameters, wait, work

CONFIG = TrainingConfig(epochs=1000, hidden_layers=(8, 6), batch_size=4, validation_fraction=0.1)
EVERYTHING = replace(
    CONFIG, activation="relu", optimizer="adamw", learning_rate=0.002, schedule="one_cycle", weight_decay=0.01,
    dropout=0.1, label_smoothing=0.1, patience=1000, shift=1, rotation=5, elastic=0.5, batch_size=16,
)  # fmt: skip
"""All that draws random numbers or keeps a state: dropout, augmentation, AdamW, the best model so far."""


@pytest.fixture(scope="module")
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=60))


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """A run that was never disturbed."""
    return wait(start_run(CONFIG, dataset, tmp_path_factory.mktemp("whole")))


def rows(run):
    """The lines of metrics.csv without their last column, the seconds."""
    return [line.rsplit(",", 1)[0] for line in (run.path / "metrics.csv").read_text().splitlines()]


def assert_same_run(run, whole):
    assert run.status.state == "finished", run.status.error
    assert rows(run) == rows(whole)
    assert len(rows(run)) == run.epochs + 1
    assert_same_parameters(run.load_network(), whole.load_network())
    assert run.status.test_accuracy == whole.status.test_accuracy
    positions = [float(line.split(",")[0]) for line in (run.path / "steps.csv").read_text().splitlines()[1:]]
    assert positions == sorted(positions)
    assert [path.name for path in run.path.glob(".*")] == [], "what killed writers left is swept"
    run.check_files()


def kill(run):
    os.kill(run.status.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


ROUNDS = pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.slow)])


@ROUNDS
def test_killed_at_random_moments_with_everything_switched_on(dataset, tmp_path, monkeypatch, rounds):
    whole = wait(start_run(EVERYTHING, dataset, tmp_path / "whole"))
    kill_and_resume(EVERYTHING, dataset, whole, tmp_path, monkeypatch, rounds)
    assert "best.parameters" in Checkpoint.read(whole.path).state


@ROUNDS
def test_killed_at_random_moments(dataset, whole, tmp_path, monkeypatch, rounds):
    kill_and_resume(CONFIG, dataset, whole, tmp_path, monkeypatch, rounds)


def kill_and_resume(config, dataset, whole, tmp_path, monkeypatch, rounds):
    monkeypatch.setitem(STALE_SECONDS, "running", 0.0)
    monkeypatch.setitem(STALE_SECONDS, "queued", 5.0)
    moments = random.Random(695)
    run = start_run(config, dataset, tmp_path)
    for _ in range(rounds):
        run = wait(run, lambda run: run.status.state not in ("queued", "interrupted"))
        assert run.status.state == "running"
        time.sleep(moments.uniform(0, 0.08))
        kill(run)
        run = wait(run)
        assert run.status.state == "interrupted"
        run = resume_run(run)
    assert_same_run(wait(run, lambda run: run.status.state in ("finished", "failed")), whole)


@pytest.mark.parametrize("moment", ["before the rename", "half written"])
def test_killed_while_a_checkpoint_is_written(dataset, whole, tmp_path, moment):
    """A worker that dies in the middle of a write leaves a temporary file; the checkpoint before it still counts."""
    run = create_run(replace(CONFIG, epochs=500), dataset, tmp_path)
    assert work(run).returncode == 0
    content = (run.path / "checkpoint.npz").read_bytes()
    leftover = run.path / ".checkpoint.npz.1.tmp"
    leftover.write_bytes(content if moment == "before the rename" else content[: len(content) // 2])
    run = wait(resume_run(run.refresh(), 500))
    assert run.epochs == 1000
    assert_same_run(run, whole)


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("stop", "stopped")])
def test_paused_or_stopped_and_resumed(dataset, whole, tmp_path, verb, state):
    run = wait(start_run(CONFIG, dataset, tmp_path), lambda run: run.status.epoch >= 5)
    request(run, verb)
    run = wait(run)
    assert run.status.state == state
    assert 5 <= run.status.epoch < 1000
    assert Checkpoint.read(run.path).epoch == run.status.epoch
    assert (run.status.test_accuracy is None) == (state == "paused")
    assert_same_run(wait(resume_run(run)), whole)


def test_a_pause_in_the_queue_waits_at_the_start(dataset, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    request(run, "pause")
    assert work(run).returncode == 0
    run = run.refresh()
    assert (run.status.state, run.status.epoch, run.metrics()) == ("paused", 0, [])


def test_more_epochs_continue_a_finished_run(dataset, whole, tmp_path):
    run = wait(start_run(replace(CONFIG, epochs=400), dataset, tmp_path))
    with pytest.raises(RunError, match="is finished: only one of paused"):
        resume_run(run)
    run = wait(resume_run(run, 600))
    assert run.config.epochs == 400
    assert run.epochs == 1000
    assert_same_run(run, whole)


def test_a_worker_that_is_about_to_end_is_waited_for(dataset, whole, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    request(run, "pause")
    work(run)
    held = Event()

    def linger():
        with worker_lock(run.path):
            held.set()
            time.sleep(0.3)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(linger)
        held.wait(timeout=30)
        resumed = resume_run(run.refresh())
    assert_same_run(wait(resumed), whole)


def test_of_resumes_at_once_one_starts_and_the_others_are_refused(dataset, whole, tmp_path, monkeypatch):
    run = create_run(CONFIG, dataset, tmp_path)
    request(run, "pause")
    work(run)
    refresh, everyone_has_read, first_reads = Run.refresh, Barrier(4), set()

    def refresh_together(run):
        """Let everyone decide on the same state."""
        run = refresh(run)
        if get_ident() not in first_reads:
            first_reads.add(get_ident())
            everyone_has_read.wait(timeout=30)
        return run

    def resume(_):
        try:
            return resume_run(run)
        except RunError as error:
            return error

    with monkeypatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(Run, "refresh", refresh_together)
        results = list(pool.map(resume, range(4)))
    refused = [str(result) for result in results if isinstance(result, RunError)]
    assert refused == [f"Run {run.id} is already being worked on: wait until it ends, or stop it."] * 3
    assert_same_run(wait(run.refresh()), whole)


def test_looking_at_a_dead_run_keeps_nobody_from_resuming_it(dataset, tmp_path, monkeypatch):
    """Every tab looks several times a second; each look asks for the lock."""
    monkeypatch.setattr(job, "start_process", lambda *_: None)
    run = create_run(CONFIG, dataset, tmp_path)
    dead, ended, seen = Status("running", heartbeat=1.0), Event(), []
    write_record(run.path / "status.json", dead)
    run.path.joinpath("worker.lock").touch()

    def look():
        while not ended.is_set():
            seen.append(run.refresh().status.state)

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look) for _ in range(4)]
        for _ in range(30):
            assert resume_run(run).status.state == "queued"
            write_record(run.path / "status.json", dead)
        ended.set()
        for each in looks:
            each.result()
    assert {"interrupted", "queued"} <= set(seen)


def test_a_damaged_checkpoint_is_named_and_left_alone(dataset, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    (run.path / "checkpoint.npz").write_bytes(b"nonsense")
    assert work(run).returncode == 1
    run = run.refresh()
    assert run.status.state == "failed"
    assert "The checkpoint of run" in run.status.error.plain
    assert (run.path / "checkpoint.npz").read_bytes() == b"nonsense"


def test_a_checkpoint_is_the_network_and_its_epoch(tmp_path):
    assert Checkpoint.read(tmp_path) == Checkpoint()
    arrays = {"W1": np.ones((2, 2)), "b1": np.zeros(2), "activation": np.array("sigmoid")}
    state = {"epoch": np.array(7), "steps": np.array(70), "optimizer.mean": np.ones(6)}
    Checkpoint(7, arrays, state).write(tmp_path)
    again = Checkpoint.read(tmp_path)
    assert again.epoch == 7
    assert {name: array.tolist() for name, array in again.state.items()} == {n: a.tolist() for n, a in state.items()}
    assert {name: array.tolist() for name, array in again.arrays.items()} == {n: a.tolist() for n, a in arrays.items()}


@pytest.mark.slow
def test_a_pause_within_the_first_epoch_after_a_resume_changes_nothing(dataset, whole, tmp_path):
    run = create_run(replace(CONFIG, epochs=400), dataset, tmp_path)
    assert work(run).returncode == 0
    before = Checkpoint.read(run.path)
    run = resume_run(run.refresh(), 600)
    request(run, "pause")  # noticed after the first mini-batch
    run = wait(run)
    assert (run.status.state, run.status.epoch) == ("paused", 400)
    after = Checkpoint.read(run.path)
    assert after.epoch == before.epoch == 400
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[name], array)
    assert_same_run(wait(resume_run(run)), whole)


def test_a_run_that_stopped_early_has_its_best_model_and_is_not_trained_on(dataset, tmp_path):
    config = replace(CONFIG, patience=2, learning_rate=3.0)
    run = wait(start_run(config, dataset, tmp_path))
    assert run.stopped_early, run.status.error
    losses = [row.val_loss for row in run.metrics()]
    best = 1 + int(np.argmin(losses))
    assert run.status.epoch == best + 2
    network = build_network(config, dataset)
    list(train(replace(config, epochs=best, patience=0), dataset, network))
    assert_same_parameters(run.load_network(), network)
    with pytest.raises(RunError, match="ended early after epoch"):
        resume_run(run, 5)


def test_layers_are_described_from_the_untrained_network_on(dataset, whole):
    rows = whole.layers()
    assert [row.layer for row in rows[:3]] == [1, 2, 3]
    assert rows[0].epoch == 0
    network = build_network(CONFIG, dataset)
    for row, expected in zip(rows[:3], layer_statistics(network, dataset, 0), strict=True):
        np.testing.assert_allclose(row, expected, rtol=1e-4)
    assert rows[0].weight_rms == pytest.approx(np.sqrt(np.mean(network.weights[0] ** 2)), rel=1e-4)
    assert {row.epoch for row in rows} <= set(range(1001))


def test_steps_tell_the_loss_within_the_epochs(whole):
    steps = whole.steps()
    assert len(steps) >= 2
    assert all(0 < step.epoch <= 1000 and step.loss > 0 for step in steps)
