"""Metrics of probabilities against scikit-learn, their formulas, and small cases worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.evaluation.metrics import (
    calibration,
    roc_auc,
    score,
    selective_prediction,
    top_k_accuracy,
    wilson_interval,
)


@st.composite
def predictions(draw):
    """Labels and probabilities, often with ties."""
    count, classes = draw(st.integers(1, 60)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    raw = rng.integers(1, 6, (count, classes)).astype(float)
    return rng.integers(0, classes, count), raw / raw.sum(axis=1, keepdims=True)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_interval_is_that_of_the_formula(successes, more):
    trials, z = successes + more, 1.959963984540054
    fraction, squared = successes / trials, z * z / trials
    half = z * math.sqrt(fraction * (1 - fraction) / trials + squared / (4 * trials))
    ends = [(fraction + squared / 2 + sign * half) / (1 + squared) for sign in (-1, 1)]
    assert wilson_interval(successes, trials) == pytest.approx(ends, abs=1e-9)


@given(predictions(), st.integers(1, 6))
def test_top_k_accuracy(case, k):
    labels, probabilities = case
    first_k = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    assert top_k_accuracy(labels, probabilities, k) == pytest.approx(np.mean((first_k == labels[:, None]).any(axis=1)))


def test_top_k_accuracy_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle is scikit-learn")
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 10, 200), rng.dirichlet(np.ones(10), 200)
    for k in (1, 2, 3):
        expected = metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=range(10))
        assert top_k_accuracy(labels, probabilities, k) == pytest.approx(expected)


@given(predictions())
def test_roc_auc_is_that_of_scikit_learn(case):
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle is scikit-learn")
    labels, probabilities = case
    for label, area in enumerate(roc_auc(labels, probabilities)):
        own = labels == label
        if own.all() or not own.any():
            assert np.isnan(area)
        else:
            assert area == pytest.approx(metrics.roc_auc_score(own, probabilities[:, label]))


def test_calibration_by_hand():
    probabilities = np.array([[0.55, 0.45], [0.6, 0.4], [0.95, 0.05], [0.05, 0.95]])
    result = calibration(np.array([0, 1, 0, 1]), probabilities, bins=10)
    assert result.count.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert result.accuracy[[5, 9]] == pytest.approx([0.5, 1.0])
    assert result.confidence[[5, 9]] == pytest.approx([0.575, 0.95])
    assert result.error == pytest.approx(0.5 * 0.075 + 0.5 * 0.05)
    assert np.isnan(result.accuracy[0])


@given(predictions())
def test_calibration_counts_every_image_and_a_perfect_network_has_no_error(case):
    labels, probabilities = case
    assert calibration(labels, probabilities).count.sum() == len(labels)
    sure = np.eye(probabilities.shape[1])[labels]
    assert calibration(labels, sure).error == 0


def test_selective_prediction_refuses_the_least_confident_first():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    curve = selective_prediction(np.array([0, 1, 1, 1]), probabilities)  # the one of 0.6 is wrong
    assert curve.coverage == pytest.approx([1, 0.75, 0.5, 0.25])
    assert curve.accuracy == pytest.approx([0.75, 1, 1, 1])
    assert curve.threshold == pytest.approx([0.6, 0.7, 0.8, 0.9])


def test_score_gathers_the_single_metrics():
    rng = np.random.default_rng(3)
    labels, probabilities = rng.integers(0, 10, 300), rng.dirichlet(np.ones(10), 300)
    scores = score(labels, probabilities)
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    assert scores.interval == wilson_interval(correct, 300)
    assert (scores.top_2, scores.top_3) == tuple(top_k_accuracy(labels, probabilities, k) for k in (2, 3))
    np.testing.assert_array_equal(scores.auc, roc_auc(labels, probabilities))
    assert scores.calibration.error == calibration(labels, probabilities).error
    np.testing.assert_array_equal(scores.selective.accuracy, selective_prediction(labels, probabilities).accuracy)
