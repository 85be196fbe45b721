"""Evidence: what a run recorded, and facts about its data. Diagnosis: what is wrong with a run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mnist_core.data.batches import split_validation
from mnist_core.data.classes import Classes
from mnist_core.data.dataset import Dataset
from mnist_core.nn.network import Network
from mnist_core.training.config import TrainingConfig
from mnist_core.training.divergence import with_shorter_steps
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText

HELD = 3
"""A finding is shown of a running run once it holds for this many epochs, so that it does not come and go."""

GUESSING_MARGIN = 0.02
"""Accuracy above that of guessing that still counts as guessing, or four standard deviations if they are more."""

LEARNED = 0.8
"""Accuracy from which on a flaw of the layers does not matter: the network learns all the same."""

FEWEST_EPOCHS = 10
"""Epochs that show whether a loss stays where it is."""

SETTLED_UPDATES = 500
"""Updates after which a sigmoid network has left the plateau that it begins on; or half of the epochs."""

LATE = 0.75
"""Part of a run with a schedule after which its outcome can be told."""

LOW_LOSS = 0.5
"""Loss over that of guessing, below which a network has learned most of what there is."""

LOOKED_AT = 2_000
"""Images whose brightest pixel is looked for, evenly spread."""

EQUAL = 1e-6
"""Largest difference between the weights of two units, relative to their size, that counts as none."""


@dataclass(frozen=True)
class DataFacts:
    """What a diagnosis must know of the data.

    Parameters
    ----------
    counts : tuple of int
        Images of each class that are trained on, without those held out for validation.
    held_out, tested : int
        Images held out for validation, and those of the test set.
    brightest : int, range 0 ... 255
        The brightest pixel of most training images.
    pixels : int
        Of one image.
    class_names : tuple of UntrustedText
        By default, the numbers of the classes.
    """

    counts: tuple[int, ...]
    held_out: int = 0
    tested: int = 10_000
    brightest: int = 255
    pixels: int = 784
    class_names: tuple[UntrustedText, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset, config: TrainingConfig) -> "DataFacts":
        """Count the images that a run trains on; ConfigError if its settings leave none."""
        count = len(dataset.train_labels)
        training, validation = split_validation(count, config.validation_fraction, config.seed)
        counts = np.bincount(dataset.train_labels[training], minlength=dataset.num_classes)
        some = dataset.train_images[:: -(-count // LOOKED_AT)]
        brightest = np.median(some.reshape(len(some), -1).max(axis=1))
        pixels = dataset.train_images[0].size
        return cls(
            tuple(counts.tolist()), len(validation), len(dataset.test_labels), int(brightest), pixels,
            dataset.class_names,
        )  # fmt: skip

    @property
    def classes(self) -> Classes:
        """The classes that are trained on."""
        return Classes.of(self.class_names, len(self.counts))

    @property
    def images(self) -> int:
        """Number of images that are trained on."""
        return sum(self.counts)

    @property
    def guessing(self) -> float:
        """Accuracy of always answering the most common class."""
        return max(self.counts, default=0) / max(self.images, 1)

    @property
    def guessing_loss(self) -> float:
        """Cross-entropy of answering with the fraction of each class, in nats."""
        shares = np.array([count for count in self.counts if count]) / max(self.images, 1)
        return float(-(shares * np.log(shares)).sum())


@dataclass(frozen=True)
class Evidence:
    """What a run recorded.

    Parameters
    ----------
    config : TrainingConfig
    data : DataFacts
    metrics : sequence of EpochMetrics
    layers : sequence of LayerStatistics
        In the order of the epochs; those of epoch 0 are of the untrained network.
    equal_units : tuple of int
        Hidden layers, counted from 1, of which all units have the same weights now.
    predicted : sequence of int, optional
        Test images for which each class is predicted.
    test_accuracy : float, optional
    doubt : str, optional
        A sentence that says that the test accuracy is no better than guessing.
    error : str, optional
        Sentence that ended training, as :func:`mnist_core.training.divergence.divergence` makes it.
    model_epoch : int, optional
        Epoch that the tested model is of; the last one by default.
    own_code : bool
        Whether code that is not ours computed the gradient.
    running : bool
        Whether further epochs follow.
    epochs : int, optional
        Planned ones; those of the settings by default.
    """

    config: TrainingConfig
    data: DataFacts
    metrics: Sequence[EpochMetrics] = ()
    layers: Sequence[LayerStatistics] = ()
    equal_units: tuple[int, ...] = ()
    predicted: Sequence[int] | None = None
    test_accuracy: float | None = None
    doubt: str | None = None
    error: str | None = None
    model_epoch: int | None = None
    own_code: bool = False
    running: bool = False
    epochs: int | None = None

    def until(self, epochs: int) -> "Evidence":
        """What was known when that many epochs were complete, and others were to follow."""
        metrics = self.metrics[:epochs]
        last = metrics[-1].epoch if metrics else 0
        return replace(
            self, metrics=metrics, layers=[row for row in self.layers if row.epoch <= last], predicted=None,
            test_accuracy=None, doubt=None, error=None, running=True,
        )  # fmt: skip

    @property
    def last(self) -> EpochMetrics | None:
        """The last epoch."""
        return self.metrics[-1] if self.metrics else None

    @property
    def loss(self) -> np.ndarray:
        """Training loss of each epoch."""
        return np.array([row.train_loss for row in self.metrics])

    @property
    def accuracy(self) -> float:
        """The best accuracy known of the network as it is: dropout and augmentation lower that in training."""
        known = [self.test_accuracy, *((self.last.train_accuracy, self.last.val_accuracy) if self.last else ())]
        return max((value for value in known if value is not None and not math.isnan(value)), default=0.0)

    @property
    def updates_per_epoch(self) -> int:
        """Updates of one epoch."""
        return math.ceil(self.data.images / self.config.batch_size)

    @property
    def updates(self) -> int:
        """Updates so far."""
        return self.updates_per_epoch * (self.last.epoch if self.last else 0)

    @property
    def planned_epochs(self) -> int:
        """Epochs at the end."""
        return (self.epochs or self.config.epochs) if self.running else (self.last.epoch if self.last else 0)

    @property
    def settled(self) -> bool:
        """Whether it has trained long enough to tell a slow start from one that leads nowhere."""
        done, config = self.last.epoch if self.last else 0, self.config
        if not self.running:
            return True
        if config.schedule != "constant" or config.warmup:  # the learning rate is another one in each part of the run
            return done >= LATE * self.planned_epochs
        return self.updates >= SETTLED_UPDATES or 2 * done >= self.planned_epochs

    @property
    def on_course(self) -> bool:
        """Whether a loss that falls on as it has lately is low by the end of a running run."""
        loss, lately = self.loss, max(1, len(self.metrics) // 4)
        if not self.running or self.last is None or len(loss) <= lately:
            return False
        fall = max(0.0, loss[-1 - lately] - loss[-1]) / lately
        return bool(loss[-1] - fall * (self.planned_epochs - self.last.epoch) < LOW_LOSS * self.data.guessing_loss)

    @property
    def is_guessing(self) -> bool:
        """Whether training images are classified no better than by always answering the most common class."""
        if self.last is None:
            return False
        share = self.data.guessing
        margin = max(GUESSING_MARGIN, 4 * math.sqrt(share * (1 - share) / max(self.data.images, 1)))
        return self.last.train_accuracy < share + margin and self.accuracy < share + 2 * margin

    @property
    def hampered(self) -> bool:
        """Whether it learns so badly that a flaw of the layers may be why."""
        return bool(self.error) or (self.last is not None and (self.is_guessing or self.accuracy < LEARNED))

    def at(self, epoch: int) -> list[LayerStatistics]:
        """Statistics of all layers at the last recorded epoch up to this one."""
        last = max((row.epoch for row in self.layers if row.epoch <= epoch), default=None)
        return [row for row in self.layers if row.epoch == last]

    @property
    def start(self) -> list[LayerStatistics]:
        """Statistics of all layers before training; none if they were not recorded."""
        return [row for row in self.layers if row.epoch == 0]

    @property
    def hidden(self) -> list[LayerStatistics]:
        """Statistics of the hidden layers at the end."""
        return self.at(self.layers[-1].epoch)[:-1] if self.layers else []


def layers_of_equal_units(network: Network) -> tuple[int, ...]:
    """Find the hidden layers, counted from 1, of which all units have the same weights and biases.

    Such units compute the same and get the same gradient, as long as the next layer treats them alike, so that they
    stay equal.
    """
    found = []
    for number, (weight, bias) in enumerate(zip(network.weights[:-1], network.biases[:-1], strict=True), start=1):
        size = max(float(np.abs(weight).max()), float(np.abs(bias).max()))
        spread = max(float(np.ptp(weight, axis=1).max()), float(np.ptp(bias)))
        if weight.shape[1] > 1 and spread <= EQUAL * size:
            found.append(number)
    return tuple(found)


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


def shorter_steps(evidence: Evidence) -> dict[str, Any]:
    """The change to a lower learning rate; empty if it is so low that it is not to blame."""
    config = with_shorter_steps(evidence.config)
    return {"learning_rate": config.learning_rate} if config else {}


def percent(share: float) -> str:
    """A small fraction in two digits."""
    return f"{100 * max(share, 1e-6):.2g}%"
