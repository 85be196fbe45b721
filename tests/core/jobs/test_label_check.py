"""Label issues: labels corrupted on purpose are found, and the job that finds them loses nothing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
from filelock import FileLock

from mnist_core.data.corrected.corrections import decide
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import RunError
from mnist_core.evaluation.label_errors import class_thresholds, find_label_issues
from mnist_core.jobs import job
from mnist_core.jobs.job import PROJECT
from mnist_core.jobs.label_check import Progress, fold_settings, read_probabilities, read_progress, start_label_check
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run
from mnist_core.runs.status import STALE_SECONDS
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.out_of_sample import FOLDS, cross_validate, fold_positions, probabilities_of_test_set


def corrupt(dataset, count, seed=0):
    """Flip ``count`` training labels to another class; return the data set and the positions."""
    rng = np.random.default_rng(seed)
    flipped = rng.choice(len(dataset.train_labels), count, replace=False)
    labels = dataset.train_labels.copy()
    labels[flipped] = (labels[flipped] + rng.integers(1, 10, count)) % 10
    return replace(dataset, train_labels=labels), flipped


def recall(dataset, flipped, config, first):
    probabilities = np.zeros((len(dataset.train_labels), 10), np.float32)
    for fold, of_fold in cross_validate(config, dataset):
        probabilities[fold] = of_fold
    return np.isin(flipped, find_label_issues(dataset.train_labels, probabilities).index[:first]).mean()


@pytest.mark.slow
def test_flipped_labels_of_the_sample_are_found():
    dataset, flipped = corrupt(load_dataset("sample"), 20)
    assert recall(dataset, flipped, replace(PRESETS["fast"].config, epochs=15), 80) >= 0.8


def test_nine_of_ten_of_300_flipped_labels_are_among_the_first_600(full_data_dir):
    dataset, flipped = corrupt(load_dataset("full", full_data_dir), 300)
    plain = replace(PRESETS["fast"].config, epochs=4, shift=0, rotation=0, scale=0, shear=0, elastic=0)  # in seconds
    assert recall(dataset, flipped, plain, 600) >= 0.9


def test_thresholds_and_ranking_by_hand():
    labels = np.array([0, 0, 1, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4], [0.05, 0.95]])
    assert class_thresholds(labels, probabilities) == pytest.approx([0.55, 2.05 / 3])
    issues = find_label_issues(labels, probabilities)
    assert issues.index.tolist() == [1, 3]
    assert issues.suggested.tolist() == [1, 0]
    assert issues.self_confidence == pytest.approx([0.2, 0.4])
    assert issues.confident.tolist() == [True, True]
    assert class_thresholds(np.array([0]), np.array([[0.5, 0.5]])).tolist() == [0.5, 1]


def test_folds_divide_everything():
    folds = fold_positions(23, 5, seed=1)
    assert sorted(np.concatenate(folds)) == list(range(23))
    assert {len(fold) for fold in folds} == {4, 5}


@pytest.fixture
def run(tiny_folder, tmp_path):
    dataset = load_dataset("full", tiny_folder(train=60))
    return create_run(TrainingConfig(hidden_layers=(8,)), DatasetReference.of(dataset), tmp_path / "runs")


def queue_up(run):
    write_json(run.path / "cross_validation.json", asdict(Progress(heartbeat=time.time())))


def work(run):
    """Do the job in a process and wait for its end."""
    queue_up(run)
    command = [sys.executable, "-m", "mnist_core.jobs.label_check", str(run.path)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def wait(run, until=lambda progress: not progress.active):
    deadline = time.monotonic() + 60
    while not until(progress := read_progress(run)):
        assert time.monotonic() < deadline, progress
        time.sleep(0.02)
    return progress


def test_the_job_leaves_what_the_core_gives(run):
    assert read_progress(run) is None
    start_label_check(run)
    with pytest.raises(RunError, match="under way already"):
        start_label_check(run)
    progress = wait(run)
    assert (progress.state, progress.fold, progress.tested, progress.error) == ("finished", FOLDS, True, None)
    probabilities = read_probabilities(run)
    assert probabilities.shape == (60, 3)
    for fold, of_fold in cross_validate(fold_settings(run), run.dataset.load()):
        np.testing.assert_allclose(probabilities[fold], of_fold, rtol=1e-5)
    of_test = probabilities_of_test_set(fold_settings(run), run.load_dataset())
    np.testing.assert_allclose(read_probabilities(run, "test"), of_test, rtol=1e-5)


def test_a_check_by_an_older_version_gets_its_test_set(run):
    """It ended with the training set alone."""
    np.savez(run.path / "cross_validation.npz", probabilities=np.full((60, 3), 1 / 3, np.float32), done=np.array(5))
    write_json(run.path / "cross_validation.json", {"state": "finished", "heartbeat": 1.0, "fold": 5, "done": 1.0})
    assert (read_progress(run).tested, len(read_probabilities(run))) == (False, 60)
    with pytest.raises(RunError, match="is not finished"):
        read_probabilities(run, "test")
    assert work(run).returncode == 0
    assert read_progress(run).tested
    assert read_probabilities(run, "test").shape == (6, 3)
    assert (read_probabilities(run) == np.float32(1 / 3)).all()


def test_corrected_labels_are_checked_as_corrected(tiny_folder, tmp_path):
    dataset = load_dataset("full", tiny_folder(train=60))
    corrections = decide(dataset, "train", [(0, None), (1, 0)]).merge(decide(dataset, "test", [(5, None)]))[0]
    run = create_run(TrainingConfig(hidden_layers=(8,)), dataset, tmp_path / "runs", corrections=corrections)
    assert work(run).returncode == 0
    assert len(read_probabilities(run)) == 59
    assert len(read_probabilities(run, "test")) == 5


def test_killed_or_stopped_it_goes_on_with_its_next_fold(run, monkeypatch):
    monkeypatch.setitem(STALE_SECONDS, "running", 0.0)
    slow = replace(PRESETS["fast"].config, epochs=1, hidden_layers=(8,))
    folds = cross_validate(slow, run.dataset.load())
    fold, of_fold = next(folds)
    probabilities = np.zeros((60, 3), np.float32)
    probabilities[fold] = of_fold
    np.savez(run.path / "cross_validation.npz", probabilities=probabilities, done=np.array(1))
    with pytest.raises(RunError, match="is not finished"):
        read_probabilities(run)
    (run.path / "cross_validation.control").write_text("stop\n")
    assert work(run).returncode == 0
    assert read_progress(run).state == "stopped"
    start_label_check(run)
    assert wait(run).state in ("finished", "interrupted")
    progress = wait(run, lambda progress: progress.state == "finished")
    assert progress.fold == FOLDS
    np.testing.assert_array_equal(read_probabilities(run)[fold], of_fold)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_job_reads_as_interrupted(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(STALE_SECONDS, "running", 0.0)
    dataset = load_dataset("full", tiny_folder(train=3000))
    run = create_run(TrainingConfig(hidden_layers=(2000,)), DatasetReference.of(dataset), tmp_path / "runs")
    queue_up(run)
    with subprocess.Popen([sys.executable, "-m", "mnist_core.jobs.label_check", str(run.path)], cwd=PROJECT) as process:
        deadline = time.monotonic() + 30
        while not (progress := read_progress(run)) or progress.done == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert read_progress(run).state == "interrupted"


def test_errors_become_a_sentence(run):
    (run.path / "cross_validation.npz").write_bytes(b"nonsense")
    assert work(run).returncode == 1
    assert "delete the file and start again" in read_progress(run).error.plain
    (run.path / "cross_validation.json").write_text("{")
    assert "can't be read" in read_progress(run).error.plain


def test_a_second_start_at_the_same_moment_is_refused(run):
    with FileLock(run.path / "cross_validation.lock"), pytest.raises(RunError, match="is already being worked on"):
        start_label_check(run)
    assert read_progress(run) is None


def test_a_start_removes_an_old_request_to_stop(run, monkeypatch):
    monkeypatch.setattr(job, "start_process", lambda *_: None)
    (run.path / "cross_validation.control").write_text("stop\n")
    start_label_check(run)
    assert read_progress(run).state == "queued"
    assert not (run.path / "cross_validation.control").exists()


def test_data_that_is_gone_is_said(run):
    shutil.rmtree(run.dataset.data_dir)
    assert work(run).returncode == 1
    assert read_progress(run).state == "failed"
    assert run.dataset.data_dir in read_progress(run).error.plain


def test_a_job_that_nobody_queued_is_refused(run):
    command = [sys.executable, "-m", "mnist_core.jobs.label_check", str(run.path)]
    for state in ("not queued", "finished"):
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"is {state}, so there is nothing to do" in done.stderr
        write_json(run.path / "cross_validation.json", asdict(Progress("finished")))
    assert not (run.path / "cross_validation.npz").exists()
