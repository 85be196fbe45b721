"""A learner's functions, called as those of the reference are: arguments and results are translated on the way."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.assignment.arguments import KEPT, SYNONYMS, order_of, roles_of, wanted
from mnist_core.assignment.compare import SINGLE_TOLERANCE, TOLERANCE, same_layers
from mnist_core.assignment.convention import (
    DICT,
    LISTS,
    PAIRS,
    PROBE_SIZES,
    Convention,
    Misfit,
    Pattern,
    Varying,
    recognize,
)
from mnist_core.assignment.messages import Failure, Reply
from mnist_core.assignment.reference import Array, Parameters, feed_forward, initialize, update
from mnist_core.assignment.results import has_arrays, probabilities_in, same_arrays, split_loss
from mnist_core.assignment.sandbox import Sandbox
from mnist_core.assignment.source import Place

MAX_RESTARTS = 20
REMEDIES = dict.fromkeys(
    ("feed_forward", "back_propagate", "update", "predict", "train"),
    "Keep all weights and biases in one list or dict, and let the function compute what else it needs.",
)
"""What to do where a function wants more arguments than the contract gives."""
NEEDED = {
    "initialize": ("layer_sizes",),
    "feed_forward": ("x", "parameters"),
    "cross_entropy": ("probabilities", "y"),
    "back_propagate": ("x", "y", "parameters"),
    "update": ("parameters", "gradients"),
    "predict": ("x", "parameters"),
    "accuracy": ("predicted", "labels"),
    "misclassified": ("predicted", "labels"),
    "train": ("x", "y", "parameters"),
}
"""Arguments without which a function can't do its work; a method finds the parameters in its object."""


class CallFailed(Exception):
    """The learner's function raised an exception, or ended its process."""

    def __init__(self, failure: Failure, given: str = "", place: Place | None = None) -> None:
        super().__init__(failure.sentence)
        self.failure = failure
        self.given = given
        """The arrays among its arguments, with their shapes."""
        self.place = place
        """Where in the file it went wrong, if that is known."""


def is_final(error: CallFailed | Misfit) -> bool:
    """Whether a function fails whatever way its arguments are written: it does not return, or is yet to be written."""
    return isinstance(error, CallFailed) and (error.failure.ended or error.failure.missing)


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
        self._gradient_bias = ""
        self.gradients_stored = False
        self.objectless = False
        """Whether no object of the learner's class can be made."""

    def has(self, step: str) -> bool:
        """Whether the file has this function."""
        return step in self.submission.functions

    def raw(self, step: str, *args: Any, seconds: float | None = None, keep: bool = False) -> Any:
        """Call the function of a step with arguments as they are.

        Raises
        ------
        CallFailed
            If it raises an exception or ends its process.
        Misfit
            If it wants more arguments than the contract gives.
        """
        self._revive()
        order = self._order(step, args)
        given = [args[k] for k in order]
        reply = self.sandbox.call(self.submission.functions[step], *given, seconds=seconds, keep=keep)
        self.last = replace(reply, changed={order[k]: value for k, value in reply.changed.items() if k < len(order)})
        if self.last.failure:
            names = self.submission.names.get(step, ())
            named = zip(names, given, strict=False)
            shapes = ", ".join(f"{name} {arg.shape}" for name, arg in named if isinstance(arg, np.ndarray))
            line = self.last.failure.line
            raise CallFailed(self.last.failure, shapes, self.submission.place(line) if line else None)
        return self.last.value

    def _order(self, step: str, args: tuple[Any, ...]) -> tuple[int, ...]:
        """Which of the contract's arguments the function gets, in its own order."""
        count = len(args)
        names, required = self.submission.names.get(step, ()), self.submission.required.get(step, 0)
        own = f"The function {self.submission.functions[step]}({', '.join(names[: max(required, count)])})"
        if required > count:
            raise Misfit(
                f"{own} wants {required} arguments; expected {wanted(step, count)}. {REMEDIES.get(step, '')}".strip()
            )
        kept = [name for name in names[:count] if name.lower() in KEPT]
        if kept and step == "back_propagate":
            raise Misfit(
                f"{own} takes what the forward pass kept ({', '.join(kept)}); expected {wanted(step, count)}: feed "
                "forward inside."
            )
        order = order_of(step, names, count)[: self.submission.arguments.get(step, count)]
        roles = roles_of(step, count)
        absent = [role for k, role in enumerate(roles) if k not in order and role in NEEDED.get(step, ())]
        if absent:
            raise Misfit(
                f"{own} does not take {' and '.join(absent)}, so that it can use no other than global values; "
                f"expected {wanted(step, count)}."
            )
        return order

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
        known, error = None, None
        if self.has("initialize"):
            try:
                known = self._probe()
            except (CallFailed, Misfit) as failed:
                error = failed
        self.convention = self._choose_axis(known)
        if self.has("back_propagate") and not self.waits_for_object("back_propagate"):
            self._probe_gradients()
        if error:
            raise error

    def _probe(self) -> Convention:
        if self.submission.network_class:
            return recognize(self._new_object(PROBE_SIZES))
        value = self.raw("initialize", *self._seeded("initialize", list(PROBE_SIZES), 0))
        self.sandbox.lists = self.last.lists
        return recognize(value)

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
        if not self.has("feed_forward") or self.waits_for_object("feed_forward"):
            return replace(candidates[0], columns=candidates[0].columns or self._writes_columns())
        x = np.linspace(0, 1, 10).reshape(2, 5)
        parameters = initialize(PROBE_SIZES, 1)
        expected = feed_forward(x, parameters)
        fitting = None
        for candidate in candidates:
            self.convention = candidate
            try:
                found = self.feed_forward(x, parameters)
            except (CallFailed, Misfit) as error:
                if is_final(error):
                    break
                continue
            if found.shape == expected.shape:
                if np.allclose(found, expected, atol=1e-5):
                    return candidate
                fitting = fitting or candidate
        return fitting or replace(candidates[0], columns=candidates[0].columns or self._writes_columns())

    def _writes_columns(self) -> bool:
        """Whether one_hot makes a column for each label."""
        if not self.has("one_hot"):
            return False
        try:
            return getattr(self.raw("one_hot", np.array([2, 0, 1, 2, 2]), 3), "shape", None) == (3, 5)
        except (CallFailed, Misfit):
            return False

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
        return probabilities_in(value, (len(x), len(parameters[-1][1])), self.convention)

    def back_propagate(
        self, x: Array, y: Array, parameters: Parameters, keep: bool = False
    ) -> tuple[float | None, Parameters]:
        """Loss, if it is returned, and gradients."""
        given = [self.convention.batch(x), self.convention.batch(y)]
        if self._goes_on_from_forward:
            self._place(parameters)
            self.raw("feed_forward", given[0])
            self._placed = True
            value = self.raw("back_propagate", given[1], keep=keep)
        else:
            value = self._with_parameters("back_propagate", given, parameters, keep)
        loss, gradients = split_loss(value)
        if self._placed and not has_arrays(gradients):
            gradients = self._attributes()
        return loss, self._gradient_convention.decode(gradients, len(parameters), "the gradients")

    @property
    def _goes_on_from_forward(self) -> bool:
        """Whether back_propagate is a method that gets the targets alone, after feed_forward has kept the rest."""
        names = self.submission.names.get("back_propagate", ())
        own = self._is_method("back_propagate") and self._is_method("feed_forward")
        return own and len(names) == 1 and names[0].lower() in SYNONYMS["y"]

    def _probe_gradients(self) -> None:
        """Find out where the gradients are in what back_propagate returns, or in the object: by their shapes."""
        x, y = np.linspace(0, 1, 10).reshape(2, 5), np.eye(3)[[0, 2]]
        parameters = initialize(PROBE_SIZES, 1)
        given = [self.convention.batch(x), self.convention.batch(y)]
        before: dict[str, Any] = {}
        try:
            if self._is_method("back_propagate"):
                self._place(parameters)
                before = self._attributes()
            if self._goes_on_from_forward:
                self.raw("feed_forward", given[0])
                self._placed = True
                value = self.raw("back_propagate", given[1])
            else:
                value = self._with_parameters("back_propagate", given, parameters)
            value = split_loss(value)[1]
            stored = self._placed and not has_arrays(value)
            found = recognize(self._changed_since(before) if stored else value)
        except (CallFailed, Misfit):
            return
        self.gradients_stored = stored
        self._gradient_patterns = found.weights, found.biases
        self._gradient_bias = found.bias

    def _changed_since(self, before: dict[str, Any]) -> dict[str, Any]:
        """Attributes of the object that are others than before, less those that hold the parameters."""
        own = {pattern[0] for pattern in (self.convention.weights, self.convention.biases)}
        names = {item.at(layer) if isinstance(item, Varying) else item for item in own for layer in range(2)}
        return {
            name: value
            for name, value in self._attributes().items()
            if name not in names and not (name in before and same_arrays(value, before[name]))
        }

    @property
    def _gradient_convention(self) -> Convention:
        """The convention, with the gradients in their own place."""
        if not self._gradient_patterns:
            return self.convention
        weights, biases = self._gradient_patterns
        return replace(self.convention, weights=weights, biases=biases)

    def update(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> Parameters:
        """Parameters after a step, returned or changed in place.

        If no back_propagate has shown how the file writes gradients, the usual ways are tried.
        """
        if self._gradient_patterns:
            return self._update(parameters, self._encoded(gradients), learning_rate)
        found, failed = None, None
        for encoded in self._encodings(gradients):
            try:
                result = self._update(parameters, encoded, learning_rate)
            except (CallFailed, Misfit) as error:
                failed = failed or error
                if is_final(error):
                    break
                continue
            if same_layers(result, update(parameters, gradients, learning_rate), SINGLE_TOLERANCE):
                return result
            found = found or result
        if found is None and failed:
            raise failed
        assert found
        return found

    def _update(self, parameters: Parameters, gradients: Any, learning_rate: float) -> Parameters:
        layers = len(parameters)
        if self._is_method("update") and self.submission.required.get("update", 3) < 3:
            self._place(parameters)
            if self.takes_rate_alone and self.gradients_stored:
                self._assign(gradients)
                self.raw("update", learning_rate)
            else:
                self.raw("update", gradients, learning_rate)
            return self.convention.decode(self._attributes(), layers)
        encoded = self.convention.encode(parameters)
        value = self.raw("update", encoded, gradients, learning_rate)
        if value is None or (isinstance(value, list) and not value):
            value = self.last.changed.get(0, encoded)
        return self.convention.decode(value, layers)

    @property
    def takes_rate_alone(self) -> bool:
        """Whether update is a method that finds the gradients where back_propagate has put them."""
        names = self.submission.names.get("update", ())
        return self._is_method("update") and len(names) == 1 and names[0].lower() in SYNONYMS["learning_rate"]

    def _assign(self, attributes: Any) -> None:
        reply = self.sandbox.assign(attributes)
        if reply.failure:
            raise CallFailed(reply.failure)

    def _encoded(self, gradients: Parameters) -> Any:
        """Gradients as the file's own back_propagate returns them, with its shape of biases."""
        return replace(self._gradient_convention, bias=self._gradient_bias).encode(gradients)

    def _encodings(self, gradients: Parameters) -> Iterator[Any]:
        """Gradients in the structure of the parameters, and with the usual names."""
        yield self.convention.encode(gradients)
        for weights, biases in self.convention.gradient_patterns():
            yield replace(self.convention, weights=weights, biases=biases).encode(gradients)

    def predict(self, x: Array, parameters: Parameters) -> Any:
        """Labels; from the reference's probabilities, if the function takes nothing but those."""
        names = self.submission.names.get("predict", ())
        if len(names) == 1 and names[0].lower() not in SYNONYMS["x"] and not self._is_method("predict"):
            return self.raw("predict", self.convention.batch(feed_forward(x, parameters)))
        return self._with_parameters("predict", [self.convention.batch(x)], parameters)

    def train(self, x: Array, y: Array, parameters: Parameters, *settings: Any, seconds: float) -> Parameters:
        """Parameters after training."""
        given = [self.convention.batch(x), self.convention.batch(y)]
        encoded = self.convention.encode(parameters)
        if self._is_method("train") and "parameters" not in self._named("train"):
            self._place(parameters)
            self.raw("train", *given, *settings, seconds=seconds)
            return self.convention.decode(self._attributes(), len(parameters))
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

    @property
    def takes_train_seed(self) -> bool:
        """Whether the loop of training can shuffle the same way twice."""
        return "seed" in self._named("train") or self.submission.arguments.get("train", 7) >= 7

    def parameters_moved(self, parameters: Parameters) -> bool:
        """Whether the learner's object no longer holds the parameters that were put into it."""
        if not self._placed:
            return False
        now = self.convention.decode(self._attributes(), len(parameters))
        return not same_layers(now, parameters, SINGLE_TOLERANCE if self.convention.single else TOLERANCE)

    def _named(self, step: str) -> set[str]:
        """Which of the contract's arguments a function has, by name."""
        names = {name.lower() for name in self.submission.names.get(step, ())}
        return {role for role, synonyms in SYNONYMS.items() if names & set(synonyms)}

    def waits_for_object(self, step: str) -> bool:
        """Whether a step is a method of an object that can't be made."""
        return self.objectless and step != "initialize" and self._is_method(step)

    def _is_method(self, step: str) -> bool:
        return self.submission.functions.get(step) in self.submission.methods

    # Objects

    def _with_parameters(self, step: str, given: list[Any], parameters: Parameters, keep: bool = False) -> Any:
        """Call a function that needs parameters: as its last argument, or in the learner's object."""
        names = self.submission.names.get(step, ())
        passed = any(name.lower() in SYNONYMS["parameters"] for name in names[: len(given) + 1])
        self._placed = self._is_method(step) and self.submission.required.get(step, 0) <= len(given) and not passed
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
        self._assign(self.convention.encode(parameters))

    def _new_object(self, sizes: tuple[int, ...], seed: int = 0) -> Any:
        self._revive()
        count = self.submission.arguments.get("initialize", 2)
        variants = [self._seeded("initialize", list(sizes), seed), [list(sizes)], list(sizes), []]
        failure = None
        for args in variants if count else variants[-1:]:
            reply = self.sandbox.new(*args)
            if not reply.failure:
                self._object_sizes = sizes
                self.sandbox.lists = reply.lists
                if self.submission.functions.get("initialize") not in (None, "__init__"):
                    value = self.raw("initialize", *self._seeded("initialize", list(sizes), seed))
                    self.sandbox.lists = self.last.lists or reply.lists
                    return value if has_arrays(value) else self._attributes()
                return reply.value
            failure = failure or reply.failure
            self._revive()
            if reply.failure.ended:
                break
        assert failure
        self.objectless = True
        raise Misfit(
            f"No object can be made for layers of {'-'.join(map(str, sizes))}. {failure.sentence} Is the number of "
            "layers written into the code?"
        )

    def _attributes(self) -> Any:
        reply = self.sandbox.attributes()
        if reply.failure:
            raise CallFailed(reply.failure)
        return reply.value


def _is_batch(step: str, position: int) -> bool:
    return step in ("softmax", "cross_entropy") and position < 2
