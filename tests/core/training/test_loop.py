"""Training: the mini-batches, and what training reaches."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.batches import epoch_batches, split_validation
from mnist_core.data.dataset import load_dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.errors import ConfigError, TrainingError
from mnist_core.evaluation.predict import evaluate
from mnist_core.nn.losses import cross_entropy
from mnist_core.nn.network import Network
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import build_network, has_spare_core, train
from mnist_core.training.state import TrainingState


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 9), st.integers(1, 9))
def test_batches_are_a_new_order_each_epoch(count, batch_size, seed, epoch):
    indices = np.arange(1000, 1000 + count)
    batches = list(epoch_batches(indices, batch_size, seed, epoch))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (math.ceil(count / batch_size) - 1)
    assert sorted(np.concatenate(batches)) == indices.tolist()
    again = np.concatenate(list(epoch_batches(indices, batch_size, seed, epoch)))
    assert again.tolist() == np.concatenate(batches).tolist()
    if count > 20:
        assert np.concatenate(list(epoch_batches(indices, batch_size, seed, epoch + 1))).tolist() != again.tolist()


@given(st.integers(2, 500), st.floats(0, 0.9), st.integers(0, 5))
def test_validation_split_divides_everything(count, fraction, seed):
    if fraction and round(count * fraction) >= count:
        with pytest.raises(ConfigError, match="leaves none"):
            split_validation(count, fraction, seed)
        return
    training, validation = split_validation(count, fraction, seed)
    assert sorted([*training, *validation]) == list(range(count))
    assert len(validation) == (max(1, round(count * fraction)) if fraction else 0)


def test_an_epoch_is_what_a_plain_loop_does(sample):
    config = TrainingConfig(epochs=1, batch_size=300, validation_fraction=0.1)
    network, plain = build_network(config, sample), build_network(config, sample)
    (metrics,) = train(config, sample, network)

    x, y = flatten(normalize(sample.train_images)), one_hot(sample.train_labels, 10)
    training, validation = split_validation(5000, 0.1, 695)
    losses, hits = [], []
    for batch in epoch_batches(training, 300, 695, 1):
        probabilities = plain.feed_forward(x[batch])
        losses.append(cross_entropy(probabilities, y[batch]) * len(batch))
        hits.append((probabilities.argmax(axis=1) == sample.train_labels[batch]).sum())
        _, gradients = plain.back_propagate(x[batch], y[batch])
        for layer, (weight, bias) in enumerate(gradients):
            plain.weights[layer] = plain.weights[layer] - np.float32(0.5) * weight
            plain.biases[layer] = plain.biases[layer] - np.float32(0.5) * bias
    np.testing.assert_allclose(network.weights[0], plain.weights[0], rtol=1e-4, atol=1e-6)
    assert metrics.epoch == 1
    assert metrics.learning_rate == 0.5
    assert metrics.train_loss == pytest.approx(sum(losses) / 4500, rel=1e-5)
    assert metrics.train_accuracy == pytest.approx(sum(hits) / 4500)
    on_validation = evaluate(network, sample.train_images[validation], sample.train_labels[validation])
    assert (metrics.val_loss, metrics.val_accuracy) == pytest.approx((on_validation.loss, on_validation.accuracy))


def test_same_config_same_bits_and_no_validation_means_nan(sample):
    config = TrainingConfig(epochs=2)
    first, second = build_network(config, sample), build_network(config, sample)
    rows = [[row[:-1] for row in train(config, sample, network)] for network in (first, second)]
    np.testing.assert_equal(rows[0], rows[1])
    assert all(math.isnan(row[3]) and math.isnan(row[4]) for row in rows[0])
    for ours, theirs in zip(first.weights + first.biases, second.weights + second.biases, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_progress_is_told_after_each_batch_and_can_end_it(sample):
    seen = []
    list(train(TrainingConfig(epochs=2, batch_size=1500), sample, on_batch=seen.append))
    assert [(p.epoch, p.images_done, p.images_total) for p in seen] == [
        (epoch, done, 5000) for epoch in (1, 2) for done in (1500, 3000, 4500, 5000)
    ]

    def stop(progress):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        next(train(TrainingConfig(), sample, on_batch=stop))


def test_a_loss_that_is_no_number_ends_with_advice(sample):
    network = build_network(TrainingConfig(), sample)
    network.weights[0][:] = np.nan
    with pytest.raises(TrainingError, match=r"loss became nan in epoch 1.*Lower the learning rate"):
        next(train(TrainingConfig(), sample, network))


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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(field, value) for field in ("epochs", "batch_size", "seed") for value in (math.nan, "3", True, None, 3.0)],
        *[(field, value) for field in ("learning_rate", "validation_fraction") for value in (math.nan, "0.5", True)],
        *[("hidden_layers", value) for value in (None, 128, (True,), ("8",), (8.5,), ((8,),))],
        *[("activation", value) for value in (None, "", 3, ["sigmoid"])],
    ],
)
def test_a_value_of_a_wrong_type_is_a_config_error(field, value):
    with pytest.raises(ConfigError, match=f"^{field} is "):
        TrainingConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", np.int64(3)), ("seed", np.uint32(3)), ("learning_rate", np.float32(0.25)), ("hidden_layers", [8, 4])],
)
def test_a_config_is_written_as_plain_json(field, value):
    config = TrainingConfig(**{field: value})
    assert isinstance(config.hidden_layers, tuple)
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@given(st.integers(10, 500), st.floats(0, 0.9), st.integers(0, 5))
def test_validation_split_is_sorted_and_comes_from_the_seed(count, fraction, seed):
    training, validation = split_validation(count, fraction, seed)
    assert len(training) >= 1
    for part in (training, validation):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    np.testing.assert_array_equal(split_validation(count, fraction, seed)[0], training)


def test_validation_split_is_another_one_for_another_seed_and_needs_two_images():
    assert split_validation(500, 0.2, 1)[1].tolist() != split_validation(500, 0.2, 2)[1].tolist()
    with pytest.raises(ConfigError, match="leaves none of the 1 training images"):
        split_validation(1, 0.1, 0)


def test_batches_are_another_order_for_another_seed():
    orders = [np.concatenate(list(epoch_batches(np.arange(100), 30, seed, 1))).tolist() for seed in (1, 2)]
    assert orders[0] != orders[1]


def test_an_epoch_equals_a_loop_written_by_hand_in_double_precision(sample):
    """Independent of the network's code: only its initial parameters and the batches are taken."""
    config = TrainingConfig(epochs=1, batch_size=500, hidden_layers=(7,), learning_rate=0.3)
    network = build_network(config, sample)
    (w1, w2), (b1, b2) = ([p.astype(float) for p in kind] for kind in (network.weights, network.biases))
    x, loss_sum, hits = sample.train_images.reshape(5000, 784) / 255.0, 0.0, 0
    for batch in epoch_batches(np.arange(5000), 500, config.seed, 1):
        hidden = 1 / (1 + np.exp(-(x[batch] @ w1 + b1)))
        exponentials = np.exp(hidden @ w2 + b2)
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        right = (np.arange(500), sample.train_labels[batch])
        loss_sum -= np.log(p[right]).sum()
        hits += (p.argmax(axis=1) == sample.train_labels[batch]).sum()
        error = p.copy()
        error[right] -= 1
        back = error @ w2.T * hidden * (1 - hidden)
        w2 -= 0.3 * hidden.T @ error / 500
        b2 -= 0.3 * error.mean(axis=0)
        w1 -= 0.3 * x[batch].T @ back / 500
        b1 -= 0.3 * back.mean(axis=0)
    (metrics,) = train(config, sample, network)
    assert metrics.train_loss == pytest.approx(loss_sum / 5000, rel=1e-5)
    assert metrics.train_accuracy == pytest.approx(hits / 5000, abs=2 / 5000)  # float32 may tip a close call
    for ours, by_hand in zip(network.weights + network.biases, [w1, w2, b1, b2], strict=True):
        np.testing.assert_allclose(ours, by_hand, atol=1e-5)


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


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_parameters_end_training(sample, value):
    network = build_network(TrainingConfig(hidden_layers=()), sample)
    network.biases[-1][:] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # infinity minus infinity, on purpose
        with pytest.raises(TrainingError, match=r"in epoch 1.*Lower the learning rate"):
            next(train(TrainingConfig(hidden_layers=()), sample, network))


EVERYTHING = {
    "activation": "relu", "initialization": "he", "optimizer": "adamw", "learning_rate": 0.003, "schedule": "one_cycle",
    "weight_decay": 0.01, "dropout": 0.1, "label_smoothing": 0.05, "validation_fraction": 0.1, "patience": 50,
    "shift": 1, "rotation": 8, "scale": 0.08, "shear": 8, "elastic": 0.8, "hidden_layers": (16, 8), "batch_size": 100,
}  # fmt: skip


def test_training_goes_on_from_its_state_with_everything_switched_on(sample):
    config = TrainingConfig(epochs=4, **EVERYTHING)
    whole = build_network(config, sample)
    rows = [row[:-1] for row in train(config, sample, whole)]

    first = build_network(config, sample)
    state = TrainingState.start(config, first)
    epochs = train(config, sample, first, state=state)
    ours = [next(epochs)[:-1] for _ in range(2)]
    arrays = {**first.to_arrays(), **state.to_arrays()}
    second = Network.from_arrays({name: array.copy() for name, array in first.to_arrays().items()})
    ours += [row[:-1] for row in train(config, sample, second, state=TrainingState.from_arrays(config, second, arrays))]
    assert ours == rows
    np.testing.assert_array_equal(second.parameters, whole.parameters)


def test_a_state_that_is_not_complete_is_refused(sample):
    config = TrainingConfig(**EVERYTHING)
    network = build_network(config, sample)
    arrays = TrainingState.start(config, network).to_arrays()
    for change in ({"optimizer.mean": None}, {"optimizer.square": np.zeros(3)}, {"steps": None}):
        broken = {name: array for name, array in {**arrays, **change}.items() if array is not None}
        with pytest.raises(ConfigError, match="state of the training is not complete"):
            TrainingState.from_arrays(config, network, broken)


@pytest.mark.parametrize("threads", ["1", "64"])
def test_a_thread_that_gathers_ahead_changes_nothing(sample, monkeypatch, threads):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    assert has_spare_core() == (threads == "1")
    config = TrainingConfig(epochs=2, **EVERYTHING)
    network = build_network(config, sample)
    list(train(config, sample, network))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1" if threads == "64" else "64")
    other = build_network(config, sample)
    list(train(config, sample, other))
    np.testing.assert_array_equal(network.parameters, other.parameters)


def test_an_error_while_batches_are_made_ahead_is_not_lost(sample, monkeypatch):
    monkeypatch.setattr("mnist_core.training.loop.has_spare_core", lambda: True)
    monkeypatch.setattr("mnist_core.data.batches.augment", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(train(TrainingConfig(shift=1), sample))


def test_early_stopping_keeps_the_best_model(sample):
    config = TrainingConfig(epochs=500, patience=3, validation_fraction=0.2, optimizer="adam", learning_rate=0.01)
    network = build_network(config, sample)
    rows = list(train(config, sample, network))
    losses = [row.val_loss for row in rows]
    best = int(np.argmin(losses))
    assert len(rows) == best + 1 + 3 < 500
    _, validation = split_validation(5000, 0.2, config.seed)
    kept = evaluate(network, sample.train_images[validation], sample.train_labels[validation])
    assert kept.loss == pytest.approx(losses[best])


def test_a_schedule_shows_in_the_metrics_and_more_epochs_go_on_at_its_end(sample):
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
    ],
)
def test_every_part_learns(sample, settings, at_least):
    config = TrainingConfig(epochs=20, **settings)
    network = build_network(config, sample)
    list(train(config, sample, network))
    assert evaluate(network, sample.test_images, sample.test_labels).accuracy >= at_least


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_a_learning_rate_of_1000_ends_training_with_advice(sample, activation):
    config = TrainingConfig(learning_rate=1000, activation=activation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow, on purpose
        with pytest.raises(TrainingError, match=r"in epoch 1: .* Lower the learning rate \(it is 1000\)"):
            list(train(config, sample))
