"""The network against scikit-learn, its arrays, and the sentences for what does not fit."""

import itertools
import warnings

import numpy as np
import pytest

from mnist_core.data.preprocessing import one_hot
from mnist_core.errors import ConfigError, DatasetError
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network


def test_float32_stays_float32():
    network = Network((4, 3, 2))
    _, gradients = network.back_propagate(np.ones((2, 4)), np.eye(2))
    assert {array.dtype for pair in gradients for array in pair} == {np.dtype(np.float32)}
    assert network.feed_forward(np.ones((2, 4))).dtype == np.float32


def test_equals_scikit_learn_before_and_after_a_step():
    sklearn = pytest.importorskip("sklearn.neural_network", reason="the oracle is scikit-learn")
    from sklearn.exceptions import ConvergenceWarning

    rng = np.random.default_rng(1)
    x, labels = rng.random((40, 9)), np.tile(np.arange(4), 10)
    network = Network((9, 6, 5, 4), dtype=np.float64)
    peer = sklearn.MLPClassifier(
        (6, 5), activation="logistic", solver="sgd", alpha=0, momentum=0, learning_rate_init=0.3, batch_size=40,
        max_iter=1, nesterovs_momentum=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.partial_fit(x, labels, classes=range(4))
    for layer in range(3):
        peer.coefs_[layer][:] = network.weights[layer]
        peer.intercepts_[layer][:] = network.biases[layer]
    np.testing.assert_allclose(network.feed_forward(x), peer.predict_proba(x), rtol=1e-12)
    peer.partial_fit(x, labels)
    _, gradients = network.back_propagate(x, one_hot(labels, 4))
    for parameter, gradient in zip(
        network.weights + network.biases, itertools.chain(*zip(*gradients, strict=True)), strict=True
    ):
        parameter -= 0.3 * gradient
    for ours, theirs in zip(network.weights + network.biases, peer.coefs_ + peer.intercepts_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_arrays_round_trip():
    network = Network((6, 5, 3), seed=9)
    again = Network.from_arrays(network.to_arrays())
    x = np.random.default_rng(0).random((4, 6))
    np.testing.assert_array_equal(again.feed_forward(x), network.feed_forward(x))
    assert repr(again) == "Network(6-5-3, sigmoid, 53 parameters)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((5,),), "at least two"),
        (((5, 0, 2),), "at least two"),
        (((5, 2), "cubic"), "activation is 'cubic', expected one of sigmoid"),
    ],
)
def test_bad_architectures_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Network(*arguments)


def cast(dtype):
    """Change all parameters to another dtype."""
    return lambda a: a.update({name: array.astype(dtype) for name, array in a.items() if name != "activation"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("b1"), r"expected W1, b1, W2, b2, \.\.\. and activation"),
        (lambda a: a.pop("activation"), "expected W1, b1"),
        (lambda a: a.update(surplus=np.zeros(3)), "found the arrays .*'surplus'.*, expected W1"),
        (lambda a: a.clear(), r"found the arrays \[\], expected W1"),
        (lambda a: a.update(W1=np.zeros((2, 2, 2))), "expected two dimensions"),
        (lambda a: a.update(W1=np.zeros(5)), "expected two dimensions"),
        (lambda a: a.update(W2=np.zeros((9, 3))), "do not follow one another"),
        (lambda a: a.update(b1=np.zeros((1, 5))), "do not follow one another"),
        (lambda a: a.update(b2=np.zeros(4)), "do not follow one another"),
        (lambda a: a.update(W1=np.zeros((0, 5))), "expected at least two sizes of 1 or more"),
        (lambda a: a.update(activation=np.array("cubic")), "expected one of sigmoid"),
        (cast("<U3"), "dtype str.*, expected float32 or float64"),
        (cast("int32"), "dtype int32, expected float32 or float64"),
        (cast("complex64"), "dtype complex64, expected float32 or float64"),
    ],
)
def test_arrays_of_no_network_are_refused(change, message):
    arrays = Network((6, 5, 3)).to_arrays()
    change(arrays)
    with pytest.raises(ConfigError, match=message):
        Network.from_arrays(arrays)


def test_images_of_another_size_are_refused():
    with pytest.raises(DatasetError, match=r"rows of 6 pixels, found an array of shape \(2, 7\)"):
        Network((6, 2)).feed_forward(np.zeros((2, 7)))


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_a_forward_pass_may_be_given_and_the_mean_does_not_depend_on_the_batch(batch):
    rng = np.random.default_rng(2)
    network = Network((4, 3, 3), dtype=np.float64)
    x, y = rng.random((batch, 4)), one_hot(rng.integers(0, 3, batch), 3)
    loss, gradients = network.back_propagate(x, y)
    given_loss, given_gradients = network.back_propagate(x, y, network.forward_pass(x))
    twice_loss, twice_gradients = network.back_propagate(np.tile(x, (2, 1)), np.tile(y, (2, 1)))
    assert given_loss == loss
    assert twice_loss == pytest.approx(loss)
    for pair, given_pair, twice_pair in zip(gradients, given_gradients, twice_gradients, strict=True):
        for ours, same, twice in zip(pair, given_pair, twice_pair, strict=True):
            np.testing.assert_array_equal(ours, same)
            np.testing.assert_allclose(ours, twice, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(6, 3), (6, 5, 3), (6, 5, 4, 3)])
def test_logit_gradients_are_the_numerical_slopes_of_the_logits(activation, sizes):
    network = Network(sizes, activation, dtype=np.float64)
    x = np.random.default_rng(3).random((1, 6))
    gradients = network.logit_gradients(x)
    assert gradients.shape == (3, 6)
    for pixel in range(6):
        nudge = np.zeros((1, 6))
        nudge[0, pixel] = 1e-6
        above, below = (network.forward_pass(x + sign * nudge).weighted_inputs[-1][0] for sign in (1, -1))
        np.testing.assert_allclose(gradients[:, pixel], (above - below) / 2e-6, rtol=1e-5, atol=1e-8)


def test_logit_gradients_are_of_one_image():
    with pytest.raises(DatasetError, match="Found 2 images, expected one"):
        Network((6, 3)).logit_gradients(np.zeros((2, 6), np.float32))
