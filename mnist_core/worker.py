"""The training process, ``python -m mnist_core.worker RUN_FOLDER``: trains a run and records it in its folder."""

import os
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from typing import TextIO

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.errors import MnistError, RunError
from mnist_core.evaluation.predict import evaluate
from mnist_core.nn.network import Network
from mnist_core.process import Every, work_on_folder
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import complete_rows, worker_lock, write_atomically, write_json
from mnist_core.runs.run import Run, Step
from mnist_core.slots import wait_for_slot
from mnist_core.training.layer_histograms import COLUMNS, is_due, layer_histograms
from mnist_core.training.layer_statistics import LayerStatistics, layer_statistics
from mnist_core.training.loop import BatchProgress, EpochMetrics, build_network, train
from mnist_core.training.state import TrainingState

STATUS_SECONDS = 0.25
STEP_SECONDS = 0.1
LAYER_SECONDS = 0.1
HISTOGRAM_SECONDS = 0.5
CHECKPOINT_SECONDS = 0.2
"""Epochs shorter than this share a checkpoint: writing one takes some 5 ms, training on the sample 15 ms an epoch."""
MODEL_SECONDS = 2.0


class Interruption(Exception):
    """Somebody wrote ``pause`` or ``stop`` into the control file; ``state`` is what the run becomes."""

    def __init__(self, asked: str) -> None:
        self.state = {"pause": "paused"}.get(asked.strip(), "stopped")


class Recorder:
    """Writes the files of a run folder while it is trained; use as a context manager."""

    def __init__(self, run: Run, checkpoint: Checkpoint) -> None:
        self.path = run.path
        self.checkpoint = checkpoint
        self.status = replace(run.status, state="running", pid=os.getpid(), epoch=checkpoint.epoch, error=None)
        self.started = time.monotonic()
        self.seconds_before = run.status.seconds
        self.images_trained = 0
        self.images_total = 0
        self.status_due, self.step_due = Every(STATUS_SECONDS), Every(STEP_SECONDS)
        self.layers_due, self.histograms_due = Every(LAYER_SECONDS), Every(HISTOGRAM_SECONDS)
        self.last_histograms: int | None = None
        self.checkpoint_due, self.model_due = Every(CHECKPOINT_SECONDS), Every(MODEL_SECONDS)

    def __enter__(self) -> "Recorder":
        with ExitStack() as stack:
            self.metrics = stack.enter_context(self._open("metrics.csv", EpochMetrics._fields))
            self.steps = stack.enter_context(self._open("steps.csv", Step._fields))
            self.layers = stack.enter_context(self._open("layers.csv", LayerStatistics._fields))
            self.histograms = stack.enter_context(self._open("histograms.csv", COLUMNS))
            self.files = stack.pop_all()
        kept = complete_rows(self.path / "histograms.csv", COLUMNS)
        self.last_histograms = int(kept[-1][0]) if kept else None
        self.write_status()
        return self

    def _open(self, name: str, columns: tuple[str, ...]) -> TextIO:
        """Open a table to be continued, without the rows after the checkpoint, which will be written again."""
        path = self.path / name
        rows = [",".join(row) for row in complete_rows(path, columns) if float(row[0]) <= self.checkpoint.epoch]
        lines = "".join(f"{line}\n" for line in (",".join(columns), *rows))
        write_atomically(path, lambda file: file.write(lines.encode()))
        return path.open("a", encoding="utf-8")

    def __exit__(self, *_: object) -> None:
        self.files.close()

    def write_status(self, **changes: object) -> None:
        """Change fields of ``status.json`` and renew its heartbeat."""
        seconds = self.seconds_before + time.monotonic() - self.started
        self.status = replace(self.status, heartbeat=time.time(), seconds=seconds, **changes)
        write_json(self.path / "status.json", asdict(self.status))

    def after_batch(self, progress: BatchProgress) -> None:
        """Record a mini-batch, and look whether a stop was asked for."""
        self.images_total = progress.images_total
        if self.step_due():
            position = progress.epoch - 1 + progress.images_done / progress.images_total
            self.steps.write(f"{position:.6g},{progress.loss:.6g}\n")
            self.steps.flush()
        if self.status_due():
            trained = self.images_trained + progress.images_done
            self.write_status(
                images_done=progress.images_done,
                images_total=progress.images_total,
                images_per_second=trained / (time.monotonic() - self.started),
            )
            if (self.path / "control").exists():
                raise Interruption((self.path / "control").read_text(encoding="utf-8"))

    def describe_layers(self, network: Network, state: TrainingState, dataset: Dataset) -> None:
        """Record statistics and histograms of the layers, if it is time to."""
        if self.layers_due():
            for row in layer_statistics(network, dataset, state.epoch):
                self.layers.write(",".join(f"{value:.6g}" for value in row) + "\n")
            self.layers.flush()
        if is_due(state.epoch, self.last_histograms) and self.histograms_due():
            self._write_histograms(network, state.epoch, dataset)

    def describe_last_epoch(self, dataset: Dataset) -> None:
        """Record the histograms of the last complete epoch, unless they were."""
        if self.checkpoint.epoch and self.checkpoint.epoch != self.last_histograms:
            self._write_histograms(Network.from_arrays(self.checkpoint.arrays), self.checkpoint.epoch, dataset)

    def _write_histograms(self, network: Network, epoch: int, dataset: Dataset) -> None:
        self.histograms.writelines(f"{row.to_row()}\n" for row in layer_histograms(network, dataset, epoch))
        self.histograms.flush()
        self.last_histograms = epoch

    def after_epoch(self, metrics: EpochMetrics, network: Network, state: TrainingState) -> None:
        """Record an epoch; its parameters are what a pause or a stop within the next one leaves."""
        self.images_trained += self.images_total
        self.metrics.write(",".join(f"{value:.9g}" for value in metrics) + "\n")
        self.metrics.flush()
        self.checkpoint = Checkpoint.of(network, state)
        self.status = replace(self.status, epoch=metrics.epoch, images_done=0)
        if self.checkpoint_due():
            self.checkpoint.write(self.path)
        if self.model_due():
            self.write_model()

    def write_model(self) -> None:
        """Write the model that the complete epochs have come to, ``model.npz``."""
        if self.checkpoint.epoch:
            arrays = self.checkpoint.model().to_arrays()
            write_atomically(self.path / "model.npz", lambda file: np.savez(file, **arrays))

    def write_all(self) -> None:
        """Write checkpoint and model, so that nothing is lost when this process ends."""
        if self.checkpoint.epoch:
            self.checkpoint.write(self.path)
        self.write_model()


def queue_up(run: Run, held: ExitStack) -> bool:
    """Wait for a slot, with a heartbeat; False if the run was paused or stopped in the queue."""
    heartbeat_due = Every(1.0)

    def while_waiting() -> None:
        if heartbeat_due():
            write_json(run.path / "status.json", asdict(replace(run.status, pid=os.getpid(), heartbeat=time.time())))
        if (run.path / "control").exists():
            raise Interruption((run.path / "control").read_text(encoding="utf-8"))

    try:
        wait_for_slot(run.path.parent, run.id, held, while_waiting)
    except Interruption as interruption:
        status = replace(run.status, state=interruption.state, heartbeat=time.time())
        write_json(run.path / "status.json", asdict(status))
        return False
    except (MnistError, OSError) as error:
        status = replace(run.status, state="failed", heartbeat=time.time(), error=_sentence(error))
        write_json(run.path / "status.json", asdict(status))
        raise
    return True


def work(run: Run) -> None:
    """Train a run to its end and write its result; errors become the state *failed* with one sentence."""
    try:
        checkpoint = Checkpoint.read(run.path)
    except MnistError as error:
        status = replace(run.status, state="failed", heartbeat=time.time(), error=str(error))
        write_json(run.path / "status.json", asdict(status))
        raise
    with Recorder(run, checkpoint) as recorder:
        try:
            dataset = run.dataset.load()
            state = _train(run, dataset, recorder)
            recorder.write_all()
            recorder.describe_last_epoch(dataset)
            scores = _test_scores(recorder.checkpoint, dataset) if state != "paused" else {}
            recorder.write_status(state=state, images_done=0, **scores)
        except (MnistError, OSError, MemoryError) as error:
            with suppress(OSError):  # the disk may be what failed
                recorder.write_all()
            recorder.write_status(state="failed", error=_sentence(error))
            raise
        except Exception as error:
            recorder.write_status(
                state="failed",
                error=f"An error in the program ended it ({error!r}): log.txt in {run.path} tells where.",
            )
            raise


def _train(run: Run, dataset: Dataset, recorder: Recorder) -> str:
    """Train from the checkpoint on; return the state that the run is in then."""
    if recorder.checkpoint.epoch:
        network, state = recorder.checkpoint.restore(run.config)
    else:
        network = build_network(run.config, dataset)
        state = TrainingState.start(run.config, network)
        recorder.describe_layers(network, state, dataset)
    recorder.started = time.monotonic()
    try:
        for metrics in train(run.config, dataset, network, recorder.after_batch, state, run.status.more_epochs):
            recorder.after_epoch(metrics, network, state)
            recorder.describe_layers(network, state, dataset)
    except Interruption as interruption:
        return interruption.state
    return "finished"


def _test_scores(checkpoint: Checkpoint, dataset: Dataset) -> dict[str, float]:
    if not checkpoint.epoch:
        return {}
    result = evaluate(checkpoint.model(), dataset.test_images, dataset.test_labels)
    return {"test_accuracy": result.accuracy, "test_loss": result.loss}


def _sentence(error: Exception) -> str:
    if isinstance(error, MnistError):
        return str(error)
    if isinstance(error, MemoryError):
        return "This machine ran out of memory: use smaller hidden layers or a smaller batch, or end other programs."
    return f"The run folder can't be written ({error}): free some space or make it writable, then start again."


def take_turn(run: Run) -> None:
    """Wait for a slot and train the run.

    Raises
    ------
    RunError
        If nobody asked for it to be trained.
    """
    if not run.status.active:
        raise RunError(f"Run {run.id} is {run.status.state}, so there is nothing to do.")
    with ExitStack() as held:
        if queue_up(run, held):
            work(run)


if __name__ == "__main__":
    sys.exit(work_on_folder(worker_lock, take_turn))
