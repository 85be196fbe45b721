"""What training costs: resident memory on the full set, and how the time grows with images, epochs and parameters.

    python benchmarks/training_cost.py [--rounds 5] [--data-dir FOLDER]

The rows of each table are measured in one process, interleaved round by round. ``of the first`` is the time per unit of
cost (image, epoch, parameter) as a ratio to that of the first row: near 1 means that the cost grows linearly.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded

import numpy as np  # noqa: E402

from mnist_core.data.dataset import Dataset, load_dataset  # noqa: E402
from mnist_core.training.config import PRESETS, TrainingConfig  # noqa: E402
from mnist_core.training.loop import build_network, train  # noqa: E402

MEMORY = """
import resource, sys
from pathlib import Path
from dataclasses import replace
from mnist_core.data.dataset import load_dataset
from mnist_core.training.config import PRESETS
from mnist_core.training.loop import train
dataset = load_dataset("full", Path(sys.argv[2]) if sys.argv[2] else None)
for _ in train(replace(PRESETS[sys.argv[1]].config, epochs=2), dataset):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def random_data(images: int) -> Dataset:
    """Random images: the time of an epoch does not depend on their content."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (images, 28, 28), np.uint8)
    labels = rng.integers(0, 10, images).astype(np.uint8)
    return Dataset(pixels, labels, pixels[:10], labels[:10], "random", "full", None, {})


def seconds_to_train(config: TrainingConfig, dataset: Dataset) -> Callable[[], float]:
    """Return a function that trains once and returns the seconds it took."""

    def run() -> float:
        started = time.perf_counter()
        for _ in train(config, dataset):
            pass
        return time.perf_counter() - started

    return run


def table(title: str, unit: str, rows: Sequence[tuple[str, int, Callable[[], float]]], rounds: int) -> None:
    """Measure rows of (name, amount of the unit, function) in turn and print them."""
    seconds = [[] for _ in rows]
    for number in range(rounds + 1):
        for taken, (_, _, run) in zip(seconds, rows, strict=True):
            elapsed = run()
            if number:  # the first round warms up
                taken.append(elapsed)
    print(f"\n{title}\n\n| | {unit}s | median seconds | per unit | of the first |")
    print("|---|---|---|---|---|")
    medians = [statistics.median(taken) for taken in seconds]
    first = medians[0] / rows[0][1]
    for (name, amount, _), median in zip(rows, medians, strict=True):
        print(f"| {name} | {amount:,} | {median:.3f} | {median / amount:.3g} s | {median / amount / first:.2f}x |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    full = load_dataset("full", arguments.data_dir)
    print("Peak resident memory of a process that trains on the full set\n\n| preset | megabytes |\n|---|---|")
    for preset in PRESETS:
        command = [sys.executable, "-c", MEMORY, preset, full.data_dir or ""]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        print(f"| {preset} | {int(done.stdout) / 1024:.0f} |")
    one = TrainingConfig(epochs=1)
    many = random_data(60_000)
    parts = {count: random_data(count) for count in (15_000, 30_000, 60_000)}
    images = [(f"{count:,} images", count, seconds_to_train(one, part)) for count, part in parts.items()]
    table("Images, one epoch of 784-128-64-10", "image", images, arguments.rounds)
    epochs = [(f"{n} epochs", n, seconds_to_train(TrainingConfig(epochs=n), parts[15_000])) for n in (2, 4, 8)]
    table("Epochs, 15,000 images", "epoch", epochs, arguments.rounds)
    layers = ((128, 64), (256, 128), (512, 256))
    configs = [TrainingConfig(epochs=1, hidden_layers=hidden) for hidden in layers]
    parameters = [
        (
            "-".join(map(str, config.hidden_layers)),
            build_network(config, many).num_parameters,
            seconds_to_train(config, many),
        )
        for config in configs
    ]
    table("Parameters, one epoch of 60,000 images", "parameter", parameters, arguments.rounds)
    augmented = TrainingConfig(epochs=1, shift=1, rotation=10, scale=0.1, shear=10, elastic=1)
    print("\nAn epoch with shift, rotation, scale, shear and elastic distortion, beside a plain one")
    both = [("plain", 1, seconds_to_train(one, many)), ("augmented", 1, seconds_to_train(augmented, many))]
    table("(a unit is an epoch)", "epoch", both, arguments.rounds)


if __name__ == "__main__":
    main()
