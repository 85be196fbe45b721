"""Rules about the layers of a network: weights, units and gradients that keep it from learning.

On vanishing and exploding gradients, and on saturated units: X. Glorot, Y. Bengio, "Understanding the difficulty of
training deep feedforward neural networks", 2010.
"""

import math
from collections.abc import Iterator

import numpy as np

from mnist_core.training.divergence import began_diverged, is_pulled_past_zero
from mnist_core.training.evidence import Diagnosis, Evidence, percent, shorter_steps

SATURATED_SHARE = 0.85
"""Fraction of saturated activations in a hidden layer that stops it from learning."""
DEAD_SHARE = 0.75
"""Fraction of dead units in a hidden layer that stops it from learning."""
VANISHED = 1e-3
"""Gradient of the first layer over that of the last one."""
EXPLODED = 1.0
"""Gradient of a layer before training, root mean square: 0.01 is usual."""
GROWN, LARGE = 2.0, 0.1
"""Gradient of the first layer over that of the last one, and its size, from which on it grows on its way back."""
HUGE_WEIGHTS = 8.0
"""Root mean square of a layer's weights times the root of its inputs: 0.58 in the recipe, 1.4 with He."""
EARLY = 3
"""Epochs in which the layers decide how a run begins."""
SHRUNK = 0.3
"""Size of the weights of every layer over that before training, below which weight decay has the upper hand."""


def initial_weights(evidence: Evidence) -> Iterator[Diagnosis]:
    """Weights that begin at 0, or far too large."""
    fans = [evidence.data.pixels, *evidence.config.hidden_layers]
    scaled = [row.weight_rms * math.sqrt(fan) for row, fan in zip(evidence.start, fans, strict=False)]
    if not scaled or not all(map(math.isfinite, scaled)):
        return
    if len(scaled) > 1 and max(scaled) < 1e-6:
        yield Diagnosis(
            "zero-weights", "Weights begin at 0", "All weights are 0 before training.",
            "All units of a layer compute the same and get the same gradient, so they stay equal.",
            "Draw the weights at random.",
        )  # fmt: skip
    elif max(scaled) > HUGE_WEIGHTS:
        layer = int(np.argmax(scaled)) + 1
        yield Diagnosis(
            "huge-weights", "Weights begin too large",
            f"The weights of layer {layer} begin {scaled[layer - 1] * math.sqrt(3):,.0f} times as large as those of "
            "the recipe.", "Weighted inputs are far from 0, where units are saturated or outputs absurdly certain.",
            "Divide the weights by the root of the number of inputs.",
        )  # fmt: skip


def symmetric(evidence: Evidence) -> Iterator[Diagnosis]:
    """Layers of units that are all the same."""
    if evidence.equal_units and evidence.accuracy < 0.9:
        layer = evidence.equal_units[0]
        yield Diagnosis(
            "symmetric-units", "Units that are all the same", f"All units of layer {layer} have the same weights.",
            "They get the same gradient, so they stay equal: the layer is worth a single unit.",
            "Draw the weights at random.",
        )  # fmt: skip


def exploding(evidence: Evidence) -> Iterator[Diagnosis]:
    """Gradients that grow on their way back through the layers."""
    sizes = [row.gradient_rms for row in evidence.start]
    lost = bool(evidence.error and began_diverged(evidence.error))
    if not lost and (len(sizes) < 3 or not evidence.hampered):
        return
    layer = next((number for number, size in enumerate(sizes, start=1) if not size <= EXPLODED), None)
    if layer:
        size = f"is {sizes[layer - 1]:.3g}" if math.isfinite(sizes[layer - 1]) else "is no number"
        seen = f"Before training the gradient of layer {layer} {size}, root mean square; 0.01 is usual."
    elif lost:
        seen = "The loss was no number before the first update."
    elif sizes[0] > LARGE and sizes[0] > GROWN * sizes[-1]:
        seen = (
            f"Before training the gradient grows from {sizes[-1]:.2g} in the last layer to {sizes[0]:.2g} in the first."
        )
    else:
        return
    yield Diagnosis(
        "exploding-gradients", "Exploding gradients", seen,
        "Signals or gradients grow from layer to layer, so that the first updates throw the weights far off.",
        "Take smaller first weights, or fewer layers.", {"initialization": "glorot"},
    )  # fmt: skip


def decayed(evidence: Evidence) -> Iterator[Diagnosis]:
    """Weights that the penalty pulls to 0."""
    decay, start = evidence.config.weight_decay, evidence.start
    now = evidence.at(evidence.layers[-1].epoch) if evidence.layers else []
    shrunk = [row.weight_rms / before.weight_rms for row, before in zip(now, start, strict=False) if before.weight_rms]
    pulled = bool(evidence.error and is_pulled_past_zero(evidence.error))
    if not decay or not evidence.hampered or not (pulled or (shrunk and max(shrunk) < SHRUNK)):
        return
    seen = "The loss grew until it was no number." if pulled else (
        f"The weights have shrunk to {percent(max(shrunk))} of their first size or less."
    )  # fmt: skip
    lower = 0.0001 if decay > 0.001 else 0.0
    yield Diagnosis(
        "weight-decay-too-high", "Weight decay too strong", seen,
        "The penalty pulls on the weights more than the gradient does, so nothing that is learned stays.",
        f"Lower the weight decay from {decay:g} to {lower:g}.", {"weight_decay": lower},
    )  # fmt: skip


def dead(evidence: Evidence) -> Iterator[Diagnosis]:
    """Hidden layers of ReLU units that are 0 for every image."""
    dead = [row for row in evidence.hidden if row.dead >= DEAD_SHARE]
    if not dead or not evidence.hampered or evidence.config.activation in ("sigmoid", "tanh"):
        return
    from_start = any(row.dead >= DEAD_SHARE for row in evidence.start[:-1])
    lower = {} if from_start else shorter_steps(evidence)
    advice = f"Lower the learning rate to {lower['learning_rate']:g}, or take" if lower else "Take"
    yield Diagnosis(
        "dead-units", "Dead units",
        f"From layer {dead[0].layer} on, {dead[0].dead:.0%} of the units are 0 for every image.",
        "Their slope is 0, so they get no gradient and never come back. "
        + ("They were so before training." if from_start else "A step that was too long does that."),
        f"{advice} leaky ReLU.", lower or {"activation": "leaky_relu"},
    )  # fmt: skip


def saturated(evidence: Evidence) -> Iterator[Diagnosis]:
    """Hidden layers of sigmoid or tanh units at their ends."""
    flat = [row for row in evidence.hidden if row.saturated > SATURATED_SHARE]
    if not flat or not evidence.hampered or evidence.config.activation not in ("sigmoid", "tanh"):
        return
    from_start = any(row.saturated > SATURATED_SHARE for row in evidence.start[:-1])
    lower = {} if from_start else shorter_steps(evidence)
    yield Diagnosis(
        "saturated-units", "Saturated units",
        f"From layer {flat[0].layer} on, {flat[0].saturated:.0%} of the activations are saturated.",
        "Their slope is nearly 0: hardly any gradient passes, and they stay where they are.",
        f"Lower the learning rate to {lower['learning_rate']:g}: too long a step pushed them there."
        if lower else "Begin with smaller weights and biases.", lower or {"initialization": "glorot"},
    )  # fmt: skip


def vanishing(evidence: Evidence) -> Iterator[Diagnosis]:
    """Gradients that fade on their way back through the layers."""
    rows = evidence.at(EARLY)
    if len(rows) < 3 or not evidence.hampered:
        return
    first, last = rows[0].gradient_rms, rows[-1].gradient_rms
    if last > 0 and first < VANISHED * last:
        yield Diagnosis(
            "vanishing-gradients", "Vanishing gradients",
            f"The gradient of the first layer is {last / max(first, 1e-30):,.0f} times smaller than that of the last.",
            "Each layer passes on only a part of it, so the first layers hardly learn.",
            "Take ReLU with He initialization, or fewer layers.", {"activation": "relu", "initialization": "he"},
        )  # fmt: skip
