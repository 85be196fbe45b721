"""Each page shows the very source of the functions that computed it."""

import inspect
import textwrap

import pytest

from mnist_core.augmentation import augment, bilinear
from mnist_core.batches import epoch_batches
from mnist_core.collection import pack_digits
from mnist_core.dataset import load_dataset
from mnist_core.drawing import ink_on_black, segment, steps_to_mnist, to_mnist
from mnist_core.evaluation import class_means, confusion_matrix, evaluate, misclassified, per_class_scores, predict
from mnist_core.idx import read_idx
from mnist_core.network import Network
from mnist_core.optimizers import SGD
from mnist_core.preprocessing import flatten, normalize, one_hot
from mnist_core.training import train

FUNCTIONS = {
    "overview": [load_dataset],
    "dataset": [read_idx, class_means],
    "preprocessing": [normalize, flatten, one_hot, augment, bilinear],
    "training": [train, Network.forward_pass, Network.back_propagate, SGD.step, epoch_batches],
    "evaluation": [predict, evaluate, confusion_matrix, per_class_scores, misclassified],
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
