"""What decides how a network is trained, checked; and the presets."""

from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real

from mnist_core.data.augmentation import Augmentation
from mnist_core.errors import ConfigError
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.initialization import INITIALIZATIONS
from mnist_core.nn.optimizers import OPTIMIZERS
from mnist_core.nn.schedules import SCHEDULES

RANGES = {
    "epochs": (1, 10_000),
    "batch_size": (1, 100_000),
    "learning_rate": (1e-8, 1e6),
    "seed": (0, 2**32 - 1),
    "hidden_layers": (1, 10_000),
    "validation_fraction": (0.0, 0.9),
    "momentum": (0.0, 0.999),
    "warmup": (0.0, 0.9),
    "weight_decay": (0.0, 10.0),
    "dropout": (0.0, 0.9),
    "label_smoothing": (0.0, 0.9),
    "patience": (0, 10_000),
    "shift": (0.0, 10.0),
    "rotation": (0.0, 180.0),
    "scale": (0.0, 0.5),
    "shear": (0.0, 45.0),
    "elastic": (0.0, 10.0),
    "blas_threads": (0, 256),
}
"""Smallest and largest allowed value of each numeric field of :class:`TrainingConfig`."""

CHOICES = {
    "activation": tuple(ACTIVATIONS),
    "initialization": INITIALIZATIONS,
    "optimizer": tuple(OPTIMIZERS),
    "schedule": tuple(SCHEDULES),
}
"""Values of each field of :class:`TrainingConfig` that is a name."""

MAX_HIDDEN_LAYERS = 10

EXPLANATIONS = {
    "epochs": "Passes over the training set.",
    "learning_rate": "How far each update moves the parameters down their gradient.",
    "batch_size": "Images whose mean gradient makes one update.",
    "hidden_layers": "Units of each layer between pixels and classes.",
    "activation": "What a hidden unit makes of its weighted input: sigmoid (0 to 1), tanh (-1 to 1), or ReLU, which keeps "
    "what is positive and lets gradients pass unweakened.",
    "initialization": "How far the first random weights spread: uniform is the reference recipe, Glorot fits sigmoid and "
    "tanh, He fits ReLU.",
    "validation_fraction": "Share of the training images kept out of training to measure on: 0.1 is 10 %.",
    "seed": "Start of the random numbers: same seed, same result.",
    "optimizer": "How gradients become updates: SGD follows each one, momentum and Nesterov keep rolling, Adam and AdamW "
    "scale each parameter's step (try 0.001 to 0.005 as their learning rate).",
    "momentum": "Share of the last update's velocity that the next one keeps (momentum and Nesterov alone).",
    "schedule": "How the learning rate changes: not at all, in two steps to a hundredth, down a cosine, or up and down once.",
    "warmup": "Share of the training in which the learning rate rises from 1/25 of its value; one-cycle takes 0.3 unless "
    "you set it.",
    "weight_decay": "Pulls the weights towards 0 (L2 penalty; decoupled in AdamW), so that none grows without need.",
    "dropout": "Share of the hidden units left out at random in each update, so that no unit relies on another one.",
    "label_smoothing": "Share of each target spread over all classes, so that the network never has to be wholly certain.",
    "patience": "Stop after so many epochs without a better validation loss and keep the best model; 0 trains to the end.",
    "shift": "Moves each image by up to so many pixels, along each axis.",
    "rotation": "Turns each image by up to so many degrees, to either side.",
    "scale": "Makes each image up to so much larger or smaller, along each axis: 0.1 is 10 %.",
    "shear": "Slants each image by up to so many degrees, as in italics.",
    "elastic": "Bends each image like a drawing on rubber: how far a pixel moves, in pixels.",
    "blas_threads": "Threads that multiply matrices; 0 divides the cores by the runs that may train at once.",
}
"""One sentence about each field of :class:`TrainingConfig`, for the command line and the sliders."""


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides how a network is trained; the defaults are the reference recipe.

    Parameters
    ----------
    epochs : int
        Passes over the training set.
    batch_size : int
        Images in a mini-batch; the last one of an epoch may be shorter.
    learning_rate : float
        Length of a step along the negative gradient; the longest one, where a schedule changes it.
    seed : int
        Seed of the initial parameters, the shuffling and the validation split.
    hidden_layers : sequence of int
        Units of each hidden layer; empty for none.
    activation : str
        Activation of the hidden layers.
    validation_fraction : float
        Share of the training set that is kept out of training, to measure on.
    initialization : str
        Distribution of the initial parameters.
    optimizer : str
    momentum : float
        Share of the velocity that is kept from step to step, in momentum and Nesterov.
    schedule : str
        How the learning rate changes in the course of the training.
    warmup : float
        Share of the training in which the learning rate rises.
    weight_decay : float
        Strength of the L2 penalty on the weights.
    dropout : float
        Share of the hidden units that a mini-batch leaves out.
    label_smoothing : float
        Share of the target that goes to all classes alike.
    patience : int
        Epochs without a better validation loss after which training ends, with the best model; 0 for never.
    shift, rotation, scale, shear, elastic : float
        How far the training images are distorted, see :class:`mnist_core.data.augmentation.Augmentation`.
    blas_threads : int
        Threads of the linear algebra library in the training process; 0 for cores divided by concurrent runs.

    Raises
    ------
    ConfigError
        Names the field, the value found and the range expected.
    """

    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 0.5
    seed: int = 695
    hidden_layers: tuple[int, ...] = (128, 64)
    activation: str = "sigmoid"
    validation_fraction: float = 0.0
    initialization: str = "uniform"
    optimizer: str = "sgd"
    momentum: float = 0.9
    schedule: str = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    patience: int = 0
    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    blas_threads: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name in RANGES and field.name != "hidden_layers":
                kind = Integral if isinstance(field.default, int) else Real
                _check_number(field.name, getattr(self, field.name), kind)
                object.__setattr__(self, field.name, type(field.default)(getattr(self, field.name)))
        if not isinstance(self.hidden_layers, list | tuple) or len(self.hidden_layers) > MAX_HIDDEN_LAYERS:
            raise ConfigError(
                f"hidden_layers is {self.hidden_layers!r}, expected a list of at most {MAX_HIDDEN_LAYERS} layer sizes."
            )
        for units in self.hidden_layers:
            _check_number("hidden_layers", units, Integral)
        object.__setattr__(self, "hidden_layers", tuple(int(units) for units in self.hidden_layers))
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in choices:
                raise ConfigError(f"{name} is {value!r}, expected one of {', '.join(choices)}.")
        if self.patience and not self.validation_fraction:
            raise ConfigError(
                f"patience is {self.patience} and validation_fraction is 0: early stopping measures on a validation "
                "share, so set one, or set patience to 0."
            )

    @property
    def augmentation(self) -> Augmentation:
        """The distortions of the training images."""
        return Augmentation(*(getattr(self, field.name) for field in fields(Augmentation)))

    def to_dict(self) -> dict:
        """Plain types, as they are written to ``config.json``."""
        return {**asdict(self), "hidden_layers": list(self.hidden_layers)}

    @classmethod
    def from_dict(cls, values: dict) -> "TrainingConfig":
        """Invert :meth:`to_dict`; an unknown field is a :class:`ConfigError`."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(
                f"Unknown field {unknown[0]!r}: this version knows {', '.join(f.name for f in fields(cls))}."
            )
        return cls(**values)


def _check_number(name: str, value: object, kind: type) -> None:
    low, high = RANGES[name]
    expected = f"{'a whole number' if kind is Integral else 'a number'} from {low:,} to {high:,}"
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ConfigError(f"{name} is {value!r}, expected {expected}.")
    if not low <= value <= high:  # false for NaN, too
        raise ConfigError(f"{name} is {value:,}, expected {expected}.")


_MODERN = {
    "activation": "relu", "initialization": "he", "optimizer": "adamw", "schedule": "one_cycle", "weight_decay": 0.01,
}  # fmt: skip

PRESETS = {
    "reference": TrainingConfig(),
    "fast": TrainingConfig(
        epochs=10, learning_rate=0.006, shift=0.7, rotation=5, scale=0.05, shear=5, elastic=0.5, **_MODERN
    ),
    "best": TrainingConfig(
        epochs=150, learning_rate=0.003, shift=0.5, rotation=6, scale=0.06, shear=6, elastic=1.0, **_MODERN
    ),
}
"""Settings for 784-128-64-10 by name: the recipe, the best one for 10 epochs, and the best one that was found.

Their amounts were chosen on 10,000 images kept out of the training set; the test set was not looked at.
"""
