"""A fully connected network, its forward pass and back-propagation, in plain NumPy.

An image is a row ``x``. Layer ``l`` has a weight matrix ``W`` of shape (fan_in, fan_out) and a bias ``b``:

    z = a_previous @ W + b        the weighted input, also called the logits in the last layer
    a = sigmoid(z)                the activation; softmax(z) in the last layer

The words are those of M. Nielsen, *Neural Networks and Deep Learning*, chapters 1 and 2; the equation numbers
(BP1) to (BP4) are his.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mnist_core.errors import ConfigError, DatasetError, EvaluationError
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.initialization import INITIALIZATIONS
from mnist_core.nn.losses import cross_entropy, softmax

MAX_PARAMETERS = 100_000_000
"""Largest number of weights and biases, 400 MB in float32."""


NOT_A_NUMBER = (
    "The output of the network is not a number (NaN): its training diverged, or its file is damaged. "
    "Train it again with a lower learning rate, or choose another one."
)


def num_parameters(layer_sizes: Sequence[int]) -> int:
    """Count the weights and biases of a network from the units of its layers, without making any."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(layer_sizes))


class ForwardPass(NamedTuple):
    """What :meth:`Network.forward_pass` keeps for a batch of N images, layer by layer."""

    weighted_inputs: list[np.ndarray]
    """``z`` of each layer, shapes (N, fan_out)."""
    activations: list[np.ndarray]
    """The input, then ``a`` of each layer; the last one holds the class probabilities."""


class Network:
    """Fully connected layers: one activation in the hidden layers, softmax at the output.

    All weights and biases are drawn from uniform distributions, layer by layer, weights first.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units of each layer, from the input (pixels) to the output (classes).
    activation : str
        Activation of the hidden layers, a key of :data:`ACTIVATIONS`.
    seed : int or None
        Seed of ``np.random.default_rng`` for the parameters; None leaves them to be filled.
    dtype : dtype
        float32, or float64 to check gradients.
    initialization : str
        Distribution of the first parameters, a key of :data:`INITIALIZATIONS`.

    Attributes
    ----------
    parameters : ndarray, shape (P,)
        All weights, then all biases; ``weights`` and ``biases`` are views of it.
    weights : list of ndarray, shapes (fan_in, fan_out)
    biases : list of ndarray, shapes (fan_out,)

    Raises
    ------
    ConfigError
        If a layer size is below 1, there are fewer than two layers, there are more than :data:`MAX_PARAMETERS`, or
        the activation or initialization is unknown.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int] = (784, 128, 64, 10),
        activation: str = "sigmoid",
        seed: int | None = 695,
        dtype: np.typing.DTypeLike = np.float32,
        initialization: str = "uniform",
    ) -> None:
        if len(layer_sizes) < 2 or min(layer_sizes) < 1:
            raise ConfigError(
                f"layer_sizes is {tuple(layer_sizes)}, expected at least two sizes of 1 or more: input and output."
            )
        if num_parameters(layer_sizes) > MAX_PARAMETERS:
            raise ConfigError(
                f"A network {'-'.join(map(str, layer_sizes))} has {num_parameters(layer_sizes):,} parameters, expected "
                f"at most {MAX_PARAMETERS:,}: use fewer or smaller layers."
            )
        if activation not in ACTIVATIONS:
            raise ConfigError(f"activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}.")
        if initialization not in INITIALIZATIONS:
            raise ConfigError(f"initialization is {initialization!r}, expected one of {', '.join(INITIALIZATIONS)}.")
        self.layer_sizes = tuple(int(size) for size in layer_sizes)
        self.activation = activation
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.num_weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.layer_sizes))
        self.parameters = np.empty(num_parameters(self.layer_sizes), self.dtype)
        self.weights, self.biases = self.unpack(self.parameters)
        if seed is not None:
            self._draw(np.random.default_rng(seed), initialization)

    def _draw(self, rng: np.random.Generator, initialization: str) -> None:
        """Fill the parameters, layer by layer, weights first."""
        limits, gain = INITIALIZATIONS[initialization].limits, ACTIVATIONS[self.activation].gain
        for weight, bias, shape in zip(self.weights, self.biases, pairwise(self.layer_sizes), strict=True):
            weight_limit, bias_limit = limits(*shape, gain)
            weight[:] = rng.uniform(-weight_limit, weight_limit, weight.shape)
            bias[:] = rng.uniform(-bias_limit, bias_limit, bias.shape)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        return f"Network({sizes}, {self.activation}, {self.num_parameters:,} parameters)"

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases."""
        return len(self.parameters)

    def unpack(self, vector: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Views of a vector like ``parameters`` in the shapes of the weights and of the biases."""
        shapes: list[tuple[int, ...]] = list(pairwise(self.layer_sizes))
        shapes += [(width,) for width in self.layer_sizes[1:]]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        views = [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes, strict=True)]
        depth = len(self.layer_sizes) - 1
        return views[:depth], views[depth:]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters and activation by name, as in ``model.npz``: ``W1``, ``b1``, ``W2``, ..., ``activation``."""
        arrays = {"activation": np.array(self.activation)}
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            arrays[f"W{layer}"], arrays[f"b{layer}"] = weight, bias
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Network":
        """Invert :meth:`to_arrays`; the arrays are copied.

        Raises
        ------
        ConfigError
            If an array is missing, or the shapes do not follow one another.
        """
        depth = sum(name.startswith("W") for name in arrays)
        expected = {"activation", *(f"{kind}{layer}" for kind in "Wb" for layer in range(1, depth + 1))}
        if depth == 0 or set(arrays) != expected:
            raise ConfigError(f"found the arrays {sorted(arrays)}, expected W1, b1, W2, b2, ... and activation")
        weights = [arrays[f"W{layer}"] for layer in range(1, depth + 1)]
        biases = [arrays[f"b{layer}"] for layer in range(1, depth + 1)]
        dtypes = {parameter.dtype.name for parameter in [*weights, *biases]}
        if not dtypes <= {"float32", "float64"}:
            raise ConfigError(f"found parameters of dtype {', '.join(sorted(dtypes))}, expected float32 or float64")
        if any(weight.ndim != 2 for weight in weights):
            raise ConfigError(f"found weights of shapes {[w.shape for w in weights]}, expected two dimensions each")
        sizes = [weights[0].shape[0], *(weight.shape[1] for weight in weights)]
        shapes = [parameter.shape for parameter in [*weights, *biases]]
        if shapes != [*pairwise(sizes), *((width,) for width in sizes[1:])]:
            raise ConfigError(f"found parameters of shapes {shapes}, which do not follow one another")
        network = cls(sizes, str(arrays["activation"]), seed=None, dtype=weights[0].dtype)
        for own, given in zip([*network.weights, *network.biases], [*weights, *biases], strict=True):
            own[:] = given
        return network

    def feed_forward(self, x: np.ndarray) -> np.ndarray:
        """Class probabilities of each image.

        Parameters
        ----------
        x : ndarray, shape (N, layer_sizes[0])
            Normalized, flattened images.

        Returns
        -------
        ndarray of the network's dtype, shape (N, layer_sizes[-1])
        """
        return self.forward_pass(x).activations[-1]

    @np.errstate(over="ignore", invalid="ignore")
    def forward_pass(self, x: np.ndarray) -> ForwardPass:
        """Feed ``x`` forward as in :meth:`feed_forward`, and keep every ``z`` and ``a`` for the way back.

        Raises
        ------
        DatasetError
            If the rows of ``x`` are not as long as the first layer.
        EvaluationError
            If a probability is not a number, because parameters are not, or are so large that a sum overflows.
        """
        if x.ndim != 2 or x.shape[1] != self.layer_sizes[0]:
            raise DatasetError(
                f"The network reads rows of {self.layer_sizes[0]} pixels, found an array of shape {x.shape}: "
                "use images of the size that it was trained on, normalized and flattened."
            )
        activate = ACTIVATIONS[self.activation].function
        weighted_inputs, activations = [], [x.astype(self.dtype, copy=False)]
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            z = activations[-1] @ weight + bias
            weighted_inputs.append(z)
            activations.append(softmax(z) if layer == len(self.weights) else activate(z))
        if not np.isfinite(activations[-1]).all():
            raise EvaluationError(NOT_A_NUMBER)
        return ForwardPass(weighted_inputs, activations)

    def deltas(self, forward: ForwardPass, y: np.ndarray) -> list[np.ndarray]:
        """The way back: ``delta = dC/dz`` of each layer, with C the mean cross-entropy of the N images.

            output layer   delta = (p - y) / N                                    (BP1; softmax meets cross-entropy)
            layer before   delta = (delta_next @ W_next.T) * activation'(z)       (BP2)

        Parameters
        ----------
        forward : ForwardPass
        y : ndarray, shape (N, layer_sizes[-1])
            One-hot rows.

        Returns
        -------
        list of ndarray, shapes (N, fan_out), from the first layer to the last
        """
        delta = (forward.activations[-1] - y.astype(self.dtype, copy=False)) / len(y)
        return self.deltas_below(forward, delta)

    def deltas_below(self, forward: ForwardPass, delta: np.ndarray) -> list[np.ndarray]:
        """Carry a ``delta`` of the output layer back through the hidden layers by (BP2).

        Parameters
        ----------
        forward : ForwardPass
            Of N images, or of one image that all rows of ``delta`` are about.
        delta : ndarray, shape (N, layer_sizes[-1])
            Derivatives of some function of the logits with respect to the logits, one row each.

        Returns
        -------
        list of ndarray, shapes (N, fan_out), from the first layer to the last; the last one is ``delta``
        """
        derivative = ACTIVATIONS[self.activation].derivative
        deltas = [delta]
        for layer in reversed(range(1, len(self.weights))):
            delta = (delta @ self.weights[layer].T) * derivative(forward.weighted_inputs[layer - 1])
            deltas.append(delta)
        return deltas[::-1]

    def logit_gradients(self, x: np.ndarray) -> np.ndarray:
        """Gradient of every logit with respect to the pixels of one image: ``dz_k/dx``.

        The way back of :meth:`deltas_below`, started from ``dz_k/dz = 1`` for each class k, and one layer further:

            dz_k/dx = delta_1 @ W_1.T

        Parameters
        ----------
        x : ndarray, shape (1, layer_sizes[0])
            One image, normalized and flattened.

        Returns
        -------
        ndarray of the network's dtype, shape (layer_sizes[-1], layer_sizes[0])
            One row per class.

        Raises
        ------
        DatasetError
            If ``x`` is not one row as long as the first layer.
        """
        if len(x) != 1:
            raise DatasetError(f"Found {len(x)} images, expected one: call this method once per image.")
        each_logit = np.eye(self.layer_sizes[-1], dtype=self.dtype)
        return self.deltas_below(self.forward_pass(x), each_logit)[0] @ self.weights[0].T

    def back_propagate(
        self, x: np.ndarray, y: np.ndarray, forward: ForwardPass | None = None
    ) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
        """Loss of a batch, and its gradient for every weight and bias, by the chain rule.

        From the ``delta`` of each layer that :meth:`deltas` finds by (BP1) and (BP2), with C the mean cross-entropy:

            dC/db = sum of delta over the batch                    (BP3)
            dC/dW = a_previous.T @ delta                           (BP4)

        Parameters
        ----------
        x : ndarray, shape (N, layer_sizes[0])
        y : ndarray, shape (N, layer_sizes[-1])
            One-hot rows.
        forward : ForwardPass, optional
            The forward pass of the same ``x``, if already computed.

        Returns
        -------
        loss : float
        gradients : list of (dC/dW, dC/db), one pair per layer, in the shapes of ``weights`` and ``biases``
        """
        forward = forward or self.forward_pass(x)
        gradients = []
        for a_previous, delta in zip(forward.activations, self.deltas(forward, y), strict=False):
            gradients.append((a_previous.T @ delta, delta.sum(axis=0)))
        return cross_entropy(forward.activations[-1], y), gradients
