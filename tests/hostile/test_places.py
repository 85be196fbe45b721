"""Places that fail a run: a full disk, a folder that can't be written or goes away, a clock that jumps, a half copy."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnist_core.errors import RunError
from mnist_core.jobs.start import request, resume_run, start_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run, list_runs, read_run
from mnist_core.runs.status import STALE_SECONDS
from mnist_core.runs.trash import delete_run
from tests.core.jobs.test_resume import assert_same_run
from tests.helpers import wait
from tests.hostile.page_readers import about, check, open_page, use_world
from tests.hostile.run_readers import read_all
from tests.hostile.word_readers import command
from tests.hostile.world import LONG

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("overview", "training", "runs", "evaluation")


@pytest.fixture
def disk(tmp_path):
    """A small disk: a function that mounts it anew with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
        return None if done.returncode else folder

    if sys.platform != "linux" or mount("-t", "tmpfs", "-o", "size=1m", "tmpfs") is None:
        pytest.skip("needs the right to mount a tmpfs")

    def again(options):
        assert mount("-o", f"remount,{options}")
        return folder

    again("size=1m")
    yield again
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


@pytest.fixture
def pages(world, monkeypatch):
    """A function that draws the pages that show a run of a folder, and reads it on the command line."""
    use_world(world, monkeypatch.setenv)

    def draw(runs, run):
        monkeypatch.setenv("MNIST_RUNS_DIR", str(runs))
        for name in PAGES:
            check(open_page(name, **about(run.id)), name)
        command("runs", "--runs-dir", str(runs))
        command("evaluate", run.id, "--runs-dir", str(runs))
        read_all(run.path)

    return draw


def ended(run):
    return run.status.state in ("finished", "failed", "interrupted", "stopped", "paused")


def no_space(run):
    """A run that a full disk ended says so, and what helps."""
    assert run.status.state == "failed"
    sentence = run.status.error.plain
    assert "space" in sentence, sentence
    assert "writable" not in sentence, sentence


@pytest.mark.slow
def test_a_full_disk(disk, world, whole, pages, monkeypatch):
    monkeypatch.setitem(STALE_SECONDS, "running", 1.0)
    runs = disk("size=1m") / "runs"
    run = wait(start_run(LONG, world.dataset, runs), lambda run: run.status.epoch >= 20)
    filler = runs.parent / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    run = wait(run, ended)
    no_space(run)
    pages(runs, run)
    with pytest.raises(RunError, match=r"space|full"):
        resume_run(run)
    filler.unlink()
    assert_same_run(wait(resume_run(run.refresh())), whole)


def test_a_disk_on_which_nothing_can_begin(disk, world, pages):
    folder = disk("size=1m")
    with contextlib.suppress(OSError), (folder / "filler").open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    with pytest.raises(RunError, match=r"space|full"):
        start_run(LONG, world.dataset, folder / "runs")
    assert list_runs(folder / "runs") == []


@pytest.mark.slow
def test_a_disk_that_can_only_be_read(disk, world, whole, pages, monkeypatch):
    """A run that was killed is seen to be dead where no lock can be taken; nothing is lost."""
    monkeypatch.setitem(STALE_SECONDS, "running", 1.0)
    runs = disk("size=20m") / "runs"
    run = wait(start_run(LONG, world.dataset, runs), lambda run: run.status.epoch >= 5)
    os.kill(run.status.pid, signal.SIGKILL)
    remounted_by(lambda: disk("ro"))
    run = wait(run)
    assert run.status.state == "interrupted"
    pages(runs, run)
    for refused in (lambda: start_run(LONG, world.dataset, runs), lambda: delete_run(run), lambda: resume_run(run)):
        with pytest.raises(RunError):
            refused()
    disk("rw")
    assert_same_run(wait(resume_run(run.refresh())), whole)


def remounted_by(remount, seconds=20):
    """Try until no file of the disk is open to be written."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return remount()
        except AssertionError:
            assert time.monotonic() < deadline, "the disk stays busy"
            time.sleep(0.05)


@pytest.mark.slow
def test_files_that_may_not_grow(world, whole, tmp_path, pages, monkeypatch):
    """Stands in for a full disk where nothing can be mounted: a limit for each file, which the worker inherits."""
    monkeypatch.setitem(STALE_SECONDS, "running", 1.0)
    run = create_run(LONG, world.dataset, tmp_path / "runs")
    words = [sys.executable, "-m", "mnist_core.jobs.worker", str(run.path)]

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 1, done.stderr
    run = wait(run.refresh(), ended)
    assert run.status.state in ("failed", "interrupted")
    if run.status.state == "failed":
        assert run.status.error.plain
    pages(run.path.parent, run)
    assert_same_run(wait(resume_run(run.refresh())), whole)


def test_a_folder_that_is_removed_while_it_trains(world, tmp_path):
    runs = tmp_path / "runs"
    other = create_run(LONG, world.dataset, runs)
    run = wait(start_run(LONG, world.dataset, runs), lambda run: run.status.epoch >= 5)
    pid = run.status.pid
    deadline = time.monotonic() + 30
    while run.path.exists() and time.monotonic() < deadline:  # again where the worker writes a file meanwhile
        shutil.rmtree(run.path, ignore_errors=True)
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists(), "the worker of a deleted run goes on"
    assert [found.id for found in list_runs(runs)] == [other.id]
    assert command("runs", "--runs-dir", str(runs))[0] == 0


@pytest.mark.slow
def test_a_runs_folder_that_goes_away(world, tmp_path, pages):
    runs = tmp_path / "runs"
    shutil.copytree(world.template.path, runs / world.template.id)
    run = read_run(runs / world.template.id)
    pages(runs, run)
    shutil.rmtree(runs)
    pages(runs, run)
    runs.write_text("no folder")
    pages(runs, run)


@pytest.mark.parametrize("jump", [-1e9, -3600.0, 3600.0, 1e9])
@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_heartbeat_of_another_time_and_no_process(world, tmp_path, jump, state):
    """A dead run reads as interrupted whatever the clock showed, can be resumed, and deleted."""
    runs = tmp_path / "runs"
    path = Path(shutil.copytree(world.template.path, runs / world.template.id))
    content = json.loads((path / "status.json").read_text())
    write_json(path / "status.json", {**content, "state": state, "heartbeat": time.time() + jump, "epoch": 2})
    run = read_run(path)
    assert run.status.state == "interrupted"
    assert command("evaluate", run.id, "--runs-dir", str(runs))[0] == 0
    delete_run(run)
    assert list_runs(runs) == []


def test_the_clock_goes_back_while_it_trains(world, tmp_path, monkeypatch):
    """A live run reads as running, though its heartbeat is of tomorrow, or of yesterday."""
    run = wait(start_run(LONG, world.dataset, tmp_path), lambda run: run.status.epoch >= 1)
    now = time.time()
    for jump in (-86_400.0, 86_400.0):
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        assert run.refresh().status.state in ("running", "finished")
    monkeypatch.undo()
    request(run, "stop") if run.refresh().status.active else None
    assert wait(run).status.state in ("stopped", "finished")


def test_a_half_copied_run(world, tmp_path, monkeypatch):
    """Whatever a copy has brought so far is listed, with what is missing, and never read as something else."""
    files = world.files
    runs = use_world(world, monkeypatch.setenv)
    names = [*sorted(files, reverse=True), *sorted(files)]
    for number, name in enumerate(names):
        path = runs / f"20260101-{number:06d}-abcd"
        path.mkdir(parents=True)
        for earlier in names[len(files) * (number >= len(files)) : number]:
            (path / earlier).write_bytes(files[earlier])
        (path / name).write_bytes(files[name][: len(files[name]) // 2])
    for run in list_runs(runs):
        read_all(run.path)
        with contextlib.suppress(RunError):
            assert (run.load_network().parameters == world.template.load_network().parameters).all()
        with contextlib.suppress(RunError):
            assert Checkpoint.read(run.path).epoch in (0, 3)
    open_page("runs", runs=",".join(run.id for run in list_runs(runs)[:8]))
