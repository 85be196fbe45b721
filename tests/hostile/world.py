"""A small data set, and a finished run on it with every file that a run may have."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.jobs.label_check import read_progress, start_label_check
from mnist_core.jobs.start import start_run
from mnist_core.runs.about import About
from mnist_core.runs.implementation import IMPLEMENTATION
from mnist_core.runs.run import Run, list_runs
from mnist_core.training.config import TrainingConfig

CONFIG = TrainingConfig(epochs=3, hidden_layers=(4, 3), validation_fraction=0.1, optimizer="adam", patience=5)
LONG = replace(CONFIG, epochs=400, batch_size=4, patience=400)
SIDE, CLASSES = 8, 3
SECONDS = 60


@dataclass(frozen=True)
class World:
    """Data and a run that are only read, and a scratch folder."""

    made: Path
    folder: Path

    @property
    def data(self) -> Path:
        """Four IDX files."""
        return self.made / "data"

    @property
    def dataset(self) -> Dataset:
        """The small data set."""
        return load_dataset("full", self.data)

    @property
    def template(self) -> Run:
        """The finished run, to be copied."""
        (run,) = list_runs(self.made / "template")
        return run

    @property
    def files(self) -> dict[str, bytes]:
        """Name and content of each file of the run but its locks and its log, and of that of a run of own code."""
        paths = sorted(self.template.path.iterdir())
        own = {path.name: path.read_bytes() for path in paths if path.suffix not in (".lock", ".txt")}
        return {**own, IMPLEMENTATION: b'{"name": "mine.py", "mistake": null, "finding": "softmax is wrong."}'}


def write_data(folder: Path, train: int = 60, test: int = 20) -> None:
    """Write a data set of dark images with a bright row that tells the class."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("t10k", test)):
        labels = (np.arange(count) % CLASSES).astype(np.uint8)
        images = rng.integers(0, 60, (count, SIDE, SIDE)).astype(np.uint8)
        images[np.arange(count), 2 * labels + 1] = rng.integers(150, 256, (count, SIDE))
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", labels)


def make_world(folder: Path) -> None:
    """Write the data, train the run, check its labels and describe it."""
    world = World(folder, folder)
    write_data(world.data)
    run = start_run(CONFIG, world.dataset, folder / "template")
    deadline = time.monotonic() + SECONDS
    while run.status.active and time.monotonic() < deadline:
        time.sleep(0.05)
        run = run.refresh()
    assert run.status.state == "finished", run.status
    start_label_check(run)
    while (progress := read_progress(run)).active and time.monotonic() < deadline:
        time.sleep(0.05)
    assert progress.state == "finished", progress
    run.describe(About.of("a name", "a note", ("first", "second")))
