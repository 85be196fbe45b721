"""Networks, images and labels at the edge: one class, one image, one pixel, one row, no hidden layer, NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import DatasetError, EvaluationError, MnistError
from mnist_core.evaluation import metrics
from mnist_core.evaluation.label_errors import class_thresholds, find_label_issues
from mnist_core.evaluation.predict import evaluate, misclassified, per_image, predict
from mnist_core.evaluation.significance import mcnemar, no_better_than_guessing
from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.inspection.neighbours import nearest_neighbours
from mnist_core.inspection.pca import principal_components
from mnist_core.inspection.units import hidden_activations, mean_by_class, strongest, strongest_connections
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network
from mnist_core.nn.walkthrough import checked_positions, parameter_name, walk_through
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_histograms import layer_histograms, on_common_bins
from mnist_core.training.layer_statistics import layer_statistics
from mnist_core.training.loop import train
from mnist_core.training.out_of_sample import cross_validate
from mnist_core.untrusted import UntrustedText

OF_PREDICTIONS = (
    metrics.score,
    metrics.roc_auc,
    metrics.calibration,
    metrics.selective_prediction,
    class_thresholds,
    find_label_issues,
    misclassified,
    per_image,
    lambda labels, probabilities: metrics.top_k_accuracy(labels, probabilities, 3),
)


@st.composite
def cases(draw):
    """A network, and images and labels that fit it, each of the smallest sizes there are; often of one class only."""
    height, width = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    classes, count = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    hidden = draw(st.lists(st.integers(1, 3), max_size=2))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    network = Network((height * width, *hidden, classes), draw(st.sampled_from(list(ACTIVATIONS))))
    network.parameters *= draw(st.sampled_from([0, 1, 100, 1e6]))
    images = rng.integers(0, 256, (count, height, width), np.uint8) * draw(st.booleans())
    labels = rng.integers(0, draw(st.integers(1, classes)), count).astype(np.uint8)
    return network, images.astype(np.uint8), labels


@given(cases())
def test_every_measure_of_predictions_takes_the_smallest_cases(case):
    network, images, labels = case
    result = evaluate(network, images, labels)
    classes = network.layer_sizes[-1]
    assert 0 <= result.accuracy <= 1
    assert np.isfinite(result.loss)
    assert not np.signbit(result.loss)  # -0.0000 nats
    assert result.confusion_matrix.sum() == len(labels)
    scores = metrics.score(labels, result.probabilities)
    assert scores.interval[0] <= result.accuracy + 1e-9
    assert scores.interval[1] >= result.accuracy - 1e-9
    assert result.accuracy <= scores.top_2 <= scores.top_3 <= 1
    assert metrics.top_k_accuracy(labels, result.probabilities, 1) == pytest.approx(result.accuracy)  # ties, too
    assert scores.auc.shape == (classes,)
    assert 0 <= scores.calibration.error <= 1
    assert scores.selective.accuracy[0] == pytest.approx(result.accuracy)
    for values in metrics.per_class_scores(result.confusion_matrix)[:3]:
        assert ((values >= 0) & (values <= 1)).all()
    digits = result.digits
    assert ((digits.margin >= 0) & (digits.margin <= digits.confidence)).all()
    assert np.isfinite(digits.loss).all()
    assert not np.signbit(digits.loss).any()
    assert len(misclassified(labels, result.probabilities).index) == result.errors
    assert len(find_label_issues(labels, result.probabilities).index) == result.errors
    correct = result.predicted == labels
    assert mcnemar(correct, correct).p_value == 1
    if classes == 1:
        assert "guessing is always correct" in no_better_than_guessing(result.accuracy, labels)


@given(cases())
def test_every_inspection_takes_the_smallest_cases(case):
    network, images, labels = case
    classes, hidden = network.layer_sizes[-1], hidden_activations(network, images)
    assert [layer.shape for layer in hidden] == [(len(images), units) for units in network.layer_sizes[1:-1]]
    assert gradient_times_input(network, images[0]).shape == (classes, *images.shape[1:])
    found = nearest_neighbours(images[0], images, 9)
    assert sorted(found.index) == list(range(len(images)))
    assert found.distance[0] < 5e-3  # a difference of float32
    for layer in hidden:
        means = mean_by_class(layer[:, 0], labels, classes)
        assert means.shape == (classes,)
        np.testing.assert_array_equal(np.isnan(means), np.bincount(labels, minlength=classes) == 0)
        assert len(strongest(layer[0], 9)) == layer.shape[1]
        if len(layer) > 1:
            components = principal_components(layer, min(2, *layer.shape))
            assert np.isfinite(components.project(layer)).all()
            assert (components.explained_variance_ratio <= 1 + 1e-9).all()
    everything = [np.arange(size) for size in network.layer_sizes]
    connections = strongest_connections(images[0].ravel() / 255, network.weights[0], *everything[:2], 99)
    assert len(connections) == network.weights[0].size
    walk = walk_through(network, images, labels, 0.1)
    assert np.isfinite(walk.loss_after)
    assert all(parameter_name(network, position) for position in checked_positions(walk))


def dataset_of(images, labels):
    return Dataset(images, labels, images, labels, UntrustedText("small"), "full", None, {})


@given(cases(), st.sampled_from([1, 2, 128]), st.floats(0, 0.5), st.booleans())
def test_training_and_its_statistics_take_the_smallest_cases(case, batch_size, dropout, augmented):
    network, images, labels = case
    network.parameters[:] = 0.1
    dataset = dataset_of(images, labels)
    fraction = 0.3 if len(labels) > 1 else 0.0
    config = TrainingConfig(
        epochs=2, learning_rate=0.1, batch_size=batch_size, dropout=dropout, validation_fraction=fraction,
        hidden_layers=network.layer_sizes[1:-1], shift=float(augmented), elastic=float(augmented),
        patience=int(fraction > 0),
    )  # fmt: skip
    rows = list(train(config, dataset, network))
    assert 1 <= len(rows) <= 2
    assert all(np.isfinite((row.train_loss, row.train_accuracy)).all() for row in rows)
    assert not any(np.signbit(row.train_loss) for row in rows)
    statistics = layer_statistics(network, dataset, 1)
    assert len(statistics) == len(network.weights)
    histograms = layer_histograms(network, dataset, 1)
    assert sum(histograms[-1].counts) == len(images) * network.layer_sizes[-1]
    assert on_common_bins(histograms)[1].shape == (len(histograms), 32)
    if len(labels) >= 2 and not fraction:
        for fold, probabilities in cross_validate(config, dataset, folds=2):
            assert probabilities.shape == (len(fold), dataset.num_classes)


def measures_of(network, images, labels):
    return (
        lambda: predict(network, images),
        lambda: evaluate(network, images, labels),
        lambda: hidden_activations(network, images),
        lambda: gradient_times_input(network, images[0]),
        lambda: walk_through(network, images, labels, 0.1),
        lambda: layer_statistics(network, dataset_of(images, labels), 1),
        lambda: layer_histograms(network, dataset_of(images, labels), 1),
    )


@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_network_that_is_no_longer_finite_is_named_wherever_it_is_measured(case, value):
    network, images, labels = case
    network.biases[-1][-1] = value if network.layer_sizes[-1] == 1 else abs(value)  # -inf is a probability of 0
    for measure in measures_of(network, images, labels):
        with pytest.raises(EvaluationError, match=r"not a number \(NaN\): its training diverged, or its file"):
            measure()


@given(cases())
def test_sums_that_overflow_give_a_number_or_that_sentence(case):
    network, images, labels = case
    network.parameters[:] = 3e38
    for measure in measures_of(network, images, labels):
        try:
            measure()
        except EvaluationError as error:
            assert "not a number" in str(error)


@given(st.sampled_from([np.nan, np.inf, -np.inf]), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_probabilities_that_are_no_numbers_are_named_by_every_measure(value, count, classes, seed):
    rng = np.random.default_rng(seed)
    labels, probabilities = rng.integers(0, classes, count), rng.dirichlet(np.ones(classes), count)
    probabilities[rng.integers(count), rng.integers(classes)] = value
    for measure in OF_PREDICTIONS:
        with pytest.raises(EvaluationError, match=rf"The probabilities of 1 of {count} images are not numbers"):
            measure(labels, probabilities)


@pytest.mark.parametrize("measure", OF_PREDICTIONS)
def test_predictions_that_do_not_fit_the_labels_are_named_by_every_measure(measure):
    probabilities = np.full((3, 2), 0.5)
    for labels, said in (
        (np.array([0, 1, 2]), "Found labels from 0 to 2, expected 0 to 1"),
        (np.array([0, 1, -1]), "Found labels from -1 to 1"),
        (np.array([0, 1]), "shape 3x2 for 2 labels"),
        (np.array([], int), "Found no image"),
    ):
        with pytest.raises(EvaluationError, match=said):
            measure(labels, probabilities)


def test_no_image_is_an_error_in_words():
    with pytest.raises(DatasetError, match="Found no image"):
        evaluate(Network((4, 2)), np.zeros((0, 2, 2), np.uint8), np.zeros(0, np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_components_of_what_is_not_finite_are_an_error_in_words(value):
    with pytest.raises(EvaluationError, match="not finite"):
        principal_components(np.array([[1.0, 2.0], [value, 0.0], [3.0, 1.0]]))
    assert issubclass(EvaluationError, MnistError)
