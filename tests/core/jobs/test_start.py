"""Training processes: real ones, on a tiny data set."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.errors import RunError
from mnist_core.jobs import job
from mnist_core.jobs.start import request, start_run
from mnist_core.runs.run import create_run, list_runs
from mnist_core.runs.status import STALE_SECONDS
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import EpochMetrics, build_network, train
from tests.helpers import assert_same_parameters, wait, work

LONG = TrainingConfig(epochs=10_000, hidden_layers=(4,), batch_size=4)


@pytest.fixture
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=40))


def test_a_run_leaves_what_training_in_this_process_gives(dataset, tmp_path):
    config = TrainingConfig(epochs=4, hidden_layers=(6,), batch_size=7, validation_fraction=0.2)
    run = wait(start_run(config, dataset, tmp_path))
    assert run.status.state == "finished", run.status.error
    assert run.status.epoch == 4
    network = build_network(config, dataset)
    expected = list(train(config, dataset, network))
    assert_same_parameters(run.load_network(), network)
    for row, other in zip(run.metrics(), expected, strict=True):
        np.testing.assert_allclose(row[:-1], other[:-1], rtol=1e-8)
    names = {path.name for path in run.path.iterdir()}
    tables = {"metrics.csv", "steps.csv", "layers.csv", "histograms.csv"}
    state = {"config.json", "status.json", "worker.lock", "log.txt"}
    assert names == tables | state | {"checkpoint.npz", "model.npz"}
    assert (run.path / "metrics.csv").read_text().splitlines()[0].split(",") == list(EpochMetrics._fields)
    assert (run.path / "steps.csv").read_text().startswith("epoch,loss\n0.")
    predicted = network.feed_forward(dataset.test_images.reshape(6, -1) / np.float32(255)).argmax(axis=1)
    assert run.status.test_accuracy == (predicted == dataset.test_labels).mean()


def test_a_stopped_run_keeps_its_last_complete_epoch(dataset, tmp_path):
    run = wait(start_run(LONG, dataset, tmp_path), lambda run: run.status.epoch >= 5)
    request(run, "stop")
    run = wait(run)
    assert run.status.state == "stopped"
    done = run.status.epoch
    assert 5 <= done < 10_000
    assert [row.epoch for row in run.metrics()] == list(range(1, done + 1))
    network = build_network(LONG, dataset)
    epochs = train(LONG, dataset, network)
    for _ in range(done):
        next(epochs)
    assert_same_parameters(run.load_network(), network)
    assert run.status.test_accuracy is not None
    with pytest.raises(RunError, match="is stopped: only a queued or running one"):
        request(run, "stop")


def test_a_killed_run_reads_as_interrupted_with_its_metrics(dataset, tmp_path, monkeypatch):
    run = wait(start_run(LONG, dataset, tmp_path), lambda run: run.status.epoch >= 5)
    os.kill(run.status.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    monkeypatch.setitem(STALE_SECONDS, "running", 0.5)
    run = wait(run)
    assert run.status.state == "interrupted"
    assert len(run.metrics()) >= 5


def test_a_worker_outlives_the_process_that_started_it(dataset, tmp_path):
    start = (
        "import sys\nfrom mnist_core.jobs.start import start_run\nfrom mnist_core.data.dataset import load_dataset\n"
        "from mnist_core.training.config import TrainingConfig\n"
        "config = TrainingConfig(epochs=300, hidden_layers=(4,), batch_size=4)\n"
        "start_run(config, load_dataset('full', sys.argv[1]), sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", start, dataset.data_dir, str(tmp_path)], check=True)
    (run,) = list_runs(tmp_path)
    assert wait(run).status.state == "finished"


def test_two_starts_at_once_are_two_runs(dataset, tmp_path):
    config = TrainingConfig(epochs=2, hidden_layers=())
    started = [start_run(config, dataset, tmp_path) for _ in range(2)]
    assert started[0].id != started[1].id
    assert [wait(run).status.state for run in started] == ["finished", "finished"]


def test_a_data_set_that_changed_fails_with_a_sentence(tiny_folder, tmp_path):
    folder = tiny_folder()
    run = create_run(TrainingConfig(), load_dataset("full", folder), tmp_path)
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.array([2, 2, 2, 0, 1, 1], np.uint8))
    assert work(run).returncode == 1
    run = run.refresh()
    assert run.status.state == "failed"
    assert "are not those that this run was created with" in run.status.error.plain

    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    run = create_run(TrainingConfig(), run.dataset, tmp_path)
    assert work(run).returncode == 1
    assert "found no t10k-labels-idx1-ubyte" in run.refresh().status.error.plain


def test_a_damaged_run_is_refused_by_the_worker(dataset, tmp_path):
    run = create_run(TrainingConfig(), dataset, tmp_path)
    (run.path / "config.json").write_text("{}")
    done = work(run)
    assert done.returncode == 1
    assert "is damaged: config.json" in done.stderr


def test_a_run_stopped_before_its_first_epoch_has_no_model_and_no_score(dataset, tmp_path):
    run = create_run(LONG, dataset, tmp_path)
    request(run, "stop")
    assert work(run).returncode == 0
    run = run.refresh()
    assert (run.status.state, run.status.epoch, run.status.test_accuracy) == ("stopped", 0, None)
    assert run.metrics() == []
    with pytest.raises(RunError, match="has no model"):
        run.load_network()


def test_a_worker_leaves_no_temporary_file(dataset, tmp_path):
    run = create_run(TrainingConfig(epochs=2, hidden_layers=()), dataset, tmp_path)
    config = (run.path / "config.json").read_bytes()
    assert work(run).returncode == 0
    assert [path.name for path in run.path.iterdir() if path.name.startswith(".")] == []
    assert (run.path / "config.json").read_bytes() == config
    assert run.refresh().status.pid != os.getpid()


def test_starts_from_threads_at_once_are_as_many_runs(dataset, tmp_path):
    config = TrainingConfig(epochs=1, hidden_layers=())
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: start_run(config, dataset, tmp_path), range(4)))
    assert len({run.id for run in started}) == 4
    assert [wait(run).status.state for run in started] == ["finished"] * 4
    assert {run.id for run in list_runs(tmp_path)} == {run.id for run in started}


def test_no_process_is_an_error_that_says_so(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(RunError, match=r"^Run .* can't start a process"):
        start_run(LONG, dataset, tmp_path)


def test_a_disk_that_fails_ends_the_run_with_a_sentence(dataset, tmp_path):
    run = create_run(TrainingConfig(epochs=2, hidden_layers=()), dataset, tmp_path)
    (run.path / "model.npz").mkdir()  # no file can be put in its place
    assert work(run).returncode == 1
    run = run.refresh()
    assert run.status.state == "failed"
    assert run.status.error.plain.startswith("The run folder can't be written")
    assert len(run.metrics()) == 1  # the model of the first epoch could not be written


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"pause\xed\xa0\x80", b"x" * 1_000_000])
def test_what_nobody_understands_is_no_request(dataset, tmp_path, content):
    run = create_run(TrainingConfig(epochs=2, hidden_layers=()), dataset, tmp_path)
    (run.path / "control").write_bytes(content)
    assert work(run).returncode == 0
    assert run.refresh().status.state == "finished"


def test_a_deleted_run_folder_is_not_created_again(dataset, tmp_path):
    run = create_run(TrainingConfig(), dataset, tmp_path)
    run.path.rename(tmp_path / "elsewhere")
    done = work(run)
    assert done.returncode == 1
    assert "There is no run folder" in done.stderr
    assert not run.path.exists()


def test_a_run_that_diverges_fails_with_a_sentence(dataset, tmp_path):
    run = create_run(replace(LONG, learning_rate=1e5), dataset, tmp_path)
    assert work(run).returncode == 1
    run = run.refresh()
    assert run.status.state == "failed"
    assert "the steps are too long. Lower the learning rate (it is 100000)" in run.status.error.plain


def test_blas_threads_are_a_setting_of_the_run(dataset, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(job.subprocess, "Popen", lambda command, **how: started.append(how["env"]) or Ended())
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "1")
    for asked in (0, 3):
        start_run(TrainingConfig(blas_threads=asked), dataset, tmp_path)
    threads = [{environment[name] for name in job.THREAD_VARIABLES} for environment in started]
    assert threads == [{str(os.cpu_count())}, {"3"}]


class Ended:
    """A process that is over at once."""

    def wait(self):
        return 0
