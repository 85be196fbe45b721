"""Record a training run in its folder while it runs."""

import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from mnist_core.data.dataset import Dataset
from mnist_core.jobs.job import Every, Job
from mnist_core.nn.network import Network
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import cut_half_line, write_npz
from mnist_core.runs.status import Status
from mnist_core.runs.tables import HISTOGRAMS, LAYERS, METRICS, STEPS, Row, Step, Table
from mnist_core.training.layer_histograms import is_due, layer_histograms
from mnist_core.training.layer_statistics import layer_statistics
from mnist_core.training.loop import BatchProgress, EpochMetrics
from mnist_core.training.state import TrainingState

STEP_SECONDS = 0.1

LAYER_SECONDS = 0.1

HISTOGRAM_SECONDS = 0.5

STEPS_APART, LAYERS_APART = 20_000, 1_000
"""The gap between rows is at least such a part of the epoch, so that the tables of the longest runs can be read."""

CHECKPOINT_SECONDS = 0.2
"""Epochs shorter than this share a checkpoint: writing one takes some 5 ms, training on the sample 15 ms an epoch."""

MODEL_SECONDS = 2.0


class Recorder:
    """Writes the files of a run folder while it is trained; use as a context manager."""

    def __init__(self, job: Job[Status], checkpoint: Checkpoint) -> None:
        self.job = job
        self.path = job.run.path
        self.checkpoint = checkpoint
        self.started = time.monotonic()
        self.seconds_before = job.status.seconds
        self.images_trained = 0
        self.images_total = 0
        self.step_due = Every(STEP_SECONDS)
        self.layers_due, self.histograms_due = Every(LAYER_SECONDS), Every(HISTOGRAM_SECONDS)
        self.last_step = 0.0
        self.last_layers: int | None = None
        self.last_histograms: int | None = None
        self.checkpoint_due, self.model_due = Every(CHECKPOINT_SECONDS), Every(MODEL_SECONDS)

    def __enter__(self) -> "Recorder":
        self.job.begin(epoch=self.checkpoint.epoch)
        with ExitStack() as stack:
            self.metrics, _ = self._open(METRICS, stack)
            self.steps, last_step = self._open(STEPS, stack)
            self.last_step = last_step or 0.0
            self.layers, self.last_layers = self._open(LAYERS, stack)
            self.histograms, self.last_histograms = self._open(HISTOGRAMS, stack)
            self.files = stack.pop_all()
        return self

    def _open(self, table: Table[Row], stack: ExitStack) -> tuple[TextIO, Any]:
        """Open a table to be continued, without damaged rows and those after the checkpoint, which are written again.

        Returns
        -------
        file : TextIO
        last : int, float or None
            Epoch of the last row.
        """
        rows = [row for row in self.job.run.rows(table, every_row=True) if row[0] <= self.checkpoint.epoch]
        table.rewrite(self.path, rows)
        file = stack.enter_context((self.path / table.name).open("a", encoding="utf-8"))
        return file, rows[-1][0] if rows else None

    def __exit__(self, *_: object) -> None:
        self.job.status = replace(self.job.status, seconds=self.seconds)
        try:
            self.files.close()
        finally:
            for table in (self.metrics, self.steps, self.layers, self.histograms):
                with suppress(OSError):  # of a folder that is gone, say; the error that ended the job says more
                    cut_half_line(Path(table.name))

    @property
    def seconds(self) -> float:
        """Time that the run has trained, with that before a pause."""
        return self.seconds_before + time.monotonic() - self.started

    def write_status(self, **changes: Any) -> None:
        """Change fields of ``status.json`` and renew its heartbeat."""
        self.job.write(seconds=self.seconds, **changes)

    def after_batch(self, progress: BatchProgress) -> None:
        """Record a mini-batch, and obey a request to pause or to stop."""
        self.images_total = progress.images_total
        position = progress.epoch - 1 + progress.images_done / progress.images_total
        if position - self.last_step >= position / STEPS_APART and self.step_due():
            self.steps.write(f"{STEPS.write(Step(position, progress.loss))}\n")
            self.steps.flush()
            self.last_step = position
        trained = self.images_trained + progress.images_done
        self.job.report(
            seconds=self.seconds,
            images_done=progress.images_done,
            images_total=progress.images_total,
            images_per_second=trained / max(time.monotonic() - self.started, 0.001),  # the clock of Windows is coarse
        )

    def describe_layers(self, network: Network, state: TrainingState, dataset: Dataset) -> None:
        """Record statistics and histograms of the layers, if it is time to."""
        if is_due(state.epoch, self.last_layers, LAYERS_APART) and self.layers_due():
            self.layers.writelines(f"{LAYERS.write(row)}\n" for row in layer_statistics(network, dataset, state.epoch))
            self.layers.flush()
            self.last_layers = state.epoch
        if is_due(state.epoch, self.last_histograms) and self.histograms_due():
            self._write_histograms(network, state.epoch, dataset)

    def describe_last_epoch(self, dataset: Dataset) -> None:
        """Record the histograms of the last complete epoch, unless already recorded."""
        if self.checkpoint.epoch and self.checkpoint.epoch != self.last_histograms:
            self._write_histograms(Network.from_arrays(self.checkpoint.arrays), self.checkpoint.epoch, dataset)

    def _write_histograms(self, network: Network, epoch: int, dataset: Dataset) -> None:
        self.histograms.writelines(f"{HISTOGRAMS.write(row)}\n" for row in layer_histograms(network, dataset, epoch))
        self.histograms.flush()
        self.last_histograms = epoch

    def after_epoch(self, metrics: EpochMetrics, network: Network, state: TrainingState) -> None:
        """Record an epoch; its parameters are what a pause or a stop within the next one leaves."""
        self.images_trained += self.images_total
        self.metrics.write(f"{METRICS.write(metrics)}\n")
        self.metrics.flush()
        self.checkpoint = Checkpoint.of(network, state)
        self.job.status = replace(self.job.status, epoch=metrics.epoch, images_done=0)
        if self.checkpoint_due():
            self.checkpoint.write(self.path)
        if self.model_due():
            self.write_model()

    def write_model(self) -> None:
        """Write the model after the last complete epoch, or the best one, ``model.npz``."""
        if self.checkpoint.epoch:
            self.write_status(model_epoch=None)  # whoever dies in between has not said a wrong one
            write_npz(self.path / "model.npz", self.checkpoint.model().to_arrays())
            self.job.status = replace(self.job.status, model_epoch=self.checkpoint.model_epoch)

    def write_all(self) -> None:
        """Write checkpoint and model, so that nothing is lost when this process ends."""
        if self.checkpoint.epoch:
            self.checkpoint.write(self.path)
        self.write_model()
