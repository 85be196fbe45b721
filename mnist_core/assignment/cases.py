"""The inputs that each step is tried on: small, of odd shapes, and the extremes that break code in practice."""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.assignment.reference import Array, Parameters, feed_forward, one_hot

SEEDS = (0, 2**32 - 1)
"""Range of the seed of the inputs."""
CLIPPED = 1e-6
"""What is left of sigmoid and softmax where a learner clips large inputs."""
LOSS_TOLERANCE = 1e-3
"""What an epsilon in the logarithm changes in the loss of usual probabilities."""
EPSILON = 0.02
"""What up to 1e-6 beside a probability of 1e-5 changes; more is a mistake."""

LARGE = np.array([[1000.0, 999.0, -1000.0], [-1000.0, -1001.0, -999.0]])
FAR_BELOW = np.array([[0.0, 1.0, 2.0], [-2000.0, -2001.0, -2002.0]])


@dataclass(frozen=True)
class Case:
    """Arguments of a step, as the reference takes them."""

    about: str
    args: tuple[Any, ...]
    extreme: bool = False
    """Whether it differs from usual inputs only in size: a mistake that shows here alone is one of numbers."""
    tolerance: float = 0.0
    """Difference that is harmless, if larger than usual: of an epsilon, or of inputs that are clipped."""


def parameters_for(sizes: tuple[int, ...], seed: int, scale: float = 1.0) -> Parameters:
    """Parameters whose biases are as large as their weights, so that a bias forgotten is seen."""
    random = np.random.default_rng(seed)
    return [
        (scale * random.normal(size=(above, below)), scale * random.normal(size=below))
        for above, below in pairwise(sizes)
    ]


def batch_for(count: int, pixels: int, classes: int, seed: int) -> tuple[Array, Array]:
    """Images in 0 ... 1 and one-hot rows of random labels."""
    random = np.random.default_rng(seed)
    return random.random((count, pixels)), one_hot(random.integers(0, classes, count), classes)


def write_idx_files(folder: Path, seed: int) -> list[Path]:
    """Write a file of images and one of labels, of odd sizes, with bytes above 127."""
    random = np.random.default_rng(seed)
    paths = []
    for name, shape in (("images", (7, 5, 3)), ("labels", (11,))):
        values = random.integers(0, 256, shape).astype(np.uint8)
        path = folder / f"{name}-idx{len(shape)}-ubyte"
        path.write_bytes(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values.tobytes())
        paths.append(path)
    return paths


def cases_of(step: str, seed: int = 0) -> list[Case]:
    """Cases of a step of arrays alone, or of parameters; the usual ones first."""
    random = np.random.default_rng(seed)
    match step:
        case "normalize":
            images = random.integers(0, 200, (3, 5, 4)).astype(np.uint8)
            return [
                Case("images of 5x4", (images,)),
                Case("rows of pixels", (images.reshape(3, 20),)),
                Case("one image with white in it", (np.array([[[0, 255], [17, 128]]], np.uint8),)),
            ]
        case "one_hot":
            return _label_cases(random)
        case "sigmoid" | "sigmoid_derivative":
            return [
                Case("numbers around 0", (random.normal(size=(4, 3)) * 2,)),
                Case("one image", (random.normal(size=(1, 5)),)),
                Case("±1000", (np.array([[-1000.0, 1000.0, 0.0]]),), extreme=True, tolerance=CLIPPED),
            ]
        case "softmax":
            return [
                Case("logits of 4 images and 3 classes", (random.normal(size=(4, 3)) * 2,)),
                Case("one image", (random.normal(size=(1, 5)),)),
                Case("logits of ±1000", (LARGE,), True, CLIPPED),
                Case("one row far below another", (FAR_BELOW,), True, CLIPPED),
            ]
        case "feed_forward" | "predict":
            return _pass_cases(seed)
        case "cross_entropy":
            return _loss_cases(random, seed)
        case "back_propagate":
            shapes = [(4, (6, 5, 3)), (1, (5, 4, 3)), (3, (7, 5, 4, 6, 3)), (5, (4, 4, 4, 4))]
            return [
                Case(
                    f"{count} image{'s' * (count > 1)}, layers {'-'.join(map(str, sizes))}",
                    (*batch_for(count, sizes[0], sizes[-1], seed + k), parameters_for(sizes, seed + k)),
                )
                for k, (count, sizes) in enumerate(shapes)
            ]
        case "update":
            return [
                Case(
                    f"layers {'-'.join(map(str, sizes))}",
                    (parameters_for(sizes, seed + 1), parameters_for(sizes, seed + 2), rate),
                )
                for sizes, rate in [((4, 3, 2), 0.25), ((3, 3, 3, 3), 0.5)]
            ]
        case "accuracy" | "misclassified":
            return _score_cases(random)
    raise KeyError(step)


def _label_cases(random: np.random.Generator) -> list[Case]:
    names = random.permutation(4)
    return [
        Case("five labels of 4 classes", (names[[2, 0, 3, 1, 2]], 4)),
        Case("labels without the last class", (names[[1, 0, 1]], 5)),
        Case("one label", (np.array([1]), 3)),
        Case("labels as uint8, as MNIST has them", (random.permutation(np.array([9, 0, 5, 3], np.uint8)), 10)),
    ]


def _pass_cases(seed: int) -> list[Case]:
    return [
        Case(
            f"{count} images, layers {'-'.join(map(str, sizes))}",
            (batch_for(count, sizes[0], 3, seed + k)[0], own),
        )
        for k, (count, sizes) in enumerate([(4, (6, 5, 3)), (1, (5, 4, 3)), (3, (7, 5, 4, 6, 3))])
        for own in [parameters_for(sizes, seed + k)]
    ]


def _score_cases(random: np.random.Generator) -> list[Case]:
    names, five, three = random.permutation(5), random.permutation(5), random.permutation(3)
    return [
        Case("two of five wrong", (names[five], names[np.array([0, 3, 2, 1, 4])[five]])),
        Case("two of three wrong", (np.array([1, 0, 1])[three], np.array([1, 1, 0])[three])),
        Case("all correct", (names[:3], names[:3])),
        Case("labels as uint8", (np.array([9, 8, 7])[three], np.array([9, 1, 7], np.uint8)[three])),
    ]


def _loss_cases(random: np.random.Generator, seed: int) -> list[Case]:
    cases = []
    for k, (count, classes) in enumerate([(4, 3), (1, 5), (6, 10)]):
        x, y = batch_for(count, 5, classes, seed + k)
        cases.append(
            Case(
                f"{count} image{'s' * (count > 1)}, {classes} classes",
                (feed_forward(x, parameters_for((5, classes), seed + k)), y),
                tolerance=LOSS_TOLERANCE,
            )
        )
    small = np.array([[1 - 1e-5, 1e-5, 0.0], [0.5, 0.5 - 1e-5, 1e-5]])
    sure = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return [
        *cases,
        Case("small probabilities of the true class", (small, np.eye(3)[[1, 2]]), tolerance=EPSILON),
        Case("probabilities of exactly 0 and 1", (sure, np.eye(3)[[0, 1]]), True, EPSILON),
    ]
