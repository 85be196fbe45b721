"""Each page shows the very source of the functions that computed it."""

import inspect
import textwrap

import pytest

from mnist_core.data.augmentation import augment, bilinear
from mnist_core.data.batches import epoch_batches
from mnist_core.data.corrected.agreement import compare
from mnist_core.data.dataset import class_means, load_dataset
from mnist_core.data.idx import read_idx
from mnist_core.data.own_digits import pack_digits
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.evaluation.label_errors import class_thresholds, find_label_issues, off_diagonal
from mnist_core.evaluation.label_noise import flip_at_random, flip_pairs, repair, retrieval
from mnist_core.evaluation.metrics import calibration, confusion_matrix, per_class_scores
from mnist_core.evaluation.predict import evaluate, per_image, predict
from mnist_core.evaluation.significance import mcnemar
from mnist_core.handwriting.ink import ink_on_black
from mnist_core.handwriting.mnist_format import steps_to_mnist, to_mnist
from mnist_core.handwriting.segmentation import segment
from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.inspection.neighbours import nearest_neighbours, neighbours_of_each
from mnist_core.inspection.pca import principal_components
from mnist_core.inspection.units import hidden_activations, mean_by_class, strongest_connections
from mnist_core.nn.gradient_check import numerical_gradient
from mnist_core.nn.network import Network
from mnist_core.nn.optimizers import SGD
from mnist_core.nn.walkthrough import walk_through
from mnist_core.runs.archive import import_run
from mnist_core.runs.settings_diff import differing_settings
from mnist_core.training.layer_histograms import layer_histograms
from mnist_core.training.loop import train
from mnist_core.training.out_of_sample import cross_validate
from pages.components.code import excerpt

FUNCTIONS = {
    "overview": [load_dataset],
    "dataset": [read_idx, class_means],
    "preprocessing": [normalize, flatten, one_hot, augment, bilinear],
    "training": [
        train,
        Network.forward_pass,
        Network.deltas,
        Network.deltas_below,
        Network.back_propagate,
        SGD.step,
        epoch_batches,
    ],
    "step_by_step": [
        walk_through,
        Network.forward_pass,
        Network.deltas,
        Network.deltas_below,
        Network.back_propagate,
        numerical_gradient,
    ],
    "inside": [hidden_activations, strongest_connections, mean_by_class, principal_components, layer_histograms],
    "runs": [mcnemar, differing_settings, import_run],
    "evaluation": [
        predict,
        evaluate,
        confusion_matrix,
        per_class_scores,
        per_image,
        calibration,
        gradient_times_input,
        nearest_neighbours,
    ],
    "label_issues": [cross_validate, find_label_issues, off_diagonal, class_thresholds],
    "label_noise": [flip_at_random, flip_pairs, retrieval, repair],
    "label_desk": [neighbours_of_each, compare],
    "draw": [steps_to_mnist, Network.forward_pass, pack_digits],
    "upload": [ink_on_black, segment, to_mnist, predict],
}


@pytest.mark.parametrize("page", FUNCTIONS)
def test_the_code_behind_is_the_source(open_page, finished, page):
    (expander,) = [block for block in open_page(page).expander if block.label == "The code behind this page"]
    sources = [textwrap.dedent(inspect.getsource(function)).rstrip() for function in FUNCTIONS[page]]
    assert [block.value for block in expander.code] == sources
    names = [f"`{function.__module__}.{function.__qualname__}`" for function in FUNCTIONS[page]]
    assert [caption.value for caption in expander.caption] == names


def test_an_excerpt_is_whole_lines_below_the_docstring():
    lines = excerpt(SGD._move, "gradient *=", "parameters -=")
    assert lines == "gradient *= rate\nparameters -= gradient"
    assert excerpt(normalize, "return") == "return images.astype(np.float32) / 255"
    with pytest.raises(ValueError, match=r"SGD\._move has no lines from 'pass'"):
        excerpt(SGD._move, "pass")
