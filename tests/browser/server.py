"""Start the real app and a real Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[tuple[str, Path]]:
    """Run the app with its runs, its cache and its log in ``folder``; yield its address and the log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://localhost:{port}", folder / "server.log"
    variables = {**os.environ, "MNIST_RUNS_DIR": str(folder / "runs"), **environment}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=ROOT, env=variables, stdout=output, stderr=output
        )
    try:
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise RuntimeError(f"The app did not start: {log.read_text()}")
        yield url, log
    finally:
        server.terminate()
        server.wait()
