"""The training process, ``python -m mnist_core.worker RUN_FOLDER``: trains a run and records it in its folder."""

import os
import sys
import time
import traceback
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mnist_core.errors import MnistError
from mnist_core.evaluation import evaluate
from mnist_core.network import Network
from mnist_core.runs import Run, read_run, worker_lock, write_atomically, write_json
from mnist_core.training import BatchProgress, EpochMetrics, build_network, train

STATUS_SECONDS = 0.25
STEP_SECONDS = 0.1
MODEL_SECONDS = 2.0


class StopRequested(Exception):
    """Somebody wrote ``stop`` into the control file."""


class Every:
    """True at most once in ``seconds``: ``if every(): ...``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.last = -seconds

    def __call__(self) -> bool:
        now = time.monotonic()
        due = now - self.last >= self.seconds
        if due:
            self.last = now
        return due


class Recorder:
    """Writes the files of a run folder while it is trained; use as a context manager."""

    def __init__(self, run: Run) -> None:
        self.path = run.path
        self.status = replace(run.status, state="running", pid=os.getpid(), error=None)
        self.started = time.monotonic()
        self.images_trained = 0
        self.images_total = 0
        self.status_due, self.step_due, self.model_due = (
            Every(STATUS_SECONDS),
            Every(STEP_SECONDS),
            Every(MODEL_SECONDS),
        )
        self.network: Network | None = None
        self.snapshot: dict[str, np.ndarray] = {}

    def __enter__(self) -> "Recorder":
        with ExitStack() as stack:
            self.metrics = stack.enter_context((self.path / "metrics.csv").open("w", encoding="utf-8"))
            self.steps = stack.enter_context((self.path / "steps.csv").open("w", encoding="utf-8"))
            self.files = stack.pop_all()
        self.metrics.write(",".join(EpochMetrics._fields) + "\n")
        self.steps.write("epoch,loss\n")
        self.write_status()
        return self

    def __exit__(self, *_: object) -> None:
        self.files.close()

    def write_status(self, **changes: object) -> None:
        """Change fields of ``status.json`` and renew its heartbeat."""
        self.status = replace(self.status, heartbeat=time.time(), seconds=time.monotonic() - self.started, **changes)
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
                raise StopRequested

    def after_epoch(self, metrics: EpochMetrics) -> None:
        """Record an epoch; its parameters are what a stop within the next one leaves."""
        self.images_trained += self.images_total
        self.metrics.write(",".join(f"{value:.9g}" for value in metrics) + "\n")
        self.metrics.flush()
        self.snapshot = {name: array.copy() for name, array in self.network.to_arrays().items()}
        self.status = replace(self.status, epoch=metrics.epoch, images_done=0)
        if self.model_due():
            self.write_model()

    def write_model(self) -> None:
        """Write the parameters of the last complete epoch to ``model.npz``."""
        if self.snapshot:
            write_atomically(self.path / "model.npz", lambda file: np.savez(file, **self.snapshot))


def work(run: Run) -> None:
    """Train a run to its end and write its result; errors become the state *failed* with one sentence."""
    with Recorder(run) as recorder:
        try:
            dataset = run.dataset.load()
            recorder.network = build_network(run.config, dataset)
            state = "finished"
            recorder.started = time.monotonic()
            try:
                for metrics in train(run.config, dataset, recorder.network, recorder.after_batch):
                    recorder.after_epoch(metrics)
            except StopRequested:
                state = "stopped"
            recorder.write_model()
            scores = _test_scores(recorder.snapshot, dataset)
            recorder.write_status(state=state, images_done=0, **scores)
        except (MnistError, OSError, MemoryError) as error:
            with suppress(OSError):  # the disk may be what failed
                recorder.write_model()
            recorder.write_status(state="failed", error=_sentence(error))
            raise
        except Exception as error:
            recorder.write_status(
                state="failed",
                error=f"An error in the program ended it ({error!r}): log.txt in {run.path} tells where.",
            )
            raise


def _test_scores(snapshot: dict[str, np.ndarray], dataset) -> dict[str, float]:
    if not snapshot:
        return {}
    result = evaluate(Network.from_arrays(snapshot), dataset.test_images, dataset.test_labels)
    return {"test_accuracy": result.accuracy, "test_loss": result.loss}


def _sentence(error: Exception) -> str:
    if isinstance(error, MnistError):
        return str(error)
    if isinstance(error, MemoryError):
        return "This machine ran out of memory: use smaller hidden layers or a smaller batch, or end other programs."
    return f"The run folder can't be written ({error}): free some space or make it writable, then start again."


def main() -> int:
    """Work on the run folder named on the command line."""
    run = read_run(Path(sys.argv[1]))
    if run.problem:
        print(f"Run {run.id} is damaged: {run.problem}", file=sys.stderr)
        return 1
    with worker_lock(run.path).acquire(timeout=10):
        try:
            work(run)
        except Exception:
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
