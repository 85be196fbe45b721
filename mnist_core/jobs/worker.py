"""The training process, ``python -m mnist_core.jobs.worker RUN_FOLDER``: trains a run and records it in its folder."""

import os
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace

from mnist_core.data.dataset import Dataset
from mnist_core.errors import MnistError, RunError
from mnist_core.evaluation.predict import evaluate
from mnist_core.jobs.job import Every, error_sentence, work_on_folder
from mnist_core.jobs.queue import wait_for_slot
from mnist_core.jobs.recorder import Interruption, Recorder
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import worker_lock, write_json
from mnist_core.runs.run import Run
from mnist_core.training.loop import build_network, train
from mnist_core.training.state import TrainingState


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
        status = replace(run.status, state="failed", heartbeat=time.time(), error=error_sentence(error, run.path))
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
        except Exception as error:
            if isinstance(error, MnistError | OSError | MemoryError):
                with suppress(OSError):  # the disk may be what failed
                    recorder.write_all()
            recorder.write_status(state="failed", error=error_sentence(error, run.path))
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
