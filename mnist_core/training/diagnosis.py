"""Why a network does not learn, read from what its training recorded: what is seen, what it means, what to try.

The rules look at losses, at the statistics of the layers, and at the data. Each threshold has a name, and
``benchmarks/diagnosis.py`` measures on seeded runs how often the rules are right.

On vanishing and exploding gradients, and on saturated units: X. Glorot, Y. Bengio, "Understanding the difficulty of
training deep feedforward neural networks", 2010.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mnist_core.errors import counted
from mnist_core.training.config import LEARNING_RATES
from mnist_core.training.divergence import began_diverged, has_diverged, is_pulled_past_zero, with_shorter_steps
from mnist_core.training.evidence import Evidence
from mnist_core.training.loop import EpochMetrics

HELD = 3
"""A finding is shown of a running run once it holds for this many epochs, so that it does not come and go."""
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
WORSE = 1.5
"""Loss over that of guessing, above which a network has got worse by training."""
RISE, RISE_NATS = 1.05, 0.05
"""Factor and difference between the losses of two epochs that count as a jump."""
JUMPS = 0.3
"""Fraction of the epochs after the first one with a jump, above which the learning rate is too high."""
STILL_FALLING = 0.1
"""Relative fall of the loss over the last quarter of the epochs."""
SHRUNK = 0.3
"""Size of the weights of every layer over that before training, below which weight decay has the upper hand."""
UNMOVED = 0.1
"""What all updates together may at most have changed the weights, relative to their size."""
GAP = 0.1
"""Training accuracy minus that on other images, beyond chance, from which on a run overfits."""
LEARNED_BY_HEART = 0.95
"""Training accuracy from which on a gap is one of overfitting."""
RISEN = 1.2
"""Validation loss at the end over its lowest."""
FEW_UPDATES, FEW_A_PASS = 150, 4
"""Updates in all that are too few, and those of an epoch that a smaller batch would make more."""
ENOUGH_UPDATES = 1000
ONE_CLASS = 0.95
DIFFERENT = 0.1
"""Difference between validation and test accuracy, beyond chance, that tells two sources apart."""
DARK, BLACK = 128, 16
"""Grey level that most images reach if pixels are 0 to 255, and one that makes all inputs nearly 0."""
OWN_CODE_KNOWS = frozenset(
    {"epochs", "learning_rate", "batch_size", "hidden_layers", "validation_fraction", "patience"}
)
"""Settings that matter to code that is not ours."""


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
    """Settings to try instead, one change; empty if no setting helps."""

    @property
    def sentence(self) -> str:
        """All in one line."""
        return f"{self.title}: {self.seen} {self.meaning} {self.advice}"

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for ``--json``."""
        change = {name: list(value) if isinstance(value, tuple) else value for name, value in self.change.items()}
        return {
            "cause": self.cause, "title": self.title, "seen": self.seen, "meaning": self.meaning,
            "advice": self.advice, "change": change,
        }  # fmt: skip


def diagnose(evidence: Evidence) -> list[Diagnosis]:
    """Find what keeps a run from learning, the most likely cause first; an empty list for a healthy run.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    list of Diagnosis
        At most three. If the test accuracy is no better than guessing, the first one says so.
    """
    with np.errstate(all="ignore"):
        found = [diagnosis for rule in RULES for diagnosis in rule(evidence)][:3]
    if evidence.doubt and found:
        found[0] = replace(found[0], seen=_joined(evidence.doubt, found[0].seen))
    return [_for_own_code(diagnosis) for diagnosis in found] if evidence.own_code else found


def diagnose_live(evidence: Evidence) -> list[Diagnosis]:
    """Find what keeps a running run from learning; only what has held for :data:`HELD` epochs."""
    done = len(evidence.metrics)
    if done < HELD:
        return []
    before = [
        {diagnosis.cause for diagnosis in diagnose(evidence.until(epochs))} for epochs in range(done - HELD + 1, done)
    ]
    now = diagnose(replace(evidence, running=True))
    return [diagnosis for diagnosis in now if all(diagnosis.cause in causes for causes in before)]


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _for_own_code(diagnosis: Diagnosis) -> Diagnosis:
    change = diagnosis.change if set(diagnosis.change) <= OWN_CODE_KNOWS else {}
    return replace(diagnosis, advice=f"Check the code first. {diagnosis.advice}", change=change)


def _unscaled(evidence: Evidence) -> Iterator[Diagnosis]:
    brightest = evidence.data.brightest
    if brightest <= BLACK or (brightest < DARK and evidence.hampered and evidence.settled):
        yield Diagnosis(
            "pixels-not-scaled", "Pixels of another range", f"The brightest pixel of most images is {brightest}, not "
            "255.", "After division by 255 all inputs are small: the first layer sees nearly black images.",
            "Multiply the pixels so that they go from 0 to 255.",
        )  # fmt: skip


def _missing_classes(evidence: Evidence) -> Iterator[Diagnosis]:
    missing = [label for label, count in enumerate(evidence.data.counts) if not count]
    if missing:
        names = ", ".join(map(str, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        yield Diagnosis(
            "classes-missing", "Classes without training images", f"No training image is of class {names}.",
            "The network never learns to answer that, so every such test image is an error.",
            "Add images of it, or leave it out of the test set.",
        )  # fmt: skip


def _initial_weights(evidence: Evidence) -> Iterator[Diagnosis]:
    fans = [evidence.data.pixels, *evidence.config.hidden_layers]
    scaled = [row.weight_rms * math.sqrt(fan) for row, fan in zip(evidence.start, fans, strict=False)]
    if not scaled or not all(map(math.isfinite, scaled)):
        return
    if len(scaled) > 1 and max(scaled) < 1e-6:
        yield Diagnosis(
            "zero-weights", "Weights begin at 0", "All weights are 0 before training.",
            "All units of a layer compute the same and get the same gradient, so they stay equal.",
            "Draw the weights at random.", {"initialization": "uniform"},
        )  # fmt: skip
    elif max(scaled) > HUGE_WEIGHTS:
        layer = int(np.argmax(scaled)) + 1
        yield Diagnosis(
            "huge-weights", "Weights begin too large",
            f"The weights of layer {layer} begin {scaled[layer - 1] * math.sqrt(3):,.0f} times as large as those of "
            "the recipe.", "Weighted inputs are far from 0, where units are saturated or outputs absurdly certain.",
            "Divide the weights by the root of the number of inputs.", {"initialization": "uniform"},
        )  # fmt: skip


def _symmetric(evidence: Evidence) -> Iterator[Diagnosis]:
    if evidence.equal_units and evidence.accuracy < 0.9:
        layer = evidence.equal_units[0]
        yield Diagnosis(
            "symmetric-units", "Units that are all the same", f"All units of layer {layer} have the same weights.",
            "They get the same gradient, so they stay equal: the layer is worth a single unit.",
            "Draw the weights at random.", {"initialization": "uniform"},
        )  # fmt: skip


def _exploding(evidence: Evidence) -> Iterator[Diagnosis]:
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


def _diverging(evidence: Evidence) -> Iterator[Diagnosis]:
    loss, guessing = evidence.loss, evidence.data.guessing_loss
    if evidence.error and has_diverged(evidence.error):
        yield _too_high(evidence, "The loss grew until it was no number, or far too large.")
    elif len(loss) and loss[-1] > WORSE * guessing > 0 and evidence.hampered:
        if not evidence.own_code or loss[-1] > 2 * loss.min():  # a loss of one's own may have another scale
            yield _too_high(evidence, f"The loss is {loss[-1]:.3g} nats; guessing gives {guessing:.2f}.")


def _too_high(evidence: Evidence, seen: str) -> Diagnosis:
    rate, lower = evidence.config.learning_rate, _shorter(evidence)
    advice = f"Lower the learning rate from {rate:g} to {lower['learning_rate']:g}." if lower else "Look at the data."
    return Diagnosis(
        "learning-rate-too-high", "Learning rate too high", seen,
        "The steps jump over the valley that they should go down into.", advice, lower,
    )  # fmt: skip


def _shorter(evidence: Evidence) -> dict[str, Any]:
    config = with_shorter_steps(evidence.config)
    return {"learning_rate": config.learning_rate} if config else {}


def _oscillating(evidence: Evidence) -> Iterator[Diagnosis]:
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


def _dead(evidence: Evidence) -> Iterator[Diagnosis]:
    dead = [row for row in evidence.hidden if row.dead >= DEAD_SHARE]
    if not dead or not evidence.hampered or evidence.config.activation in ("sigmoid", "tanh"):
        return
    from_start = any(row.dead >= DEAD_SHARE for row in evidence.start[:-1])
    lower = {} if from_start else _shorter(evidence)
    advice = f"Lower the learning rate to {lower['learning_rate']:g}, or take" if lower else "Take"
    yield Diagnosis(
        "dead-units", "Dead units",
        f"From layer {dead[0].layer} on, {dead[0].dead:.0%} of the units are 0 for every image.",
        "Their slope is 0, so they get no gradient and never come back. "
        + ("They were so before training." if from_start else "A step that was too long does that."),
        f"{advice} leaky ReLU.", lower or {"activation": "leaky_relu"},
    )  # fmt: skip


def _saturated(evidence: Evidence) -> Iterator[Diagnosis]:
    flat = [row for row in evidence.hidden if row.saturated > SATURATED_SHARE]
    if not flat or not evidence.hampered or evidence.config.activation not in ("sigmoid", "tanh"):
        return
    from_start = any(row.saturated > SATURATED_SHARE for row in evidence.start[:-1])
    lower = {} if from_start else _shorter(evidence)
    yield Diagnosis(
        "saturated-units", "Saturated units",
        f"From layer {flat[0].layer} on, {flat[0].saturated:.0%} of the activations are saturated.",
        "Their slope is nearly 0: hardly any gradient passes, and they stay where they are.",
        f"Lower the learning rate to {lower['learning_rate']:g}: too long a step pushed them there."
        if lower else "Begin with smaller weights and biases.", lower or {"initialization": "glorot"},
    )  # fmt: skip


def _decayed(evidence: Evidence) -> Iterator[Diagnosis]:
    decay, start = evidence.config.weight_decay, evidence.start
    now = evidence.at(evidence.layers[-1].epoch) if evidence.layers else []
    shrunk = [row.weight_rms / before.weight_rms for row, before in zip(now, start, strict=False) if before.weight_rms]
    pulled = bool(evidence.error and is_pulled_past_zero(evidence.error))
    if not decay or not evidence.hampered or not (pulled or (shrunk and max(shrunk) < SHRUNK)):
        return
    seen = "The loss grew until it was no number." if pulled else (
        f"The weights have shrunk to {_percent(max(shrunk))} of their first size or less."
    )  # fmt: skip
    lower = 0.0001 if decay > 0.001 else 0.0
    yield Diagnosis(
        "weight-decay-too-high", "Weight decay too strong", seen,
        "The penalty pulls on the weights more than the gradient does, so nothing that is learned stays.",
        f"Lower the weight decay from {decay:g} to {lower:g}.", {"weight_decay": lower},
    )  # fmt: skip


def _vanishing(evidence: Evidence) -> Iterator[Diagnosis]:
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


def _unmoved(evidence: Evidence) -> Iterator[Diagnosis]:
    """The updates are too small to change the weights, however many they are."""
    config = evidence.config
    if not evidence.hampered or not evidence.layers or not evidence.updates:
        return
    if config.optimizer in ("adam", "adamw"):
        gradient_free = [1.0 / row.weight_rms for row in evidence.start if row.weight_rms > 0]
    else:
        lasting = 1 / (1 - config.momentum) if config.optimizer in ("momentum", "nesterov") else 1.0
        rows = evidence.layers
        gradient_free = [lasting * row.gradient_rms / row.weight_rms for row in rows if row.weight_rms > 0]
    moved = config.learning_rate * evidence.updates * max(gradient_free, default=math.inf)
    if not moved < UNMOVED:
        return
    yield _too_low(
        evidence, f"All {evidence.updates:,} updates together changed the weights by less than {_percent(moved)}."
    )


def _percent(share: float) -> str:
    return f"{100 * max(share, 1e-6):.2g} %"


def _too_low(evidence: Evidence, seen: str) -> Diagnosis:
    rate, higher = evidence.config.learning_rate, _longer(evidence)
    return Diagnosis(
        "learning-rate-too-low", "Learning rate too low", seen, "The steps are short, and the way is long.",
        f"Raise the learning rate from {rate:g} to {higher:g}, or train more epochs.", {"learning_rate": higher},
    )  # fmt: skip


def _longer(evidence: Evidence) -> float:
    """The usual learning rate, or a few times the present one if that is near it already."""
    config = evidence.config
    usual = 0.5 if config.activation == "sigmoid" else 0.1
    if config.optimizer in ("momentum", "nesterov"):
        usual *= 1 - config.momentum
    elif config.optimizer in ("adam", "adamw"):
        usual = 0.002
    wanted = max(usual, 3 * config.learning_rate)
    return min((rate for rate in LEARNING_RATES if rate >= wanted * (1 - 1e-9)), default=wanted)


def _few_updates(evidence: Evidence) -> Iterator[Diagnosis]:
    planned, size, images = (
        evidence.planned_epochs * evidence.updates_per_epoch,
        evidence.config.batch_size,
        evidence.data.images,
    )
    coarse = evidence.updates_per_epoch <= FEW_A_PASS and size > 32
    if not evidence.metrics or planned >= FEW_UPDATES or not evidence.hampered or (evidence.running and not coarse):
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
        "A network needs some hundred steps, whatever their size.", advice, change,
    )  # fmt: skip


def _falling(evidence: Evidence) -> Iterator[Diagnosis]:
    loss = evidence.loss
    if len(loss) < 4 or not evidence.hampered or not evidence.settled:
        return
    quarter = max(1, len(loss) // 4)
    fall, steady = 1 - loss[-1] / loss[-1 - quarter], (np.diff(loss[-1 - quarter :]) < 0).mean()
    if fall > STILL_FALLING and steady > 0.7:
        yield _too_low(
            evidence,
            f"The loss still falls, from {loss[-1 - quarter]:.3f} to {loss[-1]:.3f} in the last "
            f"{counted(quarter, 'epoch')}.",
        )


def _guessing(evidence: Evidence) -> Iterator[Diagnosis]:
    if not (evidence.doubt or (evidence.is_guessing and evidence.settled)):
        return
    counts = evidence.predicted or ()
    share = max(counts, default=0) / max(sum(counts), 1)
    one = f"It answers {int(np.argmax(counts))} for {share:.0%} of the test images." if share > ONE_CLASS else ""
    seen = "" if evidence.doubt else (
        f"It classifies {evidence.last.train_accuracy if evidence.last else 0:.1%} of the training images correctly; "
        f"always answering the most common class gives {evidence.data.guessing:.1%}."
    )  # fmt: skip
    yield Diagnosis(
        "guessing", "No better than guessing", _joined(seen, one), "It has learned nothing that holds for other "
        "images.", "Look whether the labels fit the images; then begin with the reference recipe.",
    )  # fmt: skip


def _underfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    loss = evidence.loss
    if len(loss) < 10 or not evidence.hampered or not evidence.settled:
        return
    quarter = len(loss) // 4
    config, accuracy = evidence.config, evidence.accuracy
    seen = f"The loss has stood near {loss[-1]:.3f} for {quarter} epochs, with {accuracy:.1%} of the images correct."
    change: dict[str, Any]
    if config.dropout > 0.5:
        advice, change = f"Lower dropout from {config.dropout:g} to 0.", {"dropout": 0.0}
    else:
        advice, change = "Take more hidden units, or less augmentation.", {"hidden_layers": (128, 64)}
    yield Diagnosis(
        "underfitting", "Underfitting", seen,
        "The network is too small for the task, or held back by dropout, weight decay or augmentation.", advice, change,
    )  # fmt: skip


def _overfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    last, tested = evidence.last, evidence.test_accuracy
    if last is None or last.train_accuracy < LEARNED_BY_HEART or not all(evidence.data.counts):
        return
    advice = "Stop early, augment the images, or use dropout or weight decay."
    if math.isnan(last.val_loss):
        if tested is None or last.train_accuracy - tested < GAP + _chance(tested, evidence.data.tested):
            return
        seen = f"It knows {last.train_accuracy:.1%} of the training images, but {tested:.1%} of the test images."
        advice = "Hold out validation images to see where it begins; then stop early, augment, or use dropout."
        change: dict[str, Any] = {"validation_fraction": 0.1}
    else:
        since = _overfits_since(evidence)
        if since is None or evidence.config.patience:
            return
        seen = (
            f"Since epoch {since.epoch} the training loss fell from {since.train_loss:.3f} to {last.train_loss:.3f}, but "
            f"the validation loss went from {since.val_loss:.3f} to {last.val_loss:.3f}; the accuracies are "
            f"{last.train_accuracy:.1%} and {last.val_accuracy:.1%}."
        )
        change = {"patience": 5}
    yield Diagnosis(
        "overfitting", "Overfitting", seen, "It learns the training images by heart, not what they have in common.",
        advice, change,
    )  # fmt: skip


def _overfits_since(evidence: Evidence) -> EpochMetrics | None:
    """The epoch of the lowest validation loss, if that has risen since, or if the gap has become wide."""
    losses = np.array([row.val_loss for row in evidence.metrics])
    lowest = int(losses.argmin())
    rows, tested = evidence.metrics[-HELD:], evidence.test_accuracy
    if tested is None:
        chance = _chance(rows[-1].val_accuracy, evidence.data.held_out)
        gap = min(row.train_accuracy - row.val_accuracy for row in rows) - chance
    else:
        gap = rows[-1].train_accuracy - max(rows[-1].val_accuracy, tested)
    risen = lowest < len(losses) - HELD and losses[-HELD:].min() > RISEN * losses[lowest]
    return evidence.metrics[lowest] if risen or gap > GAP else None


def _chance(accuracy: float, images: int) -> float:
    """Two standard deviations of an accuracy that is measured on so many images."""
    return 2 * math.sqrt(max(accuracy * (1 - accuracy), 0.01) / max(images, 1))


def _test_differs(evidence: Evidence) -> Iterator[Diagnosis]:
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
    _missing_classes,
    _test_differs,
    _first_of(
        _unscaled, _initial_weights, _symmetric, _exploding, _decayed, _diverging, _oscillating, _dead, _saturated,
        _vanishing, _unmoved, _few_updates, _falling, _guessing, _underfitting, _overfitting,
    ),
)  # fmt: skip
"""In the order in which findings are shown. What keeps the network from learning is named before what follows."""
