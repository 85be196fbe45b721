"""Server-side time of every page in its heaviest state with the data at hand, in milliseconds: first draw and rerun.

    MNIST_DATA_DIR=/path/to/mnist python benchmarks/pages.py [--rounds 5]

Trains a short run first and checks its labels, in a runs folder of its own, so that the pages that show a run have one.
How pages fare with many runs is measured by ``many_runs.py``.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, whose pages.py would hide the package pages

from mnist_core.data.dataset import load_dataset  # noqa: E402
from mnist_core.jobs.label_check import read_progress, start_label_check  # noqa: E402
from mnist_core.jobs.start import start_run  # noqa: E402
from mnist_core.training.config import TrainingConfig  # noqa: E402

STATES = (
    ("overview", "overview", {}),
    ("dataset", "dataset", {}),
    ("preprocessing", "preprocessing", {}),
    ("step by step, gradients", "step_by_step", {"step": "7"}),
    ("training, finished run", "training", {}),
    ("evaluation, 100 mistakes", "evaluation", {}),
    ("evaluation, one cell", "evaluation", {"true": "4", "pred": "9"}),
    ("evaluation, all test digits by margin", "evaluation", {"show": "all", "sort": "smallest margin"}),
    (
        "evaluation, all training digits by loss",
        "evaluation",
        {"split": "training set", "show": "all", "sort": "largest loss"},
    ),
    ("evaluation, a digit opened", "evaluation", {"digit": "8"}),
    ("inside", "inside", {}),
    ("label issues", "label_issues", {}),
    ("label desk", "label_desk", {"list": "All images"}),
    ("noise laboratory", "label_noise", {}),
    ("runs", "runs", {}),
)
"""Name, page and query parameters."""


def prepare() -> None:
    """Leave a finished run in the runs folder, with its labels checked."""
    run = start_run(TrainingConfig(epochs=5, validation_fraction=0.1), load_dataset())
    while run.status.active:
        time.sleep(0.1)
        run = run.refresh()
    if run.status.state != "finished":
        sys.exit(f"The run that the pages need {run.status.state}: {run.status.error.plain}")
    start_label_check(run)
    while (progress := read_progress(run)).active:
        time.sleep(0.1)
    if progress.state != "finished":
        sys.exit(f"The check of the labels that a page needs {progress.state}: {progress.error}")


def draw(app: AppTest) -> float:
    """Run the script once; seconds."""
    started = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - started
    if app.exception or app.error:
        sys.exit(f"A page failed: {[element.value for element in [*app.exception, *app.error]]}")
    return seconds


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        prepare()
        print(
            f"{load_dataset().description}\n\n| page | first draw, ms | rerun, ms (median of {rounds}) |\n|---|---|---|"
        )
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.run()
        for name, page, query in STATES:
            app.switch_page(f"pages/{page}.py")
            for key in list(app.query_params):
                del app.query_params[key]
            for key, value in query.items():
                app.query_params[key] = value
            first = draw(app)
            again = statistics.median(draw(app) for _ in range(rounds))
            print(f"| {name} | {1000 * first:.0f} | {1000 * again:.0f} |", flush=True)


if __name__ == "__main__":
    main()
