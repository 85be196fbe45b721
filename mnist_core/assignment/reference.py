"""The functions that a learner writes, in float64, cut into the parts that a mistake can replace.

Every function takes the arguments of the contract, and its parts as keyword arguments. A mistake of the catalogue is a
few parts written wrongly; two mistakes that touch different parts combine.

Notation: a batch ``x`` of N images, one a row; ``parameters`` is a list of ``(W, b)`` with shapes (in, out) and (out,);
``z = a W + b`` enters a layer's activation ``a = sigmoid(z)``; ``y`` holds one-hot rows; ``delta = dL/dz``.
"""

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Parameters = list[tuple[Array, Array]]


def raw_values(content: bytes, offset: int, dtype: str) -> Array:
    """Take the bytes after the header as numbers."""
    return np.frombuffer(content, dtype, offset=offset)


def read_sizes(content: bytes) -> tuple[int, ...]:
    """Read the number of dimensions and the sizes, unsigned 32-bit integers with the high byte first."""
    return struct.unpack_from(f">{content[3]}I", content, 4)


def header_size(content: bytes) -> int:
    """Four bytes, and four a dimension: 8 for labels, 16 for images."""
    return 4 + 4 * content[3]


def unsigned(content: bytes) -> str:
    """The type of the values of every file of MNIST."""
    return "u1"


def read_idx(
    path: Path,
    *,
    sizes: Callable[[bytes], tuple[int, ...]] = read_sizes,
    offset: Callable[[bytes], int] = header_size,
    dtype: Callable[[bytes], str] = unsigned,
) -> Array:
    """Read an IDX file of unsigned bytes."""
    content = Path(path).read_bytes()
    return raw_values(content, offset(content), dtype(content)).reshape(sizes(content))


def normalize(images: Array) -> Array:
    """Scale pixels from 0 ... 255 to 0 ... 1."""
    return images.astype(np.float64) / 255


def one_hot(labels: Array, num_classes: int) -> Array:
    """Write each label as a row with a 1 at its place."""
    return np.eye(num_classes)[labels]


def sigmoid(z: Array) -> Array:
    """``1 / (1 + exp(-z))``, without overflow."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def sigmoid_derivative(z: Array, *, sigmoid: Callable[[Array], Array] = sigmoid) -> Array:
    """``sigmoid(z) (1 - sigmoid(z))``."""
    a = sigmoid(z)
    return a * (1 - a)


def row_maximum(z: Array) -> Array:
    """Largest logit of each image."""
    return z.max(axis=1, keepdims=True)


def row_sum(exp: Array) -> Array:
    """Sum over the classes of each image."""
    return exp.sum(axis=1, keepdims=True)


def softmax(
    z: Array, *, largest: Callable[[Array], Any] = row_maximum, total: Callable[[Array], Any] = row_sum
) -> Array:
    """``exp(z_k) / sum_j exp(z_j)`` for each row; the row's maximum is subtracted first."""
    exp = np.exp(z - largest(z))
    return exp / total(exp)


def initialize(layer_sizes: tuple[int, ...], seed: int) -> Parameters:
    """Draw weights and biases uniformly from ±1/sqrt(inputs)."""
    random = np.random.default_rng(seed)
    return [
        (random.uniform(-1, 1, (above, below)) / np.sqrt(above), random.uniform(-1, 1, below) / np.sqrt(above))
        for above, below in pairwise(layer_sizes)
    ]


class Trace(NamedTuple):
    """What a forward pass leaves: ``a[0]`` is the input, ``z[k]`` enters layer k + 1, ``a[-1]`` are probabilities."""

    z: list[Array]
    a: list[Array]


def weighted_input(a: Array, weights: Array, bias: Array) -> Array:
    """``z = a W + b``."""
    return a @ weights + bias


def trace(
    x: Array,
    parameters: Parameters,
    *,
    affine: Callable[[Array, Array, Array], Array] = weighted_input,
    hidden: Callable[[Array], Array] = sigmoid,
    output: Callable[[Array], Array] = softmax,
) -> Trace:
    """Feed forward and keep everything on the way."""
    z, a = [], [x]
    for k, (weights, bias) in enumerate(parameters, start=1):
        z.append(affine(a[-1], weights, bias))
        a.append(output(z[-1]) if k == len(parameters) else hidden(z[-1]))
    return Trace(z, a)


def feed_forward(x: Array, parameters: Parameters, **parts: Any) -> Array:
    """Probabilities of the classes, (N, C)."""
    return trace(x, parameters, **parts).a[-1]


def logarithm(probabilities: Array) -> Array:
    """Natural logarithm; 0 counts as the smallest positive number."""
    return np.log(np.maximum(probabilities, np.finfo(float).tiny))


def image_count(y: Array) -> float:
    """N, what a sum over the batch is divided by to be a mean."""
    return len(y)


def cross_entropy(
    probabilities: Array,
    y: Array,
    *,
    log: Callable[[Array], Array] = logarithm,
    divisor: Callable[[Array], float] = image_count,
) -> float:
    """Mean over the batch of ``-sum_k y_k log(p_k)``, in nats."""
    return float(-np.sum(y * log(probabilities)) / divisor(y))


def output_error(probabilities: Array, y: Array, z: Array) -> Array:
    """Softmax and cross-entropy together: ``delta = p - y`` (BP1)."""
    return probabilities - y


def carry_back(delta: Array, parameters: Parameters, k: int) -> Array:
    """``delta W^T`` with the weights above layer k (the first half of BP2)."""
    return delta @ parameters[k][0].T


def slope(z: Array, a: Array) -> Array:
    """``sigmoid'(z)`` of a hidden layer (the second half of BP2)."""
    return a * (1 - a)


def weight_gradient(a: Array, delta: Array) -> Array:
    """``a^T delta``, summed over the batch (BP4)."""
    return a.T @ delta


def bias_gradient(delta: Array) -> Array:
    """``delta``, summed over the batch (BP3)."""
    return delta.sum(axis=0)


def back_propagate(
    x: Array,
    y: Array,
    parameters: Parameters,
    *,
    forward: Callable[..., Trace] = trace,
    loss: Callable[[Array, Array], float] = cross_entropy,
    error: Callable[[Array, Array, Array], Array] = output_error,
    carry: Callable[[Array, Parameters, int], Array] = carry_back,
    derivative: Callable[[Array, Array], Array] = slope,
    weights: Callable[[Array, Array], Array] = weight_gradient,
    biases: Callable[[Array], Any] = bias_gradient,
    divisor: Callable[[Array], float] = image_count,
    finish: Callable[[Parameters], Parameters] = list,
) -> tuple[float, Parameters]:
    """Loss, and its gradient with respect to every weight and bias."""
    z, a = forward(x, parameters)
    delta = error(a[-1], y, z[-1])
    gradients: Parameters = []
    for k in reversed(range(len(parameters))):
        gradients.insert(0, (weights(a[k], delta) / divisor(y), biases(delta) / divisor(y)))
        if k:
            delta = carry(delta, parameters, k) * derivative(z[k - 1], a[k])
    return loss(a[-1], y), finish(gradients)


def downhill(value: Array, gradient: Array, learning_rate: float) -> Array:
    """``value - learning_rate gradient``."""
    return value - learning_rate * gradient


def update(
    parameters: Parameters,
    gradients: Parameters,
    learning_rate: float,
    *,
    weight_step: Callable[[Array, Array, float], Array] = downhill,
    bias_step: Callable[[Array, Array, float], Array] = downhill,
    choose: Callable[[Parameters, int], tuple[Array, Array]] = lambda gradients, k: gradients[k],
) -> Parameters:
    """One step of gradient descent."""
    stepped = []
    for k, (weights, bias) in enumerate(parameters):
        d_weights, d_bias = choose(gradients, k)
        stepped.append((weight_step(weights, d_weights, learning_rate), bias_step(bias, d_bias, learning_rate)))
    return stepped


def most_probable(probabilities: Array) -> Array:
    """Class with the largest probability of each image."""
    return probabilities.argmax(axis=1)


def predict(
    x: Array,
    parameters: Parameters,
    *,
    forward: Callable[[Array, Parameters], Array] = feed_forward,
    choose: Callable[[Array], Array] = most_probable,
) -> Array:
    """Most probable class of each image."""
    return choose(forward(x, parameters))


def accuracy(predicted: Array, labels: Array) -> float:
    """Share of correct predictions, 0 ... 1."""
    return float(np.mean(predicted == labels))


def misclassified(predicted: Array, labels: Array) -> Array:
    """Positions of the wrong predictions."""
    return np.flatnonzero(predicted != labels)


def train(
    x: Array,
    y: Array,
    parameters: Parameters,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> Parameters:
    """Mini-batch gradient descent over shuffled images; the last batch of an epoch may be smaller."""
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            _, gradients = back_propagate(x[batch], y[batch], parameters)
            parameters = update(parameters, gradients, learning_rate)
    return parameters


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        read_idx, normalize, one_hot, sigmoid, sigmoid_derivative, softmax, initialize, feed_forward, cross_entropy,
        back_propagate, update, predict, accuracy, misclassified, train,
    )
}  # fmt: skip
"""The reference for each step of the contract."""
