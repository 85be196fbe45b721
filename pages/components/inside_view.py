"""The inside of a trained run, computed once: its activations on the test set, and a map of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.evaluation.predict import Evaluation
from mnist_core.inspection.pca import principal_components
from mnist_core.inspection.units import hidden_activations
from mnist_core.nn.network import Network
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run
from pages.components.digits.grid import png_base64
from pages.components.runs.picker import model_written, run_classes, run_dataset, test_result, trained_network

MAP_DIGITS = 2000
KEPT_VALUES = 20_000_000
"""Activations kept per run, so that they stay below 80 MB: larger networks are shown on fewer test images."""
MAGNIFIED = 3


@dataclass(frozen=True, eq=False)
class Inside:
    """A trained network, its test set, and its predictions; the arrays are read-only."""

    network: Network
    dataset: Dataset
    result: Evaluation
    hidden: list[np.ndarray]
    """Activations of each hidden layer on the first test images, shapes (N, units)."""
    map: pd.DataFrame
    """A row for each image of the map: x, y, index, label, predicted, confidence, right, image."""
    map_share: float
    """Fraction of the variance that the map explains."""
    classes: Classes

    @property
    def digits(self) -> int:
        """Number of test images whose activations are known."""
        return len(self.hidden[0]) if self.hidden else len(self.dataset.test_labels)


def inside(run: Run) -> Inside:
    """Compute the inside of a run as last saved, once for all sessions."""
    return _inside(run.path, model_written(run), run.dataset)


@st.cache_resource(max_entries=4, show_spinner="Looking inside the network …", hash_funcs={DatasetReference: repr})
def _inside(path: Path, written: int, dataset: DatasetReference) -> Inside:
    run = find_run(path.name, path.parent)
    data, network, result = run_dataset(run), trained_network(run), test_result(run)
    digits = max(KEPT_VALUES // max(sum(network.layer_sizes[1:-1]), 1), 1)
    hidden = hidden_activations(network, data.test_images[:digits])
    for array in hidden:
        array.setflags(write=False)
    return Inside(network, data, result, hidden, *_map(hidden, data, result), run_classes(run))


def _map(hidden: list[np.ndarray], data: Dataset, result: Evaluation) -> tuple[pd.DataFrame, float]:
    """Place test images along the first two principal components of the last hidden layer, or of the pixels."""
    count = len(hidden[-1]) if hidden else len(data.test_labels)
    chosen = np.sort(np.random.default_rng(0).permutation(count)[:MAP_DIGITS])
    rows = hidden[-1][chosen] if hidden else flatten(normalize(data.test_images[chosen]))
    places, share = np.zeros((len(chosen), 2)), 0.0
    if len(chosen) > 1:
        found = principal_components(rows, min(2, *rows.shape))
        places[:, : len(found.components)] = found.project(rows)
        share = float(found.explained_variance_ratio.sum())
    table = pd.DataFrame(
        {
            "x": places[:, 0],
            "y": places[:, 1],
            "index": chosen,
            "label": result.labels[chosen],
            "predicted": result.predicted[chosen],
            "confidence": result.probabilities[chosen].max(axis=1).astype(float),
            "right": result.labels[chosen] == result.predicted[chosen],
            "image": [picture_uri(image) for image in data.test_images[chosen]],
        }
    )
    return table, share


def picture_uri(image: np.ndarray) -> str:
    """Write an image as a data URI, magnified, in 16 greys: small enough for thousands of them."""
    levels = np.kron(image // 17 * 17, np.ones((MAGNIFIED, MAGNIFIED), np.uint8))
    return f"data:image/png;base64,{png_base64(levels)}"
