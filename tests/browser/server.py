"""Start the real app and a real Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from mnist_core.runs.files import is_busy
from mnist_core.runs.run import Run, list_runs

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
START_SECONDS, END_SECONDS = 40, 10


class App(NamedTuple):
    """A running server: its address, its folder of runs, and the file of its output."""

    url: str
    runs: Path
    log: Path


def find_chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def away_from_home(folder: Path) -> dict[str, str]:
    """Environment in which the data that this user may have is not found: the app takes the sample."""
    return {"MNIST_DATA_DIR": "", **dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), str(folder))}


@contextmanager
def serve(folder: Path, *options: str, script: str = "app.py", **environment: str) -> Iterator[App]:
    """Run the app with its runs and its log in ``folder``; at the end, stop it and the trainings it started.

    ``options`` are those of the command line; ``script`` is another one to run in place of the app.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = App(f"http://localhost:{port}", folder / "runs", folder / "server.log")
    server_options = ["--server.headless", "true", "--server.port", str(port), "--server.fileWatcherType", "none"]
    with app.log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, *server_options, *options],
            cwd=ROOT,
            env={**os.environ, "MNIST_RUNS_DIR": str(app.runs), **environment},
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_healthy(app, server)
        yield app
    finally:
        server.terminate()
        try:
            server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        end_trainings(app.runs)


def _wait_until_healthy(app: App, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"The app did not start: {app.log.read_text()}")


def end_trainings(runs: Path) -> None:
    """Stop every training and wait for it: a training outlives its server, on purpose, but not its test."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline and (busy := [run for run in list_runs(runs) if is_at_work(run)]):
        for run in busy:
            with suppress(OSError):
                (run.path / "control").write_text("stop\n", encoding="utf-8")
        time.sleep(0.2)


def is_at_work(run: Run) -> bool:
    """Whether a process works on a run, or will soon."""
    return run.status.active or is_busy(run.path)
