"""Training: each epoch against a loop written by hand, how it ends, and the accuracy that it reaches."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.data.batches import epoch_batches, split_validation
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import TrainingError
from mnist_core.evaluation.predict import evaluate
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import build_network, has_spare_core, train
from mnist_core.training.state import TrainingState


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


def test_an_epoch_equals_a_loop_written_by_hand_in_double_precision(sample):
    """Independent of the network's code: only its initial parameters and the batches are taken."""
    config = TrainingConfig(epochs=1, batch_size=400, hidden_layers=(7,), learning_rate=0.3, validation_fraction=0.1)
    network = build_network(config, sample)
    (w1, w2), (b1, b2) = ([p.astype(float) for p in kind] for kind in (network.weights, network.biases))
    training, validation = split_validation(5000, 0.1, config.seed)
    x, loss_sum, hits = sample.train_images.reshape(5000, 784) / 255.0, 0.0, 0
    for batch in epoch_batches(training, 400, config.seed, 1):  # the last one has 100 images
        hidden = 1 / (1 + np.exp(-(x[batch] @ w1 + b1)))
        exponentials = np.exp(hidden @ w2 + b2)
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        correct = (np.arange(len(batch)), sample.train_labels[batch])
        loss_sum -= np.log(p[correct]).sum()
        hits += (p.argmax(axis=1) == sample.train_labels[batch]).sum()
        error = p.copy()
        error[correct] -= 1
        back = error @ w2.T * hidden * (1 - hidden)
        w2 -= 0.3 * hidden.T @ error / len(batch)
        b2 -= 0.3 * error.mean(axis=0)
        w1 -= 0.3 * x[batch].T @ back / len(batch)
        b1 -= 0.3 * back.mean(axis=0)
    (metrics,) = train(config, sample, network)
    assert (metrics.epoch, metrics.learning_rate) == (1, 0.3)
    assert metrics.train_loss == pytest.approx(loss_sum / 4500, rel=1e-5)
    assert metrics.train_accuracy == pytest.approx(hits / 4500, abs=2 / 4500)  # float32 may tip a close call
    for ours, by_hand in zip(network.weights + network.biases, [w1, w2, b1, b2], strict=True):
        np.testing.assert_allclose(ours, by_hand, atol=1e-5)
    expected = evaluate(network, sample.train_images[validation], sample.train_labels[validation])
    assert (metrics.val_loss, metrics.val_accuracy) == pytest.approx((expected.loss, expected.accuracy))


def test_same_config_same_bits_and_no_validation_means_nan(sample):
    config = TrainingConfig(epochs=2)
    first, second = build_network(config, sample), build_network(config, sample)
    rows = [[row[:-1] for row in train(config, sample, network)] for network in (first, second)]
    np.testing.assert_equal(rows[0], rows[1])
    assert all(math.isnan(row[3]) and math.isnan(row[4]) for row in rows[0])
    for ours, theirs in zip(first.weights + first.biases, second.weights + second.biases, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_progress_is_reported_after_each_batch_and_can_end_training(sample):
    seen = []
    list(train(TrainingConfig(epochs=2, batch_size=1500), sample, on_batch=seen.append))
    assert [(p.epoch, p.images_done, p.images_total) for p in seen] == [
        (epoch, done, 5000) for epoch in (1, 2) for done in (1500, 3000, 4500, 5000)
    ]

    def stop(progress):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        next(train(TrainingConfig(), sample, on_batch=stop))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_start_that_is_not_finite_is_not_blamed_on_the_learning_rate(sample, value):
    config = TrainingConfig(hidden_layers=())
    network = build_network(config, sample)
    network.biases[-1][:] = value
    with pytest.raises(TrainingError, match=r"loss became nan in epoch 1 before the first update: .* another model"):
        next(train(config, sample, network))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 1e5}, r"steps are too long. Lower the learning rate \(it is 100000\) and start again\.$"),
        (
            {"learning_rate": 50, "optimizer": "momentum", "momentum": 0.95, "activation": "relu"},
            r"steps are too long. Lower the learning rate \(it is 50, and momentum 0.95 multiplies it by 20\)",
        ),
        (
            {"weight_decay": 10.0},
            r"the weight decay throws the weights past 0. Lower it \(it is 10\) and start again\.$",
        ),
        ({"weight_decay": 10.0, "learning_rate": 1e5}, r"Lower the learning rate"),
        (
            {"weight_decay": 1.0, "optimizer": "nesterov", "learning_rate": 20.0},
            r"and momentum 0.9 multiplies it by 10",
        ),
    ],
)
def test_the_advice_is_to_change_what_made_it_diverge(sample, settings, said):
    config = TrainingConfig(epochs=20, **settings)
    with pytest.raises(TrainingError, match=said):
        list(train(config, sample))


def test_an_output_that_is_no_number_after_the_last_update_is_no_finished_training(sample):
    deep = {"hidden_layers": (64,) * 8, "activation": "relu", "initialization": "he"}
    config = TrainingConfig(epochs=1, batch_size=5000, learning_rate=1e6, **deep)
    for fraction in (0.0, 0.1):
        with pytest.raises(TrainingError, match=r"no longer a number after the last update in epoch 1: the steps"):
            list(train(replace(config, validation_fraction=fraction), sample))


def test_reference_recipe_on_the_sample(sample):
    config = TrainingConfig()
    network = build_network(config, sample)
    rows = list(train(config, sample, network))
    assert len(rows) == 100
    assert rows[-1].train_loss < 0.1 * rows[0].train_loss
    assert evaluate(network, sample.test_images, sample.test_labels).accuracy >= 0.92


def test_reference_recipe_on_the_full_data(full_data_dir):
    dataset = load_dataset("full", full_data_dir)
    config = TrainingConfig(epochs=3)
    network = build_network(config, dataset)
    list(train(config, dataset, network))
    assert evaluate(network, dataset.test_images, dataset.test_labels).accuracy >= 0.90


def test_training_is_a_generator_that_is_over_after_an_exception(sample):
    network = build_network(TrainingConfig(), sample)
    before = network.weights[0].copy()
    calls = []

    def stop(progress):
        calls.append(progress)
        if len(calls) == 3:
            raise InterruptedError

    epochs = train(TrainingConfig(), sample, network, stop)
    np.testing.assert_array_equal(network.weights[0], before)  # nothing happens before the first next()
    with pytest.raises(InterruptedError):
        next(epochs)
    assert len(calls) == 3
    assert (network.weights[0] != before).any()
    assert list(epochs) == []


def test_a_thread_that_prepares_batches_ahead_changes_nothing(sample, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    config = TrainingConfig(epochs=2, hidden_layers=(16,), dropout=0.1, shift=1, rotation=8, elastic=0.8)
    parameters = []
    for threads in ("1", "64"):
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
        assert has_spare_core() == (threads == "1")
        network = build_network(config, sample)
        list(train(config, sample, network))
        parameters.append(network.parameters)
    np.testing.assert_array_equal(*parameters)


def test_an_error_while_batches_are_made_ahead_is_not_lost(sample, monkeypatch):
    monkeypatch.setattr("mnist_core.training.loop.has_spare_core", lambda: True)
    monkeypatch.setattr("mnist_core.data.batches.augment", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(train(TrainingConfig(shift=1), sample))


def test_early_stopping_keeps_the_best_model(sample):
    config = TrainingConfig(epochs=500, patience=3, validation_fraction=0.2, optimizer="adam", learning_rate=0.01)
    network = build_network(config, sample)
    state = TrainingState.start(config, network)
    rows = list(train(config, sample, network, state=state))
    losses = [row.val_loss for row in rows]
    best = int(np.argmin(losses))
    assert (state.best.epoch, state.best.val_loss) == (best + 1, losses[best])
    assert len(rows) == best + 1 + 3 < 500
    _, validation = split_validation(5000, 0.2, config.seed)
    kept = evaluate(network, sample.train_images[validation], sample.train_labels[validation])
    assert kept.loss == pytest.approx(losses[best])


def test_a_schedule_shows_in_the_metrics_and_more_epochs_continue_at_its_end(sample):
    config = TrainingConfig(epochs=4, schedule="step", learning_rate=0.4, batch_size=2000)
    rates = [row.learning_rate for row in train(config, sample, more_epochs=2)]
    assert rates == pytest.approx([0.4, 0.4, 0.04, 0.004, 0.004, 0.004])


@pytest.mark.parametrize(
    ("settings", "at_least"),
    [
        ({"optimizer": "momentum", "learning_rate": 0.1}, 0.91),
        ({"optimizer": "nesterov", "learning_rate": 0.1, "activation": "tanh", "initialization": "glorot"}, 0.91),
        ({"optimizer": "adam", "learning_rate": 0.003, "activation": "relu", "initialization": "he"}, 0.91),
        ({"optimizer": "adamw", "learning_rate": 0.003, "schedule": "cosine", "warmup": 0.1, "dropout": 0.2}, 0.91),
        ({"weight_decay": 1e-4, "label_smoothing": 0.1, "schedule": "step", "activation": "relu"}, 0.91),
        ({"activation": "relu", "optimizer": "adamw", "learning_rate": 0.005, "shift": 1, "elastic": 0.5}, 0.93),
        ({"activation": "leaky_relu", "initialization": "he", "optimizer": "adam", "learning_rate": 0.003}, 0.91),
        ({"activation": "gelu", "initialization": "he", "optimizer": "adam", "learning_rate": 0.003}, 0.91),
    ],
)
def test_every_part_learns(sample, settings, at_least):
    config = TrainingConfig(epochs=20, **settings)
    network = build_network(config, sample)
    list(train(config, sample, network))
    assert evaluate(network, sample.test_images, sample.test_labels).accuracy >= at_least


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_learning_rate_of_1000_ends_training_with_advice(sample, activation):
    config = TrainingConfig(learning_rate=1000, activation=activation)
    with pytest.raises(TrainingError, match=r"in epoch 1: .* Lower the learning rate \(it is 1000\)"):
        list(train(config, sample))
