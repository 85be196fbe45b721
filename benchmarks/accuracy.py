"""Test accuracy of each preset on the full MNIST: mean and spread over seeds, beside published results.

    python benchmarks/accuracy.py [--presets reference fast best] [--seeds 695 696 697] [--data-dir FOLDER]

Each network is trained on all 60,000 training images for the epochs of its preset and then tested once. The presets
were chosen on a validation split of the training set, so the test set had no influence.
"""

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.evaluation.predict import evaluate
from mnist_core.training.config import PRESETS
from mnist_core.training.loop import build_network, train

OTHERS = {
    "3-layer NN, 300+100 hidden units (LeCun et al. 1998)": 3.05,
    "3-layer NN, 500+150 hidden units, distortions (LeCun et al. 1998)": 2.45,
    "2-layer NN, 800 hidden units, cross-entropy (Simard et al. 2003)": 1.6,
    "2-layer NN, 800 hidden units, elastic distortions (Simard et al. 2003)": 0.7,
}
"""Test error in percent of fully connected networks in the table on Y. LeCun's MNIST page."""


def test_error(preset: str, seed: int, dataset: Dataset) -> tuple[float, float]:
    """Train once; return the test error in percent and the seconds it took."""
    config = replace(PRESETS[preset].config, seed=seed)
    network = build_network(config, dataset)
    started = time.perf_counter()
    for _ in train(config, dataset, network):
        pass
    seconds = time.perf_counter() - started
    return 100 * (1 - evaluate(network, dataset.test_images, dataset.test_labels).accuracy), seconds


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", choices=tuple(PRESETS), default=list(PRESETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[695, 696, 697])
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    dataset = load_dataset("full", arguments.data_dir)
    print(f"{dataset.name.plain}, 784-128-64-10, seeds {', '.join(map(str, arguments.seeds))}\n")
    print(
        "| network | epochs | seconds | test accuracy of each seed | mean | spread | error |\n"
        "|---|---|---|---|---|---|---|"
    )
    for preset in arguments.presets:
        errors, seconds = zip(*(test_error(preset, seed, dataset) for seed in arguments.seeds), strict=True)
        each = ", ".join(f"{100 - error:.2f} %" for error in errors)
        mean = statistics.mean(errors)
        spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
        print(
            f"| {preset} | {PRESETS[preset].config.epochs} | {statistics.median(seconds):.0f} | {each} "
            f"| {100 - mean:.2f} % | {spread:.2f} | {mean:.2f} % |",
            flush=True,
        )
    for name, error in OTHERS.items():
        print(f"| {name} | | | | {100 - error:.2f} % | | {error:.2f} % |")


if __name__ == "__main__":
    main()
