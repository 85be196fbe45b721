"""Training that diverged: how to tell, and the one setting to change before it starts again."""

from dataclasses import replace

from mnist_core.errors import TrainingError
from mnist_core.training.config import HIGH_FOR_ADAM, LEARNING_RATES, TrainingConfig
from mnist_core.training.state import TrainingState

STEPS_TOO_LONG = "the steps are too long"
"""In the message of every divergence that a lower learning rate avoids; runs of older versions tell it only by this."""

BEFORE_TRAINING = "before the first update"
PAST_ZERO = "the weight decay throws the weights past 0"

SLOWER = 5
"""The learning rate is divided by at least this."""

USUAL_MOST = 0.1
"""A learning rate that is rarely too high for plain gradient descent."""


def divergence(config: TrainingConfig, state: TrainingState, change: str) -> TrainingError:
    """Say what the loss did in the epoch after ``state``, why, and which setting to change."""
    rate, has_momentum = config.learning_rate, config.optimizer in ("momentum", "nesterov")
    lasting = rate / (1 - config.momentum) if has_momentum else rate
    happened = f"The loss {change} in epoch {state.epoch + 1}"
    if not state.optimizer.steps:
        return TrainingError(
            f"{happened} {BEFORE_TRAINING}: the parameters that training starts from are too large. Choose "
            "another initialization, fewer layers, or another model."
        )
    if lasting <= 1 <= rate * config.weight_decay and config.optimizer != "adam":  # Adam scales its penalty, too
        return TrainingError(f"{happened}: {PAST_ZERO}. Lower it (it is {config.weight_decay:g}) and start again.")
    larger = f", and momentum {config.momentum:g} multiplies it by {lasting / rate:.3g}" if has_momentum else ""
    return TrainingError(
        f"{happened}: {STEPS_TOO_LONG}. Lower the learning rate (it is {rate:g}{larger}) and start again."
    )


def has_diverged(error: str) -> bool:
    """Whether this is the message of a training that diverged because of its learning rate."""
    return STEPS_TOO_LONG in error


def is_pulled_past_zero(error: str) -> bool:
    """Whether this is the message of a training that diverged because of its weight decay."""
    return PAST_ZERO in error


def began_diverged(error: str) -> bool:
    """Whether this is the message of a training whose first parameters gave no finite loss."""
    return BEFORE_TRAINING in error


def is_divergence(error: str) -> bool:
    """Whether this is the message of a training that diverged, whatever the reason."""
    return has_diverged(error) or is_pulled_past_zero(error) or began_diverged(error)


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
