"""Why a network does not learn, read from what its training recorded: what is seen, what it means, what to try.

The rules look at losses, at the statistics of the layers, and at the data. Each has a threshold with a name; a table of
runs in ``benchmarks/diagnosis.py`` measures how often they are right.

On vanishing and exploding gradients, and on saturated units: X. Glorot, Y. Bengio,
"Understanding the difficulty of training deep feedforward neural networks" (2010).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics

SATURATED_SHARE = 0.85
"""Fraction of saturated activations in a hidden layer that stops it from learning."""
DEAD_SHARE = 0.5
VANISHED = 1e-3
"""Gradient of the first layer over that of the last one."""
EXPLODED = 30.0
HUGE_WEIGHTS = 8.0
"""Root mean square of a layer's weights times the root of its inputs: 0.58 in the recipe."""
EARLY = 3
"""Epochs in which the first layers decide how a run begins."""
RISE = 1.05
"""Factor between the losses of two epochs that counts as a jump."""
JUMPS = 0.3
"""Fraction of the epochs after the first ones with a jump, above which the learning rate is too high."""
STILL_FALLING = 0.1
"""Relative fall of the loss over the last quarter of the epochs."""
GAP = 0.04
"""Training accuracy minus validation accuracy from which on a run overfits."""
RISEN = 1.1
"""Validation loss at the end over its lowest."""
UNDERFITTED = 0.8
FEW_UPDATES = 100
ONE_CLASS = 0.95


@dataclass(frozen=True)
class DataFacts:
    """What a diagnosis must know of the data.

    Parameters
    ----------
    counts : tuple of int
        Training images of each class.
    largest_pixel : int
        In the training images, 0 ... 255.
    """

    counts: tuple[int, ...]
    largest_pixel: int = 255

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.counts)

    @property
    def images(self) -> int:
        """Number of training images."""
        return sum(self.counts)

    @property
    def guessing(self) -> float:
        """Accuracy of always answering the most common class."""
        return max(self.counts) / self.images


@dataclass(frozen=True)
class Evidence:
    """What a run recorded."""

    config: TrainingConfig
    data: DataFacts
    metrics: Sequence[EpochMetrics]
    layers: Sequence[LayerStatistics] = ()
    predicted: Sequence[int] | None = None
    """Test images for which each class was predicted, if known."""
    test_accuracy: float | None = None
    diverged: bool = False
    """Whether training ended because the loss was no longer a number, or far too large."""
    inputs: int = 784
    own_code: bool = False
    """Whether code that is not ours computed the gradient."""

    @property
    def ends(self) -> bool:
        """Whether there is an epoch to look at."""
        return bool(self.metrics)

    @property
    def loss(self) -> np.ndarray:
        """Training loss of each epoch."""
        return np.array([row.train_loss for row in self.metrics])

    @property
    def accuracy(self) -> float:
        """Training accuracy of the last epoch."""
        return self.metrics[-1].train_accuracy

    @property
    def updates(self) -> int:
        """Updates made so far."""
        training = self.data.images * (1 - self.config.validation_fraction)
        return len(self.metrics) * math.ceil(training / self.config.batch_size)

    @property
    def is_guessing(self) -> bool:
        """Whether training images are classified no better than by always answering the most common class."""
        spread = math.sqrt(self.data.guessing * (1 - self.data.guessing) / self.data.images)
        return self.ends and self.accuracy < self.data.guessing + max(0.02, 4 * spread)

    def at(self, epoch: int) -> list[LayerStatistics]:
        """Statistics of all layers at the last recorded epoch up to this one."""
        epochs = [row.epoch for row in self.layers if row.epoch <= epoch]
        return [row for row in self.layers if epochs and row.epoch == max(epochs)]

    @property
    def last_layers(self) -> list[LayerStatistics]:
        """Statistics of all layers at the end."""
        return self.at(self.layers[-1].epoch) if self.layers else []

    @property
    def hidden(self) -> list[LayerStatistics]:
        """Statistics of the hidden layers at the end."""
        return self.last_layers[:-1]


@dataclass(frozen=True)
class Diagnosis:
    """A finding."""

    cause: str
    """Such as ``learning-rate-too-high``; stable."""
    title: str
    seen: str
    """With its number."""
    meaning: str
    advice: str
    change: dict[str, Any] = field(default_factory=dict)
    """Settings to try instead, one change."""


def diagnose(evidence: Evidence) -> list[Diagnosis]:
    """Find what keeps a run from learning, the most likely cause first; an empty list for a healthy run.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    list of Diagnosis
        At most three.
    """
    found = [diagnosis for rule in RULES for diagnosis in rule(evidence)]
    return found[:3]


def _diverging(evidence: Evidence) -> Iterator[Diagnosis]:
    loss = evidence.loss
    guessing = math.log(evidence.data.classes) if evidence.data.classes > 1 else 1.0
    grown = len(loss) and loss[-1] > 2 * guessing
    if not (evidence.diverged or grown):
        return
    seen = (
        f"The loss grew to {loss[-1]:.3g} nats; guessing gives {guessing:.2f}." if grown else "The loss is no number."
    )
    yield _too_high(evidence, seen)


def _too_high(evidence: Evidence, seen: str) -> Diagnosis:
    rate = evidence.config.learning_rate
    lower = _round(rate / 10)
    return Diagnosis(
        "learning-rate-too-high", "Learning rate too high", seen,
        "The steps jump over the valley that they should go down into.",
        f"Lower the learning rate from {rate:g} to {lower:g}.", {"learning_rate": lower},
    )  # fmt: skip


def _round(value: float) -> float:
    """To one significant digit."""
    return float(f"{value:.0e}")


def _unscaled(evidence: Evidence) -> Iterator[Diagnosis]:
    largest = evidence.data.largest_pixel
    if largest <= 16:
        yield Diagnosis(
            "pixels-not-scaled", "Pixels of another range", f"The brightest training pixel is {largest}, not 255.",
            "After division by 255 all inputs are nearly 0: the first layer sees almost nothing.",
            "Multiply the pixels so that they go from 0 to 255.",
        )  # fmt: skip


def _missing_classes(evidence: Evidence) -> Iterator[Diagnosis]:
    missing = [label for label, count in enumerate(evidence.data.counts) if not count]
    if missing:
        names = ", ".join(map(str, missing[:5]))
        yield Diagnosis(
            "classes-missing", "Classes without training images", f"No training image is of class {names}.",
            "The network learns never to answer that, so every such test image is an error.",
            "Add images of it, or leave it out of the test set.",
        )  # fmt: skip


def _initial_weights(evidence: Evidence) -> Iterator[Diagnosis]:
    start = evidence.at(0)
    if not start or start[0].epoch:
        return
    fans = [evidence.inputs, *evidence.config.hidden_layers]
    scaled = [row.weight_rms * math.sqrt(fan) for row, fan in zip(start, fans, strict=False)]
    if scaled and max(scaled) < 1e-6:
        yield Diagnosis(
            "zero-weights", "Weights begin at 0", "All weights are 0 before training.",
            "All units of a layer compute the same and get the same gradient, so they stay equal.",
            "Draw the weights at random.", {"initialization": "uniform"},
        )  # fmt: skip
    elif scaled and max(scaled) > HUGE_WEIGHTS:
        layer = int(np.argmax(scaled)) + 1
        yield Diagnosis(
            "huge-weights", "Weights begin too large",
            f"Layer {layer} begins with weights {scaled[layer - 1] / 0.58:.0f} times as large as those of the recipe.",
            "Most units are saturated from the start, and hardly any gradient passes.",
            "Divide the weights by the root of the number of inputs.", {"initialization": "uniform"},
        )  # fmt: skip


def _symmetric(evidence: Evidence) -> Iterator[Diagnosis]:
    early = evidence.at(0)[:-1]
    same = [row.layer for row in early if row.epoch == 0 and row.weight_rms > 0 and row.activation_std < 1e-7]
    if same and evidence.own_code:
        yield Diagnosis(
            "symmetric-units", "Units that are all the same", f"All units of layer {same[0]} compute the same.",
            "They get the same gradient, so they stay equal: the layer is worth one unit.",
            "Draw the weights at random.",
        )  # fmt: skip


def _dead(evidence: Evidence) -> Iterator[Diagnosis]:
    worst = max(evidence.hidden, key=lambda row: 0 if math.isnan(row.dead) else row.dead, default=None)
    if worst is None or math.isnan(worst.dead) or worst.dead < DEAD_SHARE or not _hampered(evidence):
        return
    lower = _round(evidence.config.learning_rate / 10)
    yield Diagnosis(
        "dead-units", "Dead units", f"{worst.dead:.0%} of the units of layer {worst.layer} are 0 for every image.",
        "Their slope is 0, so they get no gradient and never come back. A step that was too long does that.",
        f"Lower the learning rate to {lower:g}, or take leaky ReLU.", {"learning_rate": lower},
    )  # fmt: skip


def _hampered(evidence: Evidence) -> bool:
    """Whether the network learns worse than it could, so that a flaw of its layers matters."""
    return evidence.is_guessing or evidence.accuracy < UNDERFITTED


def _saturated(evidence: Evidence) -> Iterator[Diagnosis]:
    if evidence.config.activation not in ("sigmoid", "tanh") or not _hampered(evidence):
        return
    flat = [row for row in evidence.hidden if row.saturated > SATURATED_SHARE]
    if not flat:
        return
    lower = _round(evidence.config.learning_rate / 10)
    yield Diagnosis(
        "saturated-units", "Saturated units",
        f"From layer {flat[0].layer} on, {flat[0].saturated:.0%} of the activations are saturated.",
        "Their slope is nearly 0: hardly any gradient passes, and they stay where they are.",
        f"Lower the learning rate to {lower:g}; it pushed them there.", {"learning_rate": lower},
    )  # fmt: skip


def _gradients(evidence: Evidence) -> Iterator[Diagnosis]:
    rows = evidence.at(EARLY) or evidence.last_layers
    if len(rows) < 3 or not _hampered(evidence):
        return
    first, last = rows[0].gradient_rms, rows[-1].gradient_rms
    if last > 0 and first / last < VANISHED:
        yield Diagnosis(
            "vanishing-gradients", "Vanishing gradients",
            f"The first layer's gradient is {last / max(first, 1e-30):,.0f} times smaller than the last one's.",
            "Each layer passes on only a part of it: the first layers hardly learn.",
            "Take ReLU with He initialization, or fewer layers.", {"activation": "relu", "initialization": "he"},
        )  # fmt: skip
    elif first > EXPLODED * max(last, 1e-12) and first > 1:
        yield Diagnosis(
            "exploding-gradients", "Exploding gradients",
            f"The first layer's gradient is {first / max(last, 1e-30):,.0f} times larger than the last one's.",
            "It grows from layer to layer on its way back, and throws the first layers about.",
            "Take smaller first weights (Glorot), or fewer layers.", {"initialization": "glorot"},
        )  # fmt: skip


def _oscillating(evidence: Evidence) -> Iterator[Diagnosis]:
    loss = evidence.loss[1:]
    if len(loss) < 5:
        return
    jumps = np.flatnonzero(loss[1:] > RISE * loss[:-1])
    if len(jumps) / (len(loss) - 1) < JUMPS:
        return
    worst = int(np.argmax(loss[1:] / loss[:-1]))
    yield _too_high(
        evidence,
        f"The loss jumped in {len(jumps)} of {len(loss) - 1} epochs, from {loss[worst]:.3g} to {loss[worst + 1]:.3g}.",
    )


def _few_updates(evidence: Evidence) -> Iterator[Diagnosis]:
    config = evidence.config
    per_epoch = evidence.updates // max(len(evidence.metrics), 1)
    if not evidence.ends or per_epoch > 4 or evidence.updates >= FEW_UPDATES or evidence.accuracy > UNDERFITTED:
        return
    yield Diagnosis(
        "too-few-updates", "Too few updates",
        f"A batch of {config.batch_size:,} of {evidence.data.images:,} images makes {per_epoch} updates an epoch.",
        "A network needs some hundred steps, whatever their size.", "Lower the batch size to 128.", {"batch_size": 128},
    )  # fmt: skip


def _too_low(evidence: Evidence) -> Iterator[Diagnosis]:
    loss = evidence.loss
    if len(loss) < 3 or evidence.accuracy > 0.9:
        return
    quarter = max(1, len(loss) // 4)
    fall = 1 - loss[-1] / loss[-1 - quarter]
    drops = -np.diff(loss)
    steady = (drops > 0).mean() > 0.8
    slow = evidence.accuracy < UNDERFITTED and loss[-1] > 0.3 * math.log(max(evidence.data.classes, 2))
    if steady and slow and (fall > STILL_FALLING or _creeping(loss)):
        rate = evidence.config.learning_rate
        higher = min(_round(rate * 10), 1e6)
        yield Diagnosis(
            "learning-rate-too-low", "Learning rate too low",
            f"The loss still falls, from {loss[-1 - quarter]:.3f} to {loss[-1]:.3f} in the last {quarter} epochs.",
            "The steps are short: there is a long way to go.",
            f"Raise the learning rate from {rate:g} to {higher:g}, or train more epochs.", {"learning_rate": higher},
        )  # fmt: skip


def _creeping(loss: np.ndarray) -> bool:
    """Whether the loss has hardly moved from its start, and always downward."""
    return bool(0 < 1 - loss[-1] / loss[0] < 0.05 and (np.diff(loss) < 0).all())


def _guessing(evidence: Evidence) -> Iterator[Diagnosis]:
    if not evidence.is_guessing:
        return
    counts = evidence.predicted
    share = max(counts) / max(sum(counts), 1) if counts else 0.0
    one = (
        f", and answers {int(np.argmax(counts))} for {share:.0%} of the test images"
        if counts and share > ONE_CLASS
        else ""
    )
    yield Diagnosis(
        "guessing", "No better than guessing",
        f"It classifies {evidence.accuracy:.1%} of the training images correctly{one}; "
        f"always answering the most common class gives {evidence.data.guessing:.1%}.",
        "Nothing has been learned.", "Begin with the reference recipe, and change one setting at a time.",
    )  # fmt: skip


def _overfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    if not evidence.ends:
        return
    last = evidence.metrics[-1]
    if not math.isnan(last.val_loss):
        losses = np.array([row.val_loss for row in evidence.metrics])
        lowest = int(losses.argmin())
        gap = last.train_accuracy - last.val_accuracy
        if not (losses[-1] > RISEN * losses[lowest] and gap > GAP / 2):
            return
        seen = (
            f"Since epoch {evidence.metrics[lowest].epoch} the validation loss rose from {losses[lowest]:.3f} to "
            f"{losses[-1]:.3f}, while the training loss fell to {last.train_loss:.3f}."
        )
        change: dict[str, Any] = {"patience": 5, "validation_fraction": evidence.config.validation_fraction}
    else:
        tested = evidence.test_accuracy
        if tested is None or last.train_accuracy - tested < GAP or last.train_accuracy < 0.95:
            return
        seen = f"It knows {last.train_accuracy:.1%} of the training images, but {tested:.1%} of the test images."
        change = {"validation_fraction": 0.1}
    yield Diagnosis(
        "overfitting", "Overfitting", seen, "It learns the training images by heart, and no longer what they share.",
        "Stop early, augment the images, or use dropout or weight decay.", change,
    )  # fmt: skip


def _underfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    loss = evidence.loss
    if len(loss) < 10 or evidence.accuracy > UNDERFITTED or evidence.is_guessing:
        return
    quarter = len(loss) // 4
    if 1 - loss[-1] / loss[-1 - quarter] > 0.03:
        return
    yield Diagnosis(
        "underfitting", "Underfitting",
        f"The loss has stood at {loss[-1]:.3f} for {quarter} epochs, with {evidence.accuracy:.1%} of the training "
        "images correct.",
        "The network is too small for the task, or held back by dropout, weight decay or augmentation.",
        "Take more hidden units, or less regularization.", {"hidden_layers": (128, 64)},
    )  # fmt: skip


def _validation(evidence: Evidence) -> Iterator[Diagnosis]:
    if not evidence.ends or evidence.test_accuracy is None or math.isnan(evidence.metrics[-1].val_accuracy):
        return
    row = evidence.metrics[-1]
    held_out = evidence.data.images * evidence.config.validation_fraction
    chance = 4 * math.sqrt(max(row.val_accuracy * (1 - row.val_accuracy), 1e-4) / max(held_out, 1))
    if abs(row.val_accuracy - evidence.test_accuracy) > 0.1 + chance and not evidence.config.patience:
        yield Diagnosis(
            "validation-differs", "Validation images differ from test images",
            f"It knows {row.val_accuracy:.1%} of the validation and {evidence.test_accuracy:.1%} of the test images.",
            "They do not come from the same source, so the validation loss misleads early stopping.",
            "Compare both on the Dataset page.",
        )  # fmt: skip


Rule = Callable[[Evidence], Iterator[Diagnosis]]


def _first_of(*rules: Rule) -> Rule:
    """The first rule that finds something: what follows from it is no further cause."""

    def find(evidence: Evidence) -> Iterator[Diagnosis]:
        for rule in rules:
            if found := list(rule(evidence)):
                yield from found
                return

    return find


RULES: tuple[Rule, ...] = (
    _unscaled,
    _missing_classes,
    _first_of(
        _initial_weights, _symmetric, _diverging, _oscillating, _dead, _saturated, _gradients, _few_updates, _too_low,
        _guessing, _underfitting,
    ),
    _overfitting,
    _validation,
)  # fmt: skip
