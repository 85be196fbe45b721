"""Optimizers: how the parameters move along their gradient.

All parameters of a network are one vector ``w``; ``g`` is the gradient of the loss at it, ``lr`` the learning rate.

    SGD         w <- w - lr g
    momentum    v <- beta v + g             w <- w - lr v
    Nesterov    v <- beta v + g             w <- w - lr (g + beta v)
    Adam        m <- 0.9 m + 0.1 g          s <- 0.999 s + 0.001 g^2
                w <- w - lr m' / (sqrt(s') + 1e-8)        with m' = m / (1 - 0.9^t), s' = s / (1 - 0.999^t) in step t
    AdamW       Adam, but weight decay shrinks w itself and does not pass through m and s

Weight decay ``d`` is the gradient of the L2 penalty ``d/2 |w|^2``: ``g <- g + d w``, for weights and not for biases;
in AdamW ``w <- w - lr d w``.

Sources: I. Sutskever et al. 2013 (momentum, Nesterov); D. Kingma, J. Ba 2015 (Adam); I. Loshchilov, F. Hutter 2019
(AdamW).
"""

from typing import Any

import numpy as np

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class SGD:
    """Plain gradient descent, and what all optimizers share.

    Parameters
    ----------
    size : int
        Number of parameters.
    decayed : int
        How many of them weight decay applies to, counted from the first: the weights precede the biases.
    dtype : dtype
    momentum : float
        ``beta`` of momentum and Nesterov.
    weight_decay : float

    Attributes
    ----------
    steps : int
        Steps taken so far.
    state : dict of ndarray, shapes (size,)
        What the optimizer keeps between steps, by name, such as the velocity.
    """

    label: str = "SGD"
    explanation: str = "Follows each gradient."
    state_names: tuple[str, ...] = ()

    def __init__(
        self,
        size: int,
        decayed: int = 0,
        dtype: np.typing.DTypeLike = np.float32,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        self.decayed = slice(0, decayed)
        kind: type[Any] = np.dtype(dtype).type
        self.momentum, self.weight_decay = kind(momentum), kind(weight_decay)
        self.steps = 0
        self.state = {name: np.zeros(size, dtype) for name in self.state_names}
        self._scratch = np.empty(size, dtype)

    def step(self, parameters: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """Move ``parameters``, in place; ``gradient`` is overwritten."""
        self.steps += 1
        if self.weight_decay:
            self._decay(parameters, gradient, learning_rate)
        self._move(parameters, gradient, gradient.dtype.type(learning_rate))

    def _decay(self, parameters: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        penalty = self._scratch[self.decayed]
        np.multiply(parameters[self.decayed], self.weight_decay, out=penalty)
        gradient[self.decayed] += penalty

    def _move(self, parameters: np.ndarray, gradient: np.ndarray, rate: np.floating) -> None:
        gradient *= rate
        parameters -= gradient


class Momentum(SGD):
    """Gradient descent with a velocity that accumulates the gradients."""

    label = "momentum"
    explanation = "Keeps rolling with a velocity that accumulates the gradients."
    state_names = ("velocity",)

    def _move(self, parameters: np.ndarray, gradient: np.ndarray, rate: np.floating) -> None:
        velocity = self.state["velocity"]
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, rate, out=gradient)
        parameters -= gradient


class Nesterov(SGD):
    """Momentum that looks ahead: the gradient counts once more, as if taken where the velocity leads."""

    label = "Nesterov"
    explanation = "Momentum that looks ahead to where the velocity leads."
    state_names = ("velocity",)

    def _move(self, parameters: np.ndarray, gradient: np.ndarray, rate: np.floating) -> None:
        velocity = self.state["velocity"]
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, self.momentum, out=self._scratch)
        gradient += self._scratch
        gradient *= rate
        parameters -= gradient


class Adam(SGD):
    """Steps of about the same length for every parameter: the mean gradient over its root mean square."""

    label = "Adam"
    explanation = "Scales the step of each parameter by its recent gradients (try a learning rate of 0.001 to 0.005)."
    state_names = ("mean", "square")

    def _move(self, parameters: np.ndarray, gradient: np.ndarray, rate: np.floating) -> None:
        one = gradient.dtype.type
        mean, square, scratch = self.state["mean"], self.state["square"], self._scratch
        mean *= one(BETA1)
        np.multiply(gradient, one(1 - BETA1), out=scratch)
        mean += scratch
        square *= one(BETA2)
        gradient *= gradient
        gradient *= one(1 - BETA2)
        square += gradient
        np.multiply(square, one(1 / (1 - BETA2**self.steps)), out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += one(EPSILON)
        np.divide(mean, scratch, out=gradient)
        gradient *= one(float(rate) / (1 - BETA1**self.steps))
        parameters -= gradient


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    label = "AdamW"
    explanation = "Adam with weight decay that acts on the weights directly (try a learning rate of 0.001 to 0.005)."

    def _decay(self, parameters: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        parameters[self.decayed] *= parameters.dtype.type(1 - learning_rate * float(self.weight_decay))


OPTIMIZERS: dict[str, type[SGD]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
    "adamw": AdamW,
}
"""Optimizers by name; each class has a ``label`` for people and a one-sentence ``explanation``."""
