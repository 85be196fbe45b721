"""The run folder: everything that the trainer, the dashboard and the command line know about a run.

``runs/<run-id>/`` holds ``config.json`` (settings and data, never changed), ``status.json`` (the current state),
``about.json`` (name, note, tags), ``metrics.csv`` (a row an epoch), ``steps.csv`` (the loss within the epochs),
``layers.csv`` (statistics of the layers), ``histograms.csv`` (distributions of weights and activations),
``checkpoint.npz`` (training continues from it), ``model.npz`` (the parameters to evaluate), ``control`` (a request to
the worker), ``worker.lock`` (held by the worker as long as it lives) and ``log.txt``.
"""

import math
import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.errors import DatasetError, RunError, did_you_mean
from mnist_core.models.npz import read_npz
from mnist_core.nn.network import Network
from mnist_core.runs.about import About
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import check_sha256, complete_rows, read_json, worker_lock, write_json, writing_to
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_histograms import COLUMNS, Histogram
from mnist_core.training.layer_statistics import COLUMNS as LAYER_COLUMNS
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics
from mnist_core.training.memory import DataSize, check_memory
from mnist_core.untrusted import UntrustedText

Row = TypeVar("Row", bound=NamedTuple)

RESULTS = ("metrics.csv", "steps.csv", "layers.csv", "histograms.csv", "model.npz", "checkpoint.npz")
"""What training writes."""


class Step(NamedTuple):
    """A row of ``steps.csv``: the loss of one mini-batch at a position; 2.5 is the middle of the third epoch."""

    epoch: float
    loss: float


@dataclass(frozen=True)
class Run:
    """A run folder as it was read; ``problem`` says what is damaged, if anything."""

    path: Path
    config: TrainingConfig
    """None if config.json is damaged, as `problem` then says: check that first."""
    dataset: DatasetReference
    """None if config.json is damaged."""
    created: float
    status: Status
    problem: str | None = None
    about: About = field(default_factory=About)

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def epochs(self) -> int:
        """Total number of epochs to train."""
        return self.config.epochs + self.status.more_epochs

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping ended it before its last epoch."""
        return self.status.state == "finished" and self.status.epoch < self.epochs

    def refresh(self) -> "Run":
        """Read the folder again."""
        return read_run(self.path)

    @property
    def unverified(self) -> str | None:
        """Say why damage to the files would not be noticed, if that is so."""
        if self.status.active or self.status.state == "interrupted" or self.status.checksums:
            return None
        return "An older version wrote this run, without checksums: damage to its files may go unnoticed."

    def check_files(self) -> None:
        """Check that the files are those that the run ended with, as far as its state has their checksums.

        Raises
        ------
        RunError
            Names a file that is not.
        """
        for name in RESULTS:
            try:
                self._check(name)
            except (OSError, ValueError) as error:
                without = "train from the start again" if name == "checkpoint.npz" else "go on without it"
                raise RunError(
                    f"{name} of run {self.id} can't be used ({error}): put the original file back, or delete it to "
                    f"{without}."
                ) from error

    def _check(self, name: str) -> None:
        expected = self.status.checksums.get(name)
        try:
            check_sha256(self.path / name, expected)
        except ValueError:
            latest = self.refresh().status.checksums.get(name)
            if latest == expected:
                raise
            check_sha256(self.path / name, latest)  # it trained on since we read it

    def describe(self, about: About) -> "Run":
        """Write ``about.json``; return the run with it.

        Raises
        ------
        RunError
            If the folder can't be written.
        """
        content = {"name": about.name, "note": about.note, "tags": list(about.tags)}
        with writing_to(self.path):
            write_json(self.path / "about.json", content)
        return replace(self, about=replace(about, problem=None))

    def metrics(self) -> list[EpochMetrics]:
        """Rows of ``metrics.csv``, without a last line that is still being written."""
        return self._rows("metrics.csv", EpochMetrics)

    def steps(self) -> list[Step]:
        """Rows of ``steps.csv``: the loss within the epochs."""
        return self._rows("steps.csv", Step)

    def layers(self) -> list[LayerStatistics]:
        """Rows of ``layers.csv``: one a layer and epoch, for at most ten epochs a second."""
        return self._rows("layers.csv", LayerStatistics, LAYER_COLUMNS)

    def histograms(self) -> list[Histogram]:
        """Rows of ``histograms.csv``: two a layer, for some of the epochs; none in runs of older versions."""
        return self._read_table("histograms.csv", COLUMNS, Histogram.from_row)

    def _rows(self, name: str, kind: type[Row], columns: tuple[str, ...] = ()) -> list[Row]:
        types = kind.__annotations__.values()
        return self._read_table(
            name,
            columns or kind._fields,
            lambda row: kind(*(read(text) for read, text in zip(types, row, strict=True))),
        )

    def _read_table(self, name: str, columns: tuple[str, ...], read: Callable[[list[str]], Row]) -> list[Row]:
        try:
            self._check(name)
            return [read(row) for row in complete_rows(self.path / name, columns)]
        except (OSError, ValueError) as error:
            raise RunError(
                f"The metrics of run {self.id} can't be read ({name}: {error}): show another run."
            ) from error

    def image_shape(self, network: Network) -> tuple[int, int]:
        """Height and width of the images that the network of this run reads: those of its data set.

        Without the data set, the images are taken to be square.

        Raises
        ------
        DatasetError
            If the data set is gone, and the number of pixels is no square.
        """
        try:
            return self.dataset.load().image_shape
        except DatasetError as error:
            side = math.isqrt(network.layer_sizes[0])
            if side**2 == network.layer_sizes[0]:
                return side, side
            raise DatasetError(f"The size of the images of run {self.id} is no longer known: {error}") from error

    def _why_no_model(self) -> str:
        if self.status.active:
            return " yet: its first epoch is not complete. Wait, or choose another run."
        if "model.npz" in self.status.checksums:
            return ": its model.npz is gone. Put the file back, or choose another run."
        error = f" ({self.status.error.plain.rstrip('.')})" if self.status.error else ""
        return f": it ended before its first epoch was complete{error}. Choose another run."

    def load_network(self) -> Network:
        """Build the network from ``model.npz``.

        Raises
        ------
        RunError
            If there is no model yet; or the file is damaged, of another network than that of this run, or holds
            numbers that are not finite.
        """
        path = self.path / "model.npz"
        if not path.exists():
            raise RunError(f"Run {self.id} has no model{self._why_no_model()}")
        try:
            self._check(path.name)
            network = Network.from_arrays(read_npz(path, math.inf))
            self._check_network(network)
            return network
        except (OSError, ValueError) as error:
            raise RunError(
                f"The model of run {self.id} can't be read ({path.name}: {error}): train it again."
            ) from error

    def _check_network(self, network: Network) -> None:
        """Compare a network with the settings, and with the data if they are there; ValueError if it does not fit."""
        sizes, hidden = network.layer_sizes, self.config.hidden_layers
        if sizes[1:-1] != hidden or network.activation != self.config.activation:
            found = f"{'-'.join(map(str, sizes))}, {network.activation}"
            expected = f"{'-'.join(['pixels', *map(str, hidden), 'classes'])}, {self.config.activation}"
            raise ValueError(f"it is another network, {found}: expected {expected}")
        if not np.isfinite(network.parameters).all():
            raise ValueError("it holds weights or biases that are not finite: its learning rate was too high")
        try:
            shape, classes = self.dataset.shape()
        except DatasetError:  # what needs the data will say so
            return
        if sizes[0] != math.prod(shape) or sizes[-1] < classes:
            raise ValueError(
                f"it reads {sizes[0]:,} pixels and tells {sizes[-1]} classes apart: the data of this run have "
                f"{math.prod(shape):,} pixels and {classes} classes"
            )


def default_runs_dir() -> Path:
    """``MNIST_RUNS_DIR`` if set, otherwise ``runs`` in the working folder."""
    return Path(os.environ.get("MNIST_RUNS_DIR") or "runs").absolute()


def create_run(
    config: TrainingConfig,
    dataset: Dataset | DatasetReference,
    runs_dir: Path | None = None,
    complete: Callable[[Path], None] | None = None,
) -> Run:
    """Make a new run folder in the state *queued*; it appears complete or not at all.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset or DatasetReference
    runs_dir : Path, optional
    complete : callable, optional
        Called with the folder before it appears, to write further files or another state.

    Raises
    ------
    ConfigError
        If training on the data would need too much memory.
    RunError
        If the folder can't be written.
    """
    if isinstance(dataset, Dataset):
        check_memory(config, DataSize.of(dataset))
    root = Path(runs_dir or default_runs_dir()).absolute()
    reference = DatasetReference.of(dataset) if isinstance(dataset, Dataset) else dataset
    created = time.time()
    run_id = new_id(root, created)
    draft = root / f".{run_id}"
    alternative = ", or choose another folder with MNIST_RUNS_DIR"
    with writing_to(root, "create a run in", alternative), ExitStack() as draft_removed:
        draft_removed.callback(shutil.rmtree, draft, ignore_errors=True)  # renamed by then, unless something failed
        draft.mkdir(parents=True)
        content = {"created": created, "training": config.to_dict(), "dataset": asdict(reference)}
        write_json(draft / "config.json", content)
        write_json(draft / "status.json", asdict(Status(heartbeat=created)))
        if complete:
            complete(draft)
        draft.rename(root / run_id)
    return read_run(root / run_id)


def new_id(root: Path, created: float) -> str:
    """Make a run id: time to the second, and four random digits that no run of this second has."""
    while True:
        run_id = f"{datetime.fromtimestamp(created):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        if not (root / run_id).exists():
            return run_id


def list_runs(runs_dir: Path | None = None) -> list[Run]:
    """All runs, newest first, including damaged ones with their ``problem``."""
    root = Path(runs_dir or default_runs_dir())
    if not root.is_dir():
        return []
    folders = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(map(read_run, folders), key=lambda run: (run.created, run.id), reverse=True)


def find_run(name: str, runs_dir: Path | None = None) -> Run:
    """Find a run by its id, the beginning of its id, or ``latest``.

    Raises
    ------
    RunError
        If no run, or more than one, fits, or the one that fits is damaged.
    """
    root = Path(runs_dir or default_runs_dir())
    runs = [read_run(root / name)] if _is_id(root, name) else list_runs(root)
    fitting = runs[:1] if name == "latest" else [run for run in runs if run.id == name]
    fitting = fitting or [run for run in runs if name and run.id.startswith(name)]
    if len(fitting) != 1:
        raise RunError(_describe_search(name, fitting, runs, root))
    if fitting[0].problem:
        raise RunError(f"Run {fitting[0].id} is damaged: {fitting[0].problem}")
    return fitting[0]


def _describe_search(name: str, fitting: list[Run], runs: list[Run], root: Path) -> str:
    """Say what was found in place of the one run, and what the name may stand for."""
    if fitting:
        known = ", ".join(run.id for run in fitting[:3])
        return f"{len(fitting)} runs in {root} begin with {name!r}: the latest ones are {known}. Write more of its id."
    if not runs:
        missing = "" if root.is_dir() else " The folder does not exist: check its name."
        return f"No run {name!r} in {root}: there are no runs yet. Train one.{missing}"
    known = ", ".join(run.id for run in runs[:3])
    return f"No run {name!r} in {root}: the latest ones are {known}.{did_you_mean(name, (run.id for run in runs))}"


def _is_id(root: Path, name: str) -> bool:
    """Whether a run has exactly this id, so that no other one needs to be read."""
    if name in ("", "latest") or name.startswith(".") or Path(name).name != name:
        return False
    try:
        return (root / name).is_dir()
    except OSError:  # too long for a name
        return False


def read_run(path: Path) -> Run:
    """Read one run folder; a damaged one is returned with its ``problem``, never raised."""
    try:
        content = read_json(path / "config.json")
        config = TrainingConfig.from_dict(content["training"])
        dataset = DatasetReference(**{**content["dataset"], "name": UntrustedText(content["dataset"]["name"])})
        created = float(content["created"])
        if not 0 <= created < 1e11:  # also for NaN; all others are dates before the year 5139
            raise ValueError(f"created is {created}, expected seconds since 1970")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        nothing = cast(Any, None)
        return Run(path, nothing, nothing, _modified(path), Status("damaged"), _problem("config.json", error))
    about = About.read(path)
    try:
        status = Status.read(path / "status.json", worker_lock(path))
    except (OSError, ValueError) as error:
        return Run(path, config, dataset, created, Status("damaged"), _problem("status.json", error), about)
    try:
        check_sha256(path / "config.json", status.checksums.get("config.json"))
    except (OSError, ValueError) as error:
        problem = f"{_problem('config.json', error)} Did you change it? Then take its checksum out of status.json."
        return Run(path, config, dataset, created, Status("damaged"), problem, about)
    return Run(path, config, dataset, created, status, about=about)


def _problem(name: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{name} is missing. Delete the folder, or put the file back."
    if isinstance(error, KeyError):
        return f"{name} has no {error} entry. Delete the folder, or put the original file back."
    return f"{name} can't be read ({error}). Delete the folder, or put the original file back."


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # deleted between listing and reading
        return 0.0
