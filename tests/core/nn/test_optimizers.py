"""Optimizers against their equations, written out here in double precision."""

import math

import numpy as np
import pytest

from mnist_core.nn.optimizers import OPTIMIZERS

RATE, BETA, DECAY = 0.1, 0.8, 0.01


def by_hand(name, w, gradients, decayed):
    """Parameters after one step along each of ``gradients``, element by element as in the papers."""
    w = list(w)
    v, m, s = ([0.0] * len(w) for _ in range(3))
    for t, g in enumerate(gradients, start=1):
        for n in range(len(w)):
            d = DECAY if n < decayed else 0.0
            slope = g[n] + (d * w[n] if name != "adamw" else 0)
            if name == "adamw":
                w[n] -= RATE * d * w[n]
            if name == "sgd":
                w[n] -= RATE * slope
            elif name in ("momentum", "nesterov"):
                v[n] = BETA * v[n] + slope
                w[n] -= RATE * (v[n] if name == "momentum" else slope + BETA * v[n])
            else:
                m[n] = 0.9 * m[n] + 0.1 * slope
                s[n] = 0.999 * s[n] + 0.001 * slope**2
                w[n] -= RATE * (m[n] / (1 - 0.9**t)) / (math.sqrt(s[n] / (1 - 0.999**t)) + 1e-8)
    return w


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_equations(name):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=9), rng.normal(size=(6, 9))
    optimizer = OPTIMIZERS[name](9, decayed=6, dtype=np.float64, momentum=BETA, weight_decay=DECAY)
    parameters = start.copy()
    for gradient in gradients:
        optimizer.step(parameters, gradient.copy(), RATE)
    np.testing.assert_allclose(parameters, by_hand(name, start, gradients, 6), rtol=1e-9)
    assert optimizer.steps == 6


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch", reason="a second opinion where PyTorch is installed")
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=9), rng.normal(size=(6, 9))
    tensor = torch.nn.Parameter(torch.tensor(start))
    of_torch = {
        "sgd": lambda: torch.optim.SGD([tensor], RATE, weight_decay=DECAY),
        "momentum": lambda: torch.optim.SGD([tensor], RATE, BETA, weight_decay=DECAY),
        "nesterov": lambda: torch.optim.SGD([tensor], RATE, BETA, weight_decay=DECAY, nesterov=True),
        "adam": lambda: torch.optim.Adam([tensor], RATE, weight_decay=DECAY),
        "adamw": lambda: torch.optim.AdamW([tensor], RATE, weight_decay=DECAY),
    }[name]()
    ours = OPTIMIZERS[name](9, decayed=9, dtype=np.float64, momentum=BETA, weight_decay=DECAY)
    parameters = start.copy()
    for gradient in gradients:
        ours.step(parameters, gradient.copy(), RATE)
        tensor.grad = torch.tensor(gradient)
        of_torch.step()
    np.testing.assert_allclose(parameters, tensor.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_they_find_the_bottom_of_a_bowl(name):
    optimizer = OPTIMIZERS[name](2, dtype=np.float64)
    w = np.array([3.0, -2.0])
    for _ in range(2000):
        optimizer.step(w, np.array([1.0, 10.0]) * w, 0.01)
    np.testing.assert_allclose(w, 0, atol=1e-3)


def test_a_restored_state_continues_as_if_never_interrupted():
    rng = np.random.default_rng(2)
    gradients = rng.normal(size=(8, 5)).astype(np.float32)
    whole, first, second = (OPTIMIZERS["adamw"](5, 5, weight_decay=0.1) for _ in range(3))
    w = np.ones(5, np.float32)
    ours = w.copy()
    for gradient in gradients:
        whole.step(w, gradient.copy(), 0.01)
    for gradient in gradients[:4]:
        first.step(ours, gradient.copy(), 0.01)
    second.steps = first.steps
    for name, kept in first.state.items():
        second.state[name][:] = kept
    for gradient in gradients[4:]:
        second.step(ours, gradient.copy(), 0.01)
    np.testing.assert_array_equal(ours, w)
