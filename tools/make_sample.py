"""Make ``mnist_core/data/sample.npz``, the sample of MNIST that comes with the project, from the four published files.

    MNIST_DATA_DIR=folder python tools/make_sample.py [target]

The classes are balanced: each has 500 images from the training set and 100 from the test set.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mnist_core.data.dataset import SAMPLE, Dataset, load_dataset

SEED = 695

TRAIN_IMAGES_PER_CLASS, TEST_IMAGES_PER_CLASS = 500, 100


def choose_rows(labels: np.ndarray, per_class: int, rng: np.random.RandomState) -> np.ndarray:
    """Positions of ``per_class`` images of each class in random order, shape (classes * per_class,)."""
    by_class = [np.flatnonzero(labels == digit) for digit in np.unique(labels)]
    return rng.permutation(np.concatenate([rng.choice(rows, per_class, replace=False) for rows in by_class]))


def make_sample(mnist: Dataset, target: Path) -> None:
    """Write the sample of ``mnist`` to ``target``; running it twice gives the same bytes."""
    rng = np.random.RandomState(SEED)  # not default_rng: NumPy promises that this stream never changes
    train = choose_rows(mnist.train_labels, TRAIN_IMAGES_PER_CLASS, rng)
    test = choose_rows(mnist.test_labels, TEST_IMAGES_PER_CLASS, rng)
    np.savez_compressed(
        target,
        train_images=mnist.train_images[train],
        train_labels=mnist.train_labels[train],
        test_images=mnist.test_images[test],
        test_labels=mnist.test_labels[test],
    )


if __name__ == "__main__":
    mnist = load_dataset("full")
    if mnist.name.plain != "MNIST (full)":
        sys.exit(f"Found {mnist.description}, but expected the full MNIST: let MNIST_DATA_DIR name its folder.")
    make_sample(mnist, Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
