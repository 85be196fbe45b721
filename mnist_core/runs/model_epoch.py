"""Which epoch the model of a run is of: with early stopping, it is not the last one that was trained."""

import math
from collections.abc import Iterable

from mnist_core.errors import RunError
from mnist_core.runs.run import Run
from mnist_core.training.loop import EpochMetrics


def best_epoch(rows: Iterable[EpochMetrics]) -> int | None:
    """Epoch with the lowest validation loss, the first one of equals; None without any."""
    known = [row for row in rows if not math.isnan(row.val_loss)]
    return min(known, key=lambda row: row.val_loss).epoch if known else None


def model_epoch(run: Run) -> int | None:
    """Epoch whose parameters are in ``model.npz``, the ones that are evaluated.

    A run of an older version does not say it. Its model is then that of the last epoch; or with early stopping, the one
    as many epochs before the end as its patience lasts, or that :func:`best_epoch` finds in ``metrics.csv``.

    Parameters
    ----------
    run : Run
        Not damaged.

    Returns
    -------
    int or None
        None if the run has no model, or the file that tells is damaged.
    """
    if not run.status.epoch:
        return None
    if run.status.model_epoch is not None:
        return run.status.model_epoch
    patience = run.config.patience
    if not patience:
        return run.status.epoch
    if run.stopped_early and run.status.epoch > patience:
        return run.status.epoch - patience
    try:
        return best_epoch(row for row in run.metrics() if row.epoch <= run.status.epoch)
    except RunError:
        return None
