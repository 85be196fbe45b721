"""Back-propagation for training: what ``Network.back_propagate`` computes, in buffers that are made once.

Read ``mnist_core.network`` to learn how it works. Here the same equations are written in place, since making a new
array for every intermediate result would take a third of the time of an epoch. A test holds the two against each other.
"""

from typing import NamedTuple

import numpy as np

from mnist_core.network import Network


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


INPLACE_ACTIVATIONS = {"sigmoid": (inplace_sigmoid, inplace_sigmoid_slope)}
"""By name: the activation, and its slope as a function of the activation's value."""


class _Buffers(NamedTuple):
    """Arrays for a batch of a certain number of images."""

    x: np.ndarray
    activations: list[np.ndarray]
    deltas: list[np.ndarray]
    row: np.ndarray
    ones: np.ndarray
    positions: np.ndarray


class Engine:
    """Computes the loss and the gradients of mini-batches of a network.

    Parameters
    ----------
    network : Network
        Its parameters are read at each call, so they may be changed in place between the calls.

    Attributes
    ----------
    gradients : list of (dC/dW, dC/db), one pair a layer
        Of the last batch; overwritten by the next one.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.gradients = [
            (np.empty_like(weight), np.empty_like(bias))
            for weight, bias in zip(network.weights, network.biases, strict=True)
        ]
        self._activate, self._slope = INPLACE_ACTIVATIONS[network.activation]
        self._buffers: dict[int, _Buffers] = {}

    def back_propagate(self, x: np.ndarray, labels: np.ndarray, batch: np.ndarray) -> tuple[float, int]:
        """Gather a mini-batch and fill :attr:`gradients` with those of its mean cross-entropy.

        Parameters
        ----------
        x : ndarray of the network's dtype, shape (M, pixels)
            All images, normalized and flattened.
        labels : ndarray of int, shape (M,)
        batch : ndarray of int, shape (N,)
            Positions of the batch in ``x`` and ``labels``.

        Returns
        -------
        loss : float
            Mean cross-entropy of the batch, in nats.
        correct : int
            Number of its images that are classified rightly.
        """
        buffers = self._buffers_for(len(batch))
        np.take(x, batch, axis=0, out=buffers.x, mode="clip")  # the default mode would copy once more
        targets = labels[batch]
        self._feed_forward(buffers)
        probabilities = buffers.activations[-1]
        correct = int(np.count_nonzero(probabilities.argmax(axis=1) == targets))
        of_target = probabilities[buffers.positions, targets]
        loss = -float(np.log(np.maximum(of_target, np.finfo(x.dtype).tiny)).sum()) / len(batch)
        probabilities[buffers.positions, targets] -= 1
        probabilities *= x.dtype.type(1 / len(batch))
        self._propagate_back(buffers)
        return loss, correct

    def _buffers_for(self, count: int) -> _Buffers:
        if count not in self._buffers:
            pixels, *widths = self.network.layer_sizes
            dtype = self.network.dtype
            self._buffers[count] = _Buffers(
                np.empty((count, pixels), dtype),
                [np.empty((count, width), dtype) for width in widths],
                [np.empty((count, width), dtype) for width in widths],
                np.empty((count, 1), dtype),
                np.ones(count, dtype),
                np.arange(count),
            )
        return self._buffers[count]

    def _feed_forward(self, buffers: _Buffers) -> None:
        """Fill the activations; the last ones become the softmax probabilities."""
        a = buffers.x
        for weight, bias, z in zip(self.network.weights, self.network.biases, buffers.activations, strict=True):
            np.matmul(a, weight, out=z)
            z += bias
            if z is not buffers.activations[-1]:
                self._activate(z)
            a = z
        row = buffers.row
        np.maximum.reduce(a, axis=1, keepdims=True, out=row)
        a -= row
        np.exp(a, out=a)
        np.add.reduce(a, axis=1, keepdims=True, out=row)
        a /= row

    def _propagate_back(self, buffers: _Buffers) -> None:
        """Fill the gradients, from the delta of the output layer that stands in its activations."""
        delta = buffers.activations[-1]
        inputs = [buffers.x, *buffers.activations]
        for layer in reversed(range(len(self.gradients))):
            weight_gradient, bias_gradient = self.gradients[layer]
            np.matmul(inputs[layer].T, delta, out=weight_gradient)
            np.matmul(buffers.ones, delta, out=bias_gradient)
            if layer:
                below, scratch = buffers.activations[layer - 1], buffers.deltas[layer - 1]
                self._slope(below, scratch)
                np.matmul(delta, self.network.weights[layer].T, out=scratch)
                scratch *= below
                delta = scratch
