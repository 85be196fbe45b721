"""Which epoch the model of a run is of."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import evaluate
from mnist_core.jobs.start import start_run
from mnist_core.runs.model_epoch import best_epoch, model_epoch
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import EpochMetrics
from tests.helpers import wait

nan = math.nan


def rows(*losses):
    return [EpochMetrics(n, 0.5, 0.9, loss, 0.9, 0.1, 1.0) for n, loss in enumerate(losses, start=1)]


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [
        ((0.5, 0.3, 0.4), 2),
        ((0.3, 0.3, 0.3), 1),
        ((0.5, 0.4, 0.3), 3),
        ((nan, 0.4, nan), 2),
        ((0.5,), 1),
        ((nan, nan), None),
        ((), None),
    ],
)
def test_the_best_epoch_has_the_lowest_validation_loss_the_first_of_equals(losses, epoch):
    assert best_epoch(rows(*losses)) == epoch


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A run whose validation loss rises again before it ends: three epochs are best, all are trained."""
    config = TrainingConfig(
        epochs=12, learning_rate=0.02, optimizer="adam", validation_fraction=0.5, patience=11, hidden_layers=(64,)
    )
    return wait(start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("patient")))


def test_with_early_stopping_the_model_is_that_of_the_best_epoch(patient):
    best = best_epoch(patient.metrics())
    assert best < patient.status.epoch == 12
    assert patient.status.model_epoch == best
    assert model_epoch(replace(patient, status=replace(patient.status, model_epoch=None))) == best
    # The proof that it is: the model has the validation loss of that epoch.
    from mnist_core.data.batches import split_validation

    data = load_dataset("sample")
    _, validation = split_validation(len(data.train_labels), 0.5, patient.config.seed)
    result = evaluate(patient.load_network(), data.train_images[validation], data.train_labels[validation])
    np.testing.assert_allclose(result.loss, patient.metrics()[best - 1].val_loss, rtol=1e-6)


def test_without_early_stopping_it_is_the_last_epoch(patient):
    run = replace(
        patient,
        origin=(replace(patient.config, patience=0), patient.dataset),
        status=replace(patient.status, epoch=12, model_epoch=None),
    )
    assert model_epoch(run) == 12


def test_a_run_that_stopped_early_needs_no_metrics(patient, tmp_path):
    status = replace(patient.status, epoch=11, model_epoch=None)
    origin = (replace(patient.config, patience=3), patient.dataset)
    assert model_epoch(replace(patient, path=tmp_path, status=status, origin=origin)) == 8


def test_what_the_status_says_counts(patient):
    assert model_epoch(replace(patient, status=replace(patient.status, model_epoch=7))) == 7


def test_rows_after_the_last_complete_epoch_do_not_count(patient):
    status = replace(patient.status, epoch=1, state="stopped", model_epoch=None)
    assert model_epoch(replace(patient, status=status)) == 1


def test_without_an_epoch_or_with_damaged_metrics_it_is_unknown(patient, tmp_path):
    assert model_epoch(replace(patient, status=replace(patient.status, epoch=0))) is None
    (tmp_path / "metrics.csv").write_text(",".join(EpochMetrics._fields) + "\n1,a,b,c,d,e,f\n")
    status = replace(patient.status, model_epoch=None)
    assert model_epoch(replace(patient, path=tmp_path, status=status)) is None
