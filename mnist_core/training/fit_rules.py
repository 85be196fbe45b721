"""Rules about the data, and about what is learned of it."""

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from mnist_core.data.checks import DARK
from mnist_core.data.classes import Classes
from mnist_core.training.evidence import FEWEST_EPOCHS, HELD, Diagnosis, Evidence
from mnist_core.training.loop import EpochMetrics

GAP = 0.1
"""Training accuracy minus that on other images, beyond chance, from which on a run overfits."""
LEARNED_BY_HEART = 0.95
"""Training accuracy from which on a gap is one of overfitting."""
RISEN = 1.2
"""Validation loss at the end over its lowest."""
ONE_CLASS = 0.95
DIFFERENT = 0.1
"""Difference between validation and test accuracy, beyond chance, that tells two sources apart."""
BLACK = 16
"""Grey level of the brightest pixels that makes all inputs nearly 0."""


def unscaled(evidence: Evidence) -> Iterator[Diagnosis]:
    """Pixels that are nearly black."""
    brightest = evidence.data.brightest
    if brightest <= BLACK or (brightest < DARK and evidence.hampered and evidence.settled):
        yield Diagnosis(
            "pixels-not-scaled", "Pixels of another range", f"The brightest pixel of most images is {brightest}, not "
            "255.", "After division by 255 all inputs are small: the first layer sees nearly black images.",
            "Multiply the pixels so that they go from 0 to 255.",
        )  # fmt: skip


def missing_classes(evidence: Evidence) -> Iterator[Diagnosis]:
    """Classes that training never sees."""
    missing = [label for label, count in enumerate(evidence.data.counts) if not count]
    if missing:
        names = evidence.data.classes.listed(missing).plain
        yield Diagnosis(
            "classes-missing", "Classes without training images", f"No training image is of class {names}.",
            "The network never learns to answer that, so every such test image is an error.",
            "Add images of it, or leave it out of the test set.",
        )  # fmt: skip


def guessing(evidence: Evidence) -> Iterator[Diagnosis]:
    """An accuracy that guessing reaches, for none of the other reasons."""
    if not (evidence.doubt or (evidence.is_guessing and evidence.settled)):
        return
    counts = evidence.predicted or ()
    share = max(counts, default=0) / max(sum(counts), 1)
    classes = Classes.of(evidence.data.class_names, len(counts))
    one = (
        f"It answers {classes[np.argmax(counts)].plain} for {share:.0%} of the test images."
        if share > ONE_CLASS
        else ""
    )
    seen = "" if evidence.doubt else (
        f"It classifies {evidence.last.train_accuracy if evidence.last else 0:.1%} of the training images correctly; "
        f"always answering the most common class gives {evidence.data.guessing:.1%}."
    )  # fmt: skip
    yield Diagnosis(
        "guessing", "No better than guessing", f"{seen} {one}".strip(), "It has learned nothing that holds for other "
        "images.", "Look whether the labels fit the images; then begin with the reference recipe.",
    )  # fmt: skip


def underfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that stays high."""
    loss = evidence.loss
    if len(loss) < FEWEST_EPOCHS or not evidence.hampered or not evidence.settled or evidence.on_course:
        return
    config, lately = evidence.config, len(loss) // 4
    change: dict[str, Any] = {}
    if config.dropout > 0.5:
        advice, change = f"Lower dropout from {config.dropout:g} to 0.", {"dropout": 0.0}
    elif max(config.hidden_layers, default=0) < 32:
        advice, change = "Take more hidden units.", {"hidden_layers": (128, 64)}
    elif config.augmentation:
        names = [item.name for item in fields(config.augmentation)]
        advice, change = "Train without augmentation.", {name: 0.0 for name in names if getattr(config, name)}
    else:
        advice = "Take more hidden units or less regularization, and look whether the labels fit the images."
    yield Diagnosis(
        "underfitting", "Underfitting",
        f"The loss has stood near {loss[-1]:.3f} for {lately} epochs, with {evidence.accuracy:.1%} of the images "
        "correct.", "The network is too small for the task, or something holds it back.", advice, change,
    )  # fmt: skip


def overfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    """Training images that are known much better than others."""
    last, tested = evidence.last, evidence.test_accuracy
    if last is None or last.train_accuracy < LEARNED_BY_HEART or not all(evidence.data.counts):
        return
    seen = f"It knows {last.train_accuracy:.1%} of the training images, but {{:.1%}} of the {{}} images"
    advice, change = _regularized(evidence)
    if math.isnan(last.val_loss):
        if tested is None or last.train_accuracy - tested < GAP + _chance(tested, evidence.data.tested):
            return
        seen = f"{seen.format(tested, 'test')}."
        advice = f"{advice} A validation fraction shows in which epoch it begins."
    elif evidence.config.patience:
        return
    elif (since := _loss_rises_since(evidence)) is not None:
        seen = (
            f"From epoch {since.epoch} on the validation loss rose from {since.val_loss:.3f} to {last.val_loss:.3f}, "
            f"while the training loss went from {since.train_loss:.3f} to {last.train_loss:.3f}."
        )
        advice, change = "Stop early: keep the model of that epoch.", {"patience": 5}
    elif (since := _gap_is_wide_since(evidence)) is not None:
        seen = f"{seen.format(last.val_accuracy, 'validation')}; the gap has been wide since epoch {since.epoch}."
    else:
        return
    yield Diagnosis(
        "overfitting", "Overfitting", seen, "It learns the training images by heart, not what they have in common.",
        advice, change,
    )  # fmt: skip


def _regularized(evidence: Evidence) -> tuple[str, dict[str, Any]]:
    """What makes learning by heart harder: the first that is not in use yet."""
    config = evidence.config
    if not config.augmentation:
        return "Augment the images, or add more of them.", {"shift": 1.0}
    if not config.dropout:
        return "Use dropout, or add more images.", {"dropout": 0.2}
    return "Use weight decay, or add more images.", {"weight_decay": max(0.001, min(10 * config.weight_decay, 1.0))}


def _loss_rises_since(evidence: Evidence) -> EpochMetrics | None:
    """The epoch of the lowest validation loss, if that has risen since."""
    losses = np.nan_to_num([row.val_loss for row in evidence.metrics], nan=math.inf)
    lowest = int(losses.argmin())
    risen = lowest < len(losses) - HELD and losses[-HELD:].min() > RISEN * losses[lowest]
    return evidence.metrics[lowest] if risen else None


def _gap_is_wide_since(evidence: Evidence) -> EpochMetrics | None:
    """The first of the epochs up to now in all of which validation images were known much less than training images."""
    rows, tested = evidence.metrics, evidence.test_accuracy
    gaps = np.array([row.train_accuracy - row.val_accuracy for row in rows])
    if tested is None:
        gap = gaps[-HELD:].min() - _chance(rows[-1].val_accuracy, evidence.data.held_out)
    else:
        gap = min(gaps[-1], rows[-1].train_accuracy - tested)
    if not gap > GAP:
        return None
    narrow = np.flatnonzero(~(gaps > GAP))
    return rows[int(narrow[-1]) + 1 if len(narrow) else 0]


def other_source(evidence: Evidence) -> Iterator[Diagnosis]:
    """Validation images that are known much better, or worse, than test images."""
    tested = evidence.test_accuracy
    epoch = evidence.model_epoch or (evidence.last.epoch if evidence.last else 0)
    row = next((row for row in evidence.metrics if row.epoch == epoch), None)
    if row is None or tested is None or math.isnan(row.val_accuracy) or not all(evidence.data.counts):
        return
    chance = _chance(row.val_accuracy, evidence.data.held_out) + _chance(tested, evidence.data.tested)
    if abs(row.val_accuracy - tested) > DIFFERENT + chance:
        yield Diagnosis(
            "test-differs", "Validation and test images differ",
            f"It knows {row.val_accuracy:.1%} of the validation images and {tested:.1%} of the test images.",
            "They do not come from the same source: the validation loss says little about the test set.",
            "Compare training and test images on the Dataset page.",
        )  # fmt: skip


def _chance(accuracy: float, images: int) -> float:
    """Two standard deviations of an accuracy that is measured on so many images."""
    return 2 * math.sqrt(max(accuracy * (1 - accuracy), 0.01) / max(images, 1))
