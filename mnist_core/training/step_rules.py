"""Rules about the steps of training: too long, too short, too few."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from mnist_core.errors import counted
from mnist_core.training.config import LEARNING_RATES
from mnist_core.training.divergence import has_diverged
from mnist_core.training.evidence import FEWEST_EPOCHS, SETTLED_UPDATES, Diagnosis, Evidence, percent, shorter_steps

WORSE = 1.5
"""Loss over that of guessing, above which a network has got worse by training."""
RISE, RISE_NATS = 1.05, 0.05
"""Factor and difference between the losses of two epochs that count as a jump."""
JUMPS = 0.3
"""Fraction of the epochs after the first one with a jump, above which the learning rate is too high."""
STILL_FALLING, STEADY = 0.1, 0.7
"""Relative fall of the loss over the last quarter of the epochs, and the fraction of these with a fall."""
UNMOVED = 0.1
"""What all updates together may at most have changed the weights, relative to their size."""
FAR_OFF = 10
"""Factor between a learning rate and the usual one that makes it the likely cause."""
FEW_UPDATES, FEW_A_PASS = 150, 4
"""Updates in all that are too few, and those of an epoch that a smaller batch would make more."""
ENOUGH_UPDATES, MOST_EPOCHS = 1000, 10_000


def diverging(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that grows beyond that of guessing."""
    loss, guessing = evidence.loss, evidence.data.guessing_loss
    if evidence.error and has_diverged(evidence.error):
        yield _too_high(evidence, "The loss grew until it was no number, or far too large.")
        return
    if len(loss) and loss[-1] > WORSE * guessing > 0 and evidence.hampered:
        yield _too_high(evidence, f"The loss is {loss[-1]:.3g} nats; guessing gives {guessing:.2f}.")


def oscillating(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that jumps up again and again."""
    loss = evidence.loss[1:]
    if len(loss) < 5:
        return
    jumps = np.flatnonzero((loss[1:] > RISE * loss[:-1]) & (loss[1:] > loss[:-1] + RISE_NATS))
    if len(jumps) < JUMPS * (len(loss) - 1):
        return
    worst = int(np.argmax(loss[1:] - loss[:-1]))
    yield _too_high(
        evidence,
        f"The loss jumped up in {len(jumps)} of {len(loss) - 1} epochs, once from {loss[worst]:.3g} to "
        f"{loss[worst + 1]:.3g}.",
    )


def unmoved(evidence: Evidence) -> Iterator[Diagnosis]:
    """The updates are too small to change the weights, however many they are."""
    config, updates = evidence.config, evidence.planned_epochs * evidence.updates_per_epoch
    if not evidence.hampered or not evidence.layers:
        return
    if config.optimizer in ("adam", "adamw"):
        gradient_free = [1.0 / row.weight_rms for row in evidence.start if row.weight_rms > 0]
    else:
        lasting = 1 / (1 - config.momentum) if config.optimizer in ("momentum", "nesterov") else 1.0
        rows = evidence.layers
        gradient_free = [lasting * row.gradient_rms / row.weight_rms for row in rows if row.weight_rms > 0]
    moved = config.learning_rate * updates * max(gradient_free, default=math.inf)
    if not moved < UNMOVED:
        return
    yield _too_low(
        evidence, f"All {counted(updates, 'update')} together change the weights by less than {percent(moved)}."
    )


def few_updates(evidence: Evidence) -> Iterator[Diagnosis]:
    """Too few steps, because of large batches or few epochs."""
    planned = evidence.planned_epochs * evidence.updates_per_epoch
    size, images = evidence.config.batch_size, evidence.data.images
    coarse = evidence.updates_per_epoch <= FEW_A_PASS and size > 32
    needed = SETTLED_UPDATES if evidence.config.activation == "sigmoid" else FEW_UPDATES
    if not evidence.metrics or planned >= needed or not evidence.hampered:
        return
    if evidence.running and (not coarse or not evidence.settled or evidence.on_course):
        return
    change: dict[str, Any]
    if coarse:
        smaller = next((number for number in (128, 64, 32, 16, 8) if number * 10 <= images), 1)
        seen = (
            f"A batch of {size:,} of {images:,} images makes {counted(evidence.updates_per_epoch, 'update')} an epoch"
        )
        advice, change = f"Lower the batch size to {smaller}.", {"batch_size": smaller}
    else:
        epochs = max(evidence.planned_epochs + 1, math.ceil(ENOUGH_UPDATES / evidence.updates_per_epoch))
        seen = f"{counted(evidence.planned_epochs, 'epoch')} of {counted(evidence.updates_per_epoch, 'update')}"
        advice, change = f"Train {counted(epochs, 'epoch')}.", {"epochs": epochs}
    yield Diagnosis(
        "too-few-updates", "Too few updates", f"{seen}, {planned:,} in all.",
        f"A network needs at least {needed} steps, whatever their size.", advice, change,
    )  # fmt: skip


def falling(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that is still far up and falls, or has not had the time to."""
    loss, few = evidence.loss, not evidence.running and len(evidence.metrics) < FEWEST_EPOCHS
    if not len(loss) or not evidence.hampered or not evidence.settled or evidence.on_course:
        return
    quarter = max(1, len(loss) // 4)
    lately = loss[-1 - quarter :]
    if len(lately) > quarter and 1 - lately[-1] / lately[0] > STILL_FALLING and (np.diff(lately) < 0).mean() > STEADY:
        seen = (
            f"The loss still falls, from {lately[0]:.3f} to {lately[-1]:.3f} in the last {counted(quarter, 'epoch')}."
        )
    elif few and not evidence.is_guessing:
        guessing = evidence.data.guessing_loss
        seen = f"The loss is {loss[-1]:.3f} after {counted(len(loss), 'epoch')}; guessing gives {guessing:.2f}."
    else:
        return
    if evidence.config.learning_rate < _usual_rate(evidence) / 2:
        yield _too_low(evidence, seen)
        return
    epochs = min(3 * evidence.planned_epochs, MOST_EPOCHS)
    yield Diagnosis(
        "too-few-updates", "Too few epochs", seen, "It learns, and there is more to learn.",
        f"Train {counted(epochs, 'epoch')}.", {"epochs": epochs},
    )  # fmt: skip


def far_off(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that stays high, with a learning rate far from those that suit; a schedule may hide that it is too low."""
    loss, rate, usual = evidence.loss, evidence.config.learning_rate, _usual_rate(evidence)
    if not len(loss) or not evidence.hampered or not evidence.settled or evidence.on_course:
        return
    seen = f"The loss is {loss[-1]:.3f} after {counted(len(loss), 'epoch')}; guessing gives"
    seen = f"{seen} {evidence.data.guessing_loss:.2f}."
    if rate < usual / FAR_OFF:
        yield _too_low(evidence, seen)
    elif rate > usual * FAR_OFF:
        yield _too_high(evidence, seen)


def _too_high(evidence: Evidence, seen: str) -> Diagnosis:
    rate, lower = evidence.config.learning_rate, shorter_steps(evidence)
    advice = f"Lower the learning rate from {rate:g} to {lower['learning_rate']:g}." if lower else "Look at the data."
    return Diagnosis(
        "learning-rate-too-high", "Learning rate too high", seen,
        "The steps jump over the valley that they should go down into.", advice, lower,
    )  # fmt: skip


def _too_low(evidence: Evidence, seen: str) -> Diagnosis:
    rate, higher = evidence.config.learning_rate, _longer(evidence)
    return Diagnosis(
        "learning-rate-too-low", "Learning rate too low", seen,
        "Each step is short, so that training would take far longer.",
        f"Raise the learning rate from {rate:g} to {higher:g}, or train more epochs.", {"learning_rate": higher},
    )  # fmt: skip


def _longer(evidence: Evidence) -> float:
    """The usual learning rate, or a few times the present one if that is near it already."""
    wanted = max(_usual_rate(evidence), 3 * evidence.config.learning_rate)
    return min((rate for rate in LEARNING_RATES if rate >= wanted * (1 - 1e-9)), default=LEARNING_RATES[-1])


def _usual_rate(evidence: Evidence) -> float:
    """A learning rate that suits the optimizer and the activation."""
    config = evidence.config
    if config.optimizer in ("adam", "adamw"):
        return 0.002
    lasting = 1 - config.momentum if config.optimizer in ("momentum", "nesterov") else 1.0
    return lasting * (0.5 if config.activation == "sigmoid" else 0.1)
