"""Server-side time of every page with the data at hand, in milliseconds: the first draw and a rerun.

    MNIST_DATA_DIR=/path/to/mnist python benchmarks/pages.py [--rounds 5]

Trains a short run first, in a runs folder of its own, so that the pages that show a run have one.
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

from mnist_core import jobs  # noqa: E402
from mnist_core.config import TrainingConfig  # noqa: E402
from mnist_core.dataset import load_dataset  # noqa: E402

PAGES = ("overview", "dataset", "preprocessing", "step_by_step", "training", "evaluation", "inside")


def train_a_run() -> None:
    """Leave a finished run in the runs folder."""
    run = jobs.start(TrainingConfig(epochs=5, validation_fraction=0.1), load_dataset())
    while run.status.active:
        time.sleep(0.1)
        run = run.refresh()
    if run.status.state != "finished":
        sys.exit(f"The run that the pages need {run.status.state}: {run.status.error}")


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
        train_a_run()
        print(
            f"{load_dataset().description}\n\n| page | first draw, ms | rerun, ms (median of {rounds}) |\n|---|---|---|"
        )
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.run()
        for page in PAGES:
            app.switch_page(f"pages/{page}.py")
            first = draw(app)
            again = statistics.median(draw(app) for _ in range(rounds))
            print(f"| {page} | {1000 * first:.0f} | {1000 * again:.0f} |")


if __name__ == "__main__":
    main()
