"""Diagnose a run from its folder."""

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.errors import MnistError
from mnist_core.runs.implementation import IMPLEMENTATION
from mnist_core.runs.run import Run
from mnist_core.training.diagnosis import DataFacts, Diagnosis, Evidence, diagnose
from mnist_core.training.divergence import has_diverged


def data_facts(dataset: Dataset) -> DataFacts:
    """Count the training images of each class, and find the brightest pixel."""
    counts = np.bincount(dataset.train_labels, minlength=dataset.num_classes)
    return DataFacts(tuple(counts.tolist()), int(dataset.train_images.max()))


def diagnose_run(run: Run, data: DataFacts | None = None, predicted: list[int] | None = None) -> list[Diagnosis]:
    """Find what keeps a run from learning; an empty list for a healthy run, and for one that has nothing to look at.

    Parameters
    ----------
    run : Run
    data : DataFacts, optional
        Of its data set; loaded if not given.
    predicted : list of int, optional
        Test images for which each class was predicted.

    Raises
    ------
    RunError
        If its tables are damaged.
    """
    if run.problem:
        return []
    if data is None:
        try:
            data = data_facts(run.dataset.load())
        except MnistError:  # without its data little can be said, and other sentences say that they are gone
            return []
    error = run.status.error
    metrics = run.metrics()
    diverged = bool(error and has_diverged(error.plain))
    if not metrics and not diverged:
        return []
    evidence = Evidence(
        config=run.config,
        data=data,
        metrics=metrics,
        layers=run.layers(),
        predicted=predicted,
        test_accuracy=run.status.test_accuracy,
        diverged=diverged,
        own_code=(run.path / IMPLEMENTATION).exists(),
    )
    return diagnose(evidence)
