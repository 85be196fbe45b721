"""What the hostile tests share: one small world, and the reports of the fuzzing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_core.jobs.start import start_run
from mnist_core.runs.run import Run
from tests.helpers import wait
from tests.hostile.world import LONG, World, make_world

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """Folder of a data set and of a finished run; only read."""
    folder = tmp_path_factory.mktemp("world") / "made"
    make_world(folder)
    return folder


@pytest.fixture
def world(made, tmp_path) -> World:
    """The data set and the run, with a scratch folder of this test."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return World(made, scratch)


@pytest.fixture(scope="session")
def fuzzed(made):
    """A function that reads many hostile inputs in a process of its own, and returns the reports by reader."""

    def run(*readers: str, examples: int, seed: int = 11, seconds: float = 3600) -> dict[str, dict[str, Any]]:
        options = ["--examples", str(examples), "--seed", str(seed), "--world", str(made)]
        environment = {**os.environ, "MNIST_DATA_DIR": "", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.hostile.fuzz", *readers, *options],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return {report["reader"]: report for report in map(json.loads, done.stdout.splitlines())}

    return run


@pytest.fixture(scope="session")
def whole(made, tmp_path_factory) -> Run:
    """A long run that is never disturbed."""
    return wait(start_run(LONG, World(made, made).dataset, tmp_path_factory.mktemp("whole")))
