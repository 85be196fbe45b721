"""Back-propagation for training: what ``Network.back_propagate`` computes, in arrays that are allocated once.

Read ``mnist_core.nn.network`` to learn how it works. This file writes the same equations in place, because allocating a
new array for each intermediate result would take a third of the time of an epoch. A test compares the two.
"""

from typing import NamedTuple

import numpy as np

from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network


class _Buffers(NamedTuple):
    """Arrays for mini-batches of one size."""

    activations: list[np.ndarray]
    by_class: np.ndarray
    """The last activations in the order of memory, class by class: a sum over the classes then adds whole rows."""
    deltas: list[np.ndarray]
    """Of the hidden layers; scratch arrays of the activation during the forward pass."""
    masks: list[np.ndarray]
    row: np.ndarray
    ones: np.ndarray
    positions: np.ndarray


class InplaceGradient:
    """The gradient of the loss with respect to all parameters of a network, computed for one mini-batch at a time.

    Parameters
    ----------
    network : Network
        Each call reads its parameters, so they may change in place between calls.
    dropout : float, optional
        Probability that a hidden unit is set to 0, drawn again for each image; the activations of the other units are
        divided by ``1 - dropout`` (inverted dropout; N. Srivastava et al., 2014).
    label_smoothing : float, optional
        Fraction of each target that is spread evenly over all classes: ``y <- (1 - s) y + s / C`` (C. Szegedy et al.,
        2016).

    Attributes
    ----------
    vector : ndarray, shape (P,)
        Gradient of the last mini-batch in the order of ``network.parameters``; the next one overwrites it.
    """

    def __init__(self, network: Network, dropout: float = 0.0, label_smoothing: float = 0.0) -> None:
        self.network = network
        self.keep = network.dtype.type(1 - dropout)
        self.smoothing = network.dtype.type(label_smoothing)
        self.vector = np.empty_like(network.parameters)
        self._weight_gradients, self._bias_gradients = network.unpack(self.vector)
        self._activation = ACTIVATIONS[network.activation]
        self._buffers: dict[int, _Buffers] = {}

    def compute(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator | None = None) -> tuple[float, int]:
        """Fill :attr:`vector` with the gradient of the mean cross-entropy of a mini-batch.

        Parameters
        ----------
        x : ndarray of the network's dtype, shape (N, pixels)
            Images, normalized and flattened.
        labels : ndarray of int, shape (N,)
        rng : numpy.random.Generator, optional
            Draws the units that dropout sets to 0; required if ``dropout`` is above 0.

        Returns
        -------
        loss : float
            Mean cross-entropy of the mini-batch with its unsmoothed labels, in nats.
        correct : int
            Number of its images that are classified correctly; of equal probabilities the lowest class counts, as in
            ``argmax``.
        """
        buffers = self._buffers_for(len(x))
        self._feed_forward(x, buffers, rng)
        at_labels = labels * np.intp(len(x)) + buffers.positions
        loss = self._softmax(buffers, at_labels)
        correct = int(np.count_nonzero(buffers.activations[-1].argmax(axis=1) == labels))
        delta = buffers.by_class
        delta[at_labels] -= 1 - self.smoothing
        if self.smoothing:
            delta -= self.smoothing / self.network.layer_sizes[-1]
        delta *= x.dtype.type(1 / len(x))
        self._propagate_back(x, buffers)
        return loss, correct

    def _buffers_for(self, count: int) -> _Buffers:
        if count not in self._buffers:
            *hidden, classes = self.network.layer_sizes[1:]
            dtype = self.network.dtype
            by_class = np.empty((classes, count), dtype)
            self._buffers[count] = _Buffers(
                [*(np.empty((count, width), dtype) for width in hidden), by_class.T],
                by_class.reshape(-1),
                [np.empty((count, width), dtype) for width in hidden],
                [np.empty((count, width), dtype) for width in hidden] if self.keep < 1 else [],
                np.empty((count, 1), dtype),
                np.ones(count, dtype),
                np.arange(count),
            )
        return self._buffers[count]

    def _feed_forward(self, x: np.ndarray, buffers: _Buffers, rng: np.random.Generator | None) -> None:
        """Fill the activations; those of the last layer are the logits."""
        *hidden, logits = buffers.activations
        a = x
        for layer, z in enumerate(hidden):
            np.matmul(a, self.network.weights[layer], out=z)
            z += self.network.biases[layer]
            self._activation.inplace_function(z, buffers.deltas[layer])  # free until the way back
            if self.keep < 1:
                self._drop(z, buffers.masks[layer], rng)
            a = z
        np.matmul(self.network.weights[-1].T, a.T, out=logits.T)
        logits += self.network.biases[-1]

    def _softmax(self, buffers: _Buffers, at_labels: np.ndarray) -> float:
        """Turn the logits into probabilities; return the mean cross-entropy.

        With z the logits minus the largest one of the image, ``-log p = log(sum exp z) - z``.
        """
        logits, row = buffers.activations[-1], buffers.row
        np.maximum.reduce(logits, axis=1, keepdims=True, out=row)
        logits -= row
        label_logits = float(buffers.by_class[at_labels].sum())
        np.exp(logits, out=logits)
        np.add.reduce(logits, axis=1, keepdims=True, out=row)
        logits /= row
        return (float(np.log(row).sum()) - label_logits) / len(row)

    def _drop(self, a: np.ndarray, mask: np.ndarray, rng: np.random.Generator | None) -> None:
        """Multiply ``a`` by a new mask: 0 for a unit that is dropped, 1 / keep for the others."""
        if rng is None:
            raise ValueError("rng is None, expected a random generator: dropout draws from it.")
        rng.random(out=mask, dtype=mask.dtype)
        np.less(mask, self.keep, out=mask)
        mask /= self.keep
        a *= mask

    def _propagate_back(self, x: np.ndarray, buffers: _Buffers) -> None:
        """Fill the gradient, starting from the delta of the output layer, which its activations now hold."""
        delta = buffers.activations[-1]
        inputs = [x, *buffers.activations]
        for layer in reversed(range(len(self.network.weights))):
            np.matmul(inputs[layer].T, delta, out=self._weight_gradients[layer])
            np.matmul(buffers.ones, delta, out=self._bias_gradients[layer])
            if layer:
                slope, below = buffers.activations[layer - 1], buffers.deltas[layer - 1]
                if self._activation.needs_z:  # the forward pass left z in the other array
                    slope, below = below, slope
                elif self.keep < 1:
                    slope *= self.keep  # undo the division by dropout
                self._activation.inplace_derivative(slope, below)
                np.matmul(delta, self.network.weights[layer].T, out=below)
                below *= slope
                if self.keep < 1:
                    below *= buffers.masks[layer - 1]
                delta = below
