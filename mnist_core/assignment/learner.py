"""A learner's functions, called as those of the reference are: arguments and results are translated on the way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.assignment.compare import SINGLE_TOLERANCE, TOLERANCE, same_layers
from mnist_core.assignment.convention import (
    DICT,
    LISTS,
    PAIRS,
    PROBE_SIZES,
    Convention,
    Misfit,
    Pattern,
    leaves,
    recognize,
)
from mnist_core.assignment.reference import Array, Parameters, feed_forward, initialize
from mnist_core.assignment.sandbox import Failure, Reply, Sandbox
from mnist_core.assignment.source import Place

MAX_RESTARTS = 20


class CallFailed(Exception):
    """The learner's function raised an exception, or ended its process."""

    def __init__(self, failure: Failure, place: Place | None = None) -> None:
        super().__init__(failure.sentence)
        self.failure = failure
        self.place = place
        """Where in the file it went wrong, if that is known."""


class Learner:
    """The functions of a submission in a sandbox, with the arguments and results of the reference.

    A process that ended, because of an endless loop for example, is started again for the next function.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.submission = sandbox.submission
        self.convention = Convention()
        self.last = Reply()
        """What the last call did besides returning."""
        self._restarts = 0
        self._object_sizes: tuple[int, ...] | None = None
        self._placed = False
        self._gradient_patterns: tuple[Pattern, Pattern] | None = None

    def has(self, step: str) -> bool:
        """Whether the file has this function."""
        return step in self.submission.functions

    def raw(self, step: str, *args: Any, seconds: float | None = None, keep: bool = False) -> Any:
        """Call the function of a step with arguments as they are.

        Raises
        ------
        CallFailed
            If it raises an exception or ends its process.
        """
        self._revive()
        self.last = self.sandbox.call(self.submission.functions[step], *args, seconds=seconds, keep=keep)
        if self.last.failure:
            line = self.last.failure.line
            raise CallFailed(self.last.failure, self.submission.place(line) if line else None)
        return self.last.value

    def _revive(self) -> None:
        if self.sandbox.alive:
            return
        self._restarts += 1
        failure = self.sandbox.load() if self._restarts <= MAX_RESTARTS else Failure("", "It ended too often.")
        self._object_sizes = None
        if failure:
            raise CallFailed(failure)

    def recognize(self) -> None:
        """Find out the convention, from the first parameters and from what goes through the network.

        Raises
        ------
        CallFailed, Misfit
            If `initialize` fails, or returns something else than parameters.
        """
        known = self._probe() if self.has("initialize") else None
        self.convention = self._choose_axis(known)

    def _probe(self) -> Convention:
        if self.submission.network_class:
            return recognize(self._new_object(PROBE_SIZES))
        return recognize(self.raw("initialize", *self._seeded("initialize", list(PROBE_SIZES), 0)))

    def _seeded(self, step: str, sizes: list[int], seed: int) -> list[Any]:
        return [sizes, seed] if self.submission.arguments.get(step, 2) > 1 else [sizes]

    def _choose_axis(self, known: Convention | None) -> Convention:
        """Rows or columns for images; without `initialize` also how parameters are kept: what works is taken."""
        if known:
            candidates = [known, replace(known, columns=True)]
            if known.out_in or known.bias == "column":
                candidates.reverse()
        else:
            candidates = [
                Convention(*patterns, out_in=out_in, columns=columns, bias=bias)
                for patterns in (PAIRS, DICT, LISTS)
                for out_in, columns, bias in (
                    (False, False, "flat"), (False, False, "row"), (True, True, "column"), (True, False, "flat"),
                    (False, True, "column"), (True, False, "row"),
                )
            ]  # fmt: skip
        if not self.has("feed_forward"):
            return known if known else candidates[0]
        x = np.linspace(0, 1, 10).reshape(2, 5)
        parameters = initialize(PROBE_SIZES, 1)
        expected = feed_forward(x, parameters)
        fitting = None
        for candidate in candidates:
            self.convention = candidate
            try:
                found = self.feed_forward(x, parameters)
            except (CallFailed, Misfit):
                continue
            if found.shape == expected.shape:
                if np.allclose(found, expected, atol=1e-5):
                    return candidate
                fitting = fitting or candidate
        return fitting or candidates[0]

    # The functions of the contract, in the terms of the reference.

    def array_function(self, step: str) -> Callable[..., Any]:
        """A function of arrays alone; a batch is written as the file has it."""

        def call(*args: Any) -> Any:
            given = [self.convention.batch(arg) if _is_batch(step, k) else arg for k, arg in enumerate(args)]
            value = self.raw(step, *given)
            if step in ("softmax", "one_hot") and isinstance(value, np.ndarray):
                return self.convention.batch(value)
            return value

        return call

    def read_idx(self, path: Path) -> Any:
        """Read a file that lies in the folder of the sandbox."""
        return self.raw("read_idx", str(path))

    def initialize(self, layer_sizes: tuple[int, ...], seed: int) -> Parameters:
        """First parameters."""
        layers = len(layer_sizes) - 1
        if self.submission.network_class:
            return self.convention.decode(self._new_object(layer_sizes, seed), layers)
        value = self.raw("initialize", *self._seeded("initialize", list(layer_sizes), seed))
        return self.convention.decode(value, layers)

    def feed_forward(self, x: Array, parameters: Parameters) -> Array:
        """Probabilities, (N, C)."""
        value = self._with_parameters("feed_forward", [self.convention.batch(x)], parameters)
        return self._probabilities(value)

    def _probabilities(self, value: Any) -> Array:
        if isinstance(value, list) and value:  # also returns what it kept for the way back
            arrays = [leaf for _, leaf in leaves(value) if isinstance(leaf, np.ndarray) and leaf.ndim == 2]
            value = arrays[-1] if arrays and not isinstance(value[0], np.ndarray) else value[0]
        if not isinstance(value, np.ndarray):
            raise Misfit(f"It returns no array but {_kind(value)}; expected probabilities of shape (N, C).")
        return self.convention.batch(np.asarray(value, np.float64))

    def back_propagate(
        self, x: Array, y: Array, parameters: Parameters, keep: bool = False
    ) -> tuple[float | None, Parameters]:
        """Loss, if it is returned, and gradients."""
        given = [self.convention.batch(x), self.convention.batch(y)]
        value = self._with_parameters("back_propagate", given, parameters, keep)
        loss, gradients = _split_loss(value)
        if self._placed and not any(isinstance(leaf, np.ndarray) for _, leaf in leaves(gradients)):
            gradients = self._attributes()
        self._gradient_patterns = self.convention.patterns_in(gradients, len(parameters))
        return loss, self.convention.decode(gradients, len(parameters), "the gradients")

    def update(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> Parameters:
        """Parameters after a step, returned or changed in place."""
        layers = len(parameters)
        if self._is_method("update") and self.submission.arguments.get("update", 3) < 3:
            self._place(parameters)
            self.raw("update", self._encode_gradients(gradients), learning_rate)
            return self.convention.decode(self._attributes(), layers)
        value = self.raw("update", self.convention.encode(parameters), self._encode_gradients(gradients), learning_rate)
        if value is None or (isinstance(value, list) and not value):
            value = self.last.changed.get(0, self.convention.encode(parameters))
        return self.convention.decode(value, layers)

    def predict(self, x: Array, parameters: Parameters) -> Any:
        """Labels."""
        return self._with_parameters("predict", [self.convention.batch(x)], parameters)

    def train(self, x: Array, y: Array, parameters: Parameters, *settings: Any, seconds: float) -> Parameters:
        """Parameters after training."""
        given = [self.convention.batch(x), self.convention.batch(y)]
        encoded = self.convention.encode(parameters)
        value = self.raw("train", *given, encoded, *settings, seconds=seconds)
        if value is None:
            value = self.last.changed.get(2, encoded)
        try:
            return self.convention.decode(value, len(parameters))
        except Misfit:
            first = value[0] if isinstance(value, list) and value else value
            return self.convention.decode(first, len(parameters))

    @property
    def takes_seed(self) -> bool:
        """Whether the first parameters depend on an argument."""
        return self.submission.arguments.get("initialize", 2) > 1

    def parameters_moved(self, parameters: Parameters) -> bool:
        """Whether the learner's object no longer holds the parameters that were put into it."""
        if not self._placed:
            return False
        now = self.convention.decode(self._attributes(), len(parameters))
        return not same_layers(now, parameters, SINGLE_TOLERANCE if self.convention.single else TOLERANCE)

    def _encode_gradients(self, gradients: Parameters) -> Any:
        """Write gradients as the file's own back_propagate returns them."""
        weights, biases = self._gradient_patterns or (self.convention.weights, self.convention.biases)
        return replace(self.convention, weights=weights, biases=biases).encode(gradients)

    def _is_method(self, step: str) -> bool:
        return self.submission.functions.get(step) in self.submission.methods

    # Objects

    def _with_parameters(self, step: str, given: list[Any], parameters: Parameters, keep: bool = False) -> Any:
        """Call a function that needs parameters: as its last argument, or in the learner's object."""
        self._placed = self.submission.network_class is not None and self.submission.arguments.get(step, 99) <= len(
            given
        )
        if self._placed:
            self._place(parameters)
            return self.raw(step, *given, keep=keep)
        return self.raw(step, *given, self.convention.encode(parameters), keep=keep)

    def _place(self, parameters: Parameters) -> None:
        """Put parameters into the learner's object, which is made for layers of these sizes."""
        self._revive()
        sizes = (len(parameters[0][0]), *(len(bias) for _, bias in parameters))
        if self._object_sizes != sizes:
            self._new_object(sizes)
        reply = self.sandbox.assign(self.convention.encode(parameters))
        if reply.failure:
            raise CallFailed(reply.failure)

    def _new_object(self, sizes: tuple[int, ...], seed: int = 0) -> Any:
        self._revive()
        count = self.submission.arguments.get("initialize", 2)
        variants = [self._seeded("initialize", list(sizes), seed), [list(sizes)], list(sizes), []]
        reply = Reply()
        for args in variants if count else variants[-1:]:
            reply = self.sandbox.new(*args)
            if not reply.failure:
                self._object_sizes = sizes
                if self.submission.functions.get("initialize") not in (None, "__init__"):
                    self.raw("initialize", *self._seeded("initialize", list(sizes), seed))
                    return self._attributes()
                return reply.value
            self._revive()
        assert reply.failure
        raise CallFailed(reply.failure)

    def _attributes(self) -> Any:
        reply = self.sandbox.attributes()
        if reply.failure:
            raise CallFailed(reply.failure)
        return reply.value


def _is_batch(step: str, position: int) -> bool:
    return step in ("softmax", "cross_entropy") and position < 2


def _split_loss(value: Any) -> tuple[float | None, Any]:
    """Separate the loss from the gradients: first, last, or not returned."""
    if isinstance(value, list):
        for position in (0, len(value) - 1):
            if value and _is_number(value[position]):
                rest = [item for k, item in enumerate(value) if k != position]
                return float(value[position]), rest[0] if len(rest) == 1 else rest
    return None, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, np.ndarray) and value.size == 1 and value.ndim == 0)


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__ if not isinstance(value, str) else str(value)
