"""Which of the ways that are right a learner has chosen: shapes, axes, and where the parameters are kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_core.assignment.reference import Array, Parameters

PROBE_SIZES = (5, 4, 3)
"""Sizes of layers that tell each array by its shape."""

_NUMBERED = re.compile(r"(.*?)(\d+)$")

Path = tuple[str | int, ...]


class Misfit(Exception):
    """A value has not the form that the convention gives it; the message is a finding."""


class WrongDepth(Misfit):
    """Parameters of another number of layers than was asked for."""


@dataclass(frozen=True)
class Varying:
    """An element of a path that counts the layers: a position, or a name that ends with a number."""

    prefix: str | None
    first: int
    stride: int = 1

    def at(self, layer: int) -> str | int:
        """The element for a layer, counted from 0."""
        number = self.first + self.stride * layer
        return number if self.prefix is None else f"{self.prefix}{number}"


Pattern = tuple[str | int | Varying, ...]

PAIRS: tuple[Pattern, Pattern] = ((Varying(None, 0), 0), (Varying(None, 0), 1))
LISTS: tuple[Pattern, Pattern] = ((0, Varying(None, 0)), (1, Varying(None, 0)))
DICT: tuple[Pattern, Pattern] = ((Varying("W", 1),), (Varying("b", 1),))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All numbers and arrays of a structure, with the way to them."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple) and (numbers := _rectangle(value)) is not None:
        yield path, numbers
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from leaves(item, (*path, position))
    elif isinstance(value, np.ndarray | int | float):
        yield path, value


def _rectangle(value: list[Any] | tuple[Any, ...]) -> Array | None:
    """Numbers in lists, or in lists of lists of the same length, as a vector or matrix."""
    if value and all(isinstance(item, float) for item in value):
        return np.array(value)
    if value and all(isinstance(row, list) and row and all(isinstance(item, float) for item in row) for row in value):
        return np.array(value) if len({len(row) for row in value}) == 1 else None
    return None


def pattern_of(first: Path, second: Path) -> Pattern | None:
    """Find the pattern of two paths, to layer 1 and to layer 2."""
    if len(first) != len(second):
        return None
    pattern: list[str | int | Varying] = []
    for a, b in zip(first, second, strict=True):
        if a == b:
            pattern.append(a)
        elif isinstance(a, int) and isinstance(b, int) and b > a:
            pattern.append(Varying(None, a, b - a))
        elif (one := _NUMBERED.match(str(a))) and (two := _NUMBERED.match(str(b))) and one[1] == two[1]:
            if int(two[2]) != int(one[2]) + 1:
                return None
            pattern.append(Varying(one[1], int(one[2])))
        else:
            return None
    return tuple(pattern)


def fill(pattern: Pattern, layer: int) -> Path:
    """The path to a layer."""
    return tuple(item.at(layer) if isinstance(item, Varying) else item for item in pattern)


def build(items: list[tuple[Path, Any]]) -> Any:
    """Make the structure that has these leaves."""
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    groups: dict[str | int, list[tuple[Path, Any]]] = {}
    for path, value in items:
        groups.setdefault(path[0], []).append((path[1:], value))
    if all(isinstance(key, int) for key in groups):
        return [build(groups[key]) for key in sorted(groups, key=int)]
    return {str(key): build(group) for key, group in groups.items()}


@dataclass(frozen=True)
class Convention:
    """How a file writes parameters and batches; the default is that of the starter file."""

    weights: Pattern = PAIRS[0]
    biases: Pattern = PAIRS[1]
    out_in: bool = False
    """Whether W has the shape (out, in)."""
    columns: bool = False
    """Whether an image is a column."""
    bias: str = "flat"
    """Shape of a bias: flat (n,), row (1, n), column (n, 1)."""
    single: bool = False
    """Whether parameters are float32."""

    def describe(self) -> str:
        """Say which way was found."""
        shape = {"flat": "(out,)", "row": "(1, out)", "column": "(out, 1)"}[self.bias]
        kind = "" if not self.single else ", float32"
        return (
            f"W as {'(out, in)' if self.out_in else '(in, out)'}, b as {shape}, "
            f"an image a {'column' if self.columns else 'row'}, parameters as {self._container()}{kind}"
        )

    def _container(self) -> str:
        if self.weights == PAIRS[0]:
            return "a list of (W, b)"
        names = " and ".join(".".join(map(str, fill(pattern, 0))) for pattern in (self.weights, self.biases))
        return f"{names} for the first layer"

    def batch(self, array: Array) -> Array:
        """Write a batch, one row an image here, as the file has it; or take one back."""
        return np.ascontiguousarray(array.T) if self.columns and array.ndim == 2 else array

    def encode(self, parameters: Parameters) -> Any:
        """Write parameters as the file has them."""
        kind = np.float32 if self.single else np.float64
        items: list[tuple[Path, Any]] = []
        for layer, (weights, bias) in enumerate(parameters):
            items.append((fill(self.weights, layer), (weights.T if self.out_in else weights).astype(kind).copy()))
            items.append((fill(self.biases, layer), self._shaped(bias).astype(kind).copy()))
        return build(items)

    def _shaped(self, bias: Array) -> Array:
        if bias.ndim != 1:  # a gradient of a wrong shape goes on as it is
            return bias
        return bias.reshape({"flat": (-1,), "row": (1, -1), "column": (-1, 1)}[self.bias])

    def decode(self, value: Any, layers: int, what: str = "the parameters") -> Parameters:
        """Read parameters or gradients of a number of layers.

        Raises
        ------
        Misfit
            If they have another structure.
        """
        patterns = self.patterns_in(value, layers)
        if patterns is None:
            fewer = next((k for k in range(layers - 1, 1, -1) if self.patterns_in(value, k)), 0)
            if fewer:
                raise Misfit(
                    f"{what} are those of {fewer} layers, expected {layers}: is the number of layers written into the "
                    "code?"
                )
            raise Misfit(f"{what} {_in_words(value)}; expected W and b of {layers} layers, as {self._container()}.")
        found = dict(leaves(value))
        return [
            (self._weights(found[fill(patterns[0], layer)]), self._bias(found[fill(patterns[1], layer)]))
            for layer in range(layers)
        ]

    def patterns_in(self, value: Any, layers: int) -> tuple[Pattern, Pattern] | None:
        """Where the weights and the biases of all layers are in a structure."""
        found = dict(leaves(value))
        possible = [
            patterns
            for patterns in self.gradient_patterns()
            if all(fill(pattern, layer) in found for pattern in patterns for layer in range(layers))
        ]
        # Two lists of two arrays may be two pairs: the shapes tell, unless they are wrong.
        return next((patterns for patterns in possible if _looks_right(found, patterns, layers)), (*possible, None)[0])

    def gradient_patterns(self) -> Iterator[tuple[Pattern, Pattern]]:
        """Its own structure, that with names such as dW1, and the usual ones."""
        yield self.weights, self.biases
        for prefix in ("d", "d_", "grad_", "grad", "g", "g_", "nabla_"):
            yield _prefixed(self.weights, prefix), _prefixed(self.biases, prefix)
        yield from (PAIRS, LISTS, DICT)
        yield PAIRS[::-1]
        yield LISTS[::-1]
        for prefix in ("d", "d_", "grad_"):
            yield _prefixed(DICT[0], prefix), _prefixed(DICT[1], prefix)

    def _weights(self, value: Any) -> Array:
        array = np.asarray(value, np.float64)
        return array.T if self.out_in else array

    def _bias(self, value: Any) -> Array:
        array = np.asarray(value, np.float64)
        flat = array.ndim == 2 and 1 in array.shape
        wanted = {"flat": (0,), "row": (0,), "column": (1,)}[self.bias]
        return array.ravel() if flat and array.shape.index(1) in wanted else array


def _looks_right(found: dict[Path, Any], patterns: tuple[Pattern, Pattern], layers: int) -> bool:
    """Whether all weights are matrices, and all biases vectors."""
    pairs = [(np.shape(found[fill(patterns[0], k)]), np.shape(found[fill(patterns[1], k)])) for k in range(layers)]
    return all(len(weights) == 2 and (len(bias) == 1 or 1 in bias) for weights, bias in pairs)


def _prefixed(pattern: Pattern, prefix: str) -> Pattern:
    return tuple(
        Varying(prefix + item.prefix, item.first) if isinstance(item, Varying) and item.prefix is not None
        else prefix + item if isinstance(item, str) else item
        for item in pattern
    )  # fmt: skip


def describe_structure(value: Any) -> str:
    """Say what a value is made of, for a finding."""
    if isinstance(value, np.ndarray):
        return f"is an array of shape {value.shape}"
    if isinstance(value, dict):
        return f"is a dict with the keys {', '.join(map(str, value))[:100]}"
    if isinstance(value, list):
        unknown = next((item for item in value if isinstance(item, str)), None)
        if unknown is not None:
            return f"is a list of {len(value)} with {unknown[:80]}"
        shapes = [str(leaf.shape) if isinstance(leaf, np.ndarray) else "a number" for _, leaf in leaves(value)]
        return f"is a list of {len(value)} with {', '.join(shapes[:8]) or 'no arrays'}"
    return f"is {value}" if value is None or isinstance(value, int | float) else f"is {str(value)[:80]!r}"


def recognize(value: Any) -> Convention:
    """Recognize parameters of the layers `PROBE_SIZES`, however they are kept.

    Raises
    ------
    Misfit
        If no two layers of weights and biases are found.
    """
    above, between, below = PROBE_SIZES
    arrays = [(path, leaf) for path, leaf in leaves(value) if isinstance(leaf, np.ndarray)]
    first = _find(arrays, {(above, between), (between, above)})
    second = _find(arrays, {(between, below), (below, between)})
    bias_1 = _find(arrays, {(between,), (1, between), (between, 1)})
    bias_2 = _find(arrays, {(below,), (1, below), (below, 1)})
    if first is None or second is None:
        matrices = [leaf for _, leaf in arrays if leaf.ndim == 2 and 1 not in leaf.shape]
        raise (WrongDepth if len(matrices) == 1 and (first or second) else Misfit)(
            f"The parameters for layers of {'-'.join(map(str, PROBE_SIZES))} {_in_words(value)}; expected weights of "
            f"{(above, between)} and {(between, below)}, or the other way round."
        )
    if bias_1 is None or bias_2 is None:
        raise Misfit(
            f"The parameters {_in_words(value)}; expected biases of {between} and {below} entries beside the weights."
        )
    weights, biases = pattern_of(first[0], second[0]), pattern_of(bias_1[0], bias_2[0])
    if weights is None or biases is None:
        raise Misfit(f"The parameters {_in_words(value)}: which layer each array belongs to can't be told.")
    out_in = first[1].shape == (between, above)
    for layer, side, size in ((-1, not out_in, above), (2, out_in, below)):
        extra = dict(arrays).get(fill(weights, layer))
        if extra is not None and extra.ndim == 2 and extra.shape[side] == size:
            raise WrongDepth(f"The parameters {_in_words(value)}; expected those of two layers.")
    return Convention(
        weights,
        biases,
        out_in=out_in,
        bias={(between,): "flat", (1, between): "row", (between, 1): "column"}[bias_1[1].shape],
        single=first[1].dtype == np.float32,
    )


def _in_words(value: Any) -> str:
    return "are " + describe_structure(value).removeprefix("is ")


def _find(arrays: list[tuple[Path, Array]], shapes: set[tuple[int, ...]]) -> tuple[Path, Array] | None:
    return next(((path, array) for path, array in arrays if array.shape in shapes), None)
