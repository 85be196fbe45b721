"""Killed at any moment, whatever it does: what it wrote is there as it was, or not at all, and trains on bit for bit.

Workers that are killed while they train and checkpoint: also ``tests/core/jobs/test_resume.py``.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mnist_core.jobs.label_check import read_probabilities, read_progress, start_label_check
from mnist_core.jobs.start import request, resume_run
from mnist_core.models.reading import read_model
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.run import list_runs, read_run
from mnist_core.runs.status import STALE_SECONDS
from mnist_core.runs.trash import restore_run
from tests.core.data.mirrors import CONTENTS, STAND_INS, Mirror, fetch, head
from tests.core.jobs.test_resume import assert_same_run
from tests.helpers import assert_same_parameters, wait
from tests.hostile.run_readers import read_all

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9 of a group of processes")
FEW, MANY = 1, 8
ROUNDS = pytest.mark.parametrize("rounds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
LONGEST = 0.4
"""Seconds of work before a kill; one act takes 5 to 50 ms."""


def begin(action, world, folder, *more, times=0) -> subprocess.Popen:
    """Start a process that acts over and over, and wait until it begins."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.victim", action, str(world.made), str(folder), str(times), *more],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def kill(process: subprocess.Popen) -> None:
    """Kill a process with all of its group, as a server that is shut down; it must have been alive."""
    os.killpg(process.pid, signal.SIGKILL)
    _, complaint = process.communicate()
    assert process.returncode == -signal.SIGKILL, complaint


def kill_at_random_moments(rounds, action, world, folder, *more):
    """Let it act and be killed, again and again; yield after each kill."""
    moments = random.Random(f"{action} {rounds}")
    for _ in range(rounds):
        process = begin(action, world, folder, *more)
        time.sleep(moments.uniform(0, LONGEST))
        kill(process)
        yield


@ROUNDS
def test_an_import_is_there_or_not(world, tmp_path, rounds):
    runs = tmp_path / "runs"
    for _ in kill_at_random_moments(rounds, "imports", world, runs):
        for run in list_runs(runs):
            assert (run.problem, run.about) == (None, world.template.about)
            assert run.metrics() == world.template.metrics()
            assert run.status.test_accuracy == world.template.status.test_accuracy
            assert_same_parameters(run.load_network(), world.template.load_network())
        shutil.rmtree(runs, ignore_errors=True)
    assert import_run(export_run(world.template), runs).problem is None


@ROUNDS
def test_an_uploaded_model_is_a_run_or_not(world, tmp_path, rounds):
    runs = tmp_path / "runs"
    for _ in kill_at_random_moments(rounds, "keeps", world, runs):
        for run in list_runs(runs):
            assert (run.problem, run.status.state) == (None, "finished")
            assert_same_parameters(run.load_network(), world.template.load_network())
        shutil.rmtree(runs, ignore_errors=True)


@ROUNDS
def test_an_export_is_whole_or_not_there(world, tmp_path, rounds):
    exported = tmp_path / "exported" / "model.npz"
    exported.parent.mkdir()
    for _ in kill_at_random_moments(rounds, "exports", world, exported.parent):
        if exported.exists():
            assert_same_parameters(read_model(exported), world.template.load_network())
            exported.unlink()


@ROUNDS
def test_a_deleted_run_is_here_or_in_the_trash(world, tmp_path, rounds):
    runs = tmp_path / "runs"
    shutil.copytree(world.template.path, runs / world.template.id)
    for _ in kill_at_random_moments(rounds, "deletes", world, runs):
        if not list_runs(runs):
            restore_run(world.template.id, runs)
        (run,) = list_runs(runs)
        assert (run.problem, run.about.problem, run.status) == (None, None, world.template.status)
        assert run.about.name == world.template.about.name
        read_all(run.path)


@ROUNDS
def test_a_download_goes_on_or_begins_again(world, tmp_path, monkeypatch, rounds):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def slowly(handler, content):
        head(handler, len(content))
        for start in range(0, len(content), 4000):
            handler.wfile.write(content[start : start + 4000])
            time.sleep(0.003)

    folder = tmp_path / "downloaded"
    mirror = Mirror(slowly, CONTENTS)
    try:
        for _ in kill_at_random_moments(rounds, "downloads", world, folder, mirror.url):
            found = whole_files(folder)
            assert found == {name: CONTENTS[name] for name in found}
        fetch(folder, mirror)
        assert whole_files(folder) == CONTENTS
    finally:
        mirror.close()


def whole_files(folder: Path) -> dict[str, bytes]:
    """Content of the files that stand under their final names."""
    return {name: (folder / name).read_bytes() for name in STAND_INS if (folder / name).exists()}


@ROUNDS
def test_server_and_worker_killed_while_it_trains(world, whole, tmp_path, monkeypatch, rounds):
    """The server's death ends no training; the worker's is made good by a resume, bit for bit."""
    monkeypatch.setitem(STALE_SECONDS, "running", 0.0)
    moments = random.Random(rounds)
    runs = tmp_path / "runs"
    server = begin("starts", world, runs)
    wait_for(lambda: list_runs(runs))
    (run,) = list_runs(runs)
    for number in range(rounds):
        run = wait(run, lambda run: run.status.state not in ("queued", "interrupted"))
        time.sleep(moments.uniform(0, 0.1))
        if number == 0:
            kill(server)
            outlived = run.refresh().status.epoch
            run = wait(run, lambda run: run.status.epoch > outlived or not run.status.active)  # noqa: B023
        if run.status.state != "running":
            break
        with suppress(ProcessLookupError):
            os.kill(run.status.pid, signal.SIGKILL)
        run = wait(run)
        if run.status.state == "finished":
            break
        assert run.status.state == "interrupted"
        read_all(run.path)
        run = resume_run(run)
    assert_same_run(wait(run, lambda run: run.status.state in ("finished", "failed")), whole)


def wait_for(something, seconds=30):
    deadline = time.monotonic() + seconds
    while not something():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_label_check_killed_again_and_again_gives_the_same_probabilities(world, tmp_path, monkeypatch):
    monkeypatch.setitem(STALE_SECONDS, "running", 0.0)
    monkeypatch.setitem(STALE_SECONDS, "queued", 3.0)
    moments = random.Random(3)
    path = Path(shutil.copytree(world.template.path, tmp_path / "runs" / world.template.id))
    expected = read_probabilities(world.template)
    for left in path.glob("cross_validation*"):
        left.unlink()
    run = read_run(path)
    kills = 0
    while (progress := read_progress(run)) is None or progress.state != "finished":
        assert progress is None or progress.state in ("interrupted", "queued", "running"), progress
        if progress is None or progress.state == "interrupted":
            start_label_check(run)
        if kills < 4:
            time.sleep(moments.uniform(0.3, 1.5))
            kills += kill_workers(path)
        else:
            time.sleep(0.05)
    assert (read_probabilities(run) == expected).all()


def kill_workers(path: Path) -> int:
    """Kill the processes that were started for this run folder; how many there were."""
    words = ["pgrep", "-f", f"mnist_core.jobs.label_check {path}"]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    for number in found.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)
    return len(found.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("times", [8])
def test_two_servers_on_one_folder(world, tmp_path, times):
    runs = tmp_path / "runs"
    servers = [begin("everything", world, runs, times=times) for _ in range(2)]
    complaints = [server.communicate(timeout=300)[1] for server in servers]
    assert [server.returncode for server in servers] == [0, 0], "\n".join(complaints)
    for run in list_runs(runs):
        if run.status.active:
            with suppress(Exception):
                request(run, "stop")
        run = wait(run, seconds=60)
        assert (run.problem, run.status.error) == (None, None)
        assert run.status.state in ("finished", "stopped", "paused"), run.status
        if run.status.epoch:
            run.load_network()
    assert [path.name for path in runs.iterdir() if path.is_dir() and path.name.startswith((".import", ".2"))] == []
