"""Out-of-sample probabilities: of a training set by cross-validation, of a test set by one more network."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.evaluation.predict import predict
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import BatchProgress, build_network, train

FOLDS = 5


def fold_positions(count: int, folds: int, seed: int) -> list[np.ndarray]:
    """Divide ``range(count)`` randomly into folds of nearly equal size, each in ascending order."""
    order = np.random.default_rng([seed, 3]).permutation(count)
    return [np.sort(part) for part in np.array_split(order, folds)]


def cross_validate(
    config: TrainingConfig,
    dataset: Dataset,
    folds: int = FOLDS,
    done: int = 0,
    on_batch: Callable[[BatchProgress], None] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each fold, train on the others; yield its positions in the training set and its probabilities.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset
        Its test set is not used.
    folds : int
    done : int
        Number of folds to skip because they were trained before.
    on_batch : callable, optional
        As in :func:`train`.
    """
    for fold in fold_positions(len(dataset.train_labels), folds, config.seed)[done:]:
        kept = np.ones(len(dataset.train_labels), bool)
        kept[fold] = False
        rest = replace(dataset, train_images=dataset.train_images[kept], train_labels=dataset.train_labels[kept])
        network = build_network(config, dataset)
        for _ in train(config, rest, network, on_batch):
            pass
        yield fold, predict(network, dataset.train_images[fold])


def probabilities_of_test_set(
    config: TrainingConfig, dataset: Dataset, on_batch: Callable[[BatchProgress], None] | None = None
) -> np.ndarray:
    """Train on the whole training set; return the probabilities of the test set, shape (N, C).

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset
    on_batch : callable, optional
        As in :func:`train`.
    """
    network = build_network(config, dataset)
    for _ in train(config, dataset, network, on_batch):
        pass
    return predict(network, dataset.test_images)
