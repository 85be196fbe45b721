"""Time to list 1,000 runs, in seconds: the Runs page, the Overview, and `mnist runs`.

    python benchmarks/many_runs.py [--runs 1000] [--rounds 5] [--profile]

Trains one short run on the sample and copies it, in a runs folder of its own. A page is drawn in a new session first,
then again; the server is warm, as it is for every visitor but the first. The command line is timed as a process of its
own, so that Python's start and the imports count.
"""

import argparse
import cProfile
import os
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, whose pages.py would hide the package pages

from mnist_core.data.dataset import load_dataset  # noqa: E402
from mnist_core.jobs.start import start_run  # noqa: E402
from mnist_core.runs.run import list_runs  # noqa: E402
from mnist_core.training.config import TrainingConfig  # noqa: E402

LIMITS = {"runs": 1.0, "overview": 0.5, "mnist runs": 1.0}
"""Seconds that each may take."""


def fill(folder: Path, count: int) -> None:
    """Train a run on the sample, and copy it until there are ``count``."""
    run = start_run(TrainingConfig(epochs=3), load_dataset("sample"), folder)
    while run.status.active:
        time.sleep(0.1)
        run = run.refresh()
    if run.status.state != "finished":
        sys.exit(f"The run to copy {run.status.state}: {run.status.error}")
    for number in range(1, count):
        shutil.copytree(run.path, folder / f"20200101-000000-{number:04x}", ignore=shutil.ignore_patterns("*.lock"))


def draw(app: AppTest) -> None:
    """Run the script of the page once."""
    app.run()
    if app.exception or app.error:
        sys.exit(f"A page failed: {[element.value for element in [*app.exception, *app.error]]}")


def open_page(name: str) -> AppTest:
    """Open a page in a new session, not yet drawn."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    return app.switch_page(f"pages/{name}.py")


def seconds(action: Callable[[], object], rounds: int) -> list[float]:
    """Time of each of some rounds."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return taken


def profiled(name: str, action: Callable[[], object]) -> None:
    """Print the functions that take the most time of an action."""
    with cProfile.Profile() as profile:
        action()
    print(f"\n{name}")
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def main() -> None:
    """Print a Markdown table; end with 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="also print what takes the time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        fill(Path(folder), options.runs)
        command = [sys.executable, "-m", "mnist_core", "runs"]
        actions: dict[str, Callable[[], object]] = {
            "list_runs()": list_runs,
            "mnist runs": lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL),
        }
        for name in ("overview", "runs"):
            draw(open_page(name))  # the first visitor's server loads the data
            app = open_page(name)
            actions |= {f"{name}, new session": lambda name=name: draw(open_page(name))}
            actions |= {f"{name}, again": lambda app=app: draw(app)}
        print(f"{options.runs:,} runs, {os.cpu_count()} cores\n")
        print(f"| what | fastest, s | median of {options.rounds}, s | allowed, s |\n|---|---|---|---|")
        missed = []
        for name, action in actions.items():
            taken = seconds(action, options.rounds)
            allowed = LIMITS.get(name.split(",")[0])
            print(f"| {name} | {min(taken):.2f} | {statistics.median(taken):.2f} | {allowed or ''} |", flush=True)
            if allowed and statistics.median(taken) > allowed:
                missed.append(name)
        if options.profile:
            for name in ("list_runs()", "overview, again", "runs, again"):
                profiled(name, actions[name])
    if missed:
        sys.exit(f"Too slow: {', '.join(missed)}")


if __name__ == "__main__":
    main()
