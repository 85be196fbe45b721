"""Training with other code than ours, in this process."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.learner import Learner
from mnist_core.assignment.sandbox import Sandbox
from mnist_core.assignment.source import parse_submission
from mnist_core.assignment.starter import solution, starter_file
from mnist_core.assignment.training import (
    LearnersOwn,
    OwnGradient,
    OwnUpdate,
    WithMistake,
    effective,
    first_parameters,
    trains,
)
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import AssignmentError, TrainingError
from mnist_core.runs.tables import METRICS, Bounds
from mnist_core.training.config import LOOP_SETTINGS, TrainingConfig
from mnist_core.training.loop import build_network, train
from mnist_core.training.state import TrainingState
from tests.core.assignment.styles import STYLES

CONFIG = TrainingConfig(epochs=2, hidden_layers=(6, 5), batch_size=7, learning_rate=0.5)
SOLUTION = solution()
ALL_MISTAKES = [mistake.id for mistake in MISTAKES.values() if trains(mistake)]


@pytest.fixture
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=40))


def train_with(implementation, config, dataset, network=None):
    network = network or build_network(config, dataset)
    state = TrainingState.start(config, network)
    gradient = OwnGradient(network, implementation)
    state.optimizer = OwnUpdate(network.num_parameters, network.num_weights, network.dtype).attach(gradient)
    return list(train(config, dataset, network, state=state, gradient=gradient)), network


@contextmanager
def learner_of(text):
    with Sandbox(parse_submission("mine.py", text.encode())) as sandbox:
        yield Learner(sandbox)


def train_text(text, config, dataset):
    with learner_of(text) as learner:
        learner.recognize()
        network = build_network(config, dataset)
        first_parameters(network, learner, config)
        return train_with(LearnersOwn(learner), config, dataset, network)


def assert_near(rows, expected, tolerance=1e-4):
    for row, other in zip(rows, expected, strict=True):
        np.testing.assert_allclose(row[:2], other[:2], rtol=tolerance)


@pytest.mark.parametrize("name", ALL_MISTAKES)
def test_each_mistake_trains_or_says_why_not(name, dataset):
    try:
        rows, network = train_with(WithMistake(MISTAKES[name]), CONFIG, dataset)
    except (TrainingError, AssignmentError) as error:
        assert str(error).endswith("."), error
        return
    assert [row.epoch for row in rows] == [1, 2]
    assert np.isfinite(network.parameters).all()


@pytest.mark.parametrize("name", [name for name in ALL_MISTAKES if MISTAKES[name].step == "cross_entropy"])
def test_a_run_records_the_cross_entropy_whatever_the_code_calls_its_loss(name, tiny_folder, tmp_path):
    dataset, config = load_dataset("full", tiny_folder(train=256)), replace(CONFIG, batch_size=128)
    rows, _ = train_with(WithMistake(MISTAKES[name]), config, dataset)
    assert_near(rows, list(train(config, dataset)))
    METRICS.rewrite(tmp_path, rows)
    assert len(METRICS.read(tmp_path, Bounds(config.epochs), whole=True)) == config.epochs


def test_mistakes_of_every_step_that_training_meets_can_be_trained():
    steps = {MISTAKES[name].step for name in ALL_MISTAKES}
    assert steps >= {"normalize", "one_hot", "sigmoid", "sigmoid_derivative", "softmax", "back_propagate", "update"}
    assert len(ALL_MISTAKES) >= 60


def test_a_mistake_outside_training_is_refused():
    name = next(name for name, mistake in MISTAKES.items() if mistake.step == "read_idx")
    with pytest.raises(AssignmentError, match=f"{name} shows outside training alone"):
        WithMistake(MISTAKES[name])


def test_the_solution_trains_as_the_reference_does(dataset):
    rows, network = train_text(SOLUTION, CONFIG, dataset)
    reference = build_network(CONFIG, dataset)
    assert_near(rows, list(train(CONFIG, dataset, reference)))
    np.testing.assert_allclose(network.parameters, reference.parameters, atol=1e-4)


@pytest.mark.parametrize("name", STYLES)
def test_every_style_trains(name, dataset):
    rows, network = train_text(STYLES[name], CONFIG, dataset)
    with learner_of(STYLES[name]) as learner:
        learner.recognize()
        reference = build_network(CONFIG, dataset)
        first_parameters(reference, learner, CONFIG)
    assert_near(rows, list(train(CONFIG, dataset, reference)), 1e-3)
    np.testing.assert_allclose(network.parameters, reference.parameters, atol=1e-3)


def test_what_is_yet_to_be_written_is_the_references(dataset):
    given = {"sigmoid", "sigmoid_derivative", "softmax", "feed_forward", "cross_entropy", "back_propagate"}
    text = "import numpy as np\n\n\n" + "\n\n".join(
        step.source if step.name in given else f"def {step.name}({step.signature}):\n    raise NotImplementedError\n"
        for step in STEPS.values()
    )
    with learner_of(text) as learner:
        network = build_network(CONFIG, dataset)
        first_parameters(network, learner, CONFIG)
        rows, _ = train_with(LearnersOwn(learner), CONFIG, dataset, network)
    assert_near(rows, list(train(CONFIG, dataset)))
    alone = "import numpy as np\n\n\n" + "\n\n".join(STEPS[name].source for name in sorted(given))
    rows, _ = train_text(alone, CONFIG, dataset)
    assert_near(rows, list(train(CONFIG, dataset)))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("raise ValueError('odd')", r"back_propagate failed in line 5: It raises ValueError: odd\. Correct it"),
        ("return None", "back_propagate: the gradients are None; expected W and b"),
        ("return 1.0, [(np.zeros(2), np.zeros(2))]", "expected W and b of 3 layers"),
        ("import os; os._exit(3)", "back_propagate failed: It ended its own process"),
        ("return 'x'", "back_propagate: the gradients"),
        (
            "return 1.0, [(np.zeros((9, 9)), np.zeros(9)) for _ in parameters]",
            r"update failed in line \d+: It raises ValueError: operands could not be broadcast",
        ),
    ],
)
def test_code_that_fails_in_training_ends_it_with_a_sentence(body, sentence, dataset):
    text = f"import numpy as np\n\n\ndef back_propagate(x, y, parameters):\n    {body}\n\n\n{STEPS['update'].source}"
    with pytest.raises(AssignmentError, match=sentence):
        train_text(text, CONFIG, dataset)


def test_the_unwritten_gradient_of_a_starter_file_is_said(dataset):
    with pytest.raises(AssignmentError, match=r"back_propagate failed in line .*NotImplementedError"):
        train_text(starter_file(), CONFIG, dataset)


def test_an_update_of_another_shape_is_said(dataset):
    text = SOLUTION.replace(STEPS["update"].source, "def update(parameters, gradients, learning_rate):\n"
                            "    return [(w, b + np.zeros((4, len(b)))) for w, b in parameters]\n")  # fmt: skip
    with pytest.raises(AssignmentError, match=r"After the update b1 has the shape \(4, 6\), expected \(6,\)"):
        train_text(text, CONFIG, dataset)


def test_first_parameters_of_other_layers_are_refused(dataset):
    other = "    return [(np.zeros((5, 4)), np.zeros(4)), (np.zeros((4, 3)), np.zeros(3))]\n"
    text = SOLUTION.replace(STEPS["initialize"].source, f"def initialize(layer_sizes, seed):\n{other}")
    with pytest.raises(AssignmentError, match="initialize"):
        train_text(text, CONFIG, dataset)


def test_only_settings_that_have_an_effect_are_kept():
    config = TrainingConfig(epochs=3, activation="relu", optimizer="adam", dropout=0.2, learning_rate=0.3)
    kept = effective(config)
    assert (kept.epochs, kept.learning_rate) == (3, 0.3)
    default = TrainingConfig()
    assert {name for name in config.settings() if getattr(kept, name) != getattr(default, name)} <= LOOP_SETTINGS
