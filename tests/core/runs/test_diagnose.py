"""The diagnosis of run folders."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.runs.diagnose import diagnose_run
from mnist_core.runs.files import write_npz
from mnist_core.runs.implementation import IMPLEMENTATION, Implementation
from mnist_core.runs.run import create_run, read_run
from mnist_core.runs.schema import write_record
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from tests.helpers import wait, without_checksums

SAMPLE = load_dataset("sample")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    config = TrainingConfig(epochs=3, hidden_layers=(16, 8), activation="relu", learning_rate=1e-6)
    return wait(start_run(config, SAMPLE, tmp_path_factory.mktemp("runs"))).path


@pytest.fixture
def run(folder, tmp_path):
    """A run whose learning rate is too low, without checksums, so that it may be changed."""
    return without_checksums(read_run(shutil.copytree(folder, tmp_path / folder.name)))


def with_model(run, change):
    network = run.load_network()
    change(network)
    write_npz(run.path / "model.npz", network.to_arrays())
    return run.refresh()


def set_state(run, **changes):
    write_record(run.path / "status.json", replace(run.status, **changes))
    return run.refresh()


def causes(run):
    return [found.cause for found in diagnose_run(run, SAMPLE)]


def test_what_the_folder_tells_is_found(run):
    (found,) = diagnose_run(run, SAMPLE)
    assert found.cause == "learning-rate-too-low"
    assert "117 updates" in found.seen or "120 updates" in found.seen
    assert found.change == {"learning_rate": 0.1}


def test_the_model_shows_equal_units(run):
    def make_equal(network):
        network.weights[1][:] = network.weights[1][:, :1]
        network.biases[1][:] = 0.3

    assert causes(with_model(run, make_equal)) == ["symmetric-units"]


def test_the_model_shows_that_it_answers_one_class(run):
    def answer_7(network):
        network.biases[-1][7] = 1e4

    (run.path / "metrics.csv").unlink()
    (run.path / "layers.csv").unlink()
    tested = set_state(with_model(run, answer_7), test_accuracy=0.1)
    (found,) = diagnose_run(tested, SAMPLE)
    assert found.cause == "guessing"
    assert "than guessing" in found.seen
    assert found.seen.endswith("It answers 7 for 100% of the test images.")


def test_without_a_model_the_rest_is_judged(run):
    (run.path / "model.npz").unlink()
    assert causes(run.refresh()) == ["learning-rate-too-low"]


def test_own_code_is_told_to_be_checked_first(run):
    write_record(run.path / IMPLEMENTATION, Implementation(UntrustedText("mine.py")))
    (found,) = diagnose_run(run, SAMPLE)
    assert found.advice.startswith("Check the code first.")


@pytest.mark.parametrize("state", ["paused", "running", "interrupted"])
def test_a_run_that_goes_on_is_judged_from_three_epochs_on(run, state):
    going_on = set_state(run, state=state if state != "interrupted" else "running", test_accuracy=None, heartbeat=1.0)
    assert [found.cause for found in diagnose_run(going_on, SAMPLE)] == ["learning-rate-too-low"]
    lines = (run.path / "metrics.csv").read_text().splitlines()
    (run.path / "metrics.csv").write_text("\n".join(lines[:3]) + "\n")
    assert diagnose_run(set_state(going_on, epoch=2), SAMPLE) is None


def test_there_is_nothing_to_say_of_a_run_without_epochs_or_a_damaged_one(run, tmp_path):
    assert diagnose_run(create_run(TrainingConfig(), SAMPLE, tmp_path / "more"), SAMPLE) is None
    (run.path / "config.json").write_text("{")
    assert diagnose_run(run.refresh(), SAMPLE) is None


def test_an_error_that_is_no_divergence_does_not_make_a_run_ill(run, tmp_path):
    healthy = TrainingConfig(epochs=4, hidden_layers=(32,), activation="relu", initialization="he", learning_rate=0.1)
    done = without_checksums(wait(start_run(healthy, SAMPLE, tmp_path / "healthy")))
    assert diagnose_run(done, SAMPLE) == []
    failed = set_state(done, state="failed", error=UntrustedText("No space left on device."), test_accuracy=None)
    assert diagnose_run(failed, SAMPLE) == []
    assert np.isfinite([row.train_loss for row in failed.metrics()]).all()
