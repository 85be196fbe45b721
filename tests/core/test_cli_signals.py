"""Ctrl-C and SIGTERM: training ends with its model, and the exit code says what ended it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from mnist_core.cli import main
from mnist_core.commands import train
from mnist_core.commands.signals import Interrupted, Request, answered_by, interrupt
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import RunError
from mnist_core.jobs.job import PROJECT
from mnist_core.jobs.start import request, start_run
from mnist_core.runs.run import list_runs
from mnist_core.training.config import TrainingConfig
from tests.helpers import wait

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals can't be sent to one process on Windows")

LONG = ["--epochs", "10000", "--batch-size", "1", "--hidden-layers", "500", "500"]
"""Takes minutes: a signal always comes first."""


@pytest.fixture(autouse=True)
def ctrl_c_is_answered():
    """A test run in the background ignores Ctrl-C, and so would whatever it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(tiny_folder, tmp_path):
    """A function that starts the command line as a person at a terminal would, and kills what is left of it."""
    started = []

    def start(*arguments, ignored=False, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "mnist_core", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={**os.environ, "MNIST_RUNS_DIR": str(tmp_path), **environment},
            start_new_session=True,
            preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignored else None,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    for run in list_runs(tmp_path):
        if run.status.active:
            request(run, "stop")
            wait(run)


def end(process, number=signal.SIGINT):
    """Send a signal; return exit code, output and errors."""
    process.send_signal(number)
    printed, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert "KeyboardInterrupt" not in errors
    return process.returncode, printed, errors


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_and_keeps_its_model(number, code, start, tiny_folder, tmp_path):
    process = start("train", *LONG, "--data-dir", tiny_folder(train=40))
    until(lambda: any(run.status.epoch >= 2 for run in list_runs(tmp_path)))
    returned, printed, errors = end(process, number)
    (run,) = list_runs(tmp_path)
    assert run.status.state == "stopped"
    assert returned == code, errors
    assert f"stopped after {run.status.epoch} epochs, test accuracy" in printed
    assert run.load_network().layer_sizes == (20, 500, 500, 3)


WHILE_LOADING = """
import signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
sys.argv = ["mnist", "train", "--source", "sample"]
from mnist_core.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "module",
    ["argparse", "numpy", "tqdm", "mnist_core.commands.train", "mnist_core.errors", "mnist_core.jobs.start"],
)
def test_ctrl_c_while_modules_load(module, tmp_path):
    command = [sys.executable, "-c", WHILE_LOADING.format(module=module)]
    environment = {**os.environ, "MNIST_RUNS_DIR": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert list_runs(tmp_path) == []


def test_nothing_is_imported_before_signals_are_answered():
    code = "import sys; before = set(sys.modules); import mnist_core.cli; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert set(done.stdout.split()) == {"mnist_core", "mnist_core.cli"}


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_ctrl_c_that_ends_the_reader_too(unbuffered, start, tiny_folder, tmp_path):
    process = start("train", *LONG, "--data-dir", tiny_folder(train=40), PYTHONUNBUFFERED=unbuffered)
    until(lambda: any(run.status.epoch >= 1 for run in list_runs(tmp_path)))
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    (run,) = list_runs(tmp_path)
    assert wait(run).status.state == "stopped"


def test_ctrl_c_while_waiting_in_the_queue(start, tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_CONCURRENT_RUNS", "1")
    config = TrainingConfig(epochs=10_000, batch_size=1, hidden_layers=(500, 500))
    first = start_run(config, load_dataset("full", tiny_folder(train=40)), tmp_path)
    wait(first, lambda run: run.status.state == "running")
    process = start("train", *LONG, "--data-dir", tiny_folder(train=40))
    until(lambda: len(list((tmp_path / ".queue").glob("*.lock"))) == 1)
    returned, _, errors = end(process)
    assert returned == 130
    assert "was stopped before the end of its first epoch" in errors
    second, first = list_runs(tmp_path)
    assert (second.status.state, first.status.state) == ("stopped", "running")


def test_a_signal_that_the_parent_ignores_stays_ignored(start, tiny_folder):
    process = start("train", "--epochs", "2", "--data-dir", tiny_folder(), ignored=True)
    time.sleep(0.5)
    returned, printed, _ = end(process)
    assert returned == 0
    assert "finished after 2 epochs" in printed


def test_ctrl_c_in_the_last_moment_is_no_failure(tiny_folder, tmp_path, monkeypatch, capsys):
    """The run ends by itself between the look at it and the request to stop."""
    asked_too_late, signals = [], iter([signal.SIGINT])

    def request_too_late(run, verb):
        asked_too_late.append(wait(run).status.state)
        request(run, verb)

    def interrupted_sleep(seconds, sleep=time.sleep):
        for number in signals:
            signal.raise_signal(number)
        sleep(seconds)

    monkeypatch.setattr(train, "request", request_too_late)
    monkeypatch.setattr(train.time, "sleep", interrupted_sleep)
    arguments = ["train", "--epochs", "2", "--data-dir", str(tiny_folder()), "--runs-dir", str(tmp_path)]
    assert main(arguments) == 130
    printed = capsys.readouterr()
    assert asked_too_late == ["finished"]
    assert "finished after 2 epochs, test accuracy" in printed.out
    assert "error" not in printed.err


def test_a_request_that_can_t_be_written_is_an_error(tiny_folder, tmp_path, monkeypatch):
    run = start_run(TrainingConfig(epochs=1), load_dataset("full", tiny_folder()), tmp_path)
    run = wait(run)

    def refuse(run, verb):
        raise RunError("the disk is full")

    monkeypatch.setattr(train, "request", refuse)
    train._ask_to_stop(run)  # it has ended: nothing to stop
    monkeypatch.setattr(type(run), "refresh", lambda self: replace(self, status=replace(self.status, state="running")))
    with pytest.raises(RunError, match="the disk is full"):
        train._ask_to_stop(run)


def test_a_second_ctrl_c_leaves_at_once_and_the_run_still_stops(start, tiny_folder, tmp_path):
    process = start("train", *LONG, "--data-dir", tiny_folder(train=40))
    until(lambda: list_runs(tmp_path))
    (run,) = list_runs(tmp_path)
    process.send_signal(signal.SIGINT)
    until(lambda: (run.path / "control").exists() or process.poll() is not None)
    returned, _, _ = end(process)
    assert returned == 130
    assert wait(run).status.state == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_other_commands_clean_up_and_end_with_the_code_of_the_signal(number, code, monkeypatch, capsys):
    cleaned = []

    def listing(root):
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(root)

    monkeypatch.setattr("mnist_core.commands.runs.list_runs", listing)
    before = signal.getsignal(number)
    assert main(["runs"]) == code
    assert len(cleaned) == 1
    assert capsys.readouterr().err in ("error: interrupted by Ctrl-C\n", "error: ended by SIGTERM\n")
    assert signal.getsignal(number) is before


def test_a_handler_holds_within_its_block_only():
    before = signal.getsignal(signal.SIGINT)
    asked = Request()
    with answered_by(asked):
        assert not asked
        signal.raise_signal(signal.SIGINT)
        assert asked
        with answered_by(interrupt), pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


LOOP = """
for epochs in 1 2 3; do {python} -m mnist_core train --epochs 10000 --batch-size 1 --hidden-layers 500 500 \
--data-dir {data}; echo "code $?"; done
"""


def test_ctrl_c_at_a_terminal_ends_the_loop_around_the_command(tiny_folder, tmp_path):
    pty = pytest.importorskip("pty")
    script = LOOP.format(python=sys.executable, data=tiny_folder(train=40))
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["MNIST_RUNS_DIR"] = str(tmp_path)
        os.chdir(PROJECT)
        os.execvp("bash", ["bash", "-c", script])
    try:
        until(lambda: any(run.status.epoch >= 1 for run in list_runs(tmp_path)))
        os.write(terminal, b"\x03")
        until(lambda: os.waitpid(pid, os.WNOHANG) != (0, 0))
    finally:
        os.close(terminal)
    (run,) = list_runs(tmp_path)
    assert run.status.state == "stopped"
