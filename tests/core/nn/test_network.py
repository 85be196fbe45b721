"""The network: safe functions, initialization, and gradients against central differences and scikit-learn."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.preprocessing import one_hot
from mnist_core.errors import ConfigError, DatasetError
from mnist_core.nn.activations import ACTIVATIONS, sigmoid, sigmoid_derivative
from mnist_core.nn.losses import cross_entropy, softmax
from mnist_core.nn.network import Network

finite = st.floats(-1e4, 1e4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_are_safe_at_the_extremes(dtype):
    z = np.array([[-1e4, 0.0, 1e4], [1e4, 1e4, -1e4]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sigmoid(z).tolist() == [[0, 0.5, 1], [1, 1, 0]]
        assert sigmoid_derivative(z).tolist() == [[0, 0.25, 0], [0, 0, 0]]
        p = softmax(z)
        loss = cross_entropy(p, np.array([[1, 0, 0], [0, 0, 1]], dtype))
    assert p.dtype == dtype
    assert p.tolist() == [[0, 0, 1], [0.5, 0.5, 0]]
    assert loss == pytest.approx(-np.log(np.finfo(dtype).tiny))


@given(finite)
def test_sigmoid_is_the_logistic_function(z):
    expected = 1 / (1 + np.exp(-z)) if z > -700 else 0.0
    assert sigmoid(np.float64(z)) == pytest.approx(expected, abs=1e-12)


@given(st.floats(-20, 20))
def test_sigmoid_derivative_is_its_slope(z):
    slope = (sigmoid(np.float64(z + 1e-5)) - sigmoid(np.float64(z - 1e-5))) / 2e-5
    assert sigmoid_derivative(np.float64(z)) == pytest.approx(slope, abs=1e-9)


@given(st.lists(finite, min_size=2, max_size=6), st.floats(-100, 100))
def test_softmax_sums_to_one_and_ignores_a_shift(row, shift):
    z = np.array([row])
    assert softmax(z).sum() == pytest.approx(1)
    np.testing.assert_allclose(softmax(z + shift), softmax(z), atol=1e-9)


def test_parameters_are_uniform_and_come_from_the_seed_alone():
    network, again, other = Network(), Network(), Network(seed=1)
    assert network.layer_sizes == (784, 128, 64, 10)
    assert network.num_parameters == 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    rng = np.random.default_rng(695)
    for weight, bias, fan_in in zip(network.weights, network.biases, (784, 128, 64), strict=True):
        limit = 1 / np.sqrt(fan_in)
        np.testing.assert_array_equal(weight, rng.uniform(-limit, limit, weight.shape).astype(np.float32))
        np.testing.assert_array_equal(bias, rng.uniform(-limit, limit, bias.shape).astype(np.float32))
        assert 0.95 * limit < np.abs(weight).max() <= np.float32(limit)
    assert all((a == b).all() for a, b in zip(network.weights, again.weights, strict=True))
    assert not any((a == b).all() for a, b in zip(network.weights, other.weights, strict=True))


@pytest.mark.parametrize("sizes", [(5, 3), (6, 1, 2), (7, 5, 4), (4, 6, 5, 3, 2)])
def test_gradients_equal_central_differences(sizes):
    rng = np.random.default_rng(0)
    network = Network(sizes, seed=3, dtype=np.float64)
    x, y = rng.random((8, sizes[0])), one_hot(rng.integers(0, sizes[-1], 8), sizes[-1]).astype(np.float64)
    loss, gradients = network.back_propagate(x, y)
    assert loss == pytest.approx(cross_entropy(network.feed_forward(x), y))
    parameters = [p for pair in zip(network.weights, network.biases, strict=True) for p in pair]
    for parameter, gradient in zip(parameters, [g for pair in gradients for g in pair], strict=True):
        numeric = np.empty_like(parameter)
        for position in np.ndindex(parameter.shape):
            value, step = parameter[position], 1e-5
            parameter[position] = value + step
            above = cross_entropy(network.feed_forward(x), y)
            parameter[position] = value - step
            below = cross_entropy(network.feed_forward(x), y)
            parameter[position] = value
            numeric[position] = (above - below) / (2 * step)
        error = np.linalg.norm(gradient - numeric) / (np.linalg.norm(gradient) + np.linalg.norm(numeric))
        assert error < 1e-6


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
        (6, 5), activation="logistic", solver="sgd", alpha=0, momentum=0, learning_rate_init=0.3, batch_size=40, max_iter=1,
        nesterovs_momentum=False,
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
    ("change", "words"),
    [
        (lambda a: a.pop("b1"), "expected W1, b1"),
        (lambda a: a.update(W1=np.zeros((2, 2, 2))), "expected two dimensions"),
        (lambda a: a.update(W2=np.zeros((9, 3))), "do not follow one another"),
        (lambda a: a.update(activation=np.array("cubic")), "expected one of sigmoid"),
        (lambda a: a.clear(), "found the arrays []"),
    ],
)
def test_bad_arrays_are_refused(change, words):
    arrays = Network((6, 5, 3)).to_arrays()
    change(arrays)
    with pytest.raises(ConfigError) as caught:
        Network.from_arrays(arrays)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"), [(((5,),), "at least two"), (((5, 0, 2),), "at least two"), (((5, 2), "cubic"), "cubic")]
)
def test_bad_architectures_are_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        Network(*arguments)


def test_images_of_another_size_are_refused():
    with pytest.raises(DatasetError, match=r"rows of 6 pixels, found an array of shape \(2, 7\)"):
        Network((6, 2)).feed_forward(np.zeros((2, 7)))


@given(st.lists(finite, min_size=2, max_size=6))
def test_float32_stays_in_range_and_keeps_its_dtype(row):
    z = np.array([row], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, slope, p = sigmoid(z), sigmoid_derivative(z), softmax(z)
    assert {a.dtype, slope.dtype, p.dtype} == {np.dtype(np.float32)}
    assert ((a >= 0) & (a <= 1)).all()
    assert ((slope >= 0) & (slope <= 0.25)).all()
    assert p.sum() == pytest.approx(1, abs=1e-6)


def test_softmax_and_cross_entropy_have_the_values_of_the_textbook():
    p = softmax(np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    np.testing.assert_allclose(p, [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]], rtol=1e-14)
    loss = cross_entropy(p, np.array([[0, 1, 0], [0, 0, 1]]))
    assert loss == pytest.approx(np.log(4))  # both right classes have a probability of 1/4


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


@pytest.mark.parametrize("dtype", ["<U3", "int32", "complex64"])
def test_parameters_that_are_no_real_numbers_are_refused(dtype):
    arrays = Network((6, 5, 3)).to_arrays()
    arrays = {name: array if name == "activation" else array.astype(dtype) for name, array in arrays.items()}
    with pytest.raises(ConfigError):
        Network.from_arrays(arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("activation"),
        lambda a: a.update(surplus=np.zeros(3)),
        lambda a: a.update(b2=np.zeros(4)),
        lambda a: a.update(b1=np.zeros((1, 5))),
        lambda a: a.update(W1=np.zeros(5)),
        lambda a: a.update(W1=np.zeros((0, 5))),
    ],
)
def test_other_bad_arrays_are_refused_too(change):
    arrays = Network((6, 5, 3)).to_arrays()
    change(arrays)
    with pytest.raises(ConfigError):
        Network.from_arrays(arrays)


@pytest.mark.parametrize(
    ("initialization", "limit", "biases"),
    [("uniform", 1 / np.sqrt(300), True), ("glorot", np.sqrt(6 / 800), False), ("he", np.sqrt(6 / 300), False)],
)
def test_initial_parameters_are_uniform_within_the_limits_of_their_scheme(initialization, limit, biases):
    network = Network((300, 500), initialization=initialization)
    weight, bias = network.weights[0], network.biases[0]
    assert 0.99 * limit < np.abs(weight).max() <= limit * (1 + 1e-6)
    assert weight.var() == pytest.approx(limit**2 / 3, rel=0.02)
    assert abs(weight.mean()) < 0.01 * limit
    assert (np.abs(bias).max() > 0.9 * limit) if biases else not bias.any()


@pytest.mark.parametrize(("activation", "initialization"), [("tanh", "glorot"), ("relu", "he")])
def test_fitting_initializations_keep_the_signal_through_many_layers(activation, initialization):
    x = np.random.default_rng(0).normal(size=(200, 256))

    def kept(initialization):
        network = Network((256,) * 11, activation, initialization=initialization, dtype=np.float64)
        signals = [np.sqrt(np.mean(z**2)) for z in network.forward_pass(x).weighted_inputs]
        return signals[-1] / signals[0]

    assert 0.2 < kept(initialization) < 2
    assert kept("uniform") < 0.1


def test_an_unknown_initialization_is_refused():
    with pytest.raises(ConfigError, match="initialization is 'random', expected one of uniform, glorot, he"):
        Network((4, 2), initialization="random")


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
