"""How often the diagnosis of a run is right: seeded configurations with a known cause, and healthy ones.

    python benchmarks/diagnosis.py            # prints a table; exit code 1 if it is worse than documented

The data sets are made of the sample: the digits, the digits upside down, and 5 of their classes.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.errors import TrainingError
from mnist_core.evaluation.predict import evaluate
from mnist_core.runs.diagnose import data_facts
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.diagnosis import Evidence, diagnose
from mnist_core.training.layer_statistics import layer_statistics
from mnist_core.training.loop import build_network, train

NAMED, FALSE = 0.9, 0


@dataclass(frozen=True)
class Trial:
    """A configuration, and the causes that may be named for it; none for a healthy one."""

    causes: tuple[str, ...]
    config: TrainingConfig
    data: str = "digits"


def data_sets(images: int) -> dict[str, Dataset]:
    """The sample and what is made of it."""
    sample = load_dataset("sample")
    sample = replace(sample, train_images=sample.train_images[:images], train_labels=sample.train_labels[:images])
    few, tested = sample.train_labels < 5, sample.test_labels < 5
    gap = sample.train_labels != 3
    return {
        "digits": sample,
        "upside down": replace(sample, train_images=sample.train_images[:, ::-1], test_images=sample.test_images[:, ::-1]),
        "five classes": replace(
            sample, train_images=sample.train_images[few], train_labels=sample.train_labels[few],
            test_images=sample.test_images[tested], test_labels=sample.test_labels[tested],
        ),
        "pixels 0 to 1": replace(sample, train_images=sample.train_images // 128, test_images=sample.test_images // 128),
        "no 3": replace(sample, train_images=sample.train_images[gap], train_labels=sample.train_labels[gap]),
        "200 images": replace(sample, train_images=sample.train_images[:200], train_labels=sample.train_labels[:200]),
    }  # fmt: skip


def trials() -> Iterator[Trial]:
    """Each cause with several data sets and activations; then healthy runs."""
    base = TrainingConfig(epochs=12, hidden_layers=(64, 32))
    usual = ("digits", "upside down", "five classes")
    for data in usual:
        for activation, rate in (("sigmoid", 300.0), ("tanh", 100.0), ("relu", 30.0)):
            causes = ("learning-rate-too-high", "saturated-units", "dead-units")
            yield Trial(causes, replace(base, activation=activation, learning_rate=rate), data)
        for activation in ("sigmoid", "tanh", "relu"):
            yield Trial(("learning-rate-too-low",), replace(base, activation=activation, learning_rate=2e-4), data)
        for depth in (6, 8):
            yield Trial(("vanishing-gradients",), replace(base, hidden_layers=(32,) * depth, learning_rate=0.1), data)
        yield Trial(
            ("too-few-updates", "learning-rate-too-low"), replace(base, batch_size=5000, learning_rate=0.2), data
        )
        small = replace(base, hidden_layers=(1,), epochs=40, activation="tanh", learning_rate=0.1)
        yield Trial(("underfitting", "learning-rate-too-low"), small, data)
        yield Trial(
            ("underfitting",), replace(base, dropout=0.9, hidden_layers=(8,), epochs=60, activation="relu"), data
        )
    for activation in ("sigmoid", "tanh", "relu"):
        yield Trial(("pixels-not-scaled",), replace(base, activation=activation), "pixels 0 to 1")
        yield Trial(("classes-missing",), replace(base, activation=activation, learning_rate=0.2), "no 3")
        own = replace(base, activation=activation, learning_rate=0.2, epochs=60, validation_fraction=0.3)
        yield Trial(("overfitting",), replace(own, initialization="glorot", epochs=120), "200 images")
    for preset in ("reference", "fast"):
        yield Trial((), PRESETS[preset].config)
    healthy = replace(base, epochs=15)
    for data in usual:
        for seed in (1, 2):
            yield Trial((), replace(healthy, seed=seed), data)
            yield Trial((), replace(healthy, seed=seed, activation="tanh", learning_rate=0.1), data)
            yield Trial(
                (), replace(healthy, seed=seed, activation="relu", initialization="he", learning_rate=0.1), data
            )
            adam = replace(healthy, optimizer="adam", learning_rate=0.002, activation="relu", initialization="he")
            yield Trial((), replace(adam, seed=seed, epochs=6), data)
            yield Trial((), replace(healthy, seed=seed, validation_fraction=0.2, epochs=10), data)


def observe(trial: Trial, dataset: Dataset) -> list[str]:
    """Train, and name what is found."""
    network = build_network(trial.config, dataset)
    metrics, layers, diverged = [], layer_statistics(network, dataset, 0), False
    try:
        for row in train(trial.config, dataset, network):
            metrics.append(row)
            layers += layer_statistics(network, dataset, row.epoch)
    except TrainingError:
        diverged = True
    accuracy, predicted = None, None
    if not diverged:
        with np.errstate(all="ignore"):
            result = evaluate(network, dataset.test_images, dataset.test_labels)
        accuracy, predicted = result.accuracy, np.bincount(result.predicted, minlength=dataset.num_classes).tolist()
    evidence = Evidence(trial.config, data_facts(dataset), metrics, layers, predicted, accuracy, diverged)
    return [diagnosis.cause for diagnosis in diagnose(evidence)]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000, help="training images of the sample (default: 2000)")
    arguments = parser.parse_args()
    data = data_sets(arguments.images)
    named, sick, alarms, healthy = 0, 0, 0, 0
    for trial in trials():
        found = observe(trial, data[trial.data])
        if trial.causes:
            sick += 1
            good = bool(found) and found[0] in trial.causes
            named += good
        else:
            healthy += 1
            good = not found
            alarms += not good
        about = " ".join([*trial.config.arguments])
        print(
            f"{'ok ' if good else 'NOT'} {trial.data:<14} {trial.causes[0] if trial.causes else 'healthy':<24} {found}  {about}"
        )
    print(f"{named} of {sick} causes named; {alarms} false findings on {healthy} healthy runs")
    return 0 if named >= NAMED * sick and alarms <= FALSE else 1


if __name__ == "__main__":
    sys.exit(main())
