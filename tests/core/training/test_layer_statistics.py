"""Statistics of the layers show what they are for: gradients that vanish in deep sigmoid networks."""

import math

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_statistics import COLUMNS, PROBED, LayerStatistics, layer_statistics
from mnist_core.training.loop import build_network


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


def statistics(sample, **settings):
    return layer_statistics(build_network(TrainingConfig(**settings), sample), sample, 3)


def test_they_are_those_of_the_readable_passes(sample):
    network = build_network(TrainingConfig(hidden_layers=(20,)), sample)
    x = flatten(normalize(sample.train_images[:PROBED]))
    _, gradients = network.back_propagate(x, one_hot(sample.train_labels[:PROBED], 10))
    rows = layer_statistics(network, sample, 3)
    assert [(row.epoch, row.layer) for row in rows] == [(3, 1), (3, 2)]
    for layer, row in enumerate(rows):
        assert row.gradient_rms == pytest.approx(np.sqrt(np.mean(gradients[layer][0] ** 2)))
        assert row.weight_rms == pytest.approx(np.sqrt(np.mean(network.weights[layer] ** 2)))
    hidden = network.forward_pass(x).activations[1]
    assert (rows[0].activation_mean, rows[0].activation_std) == pytest.approx((hidden.mean(), hidden.std()))
    assert math.isnan(rows[1].saturated)


def test_gradients_vanish_in_a_deep_sigmoid_network_and_not_with_relu_and_he(sample):
    deep = (64,) * 8
    sigmoid = statistics(sample, hidden_layers=deep)
    relu = statistics(sample, hidden_layers=deep, activation="relu", initialization="he")
    assert sigmoid[0].gradient_rms < 1e-5 * sigmoid[-1].gradient_rms
    assert relu[0].gradient_rms > 1e-2 * relu[-1].gradient_rms


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_large_weights_saturate_units(sample, activation):
    network = build_network(TrainingConfig(activation=activation), sample)
    assert layer_statistics(network, sample, 0)[0].saturated < 0.01
    network.weights[0] *= 1000
    assert layer_statistics(network, sample, 0)[0].saturated > 0.9


def test_dead_relus_count_as_saturated(sample):
    network = build_network(TrainingConfig(activation="relu"), sample)
    assert 0.2 < layer_statistics(network, sample, 0)[0].saturated < 0.8
    network.biases[0][:] = -1e6
    assert layer_statistics(network, sample, 0)[0].saturated == 1


def test_a_layers_table_of_an_older_run_is_read(sample, tmp_path):
    run = create_run(TrainingConfig(), sample, tmp_path)
    header = "epoch,layer,weight_rms,gradient_rms,activation_mean,activation_std,flat"  # as of the first version
    (run.path / "layers.csv").write_text(f"{header}\n2,1,0.5,0.25,0.125,1,0.75\n")
    assert run.layers() == [LayerStatistics(2, 1, 0.5, 0.25, 0.125, 1.0, saturated=0.75)]
    assert ",".join(COLUMNS) == header
