"""Evaluation against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.errors import DatasetError
from mnist_core.evaluation import predict as evaluation
from mnist_core.evaluation.metrics import confusion_matrix, per_class_scores
from mnist_core.evaluation.predict import evaluate, misclassified, per_image, predict
from mnist_core.nn.network import Network

cases = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=60)
    )
)


@given(cases)
def test_confusion_and_class_scores_equal_scikit_learn(case):
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle is scikit-learn")
    classes, pairs = case
    labels, predicted = np.array(pairs).T
    confusion = confusion_matrix(labels.astype(np.uint8), predicted, classes)
    np.testing.assert_array_equal(confusion, metrics.confusion_matrix(labels, predicted, labels=range(classes)))
    expected = metrics.precision_recall_fscore_support(labels, predicted, labels=range(classes), zero_division=0)
    for ours, theirs in zip(per_class_scores(confusion), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


@pytest.fixture
def images_and_labels():
    rng = np.random.default_rng(4)
    return rng.integers(0, 256, (50, 4, 3)).astype(np.uint8), rng.integers(0, 5, 50).astype(np.uint8)


def test_evaluate_equals_scikit_learn(images_and_labels):
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle is scikit-learn")
    images, labels = images_and_labels
    result = evaluate(Network((12, 7, 5), dtype=np.float64), images, labels)
    assert result.accuracy == pytest.approx(metrics.accuracy_score(labels, result.predicted))
    assert result.loss == pytest.approx(metrics.log_loss(labels, result.probabilities, labels=range(5)))
    assert result.errors == int((labels != result.predicted).sum())


def test_chunks_change_nothing(images_and_labels, monkeypatch):
    images, _ = images_and_labels
    network = Network((12, 7, 5), dtype=np.float64)
    whole = network.feed_forward(flatten(normalize(images)))
    for chunk in (1, 7, 50, 51):
        monkeypatch.setattr(evaluation, "CHUNK", chunk)
        np.testing.assert_allclose(predict(network, images), whole, rtol=1e-12)


@given(st.integers(1, 40), st.integers(0, 99))
def test_misclassified_lists_each_mistake_most_confident_first(count, seed):
    rng = np.random.default_rng(seed)
    labels, probabilities = rng.integers(0, 4, count), rng.dirichlet(np.ones(4), count)
    wrong = misclassified(labels, probabilities)
    assert sorted(wrong.index) == [n for n in range(count) if probabilities[n].argmax() != labels[n]]
    assert (np.diff(wrong.confidence) <= 0).all()
    np.testing.assert_array_equal(wrong.true, labels[wrong.index])
    np.testing.assert_array_equal(wrong.predicted, probabilities[wrong.index].argmax(axis=1))
    np.testing.assert_array_equal(wrong.confidence, probabilities[wrong.index].max(axis=1))


def test_labels_beyond_the_classes_of_the_network_are_refused(images_and_labels):
    images, labels = images_and_labels
    with pytest.raises(DatasetError, match="Found the label 4, expected 0 to 2, as the network has 3 classes"):
        evaluate(Network((12, 3)), images, labels)


def test_a_class_that_is_never_predicted_scores_zero():
    confusion = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 0, 0, 2]), 4)
    assert confusion.tolist() == [[2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    scores = per_class_scores(confusion)
    assert scores.precision.tolist() == [2 / 3, 0, 1, 0]
    assert scores.recall.tolist() == [1, 0, 1, 0]
    assert scores.f1.tolist() == [0.8, 0, 1, 0]
    assert scores.support.tolist() == [2, 1, 1, 0]


def test_byte_labels_of_many_classes_are_counted_without_overflow():
    labels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(confusion_matrix(labels, labels, 256), np.eye(256))


def test_ties_keep_their_order_and_no_mistake_gives_no_rows():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.8, 0.2], [0.8, 0.2]])
    wrong = misclassified(np.array([1, 0, 1, 0]), probabilities)
    assert wrong.index.tolist() == [0, 1, 2]
    assert wrong.confidence.tolist() == [0.9, 0.8, 0.8]
    assert [len(part) for part in vars(misclassified(np.array([0, 1, 0, 0]), probabilities)).values()] == [0] * 4


def test_predict_feeds_at_most_a_chunk_at_a_time_and_accepts_no_images(images_and_labels, monkeypatch):
    images, _ = images_and_labels
    network, sizes = Network((12, 5)), []
    forward_pass = network.forward_pass
    monkeypatch.setattr(network, "forward_pass", lambda x: sizes.append(len(x)) or forward_pass(x))
    monkeypatch.setattr(evaluation, "CHUNK", 20)
    assert predict(network, images).dtype == np.float32
    assert sizes == [20, 20, 10]
    assert predict(network, images[:0]).shape == (0, 5)


def test_evaluation_agrees_with_itself(images_and_labels):
    images, labels = images_and_labels
    result = evaluate(Network((12, 7, 5)), images, labels)
    assert result.confusion_matrix.sum() == len(labels)
    assert result.errors == len(misclassified(labels, result.probabilities).index)
    assert result.accuracy == pytest.approx(1 - result.errors / len(labels))


def test_each_image_is_described_by_its_probabilities():
    labels, probabilities = np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]])
    digits = per_image(labels, probabilities)
    assert digits.predicted.tolist() == [0, 0]
    assert digits.confidence == pytest.approx([0.7, 0.5])
    assert digits.margin == pytest.approx([0.5, 0.2])
    assert digits.loss == pytest.approx(-np.log([0.7, 0.2]))
