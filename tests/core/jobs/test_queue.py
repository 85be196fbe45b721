"""The queue: at most so many runs at once, in the order of their start, and a dead one frees its slot."""

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import ConfigError
from mnist_core.jobs import queue as slots
from mnist_core.jobs.queue import (
    blas_threads,
    give_up_place,
    keep_place,
    number_of_slots,
    place_in_queue,
    ticket_of,
    wait_for_slot,
)
from mnist_core.jobs.start import request, start_run
from mnist_core.runs.status import STALE_SECONDS
from mnist_core.training.config import TrainingConfig
from tests.helpers import wait

LONG = TrainingConfig(epochs=10_000, hidden_layers=(4,), batch_size=4)
SHORT = TrainingConfig(epochs=2, hidden_layers=(4,), batch_size=4)


@pytest.fixture
def start(tiny_folder, tmp_path, monkeypatch):
    """A function that starts a run where one may train at a time; what still runs at the end is killed."""
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "1")
    dataset, started = load_dataset("full", tiny_folder(train=40)), []

    def start(config):
        started.append(start_run(config, dataset, tmp_path))
        return started[-1]

    yield start
    for run in started:
        if run.refresh().status.active:
            request(run, "stop")
            wait(run.refresh())


def waits(run):
    return place_in_queue(run.path.parent, run.id) is not None


def test_runs_beyond_the_slots_wait_in_order_and_start_by_themselves(start, tmp_path):
    first = wait(start(LONG), lambda run: run.status.state == "running")
    second = wait(start(LONG), waits)
    third = wait(start(SHORT), waits)
    assert [place_in_queue(tmp_path, run.id) for run in (first, second, third)] == [None, 1, 2]
    assert [run.refresh().status.state for run in (first, second, third)] == ["running", "queued", "queued"]

    request(second, "stop")
    assert wait(second.refresh()).status.state == "stopped"
    assert second.refresh().metrics() == []
    assert wait(third.refresh(), lambda run: place_in_queue(tmp_path, run.id) == 1).status.state == "queued"
    request(first, "stop")
    assert wait(third.refresh()).status.state == "finished"
    assert list((tmp_path / ".queue").iterdir()) == []


def test_a_killed_run_frees_its_slot_and_a_killed_waiting_one_its_place(start, monkeypatch):
    monkeypatch.setitem(STALE_SECONDS, "running", 0.5)
    monkeypatch.setitem(STALE_SECONDS, "queued", 3.0)
    first = wait(start(LONG), lambda run: run.status.state == "running")
    second, third = wait(start(LONG), waits), wait(start(SHORT), waits)
    kill = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
    os.kill(wait(second, lambda run: run.status.pid).status.pid, kill)
    os.kill(first.status.pid, kill)
    assert wait(third.refresh()).status.state == "finished"
    assert wait(first.refresh()).status.state == "interrupted"
    assert wait(second.refresh()).status.state == "interrupted"


def test_the_wait_can_be_ended_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "1")
    monkeypatch.setattr(slots, "LOOK_SECONDS", 0.01)

    def never_mind():
        raise InterruptedError

    with ExitStack() as held:
        wait_for_slot(tmp_path, "a", held, never_mind)
        with ExitStack() as other, pytest.raises(InterruptedError):
            wait_for_slot(tmp_path, "b", other, never_mind)
    with ExitStack() as held:
        wait_for_slot(tmp_path, "c", held, never_mind)
    assert place_in_queue(tmp_path, "b") is None


def test_a_place_is_not_that_of_a_run_whose_id_ends_alike(tmp_path):
    ticket = ticket_of(time.time(), "copy-20260101-000000-abcd")
    keep_place(tmp_path, ticket)
    (tmp_path / ".queue" / f"{ticket}.lock").touch()
    assert place_in_queue(tmp_path, "20260101-000000-abcd") is None
    assert place_in_queue(tmp_path, "copy-20260101-000000-abcd") == 1


def test_first_come_first_served_whoever_arrives_first(tmp_path, monkeypatch):
    """Resumed runs and label checks have ids of old runs, and processes of one second arrive in any order."""
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "1")
    monkeypatch.setattr(slots, "LOOK_SECONDS", 0.01)
    now = time.time()
    tickets = [ticket_of(now + position / 1e5, name) for position, name in enumerate(["d", "a-cross_validation", "c"])]
    for ticket in tickets:
        keep_place(tmp_path, ticket)
        assert place_in_queue(tmp_path, ticket.partition("-")[2]) is None
    order, first_may_end = [], threading.Event()

    def come(ticket):
        with ExitStack() as held:
            wait_for_slot(tmp_path, ticket, held, lambda: None)
            order.append(ticket)
            assert first_may_end.wait(30)

    threads = [threading.Thread(target=come, args=(ticket,)) for ticket in reversed(tickets)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    first_may_end.set()
    for thread in threads:
        thread.join(30)
    assert order == tickets
    assert list((tmp_path / ".queue").iterdir()) == []


@pytest.mark.parametrize("age", [60, -60], ids=["old", "the clock was ahead"])
def test_a_place_is_not_kept_for_ever_for_a_process_that_never_comes(tmp_path, age):
    keep_place(tmp_path, ticket_of(1.0, "dead"))
    (dead,) = (tmp_path / ".queue").iterdir()
    os.utime(dead, (time.time() - age,) * 2)
    with ExitStack() as held:
        wait_for_slot(tmp_path, ticket_of(2.0, "next"), held, pytest.fail)
    assert list((tmp_path / ".queue").iterdir()) == []


def test_a_place_can_be_given_up(tmp_path):
    keep_place(tmp_path, ticket_of(1.0, "a"))
    give_up_place(tmp_path, ticket_of(1.0, "a"))
    assert list((tmp_path / ".queue").iterdir()) == []


def test_slots_and_threads_share_the_cores(monkeypatch):
    monkeypatch.setattr(slots.os, "cpu_count", lambda: 8)
    monkeypatch.delenv("MNIST_CONCURRENT_RUNS", raising=False)
    assert (number_of_slots(), blas_threads()) == (8, 1)
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "3")
    assert (number_of_slots(), blas_threads()) == (3, 2)
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "20")
    assert (number_of_slots(), blas_threads()) == (20, 1)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²", " 2 3", "9" * 5000])
def test_a_bad_number_of_slots_is_named(monkeypatch, text):
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", text)
    with pytest.raises(ConfigError, match="expected a whole number of at least 1"):
        number_of_slots()
