"""A full disk is named as what ended a run, and costs nothing but room."""

import contextlib
import errno
import subprocess
import sys

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import ADVICE, RunError
from mnist_core.jobs import job
from mnist_core.jobs.job import Job, error_sentence
from mnist_core.jobs.label_check import read_progress, start_label_check
from mnist_core.jobs.start import TRAINING, resume_run, start_run
from mnist_core.runs import schema
from mnist_core.runs.files import RESERVE, RESERVE_BYTES, free_reserve, keep_reserve, writing_to
from mnist_core.runs.run import create_run, list_runs
from mnist_core.training.config import TrainingConfig
from tests.helpers import assert_same_parameters, wait, work

CONFIG = TrainingConfig(epochs=600, hidden_layers=(8, 6), batch_size=4)


@pytest.fixture(scope="module")
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=60))


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """A run that was never disturbed."""
    return wait(start_run(CONFIG, dataset, tmp_path_factory.mktemp("whole")), seconds=60)


@pytest.fixture
def disk(tmp_path):
    """A disk of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(disk):
    """Fill a disk to its last byte; return the file that does."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_run_on_a_disk_that_fills_up_says_so_and_goes_on_bit_for_bit(disk, dataset, whole, rounds):
    run = start_run(CONFIG, dataset, disk / "runs")
    for number in range(1, rounds + 1):
        run = wait(run, lambda run, least=40 * number: run.status.epoch >= least, seconds=60)
        filler = fill(disk)
        run = wait(run)
        assert run.status.state == "failed"
        assert "No space left on device): free some space on its disk" in run.status.error.plain
        wait(run, lambda run: "No space left on device" in (run.path / "log.txt").read_text())  # written last
        assert not (run.path / RESERVE).exists()
        assert [path.name for path in run.path.glob(".*")] == []
        assert len(run.metrics()) >= run.status.epoch, "a half line is cut"
        fill(disk)
        with pytest.raises(RunError, match=r"No space left on device.*: free some space"):
            resume_run(run)
        assert run.refresh().status.state == "failed"
        filler.unlink()
        run = resume_run(run.refresh())
    run = wait(run, seconds=60)
    assert run.status.state == "finished", run.status.error
    assert_same_parameters(run.load_network(), whole.load_network())
    assert [row[:3] for row in run.metrics()] == [row[:3] for row in whole.metrics()]


def test_no_run_is_started_on_a_full_disk(disk, dataset):
    fill(disk)
    with pytest.raises(RunError, match=r"No space left on device.*: free some space .*MNIST_RUNS_DIR"):
        start_run(CONFIG, dataset, disk / "runs")
    (disk / "filler").write_bytes(b"")
    run = create_run(CONFIG, dataset, disk / "runs")
    fill(disk)
    before = sorted(path.name for path in run.path.iterdir())
    with pytest.raises(RunError, match=r"No space left on device.*: free some space"):
        start_label_check(run)
    assert read_progress(run) is None
    assert sorted({path.name for path in run.path.iterdir()} - {"cross_validation.lock"}) == before


def test_a_disk_without_room_for_the_reserve_fails_the_start_and_leaves_no_run(dataset, tmp_path, monkeypatch):
    def full(folder):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(job, "keep_reserve", full)
    with pytest.raises(RunError, match=r"Disk quota exceeded\): delete files that you no longer need"):
        start_run(CONFIG, dataset, tmp_path)
    assert list_runs(tmp_path) == []


def test_the_reserve_is_there_while_a_job_works_and_makes_room_for_its_last_words(dataset, tmp_path, monkeypatch):
    run = create_run(CONFIG, dataset, tmp_path)
    write = schema.write_record

    def write_if_there_is_room(path, record):
        if (run.path / RESERVE).exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, record)

    def work(job):
        assert (run.path / RESERVE).stat().st_size == RESERVE_BYTES
        job.write(state="running")

    monkeypatch.setattr(job, "write_record", write_if_there_is_room)
    with pytest.raises(OSError, match=r"No space"):
        Job(TRAINING, run, run.status).perform(work)
    status = run.refresh().status
    assert (status.state, not status.error) == ("failed", False)


def test_a_worker_that_was_killed_leaves_a_reserve_which_the_next_one_takes_over(dataset, tmp_path):
    run = create_run(TrainingConfig(epochs=1, hidden_layers=()), dataset, tmp_path)
    keep_reserve(run.path)
    assert work(run).returncode == 0
    assert not (run.path / RESERVE).exists()
    free_reserve(run.path)


CAUSES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "quota",
    errno.EROFS: "read-only",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.EIO: "reports a fault",
    errno.ENOENT: "still exists",
    errno.EXDEV: "check the folder and its disk",
}


@pytest.mark.parametrize("cause", CAUSES, ids=errno.errorcode.get)
def test_the_advice_follows_the_cause_and_only_the_cause(tmp_path, cause):
    error = OSError(cause, "It went wrong")
    with pytest.raises(RunError) as caught, writing_to(tmp_path):
        raise error
    others = {advice for number, advice in ADVICE.items() if advice != ADVICE.get(cause)}
    for sentence in (str(caught.value), error_sentence(error, tmp_path)):
        assert CAUSES[cause] in sentence
        assert not [advice for advice in others if advice in sentence]
