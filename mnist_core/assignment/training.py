"""Train with code that is not ours: a learner's functions, or the reference with a mistake of the catalogue.

The loop, the recording and the network that is kept are those of every run; only the gradient and the update of each
mini-batch come from elsewhere.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from mnist_core.assignment import reference
from mnist_core.assignment.convention import Misfit
from mnist_core.assignment.learner import CallFailed, Learner
from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import Array, Parameters
from mnist_core.errors import AssignmentError, EvaluationError
from mnist_core.nn.losses import cross_entropy
from mnist_core.nn.network import Network
from mnist_core.nn.optimizers import SGD
from mnist_core.training.config import LOOP_SETTINGS, TrainingConfig


class Implementation(Protocol):
    """The two functions that training needs, in the terms of the reference."""

    def back_propagate(self, x: Array, y: Array, parameters: Parameters) -> tuple[float | None, Parameters]:
        """Mean loss of a batch, if it is known, and the gradient of each layer."""

    def update(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> Parameters:
        """Parameters after a step."""


class WithMistake:
    """The reference with a mistake of the catalogue.

    Raises
    ------
    AssignmentError
        If it is none that training meets, such as one in reading files.
    """

    def __init__(self, mistake: Mistake) -> None:
        if not trains(mistake):
            raise AssignmentError(f"{mistake.id} shows outside training alone: choose a mistake of another step.")
        self.mistake = mistake

    def back_propagate(self, x: Array, y: Array, parameters: Parameters) -> tuple[float | None, Parameters]:
        """Mean loss of a batch, and the gradient of each layer."""
        step, function = self.mistake.step, self.mistake.function
        if step == "normalize":
            return reference.back_propagate(function(np.rint(x * 255).astype(np.uint8)), y, parameters)
        if step == "one_hot":
            return reference.back_propagate(x, function(y.argmax(axis=1), y.shape[1]), parameters)
        if step == "back_propagate":
            return function(x, y, parameters)
        parts: dict[str, dict[str, Any]] = {
            "sigmoid": {"forward": partial(reference.trace, hidden=function)},
            "softmax": {"forward": partial(reference.trace, output=function)},
            "feed_forward": {"forward": partial(reference.trace, **self.mistake.parts)},
            "sigmoid_derivative": {"derivative": lambda z, a: function(z)},
            "cross_entropy": {"loss": function},
        }
        return reference.back_propagate(x, y, parameters, **parts.get(step, {}))

    def update(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> Parameters:
        """Parameters after a step."""
        step = self.mistake.function if self.mistake.step == "update" else reference.update
        return step(parameters, gradients, learning_rate)


class LearnersOwn:
    """A learner's functions; for one that the file leaves to be written there is the reference's."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self._updates = learner.has("update")

    def back_propagate(self, x: Array, y: Array, parameters: Parameters) -> tuple[float | None, Parameters]:
        """Mean loss of a batch, if it is returned, and the gradient of each layer."""
        return self.learner.back_propagate(x, y, parameters)

    def update(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> Parameters:
        """Parameters after a step."""
        if self._updates:
            try:
                return self.learner.update(parameters, gradients, learning_rate)
            except CallFailed as failed:
                if not is_unwritten(failed):
                    raise
                self._updates = False
        return reference.update(parameters, gradients, learning_rate)


def is_unwritten(error: BaseException | None) -> bool:
    """Whether a function fails because it is yet to be written."""
    return isinstance(error, CallFailed) and error.failure.missing


def trains(mistake: Mistake) -> bool:
    """Whether a network can be trained with a mistake."""
    steps = ("normalize", "one_hot", "sigmoid", "sigmoid_derivative", "softmax", "cross_entropy", "back_propagate")
    return mistake.computes and (
        mistake.step in (*steps, "update") or bool(mistake.step == "feed_forward" and mistake.parts)
    )


class OwnGradient:
    """The gradient of an implementation; see :class:`mnist_core.training.loop.Gradient`."""

    def __init__(self, network: Network, implementation: Implementation) -> None:
        self.network, self.implementation = network, implementation
        self.vector = np.zeros_like(network.parameters)
        self.latest: Parameters = []

    def compute(self, x: Array, labels: Array, rng: np.random.Generator) -> tuple[float, int]:
        """Ask for the gradient of a mini-batch; loss and predictions are those of our own forward pass.

        Raises
        ------
        AssignmentError
            If the code fails, or returns no gradient.
        """
        y = reference.one_hot(labels, self.network.layer_sizes[-1])
        with np.errstate(all="ignore"):
            _, self.latest = _ask("back_propagate", lambda: self._back_propagate(x.astype(np.float64), y))
            try:
                probabilities = self.network.feed_forward(x)
            except EvaluationError:  # the last update left the numbers, which ends training
                return math.nan, 0
        loss = cross_entropy(probabilities, y)  # theirs may have any scale and sign
        return loss, int(np.count_nonzero(probabilities.argmax(axis=1) == labels))

    def _back_propagate(self, x: Array, y: Array) -> tuple[float | None, Parameters]:
        return self.implementation.back_propagate(x, y, parameters_of(self.network))


class OwnUpdate(SGD):
    """The update of an implementation in the place of an optimizer."""

    def attach(self, gradient: OwnGradient) -> "OwnUpdate":
        """Use the gradient that was computed last."""
        self.gradient = gradient
        return self

    def step(self, parameters: Array, gradient: Array, learning_rate: float) -> None:
        """Make a step; both arguments are those of the network that the gradient is of."""
        network, own = self.gradient.network, self.gradient
        before = parameters_of(network)
        with np.errstate(all="ignore"):
            after = _ask("update", lambda: own.implementation.update(before, own.latest, float(learning_rate)))
        for k, (weights, bias) in enumerate(after):
            for name, new, old in (("W", weights, network.weights[k]), ("b", bias, network.biases[k])):
                if np.shape(new) != old.shape:
                    raise AssignmentError(
                        f"After the update {name}{k + 1} has the shape {np.shape(new)}, expected {old.shape}: a "
                        "gradient of another shape was added. Check the file to see which."
                    )
                old[...] = new
        self.steps += 1


def _ask(step: str, call: Callable[[], Any]) -> Any:
    """Turn a failure of the code into a sentence that ends the run."""
    try:
        return call()
    except CallFailed as failed:
        place = f" in {failed.place}" if failed.place else ""
        raise AssignmentError(f"{step} failed{place}: {failed} Correct it, then train again.") from failed
    except Misfit as misfit:
        raise AssignmentError(f"{step}: {misfit} Correct it, then train again.") from misfit
    except ValueError as error:
        raise AssignmentError(f"{step}: the shapes don't fit ({error}). Correct it, then train again.") from error


def parameters_of(network: Network) -> Parameters:
    """Parameters of a network as float64."""
    return [
        (weights.astype(np.float64), bias.astype(np.float64))
        for weights, bias in zip(network.weights, network.biases, strict=True)
    ]


def first_parameters(network: Network, learner: Learner, config: TrainingConfig) -> None:
    """Begin with the learner's own parameters, if the file draws any.

    Raises
    ------
    AssignmentError
        If that fails, or gives parameters of other layers.
    """
    if not learner.has("initialize"):
        return
    try:
        drawn = _ask("initialize", lambda: learner.initialize(tuple(network.layer_sizes), config.seed))
    except AssignmentError as error:
        if is_unwritten(error.__cause__):
            return
        raise
    for k, (weights, bias) in enumerate(drawn):
        if weights.shape != network.weights[k].shape or bias.shape != network.biases[k].shape:
            raise AssignmentError("initialize gives parameters of other shapes than the layers: check the file first.")
        network.weights[k][...], network.biases[k][...] = weights, bias


def effective(config: TrainingConfig) -> TrainingConfig:
    """The settings without those that other code than ours does not implement."""
    default = TrainingConfig()
    kept = {name: getattr(config, name) for name in LOOP_SETTINGS}
    return TrainingConfig(**{**{name: getattr(default, name) for name in config.settings()}, **kept})
