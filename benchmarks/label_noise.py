"""Label noise: flip labels, find them again, and see what it costs and what repairing gives back.

    python benchmarks/label_noise.py [--source sample|full] [--data-dir FOLDER] [--noise random pairs] [--share 0.02]
        [--seeds 695 696 697] [--preset fast] [--known]

For each kind of noise a table of methods: precision and recall against the truth in the first half of the flipped
count. Then the test accuracy of the preset on clean labels, on flipped ones, and after confident learning has left the
suspects out or relabelled them, as mean over the seeds. With --known, the first 50 of the canonical test set are
compared with its errors that people confirmed.
"""

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.evaluation.label_errors import METHODS, find_label_issues, rank
from mnist_core.evaluation.label_noise import flip_at_random, flip_pairs, flipped_positions, repair, retrieval
from mnist_core.evaluation.predict import evaluate
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.loop import build_network, train
from mnist_core.training.out_of_sample import cross_validate, probabilities_of_test_set

NOISE = {"random": flip_at_random, "pairs": flip_pairs}

KNOWN_ERRORS = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
"""Test images of MNIST whose label fewer than three of five people chose. C. Northcutt, A. Athalye, J. Mueller,
*Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks*, 2021; votes in
github.com/cleanlab/label-errors, mturk/mnist_mturk.json."""

FIRST = 50


def probabilities_of(config: TrainingConfig, dataset: Dataset) -> np.ndarray:
    """Out-of-sample probabilities of the training set."""
    probabilities = np.zeros((len(dataset.train_labels), dataset.num_classes), np.float32)
    for fold, of_fold in cross_validate(config, dataset):
        probabilities[fold] = of_fold
    return probabilities


def accuracies(config: TrainingConfig, seeds: list[int], dataset: Dataset) -> list[float]:
    """Test accuracy in percent for each seed."""
    found = []
    for seed in seeds:
        network = build_network(replace(config, seed=seed), dataset)
        for _ in train(replace(config, seed=seed), dataset, network):
            pass
        found.append(100 * evaluate(network, dataset.test_images, dataset.test_labels).accuracy)
    return found


def print_methods(noisy: Dataset, probabilities: np.ndarray, noise: Corrections) -> None:
    """Print precision and recall of each method."""
    flipped = flipped_positions(noise)
    half = len(flipped) // 2
    print(f"| method | precision of the first {half:,} | of the first {len(flipped):,} | recall there | average |")
    print("|---|---|---|---|---|")
    for name, method in METHODS.items():
        found = retrieval(rank(noisy.train_labels, probabilities, name), flipped)
        print(
            f"| {method.title} | {found.precision_at(half):.1%} | {found.precision_at(len(flipped)):.1%} "
            f"| {found.recall_at(len(flipped)):.1%} | {found.average_precision:.3f} |",
            flush=True,
        )
    print()


def print_accuracy(
    name: str, config: TrainingConfig, seeds: list[int], dataset: Dataset, clean: float | None
) -> float:  # fmt: skip
    """Print a row; return the mean accuracy in percent."""
    started = time.perf_counter()
    found = accuracies(config, seeds, dataset)
    mean = statistics.mean(found)
    away = "" if clean is None else f"{mean - clean:+.2f}"
    each = ", ".join(f"{accuracy:.2f}" for accuracy in found)
    seconds = (time.perf_counter() - started) / len(seeds)
    print(f"| {name} | {len(dataset.train_labels):,} | {each} | {mean:.2f} | {away} | {seconds:.0f} |", flush=True)
    return mean


def measure(kind: str, share: float, config: TrainingConfig, seeds: list[int], dataset: Dataset, clean: float) -> None:
    """Flip, find, drop and repair."""
    noise = NOISE[kind](dataset, share, seeds[0])
    noisy = noise.apply(dataset)
    print(f"\n{kind}: {len(noise):,} of {len(dataset.train_labels):,} training labels flipped\n")
    probabilities = probabilities_of(config, noisy)
    print_methods(noisy, probabilities, noise)
    issues = find_label_issues(noisy.train_labels, probabilities, "confident_learning")
    hits = np.isin(issues.index, flipped_positions(noise)).mean()
    print(f"Confident learning suspects {len(issues.index):,}, {hits:.1%} of them flipped.\n")
    print_header()
    print_accuracy("flipped", config, seeds, noisy, clean)
    dropped = repair(dataset, noise, issues.index, None).apply(dataset)
    print_accuracy("suspects left out", config, seeds, dropped, clean)
    relabelled = repair(dataset, noise, issues.index, issues.suggested).apply(dataset)
    print_accuracy("suspects relabelled", config, seeds, relabelled, clean)


def print_header() -> None:
    """Print the head of a table of accuracies."""
    print("| training labels | images | test accuracy of each seed, % | mean | from clean | seconds |")
    print("|---|---|---|---|---|---|")


def print_known(config: TrainingConfig, dataset: Dataset) -> None:
    """Say which confirmed errors of the test set are among the first ones of each method."""
    probabilities = probabilities_of_test_set(config, dataset)
    print(f"\nCanonical test set: {len(KNOWN_ERRORS)} errors that people confirmed\n")
    for name, method in METHODS.items():
        ranking = rank(dataset.test_labels, probabilities, name)
        places = {int(n): int(np.flatnonzero(ranking == n)[0]) + 1 for n in KNOWN_ERRORS}
        within = sorted((place, n) for n, place in places.items() if place <= FIRST)
        print(f"{method.title}: {len(within)} of {len(KNOWN_ERRORS)} are among the first {FIRST}.")
        print("  found (rank): " + ", ".join(f"{n} ({place})" for place, n in within))
        print("  not found (rank): " + ", ".join(f"{n} ({place})" for n, place in places.items() if place > FIRST))
        print(f"  first {FIRST}: {', '.join(map(str, ranking[:FIRST]))}\n", flush=True)


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=("sample", "full"), default="sample")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--noise", nargs="*", choices=tuple(NOISE), default=["random"])
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--seeds", nargs="+", type=int, default=[695, 696, 697])
    parser.add_argument("--preset", choices=tuple(PRESETS), default="fast")
    parser.add_argument("--known", action="store_true", help="compare the canonical test set with its known errors")
    arguments = parser.parse_args()
    dataset = load_dataset(arguments.source, arguments.data_dir)
    config = replace(PRESETS[arguments.preset].config, seed=arguments.seeds[0])
    print(f"{dataset.description}; preset {arguments.preset}, {config.epochs} epochs\n")
    if arguments.noise:
        print_header()
        clean = print_accuracy("clean", config, arguments.seeds, dataset, None)
    for kind in arguments.noise:
        measure(kind, arguments.share, config, arguments.seeds, dataset, clean)
    if arguments.known:
        print_known(config, dataset)


if __name__ == "__main__":
    main()
