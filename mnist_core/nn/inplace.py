"""Back-propagation for training: what ``Network.back_propagate`` computes, in buffers that are made once.

Read ``mnist_core.nn.network`` to learn how it works. Here the same equations are written in place, since making a new
array for every intermediate result would take a third of the time of an epoch. A test holds the two against each other.
"""

from typing import NamedTuple

import numpy as np

from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network


class _Buffers(NamedTuple):
    """Arrays for a batch of a certain number of images."""

    activations: list[np.ndarray]
    by_class: np.ndarray
    """The last activations as they lie in memory, class by class: sums over the classes then add up whole rows."""
    deltas: list[np.ndarray]
    """Of the hidden layers; on the way forward, scratch arrays of the activation."""
    masks: list[np.ndarray]
    row: np.ndarray
    ones: np.ndarray
    positions: np.ndarray


class Engine:
    """Computes the loss and the gradients of mini-batches of a network.

    Parameters
    ----------
    network : Network
        Its parameters are read at each call, so they may be changed in place between the calls.
    dropout : float, optional
        Share of the hidden units left out of each mini-batch, drawn anew for each image; those that stay count
        ``1 / (1 - dropout)`` times (inverted dropout; N. Srivastava et al., 2014).
    label_smoothing : float, optional
        Share of each target that goes to all classes alike: ``y <- (1 - s) y + s / C`` (C. Szegedy et al., 2016).

    Attributes
    ----------
    gradient : ndarray, shape (P,)
        That of the last batch in the order of ``network.parameters``; overwritten by the next one.
    """

    def __init__(self, network: Network, dropout: float = 0.0, label_smoothing: float = 0.0) -> None:
        self.network = network
        self.keep = network.dtype.type(1 - dropout)
        self.smoothing = network.dtype.type(label_smoothing)
        self.gradient = np.empty_like(network.parameters)
        self._weight_gradients, self._bias_gradients = network.unpack(self.gradient)
        self._activation = ACTIVATIONS[network.activation]
        self._buffers: dict[int, _Buffers] = {}

    def back_propagate(
        self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[float, int]:
        """Fill :attr:`gradient` with that of the mean cross-entropy of a mini-batch.

        Parameters
        ----------
        x : ndarray of the network's dtype, shape (N, pixels)
            Images, normalized and flattened.
        labels : ndarray of int, shape (N,)
        rng : numpy.random.Generator, optional
            Draws the units that dropout leaves out.

        Returns
        -------
        loss : float
            Mean cross-entropy of the batch with its labels as they are, in nats.
        correct : int
            Number of its images that are classified rightly.
        """
        buffers = self._buffers_for(len(x))
        self._feed_forward(x, buffers, rng)
        of_label = labels * np.intp(len(x)) + buffers.positions
        loss, correct = self._softmax(buffers, of_label)
        delta = buffers.by_class
        delta[of_label] -= 1 - self.smoothing
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
        """Fill the activations; the last ones are the logits."""
        *hidden, logits = buffers.activations
        a = x
        for layer, z in enumerate(hidden):
            np.matmul(a, self.network.weights[layer], out=z)
            z += self.network.biases[layer]
            self._activation.inplace_function(z, buffers.deltas[layer])  # which the way back fills later
            if self.keep < 1:
                self._drop(z, buffers.masks[layer], rng)
            a = z
        np.matmul(self.network.weights[-1].T, a.T, out=logits.T)
        logits += self.network.biases[-1]

    def _softmax(self, buffers: _Buffers, of_label: np.ndarray) -> tuple[float, int]:
        """Turn the logits into probabilities; return the mean cross-entropy and the number of right answers.

        With z the logits less the largest one of the image, ``-log p = log(sum exp z) - z``; the answer is right where z
        is 0 at the label.
        """
        logits, row = buffers.activations[-1], buffers.row
        np.maximum.reduce(logits, axis=1, keepdims=True, out=row)
        logits -= row
        at_label = buffers.by_class[of_label]
        np.exp(logits, out=logits)
        np.add.reduce(logits, axis=1, keepdims=True, out=row)
        logits /= row
        loss = float(np.log(row).sum()) - float(at_label.sum())
        return loss / len(row), len(row) - int(np.count_nonzero(at_label))

    def _drop(self, a: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> None:
        """Multiply ``a`` by a new mask: 0 where a unit is left out, 1 / keep where it stays."""
        rng.random(out=mask, dtype=mask.dtype)
        np.less(mask, self.keep, out=mask)
        mask /= self.keep
        a *= mask

    def _propagate_back(self, x: np.ndarray, buffers: _Buffers) -> None:
        """Fill the gradient, from the delta of the output layer that stands in its activations."""
        delta = buffers.activations[-1]
        inputs = [x, *buffers.activations]
        for layer in reversed(range(len(self.network.weights))):
            np.matmul(inputs[layer].T, delta, out=self._weight_gradients[layer])
            np.matmul(buffers.ones, delta, out=self._bias_gradients[layer])
            if layer:
                slope, below = buffers.activations[layer - 1], buffers.deltas[layer - 1]
                if self._activation.needs_z:  # z was left where the delta goes otherwise
                    slope, below = below, slope
                elif self.keep < 1:
                    slope *= self.keep  # the activation as it was, for the units that stayed
                self._activation.inplace_derivative(slope, below)
                np.matmul(delta, self.network.weights[layer].T, out=below)
                below *= slope
                if self.keep < 1:
                    below *= buffers.masks[layer - 1]
                delta = below
