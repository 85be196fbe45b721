"""Activations of the hidden layers, each with its derivative and its in-place forms."""

import numpy as np


def inplace_sigmoid(z: np.ndarray) -> None:
    """Turn ``z`` into ``sigmoid(z) = (1 + tanh(z / 2)) / 2``."""
    half = z.dtype.type(0.5)
    z *= half
    np.tanh(z, out=z)
    z *= half
    z += half


def inplace_sigmoid_slope(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn the activation ``a = sigmoid(z)`` into the slope at ``z``: ``a (1 - a)``."""
    np.subtract(a.dtype.type(1), a, out=scratch)
    a *= scratch


def inplace_tanh(z: np.ndarray) -> None:
    """Turn ``z`` into ``tanh(z)``."""
    np.tanh(z, out=z)


def inplace_tanh_slope(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn the activation ``a = tanh(z)`` into the slope at ``z``: ``1 - a^2``."""
    np.multiply(a, a, out=scratch)
    np.subtract(a.dtype.type(1), scratch, out=a)


def inplace_relu(z: np.ndarray) -> None:
    """Turn ``z`` into ``max(z, 0)``."""
    np.maximum(z, z.dtype.type(0), out=z)


def inplace_relu_slope(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn the activation ``a = max(z, 0)`` into the slope at ``z``: 1 above 0, else 0."""
    np.sign(a, out=a)


INPLACE_ACTIVATIONS = {
    "sigmoid": (inplace_sigmoid, inplace_sigmoid_slope),
    "tanh": (inplace_tanh, inplace_tanh_slope),
    "relu": (inplace_relu, inplace_relu_slope),
}
"""By name: the activation, and its slope as a function of the activation's value."""


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Logistic function ``1 / (1 + exp(-z))``, element by element, range [0, 1].

    Written as ``(1 + tanh(z / 2)) / 2``: the same function, and no ``exp`` that could overflow.
    """
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the sigmoid at ``z``: ``sigmoid(z) * (1 - sigmoid(z))``, range [0, 1/4]."""
    a = sigmoid(z)
    return a * (1 - a)


def tanh_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the hyperbolic tangent at ``z``: ``1 - tanh(z)^2``, range [0, 1]."""
    return 1 - np.tanh(z) ** 2


def relu(z: np.ndarray) -> np.ndarray:
    """Rectified linear unit ``max(z, 0)``."""
    return np.maximum(z, 0)


def relu_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the rectified linear unit: 1 above 0, else 0."""
    return (z > 0).astype(z.dtype)


ACTIVATIONS = {
    "sigmoid": (sigmoid, sigmoid_derivative),
    "tanh": (np.tanh, tanh_derivative),
    "relu": (relu, relu_derivative),
}
"""Hidden activations by name: the function and its derivative, both of the weighted input ``z``."""
