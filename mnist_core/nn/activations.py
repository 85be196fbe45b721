"""Activations of the hidden layers: a function and its derivative each, and everything else that differs between them.

Adding an activation is one record in :data:`ACTIVATIONS`: training, export, statistics, settings and tests read it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

LEAK = 0.01
"""Slope of LeakyReLU below 0."""

GELU_SCALE, GELU_CUBIC = 0.7978845608028654, 0.044715
"""``sqrt(2 / pi)``, and the factor of the cubic term, in the tanh form of GELU."""


class OnnxNode(NamedTuple):
    """An ONNX operator that takes part in an activation from ``z`` to ``a``."""

    operator: str
    inputs: tuple[str | float, ...] = ("z",)
    """``z``, outputs of earlier nodes, and constants."""
    output: str = "a"
    attributes: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Activation:
    """An activation function ``a = f(z)`` of the hidden layers."""

    label: str
    """Its name for people."""
    explanation: str
    """One sentence."""
    function: Callable[[np.ndarray], np.ndarray]
    """``f(z)``, element by element."""
    derivative: Callable[[np.ndarray], np.ndarray]
    """``f'(z)``, element by element."""
    inplace_function: Callable[[np.ndarray, np.ndarray], None]
    """Turn the first array from ``z`` into ``f(z)``. The second one, of the same shape, may be overwritten."""
    inplace_derivative: Callable[[np.ndarray, np.ndarray], None]
    """Turn the first array from ``f(z)`` into ``f'(z)``. The second one, of the same shape, may be overwritten."""
    largest_slope: float
    """Largest ``|f'(z)|``: a unit whose slope is far below it is saturated."""
    python_source: str
    """``f(z)`` as an expression of ``z`` and ``np``, for the exported Python file."""
    onnx: tuple[OnnxNode, ...]
    """``f(z)`` as ONNX operators of opset 13."""
    gain: float = 1.0
    """What the limits of the He initialization are multiplied by: 1 for ReLU, ``1 / sqrt(2 E[f(z)^2])`` with ``z``
    standard normal for its relatives."""
    needs_z: bool = False
    """Whether ``f'(z)`` can't be told from ``f(z)``: ``inplace_function`` then leaves ``z`` in its second array, and
    ``inplace_derivative`` starts from there."""


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Logistic function ``1 / (1 + exp(-z))``, element by element, range [0, 1].

    Written as ``(1 + tanh(z / 2)) / 2``: the same function, and no ``exp`` that could overflow.
    """
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the sigmoid at ``z``: ``sigmoid(z) * (1 - sigmoid(z))``, range [0, 1/4]."""
    a = sigmoid(z)
    return a * (1 - a)


def inplace_sigmoid(z: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``z`` into ``sigmoid(z) = (1 + tanh(z / 2)) / 2``."""
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5


def inplace_sigmoid_derivative(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``a = sigmoid(z)`` into the slope at ``z``: ``a (1 - a)``."""
    np.subtract(1, a, out=scratch)
    a *= scratch


def tanh(z: np.ndarray) -> np.ndarray:
    """Hyperbolic tangent, range [-1, 1]."""
    return np.tanh(z)


def tanh_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the hyperbolic tangent at ``z``: ``1 - tanh(z)^2``, range [0, 1]."""
    return 1 - np.tanh(z) ** 2


def inplace_tanh(z: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``z`` into ``tanh(z)``."""
    np.tanh(z, out=z)


def inplace_tanh_derivative(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``a = tanh(z)`` into the slope at ``z``: ``1 - a^2``."""
    np.multiply(a, a, out=scratch)
    np.subtract(1, scratch, out=a)


def relu(z: np.ndarray) -> np.ndarray:
    """Rectified linear unit ``max(z, 0)``."""
    return np.maximum(z, 0)


def relu_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the rectified linear unit: 1 above 0, else 0."""
    return (z > 0).astype(z.dtype)


def inplace_relu(z: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``z`` into ``max(z, 0)``."""
    np.maximum(z, 0, out=z)


def inplace_relu_derivative(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``a = max(z, 0)`` into the slope at ``z``: 1 above 0, else 0."""
    np.sign(a, out=a)


def leaky_relu(z: np.ndarray) -> np.ndarray:
    """Leaky rectified linear unit ``max(z, LEAK z)`` (A. Maas et al., 2013)."""
    return np.maximum(z, LEAK * z)


def leaky_relu_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of the leaky rectified linear unit: 1 above 0, else :data:`LEAK`."""
    return np.where(z > 0, 1, LEAK).astype(z.dtype)


def inplace_leaky_relu(z: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``z`` into ``max(z, LEAK z)``."""
    np.multiply(z, LEAK, out=scratch)
    np.maximum(z, scratch, out=z)


def inplace_leaky_relu_derivative(a: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``a = max(z, LEAK z)`` into the slope at ``z``: 1 above 0, else :data:`LEAK`."""
    np.sign(a, out=a)
    np.maximum(a, LEAK, out=a)


def gelu(z: np.ndarray) -> np.ndarray:
    """Gaussian error linear unit ``z P(Z < z)``, in the tanh form of D. Hendrycks and K. Gimpel, 2016.

    ``f(z) = z (1 + tanh u) / 2`` with ``u = sqrt(2 / pi) (z + 0.044715 z^3)``.
    """
    return 0.5 * z * (1 + np.tanh(GELU_SCALE * z * (1 + GELU_CUBIC * z * z)))


def gelu_derivative(z: np.ndarray) -> np.ndarray:
    """Slope of GELU at ``z``: ``(1 + tanh u) / 2 + z (1 - tanh(u)^2) u' / 2``, range about [-0.13, 1.13]."""
    t = np.tanh(GELU_SCALE * z * (1 + GELU_CUBIC * z * z))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * GELU_SCALE * (1 + 3 * GELU_CUBIC * z * z)


def inplace_gelu(z: np.ndarray, kept: np.ndarray) -> None:
    """Turn ``z`` into ``gelu(z)``, and leave ``z`` in ``kept``."""
    kept[:] = z
    z *= z
    z *= GELU_SCALE * GELU_CUBIC
    z += GELU_SCALE
    z *= kept  # u
    np.tanh(z, out=z)
    z += 1
    z *= kept
    z *= 0.5


def inplace_gelu_derivative(z: np.ndarray, scratch: np.ndarray) -> None:
    """Turn ``z`` into the slope at ``z``: ``(1 + t) (1 + (1 - t) z u') / 2`` with ``z u' = 3 u - 2 sqrt(2 / pi) z``."""
    np.multiply(z, z, out=scratch)
    scratch *= GELU_SCALE * GELU_CUBIC
    scratch += GELU_SCALE
    scratch *= z  # u
    z *= -2 / 3 * GELU_SCALE
    z += scratch
    z *= 3  # z u'
    np.tanh(scratch, out=scratch)
    np.subtract(1, scratch, out=scratch)  # 1 - t
    z *= scratch
    z += 1
    np.subtract(2, scratch, out=scratch)  # 1 + t
    z *= scratch
    z *= 0.5


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(
        label="sigmoid",
        explanation="Squashes its input into 0 to 1; its slope is at most 1/4, so gradients vanish in deep networks.",
        function=sigmoid,
        derivative=sigmoid_derivative,
        inplace_function=inplace_sigmoid,
        inplace_derivative=inplace_sigmoid_derivative,
        largest_slope=0.25,
        python_source="0.5 * (1 + np.tanh(0.5 * z))",
        onnx=(OnnxNode("Sigmoid"),),
    ),
    "tanh": Activation(
        label="tanh",
        explanation="Squashes its input into -1 to 1, centered on 0, with a slope of up to 1.",
        function=tanh,
        derivative=tanh_derivative,
        inplace_function=inplace_tanh,
        inplace_derivative=inplace_tanh_derivative,
        largest_slope=1.0,
        python_source="np.tanh(z)",
        onnx=(OnnxNode("Tanh"),),
    ),
    "relu": Activation(
        label="ReLU",
        explanation="Keeps what is positive and sets the rest to 0, so gradients pass through active units unchanged.",
        function=relu,
        derivative=relu_derivative,
        inplace_function=inplace_relu,
        inplace_derivative=inplace_relu_derivative,
        largest_slope=1.0,
        python_source="np.maximum(z, 0)",
        onnx=(OnnxNode("Relu"),),
    ),
    "leaky_relu": Activation(
        label="LeakyReLU",
        explanation=f"ReLU with a slope of {LEAK} below 0, so that no unit stops learning.",
        function=leaky_relu,
        derivative=leaky_relu_derivative,
        inplace_function=inplace_leaky_relu,
        inplace_derivative=inplace_leaky_relu_derivative,
        largest_slope=1.0,
        python_source=f"np.maximum(z, {LEAK} * z)",
        onnx=(OnnxNode("LeakyRelu", attributes={"alpha": LEAK}),),
        gain=(1 + LEAK**2) ** -0.5,
    ),
    "gelu": Activation(
        label="GELU",
        explanation="A smooth relative of ReLU that scales its input by the probability of a Gaussian value below it.",
        function=gelu,
        derivative=gelu_derivative,
        inplace_function=inplace_gelu,
        inplace_derivative=inplace_gelu_derivative,
        largest_slope=1.129,
        python_source=f"0.5 * z * (1 + np.tanh({GELU_SCALE} * z * (1 + {GELU_CUBIC} * z * z)))",
        onnx=(  # (1 + tanh u) / 2 = sigmoid(2 u)
            OnnxNode("Mul", ("z", "z"), "square"),
            OnnxNode("Mul", ("square", 2 * GELU_SCALE * GELU_CUBIC), "cubic"),
            OnnxNode("Add", ("cubic", 2 * GELU_SCALE), "factor"),
            OnnxNode("Mul", ("factor", "z"), "twice_u"),
            OnnxNode("Sigmoid", ("twice_u",), "gate"),
            OnnxNode("Mul", ("z", "gate"), "a"),
        ),
        gain=1.0844,
        needs_z=True,
    ),
}
"""Hidden activations by name."""
