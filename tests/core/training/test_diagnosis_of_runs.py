"""A part of ``benchmarks/diagnosis.py``: flaws are named, and healthy runs get no finding, live or at their end."""

import importlib.util
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.helpers import PROJECT

SEED = 31
"""Thresholds were not chosen with it."""


@pytest.fixture(scope="module")
def benchmark():
    path = Path(PROJECT) / "benchmarks" / "diagnosis.py"
    spec = importlib.util.spec_from_file_location("diagnosis_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name], before = module, list(sys.path)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = before
        del sys.modules[spec.name]


@pytest.fixture(scope="module")
def data(benchmark):
    return benchmark.data_sets(2000)


@pytest.mark.slow
def test_flaws_are_named(benchmark, data):
    trials = list(islice(benchmark.sick(SEED), 0, None, 5))
    wrong = []
    for trial in trials:
        right, found = benchmark.judge(trial, benchmark.observe(trial, data[trial.data]))
        if not right:
            wrong.append((trial, found))
    assert len(wrong) <= (1 - benchmark.NAMED) * len(trials), wrong


@pytest.mark.slow
def test_healthy_runs_get_no_finding(benchmark, data):
    for trial in islice(benchmark.healthy(SEED), 0, None, 5):
        right, found = benchmark.judge(trial, benchmark.observe(trial, data[trial.data]))
        assert right, (trial, found)


def test_the_benchmark_has_enough_trials_of_every_kind(benchmark):
    sick, healthy = list(benchmark.sick(SEED)), [*benchmark.healthy(SEED), *benchmark.presets(best=True)]
    assert len(sick) >= 40
    assert len(healthy) >= 30
    assert {trial.data for trial in sick} >= set(benchmark.USUAL)
    assert {trial.config.activation for trial in sick} >= set(benchmark.RATES)
    named = {cause for trial in sick for cause in trial.causes}
    assert named >= {
        "guessing", "saturated-units", "dead-units", "vanishing-gradients", "exploding-gradients", "zero-weights",
        "huge-weights", "symmetric-units", "learning-rate-too-high", "learning-rate-too-low", "too-few-updates",
        "overfitting", "underfitting", "pixels-not-scaled", "classes-missing", "test-differs", "weight-decay-too-high",
    }  # fmt: skip
