"""Training that diverged: how to tell, and the one setting to change before it starts again."""

from dataclasses import replace

from mnist_core.training.config import HIGH_FOR_ADAM, LEARNING_RATES, TrainingConfig

STEPS_TOO_LONG = "the steps are too long"
"""In the message of every error of divergence; runs of older versions tell their cause only by it."""

SLOWER = 5
"""The learning rate is divided by at least this."""

USUAL_MOST = 0.1
"""A learning rate that is rarely too high for plain gradient descent."""


def has_diverged(error: str) -> bool:
    """Whether this is the message of a training that diverged."""
    return STEPS_TOO_LONG in error


def with_shorter_steps(config: TrainingConfig) -> TrainingConfig | None:
    """Lower the learning rate, to a round one of at most a fifth; nothing else changes.

    It is at most 0.1, for Adam at most a fifth of the rate that is high for it, however large the former one.

    Returns
    -------
    TrainingConfig or None
        None if the learning rate is so low that it is not to blame.
    """
    most = HIGH_FOR_ADAM / SLOWER if config.optimizer in ("adam", "adamw") else USUAL_MOST
    allowed = min(config.learning_rate / SLOWER, most)
    round_rates = [rate for rate in LEARNING_RATES if rate <= allowed * (1 + 1e-9)]
    return replace(config, learning_rate=max(round_rates)) if round_rates else None
