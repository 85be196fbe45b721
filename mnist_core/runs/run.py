"""The run folder: everything that the trainer, the dashboard and the command line know about a run.

``runs/<run-id>/`` holds ``config.json`` (settings and data, never changed), ``status.json`` (the current state),
``about.json`` (name, note, tags), ``metrics.csv`` (a row an epoch), ``steps.csv`` (the loss within the epochs),
``layers.csv`` (statistics of the layers), ``histograms.csv`` (distributions of weights and activations),
``checkpoint.npz`` (training continues from it), ``model.npz`` (the parameters to evaluate), ``control`` (a request to
the worker), ``worker.lock`` (held by the worker as long as it lives) and ``log.txt``; ``corrections.csv`` if it was
created with corrected labels (their checksum is in ``config.json``); and ``.reserve`` while a job works, which is given
up when the disk is full. The state of a run that has ended holds checksums of its files.
"""

import math
import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.data.npz import read_npz
from mnist_core.disk import read_bounded
from mnist_core.errors import DatasetError, RunError, did_you_mean, reason_of
from mnist_core.nn.network import Network
from mnist_core.runs.about import About
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import WORKER_LOCK, check_content, check_sha256, writing_to
from mnist_core.runs.names import folder_id, is_safe, new_id
from mnist_core.runs.origin import CORRECTIONS, corrected, decode_origin, read_corrections, write_origin
from mnist_core.runs.schema import LAST_TIME, MAX_BYTES, Damage, damage_of, write_record
from mnist_core.runs.status import Status
from mnist_core.runs.tables import HISTOGRAMS, LAYERS, METRICS, STEPS, TABLES, Bounds, Row, Rows, Step, Table
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_histograms import Histogram
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics
from mnist_core.training.memory import MNIST, DataSize, check_memory

ORDERLY_ENDS = ("paused", "stopped", "finished")
"""States in which the worker has written its tables to the end."""

RESULTS = (*(table.name for table in TABLES), "model.npz", "checkpoint.npz")
"""What training writes."""


@dataclass(frozen=True)
class Run:
    """A run folder as it was read.

    Parameters
    ----------
    path : Path
    created : float
        Seconds since 1970.
    status : Status
        Its state is *damaged* if there is a damage.
    about : About
    damage : Damage or None
        What is damaged, if anything. Such a run can be listed and deleted; anything else raises RunError.
    origin : tuple of (TrainingConfig, DatasetReference) or None
        See ``config`` and ``dataset``; None if config.json is damaged.
    corrections_sha256 : str or None
        Of its ``corrections.csv``; None if it was created with the labels as they are.
    """

    path: Path
    created: float
    status: Status
    about: About = field(default_factory=About)
    damage: Damage | None = None
    origin: tuple[TrainingConfig, DatasetReference] | None = None
    corrections_sha256: str | None = None

    @property
    def config(self) -> TrainingConfig:
        """The settings; RunError if config.json is damaged."""
        return self._sound_origin[0]

    @property
    def dataset(self) -> DatasetReference:
        """The data; RunError if config.json is damaged."""
        return self._sound_origin[1]

    @property
    def _sound_origin(self) -> tuple[TrainingConfig, DatasetReference]:
        if self.origin is None:
            raise self._damage_error
        return self.origin

    @property
    def problem(self) -> str | None:
        """What is damaged, if anything, and what to do."""
        return str(self.damage) if self.damage else None

    @property
    def _damage_error(self) -> RunError:
        return RunError(f"Run {self.id} is damaged: {self.problem}")

    def check(self) -> "Run":
        """Return this run, or raise RunError if it is damaged."""
        if self.problem:
            raise self._damage_error
        return self

    @property
    def id(self) -> str:
        """Name of the folder; if no page could show that, a similar one."""
        return folder_id(self.path)

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
        if self.problem or self.status.active or self.status.state == "interrupted" or self.status.checksums:
            return None
        if not any((self.path / name).exists() for name in RESULTS):
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
                    f"{name} of run {self.id} can't be used ({reason_of(error)}): put the original file back, or "
                    f"delete it to {without}."
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
        with writing_to(self.path):
            about.write(self.path)
        return replace(self, about=replace(about, damage=None))

    @property
    def bounds(self) -> Bounds:
        """What bounds the rows of its tables."""
        return Bounds(self.epochs, len(self.config.hidden_layers) + 1)

    @property
    def is_whole(self) -> bool:
        """Whether its worker has written all tables to the end."""
        return self.status.state in ORDERLY_ENDS

    def metrics(self) -> Rows[EpochMetrics]:
        """Rows of ``metrics.csv``, one an epoch.

        As all tables of a run: while it may still be written, without a last line that is not complete, and without
        damaged rows, which are counted.

        Raises
        ------
        RunError
            If the table can't be read, or a row of an ended run is damaged.
        """
        return self.rows(METRICS)

    def steps(self) -> Rows[Step]:
        """Rows of ``steps.csv``, the loss within the epochs; of very many, some evenly spread. See `metrics`."""
        return self.rows(STEPS)

    def layers(self) -> Rows[LayerStatistics]:
        """Rows of ``layers.csv``, one a layer for some of the epochs. See `metrics`."""
        return self.rows(LAYERS)

    def histograms(self) -> Rows[Histogram]:
        """Rows of ``histograms.csv``, two a layer for some of the epochs; none in older runs. See `metrics`."""
        return self.rows(HISTOGRAMS)

    def rows(self, table: Table[Row], every_row: bool = False) -> Rows[Row]:
        """Rows of a table; of a very long one all of them only if ``every_row``. See `metrics`."""
        try:
            expected = self.status.checksums.get(table.name)
            return table.read(self.path, self.bounds, self.is_whole, every_row, expected)
        except (OSError, ValueError) as error:
            latest = self.refresh()
            if latest.status != self.status and not latest.problem:  # it trained on since we read it
                return latest.rows(table, every_row)
            raise RunError(
                f"The metrics of run {self.id} can't be read ({table.name}: {reason_of(error)}): show another run."
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
            return self.dataset.shape()[0]
        except DatasetError as error:
            side = math.isqrt(network.layer_sizes[0])
            if side**2 == network.layer_sizes[0]:
                return side, side
            raise DatasetError(f"The size of the images of run {self.id} is no longer known: {error}") from error

    def corrections(self) -> Corrections | None:
        """Read the corrections that the run was created with; None if there are none.

        Raises
        ------
        CorrectionsError
            If their file is gone, or is not the one that the run was created with.
        """
        return read_corrections(self.path, self.corrections_sha256) if self.corrections_sha256 else None

    def load_dataset(
        self,
        loader: Callable[[str, str | None], Dataset] = load_dataset,
        elsewhere: Iterable[str | None] = (None,),
        original: bool = False,
    ) -> Dataset:
        """Load the data that the run was trained on and is tested on: with its corrections, if it has any.

        Parameters
        ----------
        loader, elsewhere
            As :meth:`DatasetReference.load` takes them.
        original : bool
            Load the images and labels as they are in the files.

        Raises
        ------
        DatasetError
            If the data or the corrections are no longer what the run was created with.
        """
        dataset = self.dataset.load(loader, elsewhere)
        if original or self.corrections_sha256 is None:
            return dataset
        return corrected(dataset, self.path, self.corrections_sha256)

    def why_no_model(self, name: str = "This run") -> str:
        """Say of a run without ``model.npz``, by that name, why it has none, and what to do about it."""
        status = self.status
        if status.active:
            return f"{name} has no model yet: its first epoch is not complete. Wait, or choose another run."
        if status.state == "finished" or "model.npz" in status.checksums:
            return f"{name} has no model: model.npz is missing from its folder. Put it back, or choose another run."
        if status.state == "failed":
            error = status.error.plain if status.error else "nothing says why."
            return f"{name} has no model because it failed: {error} Choose another run."
        return (
            f"{name} has no model: it was {status.state} before its first epoch was complete. Resume it, or choose "
            "another run."
        )

    def load_network(self, dataset: Dataset | None = None) -> Network:
        """Build the network from ``model.npz``.

        Parameters
        ----------
        dataset : Dataset, optional
            That of this run, if it is loaded already; otherwise it is looked for.

        Raises
        ------
        RunError
            If there is no model yet; or the file is damaged, of another network than that of this run, or holds
            numbers that are not finite.
        """
        path = self.path / "model.npz"
        if not path.exists():
            raise RunError(self.why_no_model(f"Run {self.id}"))
        try:
            self._check(path.name)
            network = Network.from_arrays(read_npz(path, MAX_BYTES[path.name]))
            self.check_network(network, dataset)
            return network
        except (OSError, ValueError) as error:
            raise RunError(
                f"The model of run {self.id} can't be read ({path.name}: {reason_of(error)}): train it again."
            ) from error

    def check_network(self, network: Network, dataset: Dataset | None = None) -> None:
        """Compare a network with the settings, and with the data if they are there.

        Raises
        ------
        ValueError
            Says in a clause what does not fit.
        """
        sizes, hidden = network.layer_sizes, self.config.hidden_layers
        if sizes[1:-1] != hidden or network.activation != self.config.activation:
            found = f"{'-'.join(map(str, sizes))}, {network.activation}"
            expected = f"{'-'.join(['pixels', *map(str, hidden), 'classes'])}, {self.config.activation}"
            raise ValueError(f"it is another network, {found}: expected {expected}")
        if not np.isfinite(network.parameters).all():
            raise ValueError("it holds weights or biases that are not finite: its learning rate was too high")
        try:
            shape, classes = (dataset.image_shape, dataset.num_classes) if dataset else self.dataset.shape()
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
    corrections: Corrections | None = None,
) -> Run:
    """Make a new run folder in the state *queued*; it appears complete or not at all.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset or DatasetReference
        One that is corrected already gives the run its corrections.
    runs_dir : Path, optional
    complete : callable, optional
        Called with the folder before it appears, to write further files or another state.
    corrections : Corrections, optional
        The labels to train and to test on; the original ones if there are none.

    Raises
    ------
    CorrectionsError
        If the corrections do not fit the data.
    ConfigError
        If training on the data, or on MNIST if they are not loaded, would need too much memory.
    RunError
        If the folder can't be written.
    """
    if isinstance(dataset, Dataset):
        dataset = dataset if corrections is None else corrections.apply(dataset)
        corrections = dataset.corrections
    check_memory(config, DataSize.of(dataset) if isinstance(dataset, Dataset) else MNIST)
    root = Path(runs_dir or default_runs_dir()).absolute()
    reference = DatasetReference.of(dataset) if isinstance(dataset, Dataset) else dataset
    created = time.time()
    run_id = new_id(root, created)
    draft = root / f".{run_id}"
    alternative = ", or choose another folder with MNIST_RUNS_DIR"
    with writing_to(root, "create a run in", alternative), ExitStack() as draft_removed:
        draft_removed.callback(shutil.rmtree, draft, ignore_errors=True)  # renamed by then, unless something failed
        draft.mkdir(parents=True)
        write_origin(draft, created, config, reference, corrections.sha256 if corrections else None)
        if corrections:
            corrections.write(draft / CORRECTIONS)
        write_record(draft / "status.json", Status(heartbeat=created))
        if complete:
            complete(draft)
        draft.rename(root / run_id)
    return read_run(root / run_id)


def list_runs(runs_dir: Path | None = None) -> list[Run]:
    """All runs, newest first, including damaged ones with their ``problem``.

    Raises
    ------
    RunError
        If the folder of the runs can't be read.
    """
    root = Path(runs_dir or default_runs_dir())
    try:
        with os.scandir(root) as entries:
            folders = [Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"The runs folder {root} can't be read ({reason_of(error)}): make it readable, or choose another one with "
            "MNIST_RUNS_DIR."
        ) from error
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
    return fitting[0].check()


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
    return name != "latest" and is_safe(name) and (root / name).is_dir()


def read_run(path: Path) -> Run:
    """Read one run folder; a damaged one is returned with its ``problem``, never raised."""
    origin, about, name = None, About(), "config.json"
    advice = "Delete the folder, or put the original file back."
    try:
        content = read_bounded(path / name, MAX_BYTES[name])
        created, config, dataset, corrections = decode_origin(content)
        origin = (config, dataset)
        about, name = About.read(path), "status.json"
        status = Status.read(path / name, path / WORKER_LOCK)
        name, advice = "config.json", f"{advice} If you changed it yourself, take its checksum out of status.json."
        check_content(content, status.checksums.get(name))
    except (OSError, ValueError) as error:
        damage = damage_of(name, error, advice)
    else:
        if folder_id(path) == path.name:
            return Run(path, created, status, about, None, origin, corrections)
        damage = Damage(
            "The name of its folder has characters that not every page and terminal can show:",
            "rename the folder; letters, digits, spaces and . - + = ( ) are safe.",
        )
    return Run(path, created if origin else _modified(path), Status("damaged"), about, damage, origin)


def _modified(path: Path) -> float:
    try:
        return min(max(path.stat().st_mtime, 0.0), LAST_TIME)
    except OSError:  # deleted between listing and reading
        return 0.0
