"""The run folder: all that the trainer, the dashboard and the command line know of a training run.

``runs/<run-id>/`` holds ``config.json`` (what was asked, never changed), ``status.json`` (how it stands),
``about.json`` (what people say of it: name, note, tags), ``metrics.csv`` (a row an epoch), ``steps.csv`` (the loss within
the epochs), ``layers.csv`` (statistics of the layers), ``histograms.csv`` (distributions of weights and activations),
``checkpoint.npz`` (what training goes on from), ``model.npz`` (the parameters to evaluate), ``control`` (what is asked of
the worker), ``worker.lock`` (held by a living worker) and ``log.txt``.
"""

import csv
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from mnist_core.config import TrainingConfig
from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.errors import DatasetError, RunError
from mnist_core.histograms import COLUMNS, Histogram
from mnist_core.nn.network import Network
from mnist_core.statistics import LayerStatistics
from mnist_core.training import EpochMetrics, TrainingState


class Step(NamedTuple):
    """A row of ``steps.csv``: the loss of one mini-batch, at a position such as 2.5 in the middle of the third epoch."""

    epoch: float
    loss: float


ACTIVE = ("queued", "running")
STATES = (*ACTIVE, "paused", "stopped", "finished", "failed")
RESUMABLE = ("paused", "stopped", "failed", "interrupted")
STALE_SECONDS = {"queued": 30.0, "running": 5.0}
"""Age of a heartbeat after which the worker's lock is tried, to tell whether the worker still lives."""


@dataclass(frozen=True)
class Status:
    """Content of ``status.json``.

    ``state`` is one of :data:`STATES` on disk; a run whose worker died reads as interrupted. ``more_epochs`` are those
    asked for after the configured ones.
    ``epoch`` counts finished epochs, ``images_done`` the images of the one under way. Times are seconds since 1970.
    """

    state: str = "queued"
    epoch: int = 0
    images_done: int = 0
    images_total: int = 0
    images_per_second: float = 0.0
    seconds: float = 0.0
    pid: int | None = None
    heartbeat: float = 0.0
    error: str | None = None
    test_accuracy: float | None = None
    test_loss: float | None = None
    more_epochs: int = 0

    def __post_init__(self) -> None:
        numbers = ("epoch", "images_done", "images_total", "images_per_second", "seconds", "heartbeat", "more_epochs")
        for name in (*numbers, "test_accuracy", "test_loss"):
            value = getattr(self, name)
            if not isinstance(value, int | float) and (name in numbers or value is not None):
                raise ValueError(f"{name} is {value!r}, expected a number")

    @property
    def active(self) -> bool:
        """Whether a worker has it in hand, or soon will."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class DatasetReference:
    """Which data a run was trained on: enough to load it again, and to notice if it is no longer the same."""

    name: str
    source: str
    data_dir: str | None
    checksums: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, dataset: Dataset) -> "DatasetReference":
        """Refer to a loaded data set."""
        return cls(dataset.name, dataset.source, dataset.data_dir, dataset.checksums)

    def load(self) -> Dataset:
        """Load the data set again.

        Raises
        ------
        DatasetError
            If it is gone, or its files are not the same as when the run was created.
        """
        return self.check(load_dataset(self.source, self.data_dir))

    def check(self, dataset: Dataset) -> Dataset:
        """Return ``dataset``, or raise DatasetError if its files are not those referred to."""
        if dataset.checksums != self.checksums:
            raise DatasetError(
                f"The files of the data set {self.name} ({self.data_dir or self.source}) are not those that this run "
                "was created with: put the original files back, or start a new run."
            )
        return dataset


@dataclass(frozen=True)
class About:
    """What people say of a run, the content of ``about.json``; it changes nothing in how the run is trained.

    Parameters
    ----------
    name : str
        At most ``MAX_NAME`` characters on one line; white space is tidied up.
    note : str
        At most ``MAX_NOTE`` characters.
    tags : sequence of str
        At most ``MAX_TAGS``, each of at most ``MAX_TAG`` characters; empty and repeated ones are left out.
    problem : str or None
        Why the file can't be read; never written.

    Raises
    ------
    RunError
        Names what is too long, or no text.
    """

    MAX_NAME: ClassVar[int] = 80
    MAX_NOTE: ClassVar[int] = 2000
    MAX_TAGS: ClassVar[int] = 10
    MAX_TAG: ClassVar[int] = 30

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    problem: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        texts = (self.name, self.note, *self.tags) if isinstance(self.tags, list | tuple) else (None,)
        if not all(isinstance(text, str) for text in texts):
            raise RunError("The name, the note and each tag of a run must be text: write them again.")
        tags = tuple(dict.fromkeys(filter(None, (" ".join(tag.split()) for tag in self.tags))))
        object.__setattr__(self, "name", " ".join(self.name.split()))
        object.__setattr__(self, "note", self.note.strip())
        object.__setattr__(self, "tags", tags)
        lengths = [("name", self.name, self.MAX_NAME), ("note", self.note, self.MAX_NOTE)]
        for what, text, longest in [*lengths, *(("tag", tag, self.MAX_TAG) for tag in tags)]:
            if len(text) > longest:
                raise RunError(
                    f"The {what} {text[:20]!r}… has {len(text):,} characters, expected at most {longest:,}: shorten it."
                )
        if len(tags) > self.MAX_TAGS:
            raise RunError(f"Found {len(tags)} tags, expected at most {self.MAX_TAGS}: leave some out.")

    @classmethod
    def read(cls, folder: Path) -> "About":
        """Read ``about.json`` of a run folder; empty where there is none, and with its ``problem`` where it is damaged."""
        try:
            content = _read_json(folder / "about.json")
            return cls(**{name: content[name] for name in ("name", "note", "tags") if name in content})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, RecursionError, RunError) as error:
            return cls(
                problem=f"about.json can't be read ({error}) Write name, tags and note again, or delete the file."
            )


@dataclass(frozen=True)
class Run:
    """A run folder as it was read; ``problem`` says what is damaged, if anything is."""

    path: Path
    config: TrainingConfig | None
    dataset: DatasetReference | None
    created: float
    status: Status
    problem: str | None = None
    about: About = About()

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def epochs(self) -> int:
        """Epochs to be trained in all."""
        return self.config.epochs + self.status.more_epochs

    @property
    def stopped_early(self) -> bool:
        """Whether the validation loss ended it before its epochs were done."""
        return self.status.state == "finished" and self.status.epoch < self.epochs

    def refresh(self) -> "Run":
        """Read the folder again."""
        return read_run(self.path)

    def describe(self, about: About) -> "Run":
        """Write ``about.json``; return the run with it.

        Raises
        ------
        RunError
            If the folder can't be written.
        """
        content = {"name": about.name, "note": about.note, "tags": list(about.tags)}
        try:
            write_json(self.path / "about.json", content)
        except OSError as error:
            raise RunError(f"Can't write to {self.path} ({error.strerror}): make the folder writable.") from error
        return replace(self, about=replace(about, problem=None))

    def metrics(self) -> list[EpochMetrics]:
        """Rows of ``metrics.csv``, without a last line that is still being written."""
        return self._rows("metrics.csv", EpochMetrics)

    def steps(self) -> list[Step]:
        """Rows of ``steps.csv``: the loss within the epochs."""
        return self._rows("steps.csv", Step)

    def layers(self) -> list[LayerStatistics]:
        """Rows of ``layers.csv``: one a layer and epoch, for at most about ten epochs a second."""
        return self._rows("layers.csv", LayerStatistics)

    def histograms(self) -> list[Histogram]:
        """Rows of ``histograms.csv``: two a layer, for some of the epochs; none in a run from before they were kept."""
        return self._read_table("histograms.csv", COLUMNS, Histogram.from_row)

    def _rows(self, name: str, kind: type[NamedTuple]) -> list:
        types = kind.__annotations__.values()
        return self._read_table(
            name, kind._fields, lambda row: kind(*(read(text) for read, text in zip(types, row, strict=True)))
        )

    def _read_table(self, name: str, columns: tuple[str, ...], read: Callable[[list[str]], NamedTuple]) -> list:
        try:
            return [read(row) for row in complete_rows(self.path / name, columns)]
        except (OSError, ValueError) as error:
            raise RunError(
                f"The metrics of run {self.id} can't be read ({name}: {error}): show another run."
            ) from error

    def load_network(self) -> Network:
        """Build the network from ``model.npz``.

        Raises
        ------
        RunError
            If there is no model yet, or the file is damaged.
        """
        path = self.path / "model.npz"
        if not path.exists():
            raise RunError(f"Run {self.id} has no model: it ended before its first epoch was done. Choose another run.")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return Network.from_arrays(dict(arrays))
        except Exception as error:  # a damaged zip file raises nearly everything
            raise RunError(
                f"The model of run {self.id} can't be read ({path.name}: {error}): train it again."
            ) from error


@dataclass(frozen=True)
class Checkpoint:
    """What training goes on from after a complete epoch. Epoch 0 is the untrained network, without arrays.

    ``arrays`` are those of :meth:`Network.to_arrays`, ``state`` those of :meth:`TrainingState.to_arrays`.
    """

    epoch: int = 0
    arrays: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    state: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, network: Network, state: TrainingState) -> "Checkpoint":
        """Copy the parameters of a network and the state of its training."""
        arrays = {name: array.copy() for name, array in network.to_arrays().items()}
        return cls(state.epoch, arrays, state.to_arrays())

    def restore(self, config: TrainingConfig) -> tuple[Network, TrainingState]:
        """Make the network and the state of its training again."""
        network = Network.from_arrays(self.arrays)
        return network, TrainingState.from_arrays(config, network, self.state)

    def model(self) -> Network:
        """Make the network that the training has come to: the best one if early stopping keeps it, else the last one."""
        network = Network.from_arrays(self.arrays)
        network.parameters[:] = self.state.get("best.parameters", network.parameters)
        return network

    def write(self, folder: Path) -> None:
        """Write ``checkpoint.npz`` into a run folder, atomically."""
        content = {**self.arrays, "epoch": np.array(self.epoch), **self.state}
        write_atomically(folder / "checkpoint.npz", lambda file: np.savez(file, **content))

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint":
        """Read it again; the untrained one where there is none.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        path = folder / "checkpoint.npz"
        if not path.exists():
            return cls()
        try:
            with np.load(path, allow_pickle=False) as content:
                everything = dict(content)
            arrays = {name: array for name, array in everything.items() if name[0] in "Wb" and "." not in name}
            arrays["activation"] = everything.pop("activation")
            state = {name: array for name, array in everything.items() if name not in arrays}
            return cls(int(state["epoch"]), arrays, state)
        except Exception as error:  # a damaged zip file raises nearly everything
            raise RunError(
                f"The checkpoint of run {folder.name} can't be read ({path.name}: {error}): delete the file to train "
                "from the start again."
            ) from error


def default_runs_dir() -> Path:
    """``MNIST_RUNS_DIR`` where it is set, else ``runs`` in the working folder."""
    return Path(os.environ.get("MNIST_RUNS_DIR") or "runs").absolute()


def create_run(config: TrainingConfig, dataset: Dataset | DatasetReference, runs_dir: Path | None = None) -> Run:
    """Make a new run folder in the state *queued*; it appears complete or not at all.

    Raises
    ------
    RunError
        If the folder can't be written.
    """
    root = Path(runs_dir or default_runs_dir()).absolute()
    reference = DatasetReference.of(dataset) if isinstance(dataset, Dataset) else dataset
    created = time.time()
    run_id = new_id(root, created)
    draft = root / f".{run_id}"
    try:
        draft.mkdir(parents=True)
        content = {"created": created, "training": config.to_dict(), "dataset": asdict(reference)}
        write_json(draft / "config.json", content)
        write_json(draft / "status.json", asdict(Status(heartbeat=created)))
        draft.rename(root / run_id)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise RunError(
            f"Can't create a run in {root} ({error.strerror}): make the folder writable, or choose another one "
            "with MNIST_RUNS_DIR."
        ) from error
    return read_run(root / run_id)


def new_id(root: Path, created: float) -> str:
    """Make a run id: time to the second, and four random digits that no run of this second has."""
    while True:
        run_id = f"{datetime.fromtimestamp(created):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        if not (root / run_id).exists():
            return run_id


def list_runs(runs_dir: Path | None = None) -> list[Run]:
    """All runs, the newest first; damaged ones too, with their ``problem``."""
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
        found = f"{len(fitting)} runs in {root} begin with {name!r}" if fitting else f"No run {name!r} in {root}"
        known = ", ".join(run.id for run in runs[:3])
        raise RunError(
            f"{found}: " + (f"the latest ones are {known}." if known else "there are no runs yet. Train one.")
        )
    if fitting[0].problem:
        raise RunError(f"Run {fitting[0].id} is damaged: {fitting[0].problem}")
    return fitting[0]


def _is_id(root: Path, name: str) -> bool:
    """Whether a run has exactly this id, so that no other one needs to be read."""
    return (
        name not in ("", "latest") and not name.startswith(".") and Path(name).name == name and (root / name).is_dir()
    )


def read_run(path: Path) -> Run:
    """Read one run folder; a damaged one is returned with its ``problem``, never raised."""
    try:
        content = _read_json(path / "config.json")
        config = TrainingConfig.from_dict(content["training"])
        dataset = DatasetReference(**content["dataset"])
        created = float(content["created"])
        if (
            not 0 <= created < 1e11
        ):  # also false for NaN; a date can be made of all others, which lie before the year 5139
            raise ValueError(f"created is {created}, expected seconds since 1970")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return Run(path, None, None, _modified(path), Status("damaged"), _problem("config.json", error))
    about = About.read(path)
    try:
        status = Status(**_read_json(path / "status.json"))
        if status.state not in STATES:
            raise ValueError(f"state is {status.state!r}, expected one of {', '.join(STATES)}")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        return Run(path, config, dataset, created, Status("damaged"), _problem("status.json", error), about)
    if is_dead(worker_lock(path), status.state, status.heartbeat):
        status = replace(status, state="interrupted")
    return Run(path, config, dataset, created, status, about=about)


def worker_lock(path: Path) -> FileLock:
    """Lock that a worker holds as long as it lives; the operating system frees it when the process ends."""
    return FileLock(path / "worker.lock")


def is_dead(lock: FileLock, state: str, heartbeat: float) -> bool:
    """Whether the process died that should be at it: its heartbeat is old, and the lock that it would hold is free."""
    if state not in ACTIVE or time.time() - heartbeat < STALE_SECONDS[state]:
        return False
    try:
        with lock.acquire(timeout=0):
            return True
    except (Timeout, OSError):  # held by a process that is busy; or a folder that can't be written, so none can tell
        return False


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


def _read_json(path: Path) -> dict:
    content = _retry_while_locked(lambda: json.loads(path.read_text(encoding="utf-8")))
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file atomically."""
    write_atomically(path, lambda file: file.write(json.dumps(content, indent=1).encode()))


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, sync it to the disk, and rename it into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        _retry_while_locked(lambda: temporary.replace(path))
    finally:
        temporary.unlink(missing_ok=True)


def _retry_while_locked(action: Callable):
    """On Windows a file that another process has open for a moment can't be replaced or read: try for a second."""
    for _ in range(20):
        try:
            return action()
        except PermissionError:
            time.sleep(0.05)
    return action()


def complete_rows(path: Path, columns: tuple[str, ...]) -> list[list[str]]:
    """Rows of a table below its header, without a last line that is still being written; none without a file."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [row for row in csv.reader(lines[1:]) if len(row) == len(columns)]
