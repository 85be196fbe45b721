"""Diagnose a run from its folder."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError, EvaluationError, RunError
from mnist_core.evaluation.predict import predict
from mnist_core.evaluation.significance import no_better_than_guessing
from mnist_core.runs.implementation import IMPLEMENTATION
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import Run
from mnist_core.training.diagnosis import diagnose, diagnose_live
from mnist_core.training.divergence import is_divergence
from mnist_core.training.evidence import HELD, DataFacts, Diagnosis, Evidence, layers_of_equal_units

ASKED = 1_000
"""Test images that show whether a network that guesses answers the same to all of them."""


def diagnose_run(run: Run, dataset: Dataset) -> list[Diagnosis] | None:
    """Find what keeps a run from learning.

    Parameters
    ----------
    run : Run
    dataset : Dataset
        That it was trained on.

    Returns
    -------
    list of Diagnosis or None
        Empty for a healthy run; None if there is too little to look at: the run is damaged, has no epoch yet and did
        not diverge, goes on and has fewer than three epochs, or has settings that leave no image to train on. What is
        found of a run that goes on has held for three epochs.

    Raises
    ------
    RunError
        If its tables are damaged.
    """
    if run.problem:
        return None
    evidence = _evidence(run, dataset)
    if evidence is None or (evidence.running and len(evidence.metrics) < HELD):
        return None
    if evidence.hampered or evidence.doubt:
        evidence = _with_model(evidence, run, dataset)
    return diagnose_live(evidence) if evidence.running else diagnose(evidence)


def _evidence(run: Run, dataset: Dataset) -> Evidence | None:
    """What the folder says without the model; None if that is nothing."""
    status, metrics = run.status, run.metrics()
    error = status.error.plain if status.error and is_divergence(status.error.plain) else None
    tested = status.test_accuracy
    if not metrics and error is None and tested is None:
        return None
    try:
        data = DataFacts.of(dataset, run.config)
    except ConfigError:  # they leave nothing to train on, as its error says
        return None
    return Evidence(
        config=run.config,
        data=data,
        metrics=metrics,
        layers=run.layers(),
        test_accuracy=tested,
        doubt=None if tested is None else no_better_than_guessing(tested, dataset.test_labels, dataset.classes),
        error=error,
        model_epoch=model_epoch(run),
        own_code=(run.path / IMPLEMENTATION).exists(),
        running=status.active or status.state in ("paused", "interrupted"),
        epochs=run.epochs,
    )


def _with_model(evidence: Evidence, run: Run, dataset: Dataset) -> Evidence:
    """Add what the model shows, if there is a sound one."""
    with suppress(RunError, EvaluationError):
        network = run.load_network(dataset)
        evidence = replace(evidence, equal_units=layers_of_equal_units(network))
        if evidence.doubt:
            answers = predict(network, dataset.test_images[:ASKED]).argmax(axis=1)
            evidence = replace(evidence, predicted=np.bincount(answers, minlength=network.layer_sizes[-1]).tolist())
    return evidence
