"""What killed writers leave is swept by the run's next worker, and counted until then."""

import os
import time

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.label_check import read_progress
from mnist_core.runs.files import LEFTOVER_SECONDS, folder_bytes, sweep, write_json
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from tests.core.jobs.test_label_check import work as check_labels
from tests.helpers import work

OF_TRAINING = (
    ".status.json.1.tmp", ".checkpoint.npz.1.tmp", ".model.npz.1-2.tmp", ".metrics.csv.1-2.tmp", ".steps.csv.7.tmp",
    ".layers.csv.1-2.tmp", ".histograms.csv.1-2.tmp",
)  # fmt: skip
OF_LABEL_CHECK = (".cross_validation.json.1.tmp", ".cross_validation.npz.1-2.tmp")
OF_DASHBOARD = (".about.json.1-2.tmp", ".control.1.tmp")


@pytest.fixture
def run(tiny_folder, tmp_path):
    dataset = load_dataset("full", tiny_folder(train=60))
    run = create_run(TrainingConfig(epochs=1, hidden_layers=()), dataset, tmp_path)
    for name in (*OF_TRAINING, *OF_LABEL_CHECK, *OF_DASHBOARD):
        (run.path / name).write_bytes(bytes(1000))
    return run


def left(run):
    return {path.name for path in run.path.glob(".*")}


def test_a_worker_sweeps_what_its_predecessors_left(run):
    assert work(run).returncode == 0
    assert left(run) == {*OF_LABEL_CHECK, *OF_DASHBOARD}, "others may be writing these now"


def test_a_label_check_sweeps_what_its_predecessors_left(run):
    assert check_labels(run).returncode == 0
    assert read_progress(run).state == "finished"
    assert left(run) == {*OF_TRAINING, *OF_DASHBOARD}


def test_old_leftovers_of_anybody_are_swept(run):
    old = time.time() - LEFTOVER_SECONDS - 10
    for path in run.path.glob(".*"):
        os.utime(path, (old, old))
    (run.path / ".control.5-5.tmp").write_bytes(b"young")
    sweep(run.path, ["status.json"])
    assert left(run) == {".control.5-5.tmp"}


def test_nothing_else_is_swept(run):
    kept = {".hidden", ".reserve", ".x.tmp.txt"}
    for name in kept:
        (run.path / name).write_bytes(b"")
    assert work(run).returncode == 0
    assert kept - {".reserve"} <= left(run)
    assert {"config.json", "status.json", "metrics.csv"} <= {path.name for path in run.path.iterdir()}


def test_leftovers_count_in_the_size_of_a_run(run):
    size = sum(path.stat().st_size for path in run.path.iterdir())
    assert folder_bytes(run.path) == size > 11_000
    (run.path / ".checkpoint.npz.1.tmp").unlink()
    assert folder_bytes(run.path) == size - 1000


def test_two_sessions_that_write_the_same_file_do_not_meet(run):
    """Sessions of the dashboard are threads of one process."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_json(run.path / "about.json", {"name": str(number)}), range(200)))
