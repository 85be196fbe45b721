"""Check the first parameters, which have many right values: by what must be true of all of them."""

from itertools import pairwise

import numpy as np

from mnist_core.assignment.behaviour import finding_of
from mnist_core.assignment.compare import same_layers
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.learner import Learner
from mnist_core.assignment.reference import Parameters

SIZES = (784, 128, 64, 10)
SQUARE = (6, 6, 6, 6)
TOO_LARGE = 20.0
"""Standard deviation of the weights times the root of the inputs: 0.58 in the recipe, 28 with standard normal ones."""


def check_initialize(learner: Learner) -> Finding:
    """Check shapes, spread, seeds, and that layers are arrays of their own."""
    parameters = learner.initialize(SIZES, 695)
    shared, seeded = learner.last.shared, learner.last.seeded
    wanted = [((above, below), (below,)) for above, below in pairwise(SIZES)]
    shapes = [(weights.shape, bias.shape) for weights, bias in parameters]
    if shapes != wanted:
        return Finding(
            "initialize", "wrong", sentence=f"The shapes for layers of 784-128-64-10 are {shapes}, expected {wanted}.",
            formula=STEPS["initialize"].formula, code=STEPS["initialize"].code,
        )  # fmt: skip
    if not all(np.isfinite(array).all() for pair in parameters for array in pair):
        return Finding("initialize", "wrong", sentence="Some of the first parameters are not numbers.")
    mistake = _mistake(learner, parameters, shared)
    if mistake:
        return finding_of("initialize", mistake)
    if seeded:
        found = finding_of("initialize", "initialize-global-seed")
        return Finding("initialize", "correct", found.mistake, found.sentence, found.effect, found.hint)
    return Finding("initialize", "correct")


def _mistake(learner: Learner, parameters: Parameters, shared: bool) -> str | None:
    weights = [pair[0] for pair in parameters]
    if all(not layer.any() for layer in weights):
        return "initialize-zero"
    if any(np.ptp(layer) == 0 for layer in weights):
        return "initialize-constant"
    if shared:
        return "initialize-shared-arrays"
    if all((layer >= 0).all() for layer in weights):
        return "initialize-positive"
    if weights[0].std() * np.sqrt(SIZES[0]) > TOO_LARGE:
        return "initialize-too-large"
    square = [pair[0] for pair in learner.initialize(SQUARE, 3)]
    if learner.last.shared:
        return "initialize-shared-arrays"
    if any(np.array_equal(a, b) for a, b in pairwise(square)):
        return "initialize-same-layers"
    return _mistake_of_seed(learner, parameters)


def _mistake_of_seed(learner: Learner, parameters: Parameters) -> str | None:
    if learner.takes_seed and not same_layers(learner.initialize(SIZES, 695), parameters):
        return "initialize-seed-ignored"
    if learner.takes_seed and same_layers(learner.initialize(SIZES, 7), parameters):
        return "initialize-seed-fixed"
    return None
