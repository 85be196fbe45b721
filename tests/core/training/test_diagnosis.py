"""Each rule of the diagnosis on both sides of its threshold, from evidence made by hand; and on any evidence."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.significance import no_better_than_guessing
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network
from mnist_core.nn.optimizers import OPTIMIZERS
from mnist_core.nn.schedules import SCHEDULES
from mnist_core.training.config import LOOP_SETTINGS, TrainingConfig
from mnist_core.training.diagnosis import RULES, diagnose, diagnose_live
from mnist_core.training.divergence import divergence
from mnist_core.training.evidence import HELD, DataFacts, Evidence, layers_of_equal_units
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics, build_network
from mnist_core.training.state import TrainingState

NAN, CHANCE = math.nan, math.log(10)
DATA = DataFacts((500,) * 10, tested=1000)
DEEP = TrainingConfig(epochs=20, hidden_layers=(32, 32, 32))
RELU = replace(DEEP, activation="relu")


def metrics(losses, accuracies, validation=()):
    """Rows of epochs; single numbers are repeated."""
    losses = list(losses)
    accuracies = list(accuracies) if np.iterable(accuracies) else [accuracies] * len(losses)
    validation = list(validation) or [(NAN, NAN)] * len(losses)
    rows = zip(losses, accuracies, validation, strict=True)
    return [EpochMetrics(n, loss, right, *held, 0.1, 1.0) for n, (loss, right, held) in enumerate(rows, start=1)]


def layers(epoch, gradients=(0.01,) * 4, weights=(0.02, 0.1, 0.1, 0.1), saturated=0.1, dead=0.0):
    """Statistics of the layers of one epoch."""
    rows = [LayerStatistics(epoch, n, w, g, 0.5, 0.1, saturated, dead)
            for n, (w, g) in enumerate(zip(weights, gradients, strict=True), start=1)]  # fmt: skip
    return [*rows[:-1], rows[-1]._replace(saturated=NAN, dead=NAN)]


def learned(config=DEEP, epochs=20, **changes):
    """A healthy run."""
    losses, accuracies = np.geomspace(2, 0.1, epochs), np.linspace(0.3, 0.97, epochs)
    evidence = Evidence(config, DATA, metrics(losses, accuracies), [*layers(0), *layers(epochs)], test_accuracy=0.94)
    return replace(evidence, **changes)


def stuck(config=DEEP, epochs=20, start=None, end=None, **changes):
    """A run that has stood at the level of guessing from the beginning."""
    rows = metrics([CHANCE] * epochs, 0.1)
    recorded = Evidence(config, DATA, rows, [*(start or layers(0)), *(end or layers(epochs))])
    return replace(recorded, **changes)


def causes(evidence):
    return [diagnosis.cause for diagnosis in diagnose(evidence)]


def failed(config, change="became nan", updates=10):
    state = TrainingState.start(config, Network((4, 3)))
    state.optimizer.steps = updates
    return str(divergence(config, state, change))


def test_a_healthy_run_is_called_healthy():
    assert diagnose(learned()) == []
    assert diagnose_live(learned()) == []


def test_without_epochs_there_is_nothing_to_find():
    assert diagnose(Evidence(DEEP, DATA)) == []
    assert diagnose_live(Evidence(DEEP, DATA)) == []


def noisy(factor):
    """A loss that goes up by a factor in every other epoch."""
    return metrics([2.0, *[1.0, factor] * 8], 0.5)


def gap_to(accuracy, count=20):
    losses = np.geomspace(2, 0.01, count)
    return metrics(losses, np.linspace(0.5, 1, count), [(0.8, accuracy)] * count)


def rising_to(loss, count=20):
    """The validation loss falls to 0.3 and goes to another value."""
    held = [*np.linspace(2, 0.3, count // 2), *np.linspace(0.3, loss, count // 2)]
    losses = np.geomspace(2, 0.01, count)
    return metrics(losses, np.linspace(0.5, 1, count), [(value, 0.95) for value in held])


LONG = replace(DEEP, learning_rate=100.0)
SMALL = replace(DEEP, batch_size=5000)
DECAYING = replace(DEEP, weight_decay=0.5)
FEWER = DataFacts((500,) * 9 + (0,), tested=1000)
SLOW = replace(DEEP, learning_rate=0.1)

SIDES = {
    "learning-rate-too-high: loss": (
        learned(LONG, metrics=metrics([3.6] * 5, 0.5), test_accuracy=0.5),
        learned(LONG, metrics=metrics([3.4] * 5, 0.5), test_accuracy=0.5),
    ),
    "learning-rate-too-high: jumps": (learned(LONG, metrics=noisy(1.1)), learned(LONG, metrics=noisy(1.04))),
    "learning-rate-too-high: error": (stuck(error=failed(DEEP)), stuck()),
    "learning-rate-too-low: unmoved": (
        stuck(replace(DEEP, learning_rate=0.0001)), stuck(replace(DEEP, learning_rate=0.1))
    ),
    "learning-rate-too-low: far off": (
        learned(replace(RELU, learning_rate=0.009), metrics=metrics([1.0] * 20, 0.7), test_accuracy=0.7),
        learned(replace(RELU, learning_rate=0.011), metrics=metrics([1.0] * 20, 0.7), test_accuracy=0.7),
    ),
    "learning-rate-too-high: far off": (
        learned(replace(RELU, learning_rate=1.1), metrics=metrics([1.0] * 20, 0.7), test_accuracy=0.7),
        learned(replace(RELU, learning_rate=0.9), metrics=metrics([1.0] * 20, 0.7), test_accuracy=0.7),
    ),
    "learning-rate-too-low: falling": (
        learned(SLOW, metrics=metrics(np.geomspace(2.3, 1, 20), 0.5), test_accuracy=0.5),
        learned(SLOW, metrics=metrics(np.geomspace(2.3, 1, 20), 0.85), test_accuracy=0.85),
    ),
    "too-few-updates: falling": (
        learned(metrics=metrics(np.geomspace(2.3, 1, 20), 0.5), test_accuracy=0.5),
        learned(metrics=metrics(np.geomspace(1.1, 1, 20), 0.5), test_accuracy=0.5),
    ),
    "too-few-updates: young": (
        learned(RELU, metrics=metrics([1.5] * 9, 0.5), test_accuracy=0.5),
        learned(RELU, metrics=metrics([1.5] * 10, 0.5), test_accuracy=0.5),
    ),
    "too-few-updates: batch": (stuck(SMALL, epochs=499), stuck(SMALL, epochs=500)),
    "too-few-updates: epochs": (stuck(epochs=12), stuck(epochs=13)),
    "too-few-updates: ReLU": (stuck(RELU, epochs=3), stuck(RELU, epochs=4)),
    "saturated-units": (stuck(end=layers(20, saturated=0.86)), stuck(end=layers(20, saturated=0.84))),
    "dead-units": (stuck(RELU, end=layers(20, dead=0.76)), stuck(RELU, end=layers(20, dead=0.74))),
    "vanishing-gradients": (
        stuck(end=layers(3, (0.9e-5, 1e-4, 1e-3, 1e-2))), stuck(end=layers(3, (1.1e-5, 1e-4, 1e-3, 1e-2)))
    ),
    "exploding-gradients: size": (
        stuck(start=layers(0, (0.01, 0.1, 1.1, 1.2))), stuck(start=layers(0, (0.01, 0.1, 0.9, 0.9)))
    ),
    "exploding-gradients: no number": (stuck(start=layers(0, (0.01, 0.01, 0.01, math.nan))), stuck()),
    "exploding-gradients: growth": (
        stuck(start=layers(0, (0.21, 0.2, 0.1, 0.1))), stuck(start=layers(0, (0.19, 0.2, 0.1, 0.1)))
    ),
    "exploding-gradients: error": (stuck(error=failed(DEEP, updates=0)), stuck()),
    "weight-decay-too-high": (
        stuck(DECAYING, end=layers(20, weights=(0.002, 0.01, 0.01, 0.029))),
        stuck(DECAYING, end=layers(20, weights=(0.002, 0.01, 0.01, 0.031))),
    ),
    "weight-decay-too-high: error": (
        stuck(replace(DECAYING, weight_decay=10.0), error=failed(replace(DECAYING, weight_decay=10.0))), stuck(DECAYING)
    ),
    "zero-weights": (stuck(start=layers(0, weights=(0.0,) * 4)), stuck(start=layers(0, weights=(0.0, 0.1, 0.1, 0.1)))),
    "huge-weights": (
        stuck(start=layers(0, weights=(8.1 / 28, 0.1, 0.1, 0.1))),
        stuck(start=layers(0, weights=(7.9 / 28, 0.1, 0.1, 0.1))),
    ),
    "symmetric-units": (stuck(equal_units=(2,)), stuck()),
    "pixels-not-scaled": (stuck(data=replace(DATA, brightest=127)), stuck(data=replace(DATA, brightest=128))),
    "pixels-not-scaled: black": (learned(data=replace(DATA, brightest=16)), learned(data=replace(DATA, brightest=17))),
    "classes-missing": (learned(data=FEWER), learned()),
    "guessing": (stuck(), learned(metrics=metrics([CHANCE] * 20, 0.13), test_accuracy=0.3)),
    "underfitting": (
        learned(RELU, metrics=metrics([1.0] * 10, 0.7), test_accuracy=0.7),
        learned(RELU, metrics=metrics([1.0] * 10, 0.81), test_accuracy=0.7),
    ),
    "overfitting: test": (
        learned(metrics=metrics([0.01] * 20, 1.0), test_accuracy=0.87),
        learned(metrics=metrics([0.01] * 20, 1.0), test_accuracy=0.88),
    ),
    "overfitting: gap": (
        learned(metrics=gap_to(0.8), data=replace(DATA, held_out=500), test_accuracy=None),
        learned(metrics=gap_to(0.88), data=replace(DATA, held_out=500), test_accuracy=None),
    ),
    "overfitting: rise": (learned(metrics=rising_to(0.5)), learned(metrics=rising_to(0.33))),
    "test-differs": (
        learned(metrics=gap_to(0.98), data=replace(DATA, held_out=500), test_accuracy=0.7),
        learned(metrics=gap_to(0.93), data=replace(DATA, held_out=500), test_accuracy=0.85),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SIDES)
def test_each_rule_speaks_on_one_side_of_its_threshold(name):
    sick, sound = SIDES[name]
    cause = name.partition(":")[0]
    assert causes(sick)[0] == cause
    assert cause not in causes(sound)


@pytest.mark.parametrize("name", SIDES)
def test_a_finding_has_a_number_or_a_name_and_a_change_that_settings_accept(name):
    for diagnosis in diagnose(SIDES[name][0]):
        assert diagnosis.title
        assert diagnosis.seen.endswith(".")
        assert diagnosis.meaning.endswith(".")
        assert diagnosis.advice.endswith(".")
        change = dict(diagnosis.change)
        if "patience" in change:
            change["validation_fraction"] = 0.1
        config = SIDES[name][0].config
        assert not change or replace(config, **change) != config


def test_the_layer_where_it_begins_is_named():
    rows = layers(20)
    rows[1], rows[2] = rows[1]._replace(saturated=0.9), rows[2]._replace(saturated=1.0)
    (found,) = diagnose(stuck(end=rows))
    assert "From layer 2 on, 90% of the activations" in found.seen


def test_the_epoch_where_overfitting_begins_is_named():
    (found,) = diagnose(learned(metrics=rising_to(0.9)))
    assert found.seen.startswith("From epoch 10 on the validation loss rose from 0.300 to 0.900")
    assert found.change == {"patience": 5}


def test_one_class_for_everything_is_named_with_the_sentence_about_guessing():
    doubt = no_better_than_guessing(0.1, np.arange(1000) % 10)
    (found,) = diagnose(stuck(test_accuracy=0.1, doubt=doubt, predicted=[0, 0, 990, 10, 0, 0, 0, 0, 0, 0]))
    assert found.cause == "guessing"
    assert found.seen == f"{doubt} It answers 2 for 99% of the test images."


def test_a_cause_says_too_that_the_accuracy_is_no_better_than_guessing():
    doubt = no_better_than_guessing(0.1, np.arange(1000) % 10)
    (found,) = diagnose(stuck(replace(DEEP, learning_rate=1e-6), test_accuracy=0.1, doubt=doubt))
    assert found.cause == "learning-rate-too-low"
    assert found.seen.startswith(doubt)


def test_only_a_lower_learning_rate_than_the_present_one_is_tried():
    (found,) = diagnose(stuck(LONG, error=failed(LONG)))
    assert found.change == {"learning_rate": 0.1}
    tiny = replace(DEEP, learning_rate=1e-7)
    assert diagnose(stuck(tiny, error=failed(tiny)))[0].change == {}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (replace(DEEP, learning_rate=1e-8), 0.5),
        (replace(DEEP, learning_rate=1e-8, activation="relu"), 0.1),
        (replace(DEEP, learning_rate=1e-8, optimizer="momentum"), 0.05),
        (replace(DEEP, learning_rate=1e-8, optimizer="adam"), 0.002),
    ],
)
def test_a_higher_learning_rate_suits_optimizer_and_activation(config, expected):
    assert diagnose(stuck(config))[0].change == {"learning_rate": expected}


def test_a_change_for_own_code_is_one_that_it_knows():
    (ours,) = diagnose(stuck(end=layers(3, (1e-9, 1e-4, 1e-3, 1e-2))))
    (theirs,) = diagnose(stuck(end=layers(3, (1e-9, 1e-4, 1e-3, 1e-2)), own_code=True))
    assert set(ours.change) == {"activation", "initialization"}
    assert theirs.change == {}
    assert theirs.advice.startswith("Check the code first.")
    assert set(TrainingConfig.settings()) >= LOOP_SETTINGS


def test_a_young_run_on_its_plateau_is_not_judged_yet():
    young = stuck(replace(DEEP, epochs=100), epochs=12)
    assert diagnose_live(young) == []
    assert [found.cause for found in diagnose_live(stuck(replace(DEEP, epochs=100), epochs=16))] == ["guessing"]


def test_a_run_on_course_is_not_called_slow():
    losses = np.linspace(2.3, 1.5, 20)
    running = learned(replace(SLOW, epochs=100), metrics=metrics(losses, 0.5), test_accuracy=None)
    assert diagnose_live(running) == []
    slow = replace(running, metrics=metrics(np.geomspace(2.3, 1.35, 20), 0.5), config=replace(SLOW, epochs=22))
    assert [found.cause for found in diagnose_live(slow)] == ["learning-rate-too-low"]


def test_what_a_running_run_shows_has_held_for_some_epochs():
    """A single bad epoch shows nothing, and what is shown does not alternate with nothing."""
    high = replace(LONG, epochs=50)
    for bad in range(1, 6):
        rows = metrics([1.0] * 10 + [9.0] * bad, 0.5)
        found = diagnose_live(learned(high, metrics=rows, test_accuracy=None))
        assert bool(found) == (bad >= HELD)


def test_validation_images_are_not_trained_on():
    dataset = load_dataset("sample")
    facts = DataFacts.of(dataset, TrainingConfig(validation_fraction=0.2))
    assert facts.images == 4000
    assert facts.held_out == facts.tested == 1000
    assert facts.brightest == 255
    assert facts.pixels == 784
    assert facts.guessing_loss == pytest.approx(CHANCE, abs=0.01)


def test_equal_units_are_found_and_drawn_ones_are_not():
    dataset = load_dataset("sample")
    network = build_network(TrainingConfig(hidden_layers=(8, 4)), dataset)
    assert layers_of_equal_units(network) == ()
    network.weights[1][...], network.biases[1][...] = network.weights[1][:, :1], 0.1
    assert layers_of_equal_units(network) == (2,)
    network.parameters[:] = 0
    assert layers_of_equal_units(network) == (1, 2)
    assert layers_of_equal_units(build_network(TrainingConfig(hidden_layers=(1,)), dataset)) == ()


def values(low, high):
    return st.floats(low, high) | st.just(NAN)


CONFIGS = st.builds(
    TrainingConfig,
    epochs=st.integers(1, 200), learning_rate=st.floats(1e-8, 1e6), batch_size=st.integers(1, 10_000),
    hidden_layers=st.lists(st.integers(1, 20), max_size=4).map(tuple), activation=st.sampled_from(list(ACTIVATIONS)),
    optimizer=st.sampled_from(list(OPTIMIZERS)), momentum=st.floats(0, 0.999), weight_decay=st.floats(0, 10),
    schedule=st.sampled_from(list(SCHEDULES)), dropout=st.floats(0, 0.9), validation_fraction=st.floats(0, 0.9),
)  # fmt: skip


@st.composite
def any_evidence(draw):
    config = draw(CONFIGS)
    fraction, loss = values(0, 1), st.floats(0, 100) | st.floats(1e-300, 1e300)
    rows = draw(st.lists(st.tuples(loss, st.floats(0, 1), values(0, 1e6), fraction), max_size=30))
    depth = len(config.hidden_layers) + 1
    sizes = values(0, 1e30) | st.just(math.inf)
    row = st.tuples(sizes, sizes, values(-1e9, 1e9), sizes, fraction, fraction)
    epochs = draw(st.sets(st.integers(0, max(len(rows), 1)), max_size=4))
    described = [
        LayerStatistics(epoch, layer + 1, *draw(row)) for epoch in sorted(epochs) for layer in range(depth)
    ]  # fmt: skip
    counts = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any))
    return Evidence(
        config=config,
        data=DataFacts(tuple(counts), draw(st.integers(0, 50)), draw(st.integers(1, 500)), draw(st.integers(0, 255))),
        metrics=[EpochMetrics(n, *values, 0.1, 1.0) for n, values in enumerate(rows, start=1)],
        layers=described,
        equal_units=draw(st.sampled_from([(), (1,), (1, 2)])),
        predicted=draw(st.none() | st.lists(st.integers(0, 100), min_size=1, max_size=12)),
        test_accuracy=draw(st.none() | st.floats(0, 1)),
        doubt=draw(st.none() | st.just("It is no better than guessing.")),
        error=draw(st.none() | st.builds(failed, st.just(config), updates=st.integers(0, 1))),
        model_epoch=draw(st.none() | st.integers(0, 40)),
        own_code=draw(st.booleans()),
        running=draw(st.booleans()),
        epochs=draw(st.none() | st.integers(1, 300)),
    )


@given(any_evidence())
def test_any_evidence_gives_findings_and_no_exception(evidence):
    for found in (diagnose(evidence), diagnose_live(evidence)):
        assert len(found) <= len(RULES)
        assert len({diagnosis.cause for diagnosis in found}) == len(found)
        for diagnosis in found:
            assert "nan" not in diagnosis.seen.replace("nance", "").split()
            assert diagnosis.to_dict()["cause"] == diagnosis.cause
            change = dict(diagnosis.change)
            if change.get("patience"):
                change["validation_fraction"] = 0.1
            replace(evidence.config, **{"patience": 0, **change})
    if evidence.doubt:
        assert diagnose(evidence)
