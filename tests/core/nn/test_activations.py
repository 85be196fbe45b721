"""Each activation: its derivative, its in-place forms, its largest slope and its gain agree with its function."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.nn.activations import ACTIVATIONS, gelu, leaky_relu, sigmoid

names = st.sampled_from(list(ACTIVATIONS))


@given(names, st.floats(-20, 20).filter(lambda z: abs(z) > 1e-4))
def test_the_derivative_is_the_slope_of_the_function(name, z):
    activation = ACTIVATIONS[name]
    slope = (activation.function(np.array(z + 1e-5)) - activation.function(np.array(z - 1e-5))) / 2e-5
    assert activation.derivative(np.array(z)) == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_inplace_forms_equal_the_readable_ones(name):
    z = np.linspace(-9, 9, 101)
    activation = ACTIVATIONS[name]
    a, scratch = z.copy(), np.full_like(z, np.nan)
    activation.inplace_function(a, scratch)
    np.testing.assert_allclose(a, activation.function(z), rtol=1e-12, atol=1e-15)
    slope, scratch = (scratch, a) if activation.needs_z else (a, np.full_like(z, np.nan))
    activation.inplace_derivative(slope, scratch)
    np.testing.assert_allclose(slope, activation.derivative(z), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_slopes_are_finite_at_the_extremes_and_keep_their_dtype(name, dtype):
    z = np.array([-1e4, 0, 1e4], dtype)
    activation = ACTIVATIONS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for result in (activation.function(z), activation.derivative(z)):
            assert result.dtype == dtype
            assert np.isfinite(result).all()


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=6))
def test_sigmoid_and_its_slope_stay_in_range(values):
    z = np.array(values, np.float32)
    a, slope = sigmoid(z), ACTIVATIONS["sigmoid"].derivative(z)
    assert ((a >= 0) & (a <= 1) & (slope >= 0) & (slope <= 0.25)).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_largest_slope_is_that_of_the_derivative(name):
    activation = ACTIVATIONS[name]
    slopes = np.abs(activation.derivative(np.linspace(-10, 10, 200_001)))
    assert slopes.max() == pytest.approx(activation.largest_slope, rel=1e-4)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "gelu"])
def test_the_gain_keeps_the_mean_square_of_the_signal(name):
    activation = ACTIVATIONS[name]
    z = np.linspace(-10, 10, 200_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    mean_square = np.sum(activation.function(z) ** 2 * density) * (z[1] - z[0])
    assert activation.gain == pytest.approx(1 / np.sqrt(2 * mean_square), rel=1e-4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_named_and_explained_in_one_sentence(name):
    activation = ACTIVATIONS[name]
    assert activation.label.lower().replace(" ", "") == name.replace("_", "")
    assert activation.explanation.endswith(".") and ". " not in activation.explanation


@given(st.floats(-1e4, 1e4))
def test_sigmoid_is_the_logistic_function(z):
    expected = 1 / (1 + np.exp(-z)) if z > -700 else 0.0
    assert sigmoid(np.float64(z)) == pytest.approx(expected, abs=1e-12)


@given(st.floats(-1e4, 1e4))
def test_leaky_relu_lets_a_hundredth_through_below_0(z):
    assert leaky_relu(np.float64(z)) == (z if z > 0 else 0.01 * z)


@pytest.mark.parametrize("approximate", ["tanh", "none"])
def test_gelu_agrees_with_scipy_and_pytorch(approximate):
    special = pytest.importorskip("scipy.special")
    z = np.linspace(-6, 6, 1001)
    if approximate == "none":
        np.testing.assert_allclose(gelu(z), z * special.ndtr(z), atol=5e-4)  # the form with the error function
    else:
        torch = pytest.importorskip("torch", reason="a second opinion where PyTorch is installed")
        theirs = torch.nn.functional.gelu(torch.tensor(z), approximate="tanh")
        np.testing.assert_allclose(gelu(z), theirs.numpy(), rtol=1e-9, atol=1e-12)
