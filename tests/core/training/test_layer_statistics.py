"""Statistics of the layers show what they are for: gradients that vanish in deep sigmoid networks."""

import math

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.jobs.start import resume_run
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_histograms import layer_histograms
from mnist_core.training.layer_statistics import COLUMNS, MEASURES, PROBED, LayerStatistics, layer_statistics
from mnist_core.training.loop import build_network
from tests.helpers import wait, without_checksums, work


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


def test_a_relu_unit_that_is_0_on_some_images_is_saturated_there_and_not_dead(sample):
    network = build_network(TrainingConfig(activation="relu"), sample)
    row = layer_statistics(network, sample, 0)[0]
    assert 0.2 < row.saturated < 0.8
    assert row.dead < 0.1
    network.biases[0][:32] = -1e6
    assert layer_statistics(network, sample, 0)[0].dead == pytest.approx(row.dead + 0.25, abs=0.05)
    network.biases[0][:] = -1e6
    row = layer_statistics(network, sample, 0)[0]
    assert row.saturated == row.dead == 1


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_dead_unit_is_one_without_gradient_on_every_image(sample, activation):
    network = build_network(TrainingConfig(hidden_layers=(16,), activation=activation), sample)
    network.biases[0][:5] = -1e4
    x = flatten(normalize(sample.train_images[:PROBED]))
    forward = network.forward_pass(x)
    delta = network.deltas(forward, one_hot(sample.train_labels[:PROBED], 10))[0]
    row = layer_statistics(network, sample, 0)[0]
    assert row.dead == np.mean(np.all(delta == 0, axis=0)) == (0 if activation == "leaky_relu" else 5 / 16)


def test_a_network_that_knows_more_classes_than_the_data_has_statistics(sample):
    network = Network((784, 5, 12))
    assert len(layer_statistics(network, sample, 0)) == 2
    assert len(layer_histograms(network, sample, 0)) == 4


OLD_HEADER = "epoch,layer,weight_rms,gradient_rms,activation_mean,activation_std,flat"  # as of the first version


def test_a_layers_table_of_an_older_run_is_read(sample, tmp_path):
    run = create_run(TrainingConfig(), sample, tmp_path)
    (run.path / "layers.csv").write_text(f"{OLD_HEADER}\n2,1,0.5,0.25,0.125,1,0.75\n2,2,0.5,0.2")
    (row,) = run.layers()
    assert row[:-1] == (2, 1, 0.5, 0.25, 0.125, 1.0, 0.75)
    assert row.saturated == 0.75
    assert math.isnan(row.dead)
    assert ",".join(COLUMNS).startswith(OLD_HEADER + ",")


def test_an_older_run_is_resumed_with_its_layers(sample, tmp_path):
    run = create_run(TrainingConfig(epochs=2, hidden_layers=(4,)), sample, tmp_path)
    work(run)
    table = run.path / "layers.csv"
    old = [line.rsplit(",", 1)[0] for line in table.read_text().splitlines()]
    table.write_text("\n".join(old) + "\n")
    run = without_checksums(run.refresh())
    before = run.layers()
    resume_run(run, 3)
    run = wait(run.refresh())
    assert run.status.state == "finished"
    after = run.layers()
    np.testing.assert_array_equal(after[: len(before)], before)
    assert len(after) > len(before)
    assert after[-2].dead >= 0


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_a_column_with_words(measure):
    assert measure.name in LayerStatistics._fields
    assert measure.explanation.endswith(".")
