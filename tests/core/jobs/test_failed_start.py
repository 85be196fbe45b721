"""A start that fails leaves everything as it was: no run that waits for a process that never comes."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import MnistError
from mnist_core.jobs import job
from mnist_core.jobs.label_check import read_progress, start_label_check
from mnist_core.jobs.start import resume_run, start_run
from mnist_core.runs.run import create_run, list_runs
from mnist_core.training.config import TrainingConfig
from tests.helpers import work

CONFIG = TrainingConfig(epochs=1, hidden_layers=())


@pytest.fixture
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=40))


def no_memory(*_, **__):
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def no_log(path, mode="r", *rest, **options):
    if path.name == "log.txt":
        raise OSError(errno.ENOSPC, "No space left on device")
    return open_path(path, mode, *rest, **options)


open_path = Path.open

FAILURES = {
    "no slot": lambda patch: patch.setenv("MNIST_CONCURRENT_RUNS", "0"),
    "nonsense": lambda patch: patch.setenv("MNIST_CONCURRENT_RUNS", "many"),
    "digits without end": lambda patch: patch.setenv("MNIST_CONCURRENT_RUNS", "9" * 5000),
    "no process": lambda patch: patch.setattr(job.subprocess, "Popen", no_memory),
    "no python": lambda patch: patch.setattr(sys, "executable", "/no/python"),
    "no log": lambda patch: patch.setattr(Path, "open", no_log),
    "Ctrl-C": lambda patch: patch.setattr(job.subprocess, "Popen", interrupted),
}


def interrupted(*_, **__):
    raise KeyboardInterrupt


def files(folder):
    """The content of every file, but for the locks, which may stay, and the log."""
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: content for path, content in kept.items() if path.suffix != ".lock" and path.name != "log.txt"}


@pytest.mark.parametrize("blas_threads", [0, 2])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_start_that_fails_leaves_no_run(dataset, tmp_path, monkeypatch, failure, blas_threads):
    FAILURES[failure](monkeypatch)
    with pytest.raises((MnistError, KeyboardInterrupt)):
        start_run(TrainingConfig(epochs=1, blas_threads=blas_threads), dataset, tmp_path)
    assert list_runs(tmp_path) == []
    assert files(tmp_path) == {}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_resume_that_fails_leaves_the_run_as_it_was(dataset, tmp_path, monkeypatch, failure):
    run = create_run(CONFIG, dataset, tmp_path)
    assert work(run).returncode == 0
    run, before = run.refresh(), files(tmp_path)
    with monkeypatch.context() as patch:
        FAILURES[failure](patch)
        with pytest.raises((MnistError, KeyboardInterrupt)):
            resume_run(run, 2)
    assert files(tmp_path) == before
    assert run.refresh() == run
    monkeypatch.setattr(job.subprocess, "Popen", Ended)
    assert resume_run(run, 2).status.state == "queued"


@pytest.mark.parametrize("failure", FAILURES)
def test_a_label_check_that_fails_to_start_was_never_there(dataset, tmp_path, monkeypatch, failure):
    run, before = create_run(CONFIG, dataset, tmp_path), files(tmp_path)
    with monkeypatch.context() as patch:
        FAILURES[failure](patch)
        with pytest.raises((MnistError, KeyboardInterrupt)):
            start_label_check(run)
    assert read_progress(run) is None
    assert files(tmp_path) == before


def test_the_advice_follows_the_cause(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", no_log)
    with pytest.raises(MnistError, match=r"No space left on device.*: free some space"):
        start_run(CONFIG, dataset, tmp_path)


class Ended(subprocess.Popen):
    """A process that is over at once."""

    def __init__(self, command, **options):
        super().__init__([sys.executable, "-c", ""], **options)


def test_a_run_waits_as_queued_in_the_order_of_its_request(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(job.subprocess, "Popen", Ended)
    started = [start_run(CONFIG, dataset, tmp_path) for _ in range(5)]
    kept = sorted(path.stem.partition("-")[2] for path in (tmp_path / ".queue").iterdir())
    assert kept == sorted(run.id for run in started)
    in_order = [path.stem.partition("-")[2] for path in sorted((tmp_path / ".queue").iterdir())]
    assert in_order == [run.id for run in started]
    assert [run.status.state for run in started] == ["queued"] * 5
