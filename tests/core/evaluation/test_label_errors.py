"""Three ways to rank labels, by hand and against cleanlab."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.errors import EvaluationError
from mnist_core.evaluation.label_errors import METHODS, find_label_issues, normalized_margin, off_diagonal, rank

LABELS = np.array([0, 0, 1, 1, 1, 2])
PROBABILITIES = np.array(
    [
        [0.90, 0.05, 0.05],
        [0.20, 0.70, 0.10],  # p(1) reaches its threshold, 1.8 / 3
        [0.30, 0.60, 0.10],
        [0.45, 0.25, 0.30],  # p(0) misses its threshold, 0.55
        [0.02, 0.95, 0.03],
        [0.10, 0.40, 0.50],
    ],
    np.float32,
)


def test_the_methods_by_hand():
    assert rank(LABELS, PROBABILITIES, "self_confidence").tolist() == [1, 3, 5, 2, 0, 4]
    assert rank(LABELS, PROBABILITIES, "confident_learning").tolist() == [1, 3, 5, 2, 0, 4]
    assert normalized_margin(LABELS, PROBABILITIES) == pytest.approx([0.925, 0.25, 0.65, 0.4, 0.96, 0.55])
    assert off_diagonal(LABELS, PROBABILITIES).tolist() == [False, True, False, False, False, False]
    assert find_label_issues(LABELS, PROBABILITIES, "normalized_margin").index.tolist() == [1, 3]
    assert find_label_issues(LABELS, PROBABILITIES, "confident_learning").index.tolist() == [1]
    with pytest.raises(EvaluationError, match="not numbers"):
        rank(LABELS, PROBABILITIES * np.nan)


def scene(seed, count, classes):
    """Labels, some of them wrong, and probabilities that lean to the true ones."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    scores = rng.normal(size=(count, classes)) + 2 * np.eye(classes)[truth]
    labels = np.where(rng.random(count) < 0.2, rng.integers(0, classes, count), truth)
    labels[:classes] = np.arange(classes)  # cleanlab wants all of them
    power = np.exp(scores)
    return labels, (power / power.sum(axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_every_method_ranks_every_image_once(seed, classes):
    labels, probabilities = scene(seed, 60, classes)
    for name in METHODS:
        assert sorted(rank(labels, probabilities, name)) == list(range(60))
        issues = find_label_issues(labels, probabilities, name)
        assert (issues.suggested != issues.label).all()
        assert (issues.margin <= 0.5).all()
    confident = find_label_issues(labels, probabilities, "confident_learning").index
    ranking = rank(labels, probabilities, "confident_learning")
    np.testing.assert_array_equal(ranking[: len(confident)], confident)
    np.testing.assert_array_equal(confident, [n for n in rank(labels, probabilities) if n in set(confident)])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_they_are_those_of_cleanlab():
    cleanlab = pytest.importorskip("cleanlab", reason="cleanlab is not installed; the extra 'benchmarks' has it")
    from cleanlab.filter import find_label_issues as theirs
    from cleanlab.rank import get_label_quality_scores

    assert cleanlab.__version__
    for seed in range(20):
        labels, probabilities = scene(seed, 400, 2 + seed % 9)
        for name in ("self_confidence", "normalized_margin"):
            expected = get_label_quality_scores(labels, probabilities, method=name)
            np.testing.assert_allclose(METHODS[name].score(labels, probabilities), expected, atol=1e-6)
        expected = theirs(
            labels, probabilities, filter_by="confident_learning", return_indices_ranked_by="self_confidence", n_jobs=1
        )
        found = find_label_issues(labels, probabilities, "confident_learning").index
        np.testing.assert_array_equal(np.sort(found), np.sort(expected))
        np.testing.assert_array_equal(found, expected)
