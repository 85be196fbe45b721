"""The example for those who came to learn: short, NumPy alone, it learns, and its gradients are the network's."""

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.dataset import FILE_NAMES, FOLDER_VARIABLE, load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.nn.losses import cross_entropy
from mnist_core.nn.network import Network

EXAMPLE = Path(__file__).parents[1] / "examples" / "backprop_in_60_lines.py"


@pytest.fixture(scope="module")
def sample_folder(tmp_path_factory):
    """The sample as the four IDX files that the example reads."""
    folder, sample = tmp_path_factory.mktemp("sample"), load_dataset("sample")
    arrays = (sample.train_images, sample.train_labels, sample.test_images, sample.test_labels)
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        write_idx(folder / f"{name}.gz", array)
    return folder


@pytest.fixture(scope="module")
def example():
    """The functions of the example by name."""
    return runpy.run_path(str(EXAMPLE))


@pytest.fixture(scope="module")
def batch():
    sample = load_dataset("sample")
    return flatten(normalize(sample.train_images[:32])), one_hot(sample.train_labels[:32], 10)


def run(*arguments, data_dir=""):
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    environment = {**os.environ, FOLDER_VARIABLE: str(data_dir)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_example_is_one_screen_of_numpy():
    source = EXAMPLE.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 60
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert "numpy" in names
    assert {name.split(".")[0] for name in names} - {"numpy"} <= sys.stdlib_module_names


def test_the_example_learns_from_the_named_folder(sample_folder):
    finished = run(sample_folder, 20)
    assert (finished.returncode, finished.stderr) == (0, "")
    epochs = re.findall(r"epoch (\d+): loss ([\d.]+), test accuracy ([\d.]+)%", finished.stdout)
    assert [int(epoch) for epoch, _, _ in epochs] == list(range(1, 21))
    assert float(epochs[-1][1]) < 0.5 * float(epochs[0][1])
    assert float(epochs[-1][2]) > 80  # a guess is correct in 10 % of the cases


def test_the_example_takes_the_folder_of_the_environment_variable(sample_folder):
    finished = run(data_dir=sample_folder)
    assert finished.returncode == 0
    assert finished.stdout.splitlines()[-1].startswith("epoch 10: ")


def test_missing_files_are_reported_in_a_sentence(tmp_path):
    finished = run(tmp_path)
    assert finished.returncode == 1
    assert finished.stderr.strip() == (
        f"Can't read {tmp_path / FILE_NAMES[0]}.gz: name the folder that holds the four .gz files of MNIST."
    )


def test_the_first_parameters_are_the_networks(example):
    network = Network()
    for (weight, bias), w, b in zip(
        example["init"](np.random.default_rng(695)), network.weights, network.biases, strict=True
    ):
        np.testing.assert_allclose(weight, w, atol=1e-7)
        np.testing.assert_allclose(bias, b, atol=1e-7)


def test_loss_and_accuracy_are_the_networks(example, batch):
    network, (x, y) = Network(), batch
    parameters, p = list(zip(network.weights, network.biases, strict=True)), network.feed_forward(x)
    np.testing.assert_allclose(example["predict"](parameters, x)[-1], p, rtol=1e-5)
    np.testing.assert_allclose(example["loss"](parameters, x, y), cross_entropy(p, y), rtol=1e-5)
    assert example["accuracy"](parameters, x, y) == (p.argmax(axis=1) == y.argmax(axis=1)).mean()


def test_an_update_is_a_step_down_the_networks_gradient(example, batch):
    network, (x, y) = Network(), batch
    parameters = [[weight.copy(), bias.copy()] for weight, bias in zip(network.weights, network.biases, strict=True)]
    example["update"](parameters, x, y, learning_rate=1)
    _, gradients = network.back_propagate(x, y)
    layers = zip(parameters, network.weights, network.biases, gradients, strict=True)
    for (weight, bias), old_weight, old_bias, (weight_gradient, bias_gradient) in layers:
        assert np.abs(weight_gradient).max() > 1e-4
        np.testing.assert_allclose(old_weight - weight, weight_gradient, atol=1e-7)
        np.testing.assert_allclose(old_bias - bias, bias_gradient, atol=1e-7)
