"""The training process, ``python -m mnist_core.jobs.worker RUN_FOLDER``: trains a run and records it in its folder."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from mnist_core.data.dataset import Dataset
from mnist_core.errors import MnistError
from mnist_core.evaluation.predict import evaluate
from mnist_core.jobs.job import Interruption, Job, run_job
from mnist_core.jobs.recorder import Recorder
from mnist_core.jobs.start import TRAINING
from mnist_core.nn.network import Network
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.run import Run
from mnist_core.runs.status import Status
from mnist_core.training.loop import Gradient, build_network, train
from mnist_core.training.state import TrainingState

Trainer = Callable[[Run, Network, TrainingState, Callable[[], None]], AbstractContextManager[Gradient | None]]
"""Begins to compute the gradients of a run; gives None for our own way. Its last argument is to be called while code
that is not ours works: it says that the run is alive, and obeys requests."""


def our_way(
    run: Run, network: Network, state: TrainingState, on_wait: Callable[[], None]
) -> AbstractContextManager[Gradient | None]:
    """Leave the gradient to the training loop."""
    return nullcontext()


def work(job: Job[Status], trainer: Trainer = our_way) -> None:
    """Train a run to its end and write its result."""
    run = job.run
    with Recorder(job, Checkpoint.read(run.path)) as recorder:
        try:
            dataset = run.load_dataset()
            state = _train(run, dataset, recorder, trainer)
            recorder.write_all()
            recorder.describe_last_epoch(dataset)
            scores = _test_scores(recorder.checkpoint, dataset) if state != "paused" else {}
            job.end(state, seconds=recorder.seconds, images_done=0, **scores)
        except (MnistError, OSError, MemoryError):
            with suppress(OSError):  # the disk may be what failed
                recorder.write_all()
            raise


def _train(run: Run, dataset: Dataset, recorder: Recorder, trainer: Trainer) -> str:
    """Train from the checkpoint on; return the state that the run ends in."""
    if recorder.checkpoint.epoch:
        network, state = recorder.checkpoint.restore(run.config)
    else:
        network = build_network(run.config, dataset)
        state = TrainingState.start(run.config, network)
    try:
        with trainer(run, network, state, recorder.job.report) as gradient:
            if not recorder.checkpoint.epoch:
                recorder.describe_layers(network, state, dataset)
            recorder.started = time.monotonic()
            config, more = run.config, run.status.more_epochs
            for metrics in train(config, dataset, network, recorder.after_batch, state, more, gradient):
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


if __name__ == "__main__":
    sys.exit(run_job(TRAINING, work, pid=os.getpid()))
