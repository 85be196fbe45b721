"""The settings of a training run, one field each, and the presets."""

from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any

from mnist_core.data.augmentation import Augmentation
from mnist_core.errors import ConfigError
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.initialization import INITIALIZATIONS
from mnist_core.nn.optimizers import OPTIMIZERS
from mnist_core.nn.schedules import SCHEDULES
from mnist_core.training.setting import Choice, Layers, Number, Setting, default

MAX_HIDDEN_LAYERS = 10
HIGH_FOR_ADAM = 0.02
LEARNING_RATES = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip
LOOP_SETTINGS = frozenset(
    {
        "epochs", "learning_rate", "batch_size", "hidden_layers", "validation_fraction", "seed", "schedule", "warmup",
        "patience", "shift", "rotation", "scale", "shear", "elastic", "blas_threads",
    }
)  # fmt: skip
"""Settings that have an effect with other code than ours: the loop applies them, not the network."""

UNIT = "Activation and initialization"
UPDATE = "Optimizer and schedule"
REGULARIZATION = "Regularization"
AUGMENTATION = "Augmentation"
MACHINE = "Machine"


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides how a network is trained; the defaults are the reference recipe.

    Parameters
    ----------
    **settings
        One for each field below. Its :class:`mnist_core.training.setting.Setting` states what is allowed and what it
        means; validation, the command line, the sliders and the address take everything from it. To add a setting, add
        a field. ``python -m mnist_core train --help`` lists them all.

    Raises
    ------
    ConfigError
        Names the field, the value found and the range expected. Whether training would need too much memory is for
        :func:`mnist_core.training.memory.check_memory` to say.
    """

    epochs: int = default(100, Number("Epochs", "Passes over the training set.", low=1, high=10_000, usual=(1, 200)))
    learning_rate: float = default(
        0.5,
        Number(
            "Learning rate",
            "How far each update moves the parameters down the gradient; with a schedule, the largest value.",
            url="lr", low=1e-8, high=1e6, logarithmic=True, stops=LEARNING_RATES,
        ),
    )  # fmt: skip
    batch_size: int = default(
        128,
        Number(
            "Batch size",
            "Images whose mean gradient makes one update; the last batch of an epoch may be smaller.",
            url="batch", low=1, high=100_000, unit="images", logarithmic=True,
            stops=(1, 8, 16, 32, 64, 128, 256, 512, 1024),
        ),
    )  # fmt: skip
    hidden_layers: tuple[int, ...] = default(
        (128, 64),
        Layers(
            "Hidden layers",
            "Units of each layer between the pixels and the classes.",
            url="layers", low=1, high=10_000, most=MAX_HIDDEN_LAYERS, usual=(1, 512), usual_depth=(0, 4),
        ),
    )  # fmt: skip
    validation_fraction: float = default(
        0.0,
        Number(
            "Validation fraction",
            "Fraction of the training images held out of training to measure on: 0.1 is 10 %.",
            url="validation", low=0.0, high=0.9, usual=(0.0, 0.5), step=0.05,
        ),
    )  # fmt: skip
    seed: int = default(
        695,
        Number(
            "Seed",
            "Seed of the random numbers: the same seed gives the same result.",
            low=0, high=2**32 - 1, usual=(0, 1000),
        ),
    )  # fmt: skip
    activation: str = default(
        "sigmoid",
        Choice(
            "Activation",
            "The function each hidden unit applies to its weighted input.",
            group=UNIT, table=ACTIVATIONS,
        ),
    )  # fmt: skip
    initialization: str = default(
        "uniform",
        Choice(
            "Initialization",
            "The distribution that the initial weights are drawn from.",
            url="init", group=UNIT, table=INITIALIZATIONS,
        ),
    )  # fmt: skip
    optimizer: str = default(
        "sgd", Choice("Optimizer", "How gradients become updates.", group=UPDATE, table=OPTIMIZERS)
    )  # fmt: skip
    momentum: float = default(
        0.9,
        Number(
            "Momentum",
            "Fraction of the last update's velocity that the next one keeps (momentum and Nesterov only).",
            group=UPDATE, applies_to=("optimizer", ("momentum", "nesterov")),
            low=0.0, high=0.999, usual=(0.0, 0.99), step=0.01,
        ),
    )  # fmt: skip
    schedule: str = default(
        "constant",
        Choice("Schedule", "How the learning rate changes during training.", group=UPDATE, table=SCHEDULES),
    )
    warmup: float = default(
        0.0,
        Number(
            "Warm-up",
            "Fraction of training in which the learning rate rises from 1/25 of its value; one-cycle uses 0.3 if this "
            "is 0.",
            group=UPDATE, low=0.0, high=0.9, usual=(0.0, 0.5), step=0.05,
        ),
    )  # fmt: skip
    weight_decay: float = default(
        0.0,
        Number(
            "Weight decay",
            "Strength of the L2 penalty that pulls the weights towards 0 (decoupled in AdamW).",
            url="decay", group=REGULARIZATION, low=0.0, high=10.0, logarithmic=True,
            stops=(0.0, 1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1),
        ),
    )  # fmt: skip
    dropout: float = default(
        0.0,
        Number(
            "Dropout",
            "Fraction of the hidden units left out at random in each update, so that no unit relies on another.",
            group=REGULARIZATION, low=0.0, high=0.9, usual=(0.0, 0.5), step=0.05,
        ),
    )  # fmt: skip
    label_smoothing: float = default(
        0.0,
        Number(
            "Label smoothing",
            "Fraction of each target spread over all classes, so that the network never has to be fully certain.",
            url="smoothing", group=REGULARIZATION, low=0.0, high=0.9, usual=(0.0, 0.3), step=0.01,
        ),
    )  # fmt: skip
    patience: int = default(
        0,
        Number(
            "Early stopping patience",
            "Stop when the validation loss has not improved for this many epochs, keeping the best model; 0 disables "
            "early stopping.",
            group=REGULARIZATION, low=0, high=10_000, unit="epochs", usual=(0, 20),
        ),
    )  # fmt: skip
    shift: float = default(
        0.0,
        Number(
            "Shift",
            "Moves each image by up to this many pixels along each axis.",
            group=AUGMENTATION, low=0.0, high=10.0, unit="pixels", usual=(0.0, 4.0), step=0.1,
        ),
    )  # fmt: skip
    rotation: float = default(
        0.0,
        Number(
            "Rotation",
            "Rotates each image by up to this many degrees in either direction.",
            group=AUGMENTATION, low=0.0, high=180.0, unit="degrees", usual=(0.0, 45.0), step=1.0,
        ),
    )  # fmt: skip
    scale: float = default(
        0.0,
        Number(
            "Scale",
            "Enlarges or shrinks each image by up to this fraction along each axis: 0.1 is 10 %.",
            group=AUGMENTATION, low=0.0, high=0.5, usual=(0.0, 0.3), step=0.01,
        ),
    )  # fmt: skip
    shear: float = default(
        0.0,
        Number(
            "Shear",
            "Slants each image by up to this many degrees, like italics.",
            group=AUGMENTATION, low=0.0, high=45.0, unit="degrees", usual=(0.0, 30.0), step=1.0,
        ),
    )  # fmt: skip
    elastic: float = default(
        0.0,
        Number(
            "Elastic distortion",
            "Warps each image like a drawing on rubber: how far a pixel moves along each axis (root mean square).",
            group=AUGMENTATION, low=0.0, high=10.0, unit="pixels", usual=(0.0, 3.0), step=0.1,
        ),
    )  # fmt: skip
    blas_threads: int = default(
        0,
        Number(
            "BLAS threads",
            "Threads that multiply matrices; 0 divides the cores by the number of runs that may train at once.",
            url="threads", group=MACHINE, low=0, high=256, usual=(0, 8),
        ),
    )  # fmt: skip

    @classmethod
    @cache
    def settings(cls) -> dict[str, Setting]:
        """The setting of each field, by name of the field."""
        return {item.name: item.metadata["setting"].of_field(item) for item in fields(cls)}

    def __post_init__(self) -> None:
        for name, setting in self.settings().items():
            object.__setattr__(self, name, setting.check(getattr(self, name)))
        if self.patience and not self.validation_fraction:
            raise ConfigError(
                f"patience is {self.patience} and validation_fraction is 0: early stopping measures on validation "
                "images, so set validation_fraction, or set patience to 0."
            )

    @property
    def augmentation(self) -> Augmentation:
        """The distortions of the training images."""
        return Augmentation(*(getattr(self, item.name) for item in fields(Augmentation)))

    @property
    def changes(self) -> dict[str, Any]:
        """The values that are not the default, by name of the field."""
        values = {name: getattr(self, name) for name in self.settings()}
        return {name: value for name, value in values.items() if value != self.settings()[name].default}

    @property
    def cautions(self) -> dict[str, str]:
        """Advice on values that are allowed but seldom work, by name of the field."""
        if self.optimizer in ("adam", "adamw") and self.learning_rate > HIGH_FOR_ADAM:
            return {"learning_rate": f"{self.learning_rate:g} is high for {self.optimizer}: try 0.003."}
        return {}

    @property
    def arguments(self) -> list[str]:
        """What follows ``python -m mnist_core train`` to train with these settings."""
        return [word for name, value in self.changes.items() for word in self.settings()[name].to_arguments(value)]

    def applies(self, name: str) -> bool:
        """Whether a setting has an effect beside the others."""
        condition = self.settings()[name].applies_to
        return condition is None or getattr(self, condition[0]) in condition[1]

    def describe(self) -> list[str]:
        """Say in a few words each what differs from the reference recipe, of the settings that belong to a group."""
        phrases = [
            setting.describe(self.changes[name])
            for name, setting in self.settings().items()
            if name in self.changes and setting.group not in ("", AUGMENTATION) and self.applies(name)
        ]
        return [*phrases, *(["augmented"] if self.augmentation else [])]

    def to_dict(self) -> dict[str, Any]:
        """Plain types, as they are written to ``config.json``."""
        return {**asdict(self), "hidden_layers": list(self.hidden_layers)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Invert :meth:`to_dict`; an unknown field is a :class:`ConfigError`."""
        unknown = sorted(set(values) - set(cls.settings()))
        if unknown:
            raise ConfigError(f"Unknown field {unknown[0]!r}: this version knows {', '.join(cls.settings())}.")
        return cls(**values)


@dataclass(frozen=True)
class Preset:
    """Settings under a name, with one sentence about them."""

    label: str
    explanation: str
    config: TrainingConfig


_MODERN = TrainingConfig(
    activation="relu", initialization="he", optimizer="adamw", schedule="one_cycle", weight_decay=0.01
)

PRESETS = {
    "reference": Preset(
        "Reference recipe",
        "The starting point: sigmoid, plain SGD, 100 epochs. About 98 % on the full data.",
        TrainingConfig(),
    ),
    "fast": Preset(
        "Fast",
        "The best result of 10 epochs: ReLU, AdamW, one-cycle, light augmentation. About 98.8 % on the full data.",
        replace(_MODERN, epochs=10, learning_rate=0.006, shift=0.7, rotation=5, scale=0.05, shear=5, elastic=0.5),
    ),
    "best": Preset(
        "Best",
        "The most accurate 784-128-64-10 we know: 150 epochs of affine and elastic distortions. About 99.3 % on the "
        "full data.",
        replace(_MODERN, epochs=150, learning_rate=0.003, shift=0.5, rotation=6, scale=0.06, shear=6, elastic=1.0),
    ),
}
"""Presets for 784-128-64-10: the recipe, the best one for 10 epochs, and the best one found.

Their amounts were chosen on 10,000 images held out of the training set; the test set was not used.
"""
