"""The state of a job on a run folder, as its process writes it: ``status.json`` for training."""

import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from filelock import FileLock, Timeout

from mnist_core.runs.files import read_json
from mnist_core.untrusted import UntrustedText

ACTIVE = ("queued", "running")

STATES = (*ACTIVE, "paused", "stopped", "finished", "failed")
"""States on disk."""

RESUMABLE = ("paused", "stopped", "failed", "interrupted")

STALE_SECONDS = {"queued": 30.0, "running": 5.0}
"""Age of a heartbeat after which the lock of the job is tried, to tell whether its process is still alive."""

MAX_EPOCH = 10**9

MAX_TIME = 10**12
"""Seconds since 1970, and the limit of all other numbers that no unit bounds."""


@dataclass(frozen=True)
class JobStatus:
    """What every job writes.

    Parameters
    ----------
    state : str
        One of :data:`STATES` on disk; *interrupted* if the process died, *damaged* if the file can't be read.
    heartbeat : float
        When the process last wrote, in seconds since 1970.
    error : UntrustedText or None
        One sentence that says what ended the job.

    Raises
    ------
    ValueError
        Names a value of a wrong type or outside its range.
    """

    LIMITS: ClassVar[dict[str, float]] = {"heartbeat": MAX_TIME}
    """The largest value of each number; the smallest is 0. A field that is None by default may be None."""

    state: str = "queued"
    heartbeat: float = field(default=0.0, kw_only=True)
    error: UntrustedText | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, limit in {**JobStatus.LIMITS, **self.LIMITS}.items():
            value, default = getattr(self, name), getattr(type(self), name)
            if value is None and default is None:
                continue
            kind, noun = (int, "a whole number") if isinstance(default, int) else (int | float, "a number")
            if not isinstance(value, kind) or not 0 <= value <= limit:  # the comparison is false for NaN
                raise ValueError(f"{name} is {value!r}, expected {noun} from 0 to {limit:g}")
        if not isinstance(self.error, UntrustedText | None):
            raise ValueError(f"error is {self.error!r}, expected text")

    @property
    def active(self) -> bool:
        """Whether a process works on the job or will soon."""
        return self.state in ACTIVE

    @classmethod
    def read(cls, path: Path, lock: FileLock) -> Self:
        """Read the file; a job whose process died reads as *interrupted*.

        Parameters
        ----------
        path : Path
        lock : FileLock
            Held by the process of the job as long as it lives.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError, ValueError
            If it can't be read.
        """
        try:
            content = read_json(path)
            if isinstance(content.get("error"), str):
                content["error"] = UntrustedText(content["error"])
            status = cls(**content)
        except (TypeError, RecursionError) as error:
            raise ValueError(error) from error
        if status.state not in STATES:
            raise ValueError(f"state is {status.state!r}, expected one of {', '.join(STATES)}")
        return replace(status, state="interrupted") if _is_dead(status, lock) else status


@dataclass(frozen=True)
class Status(JobStatus):
    """Content of ``status.json``, the state of the training of a run.

    ``epoch`` counts finished epochs, ``images_done`` the images of the current one. ``more_epochs`` are those requested
    after the configured ones. ``model_epoch`` is the epoch that the model is of: with early stopping the best one; None
    in older runs. ``checksums`` are the SHA-256 of the files that the run ended with, none in older runs.
    """

    LIMITS: ClassVar[dict[str, float]] = {
        "epoch": MAX_EPOCH,
        "images_done": MAX_TIME,
        "images_total": MAX_TIME,
        "images_per_second": MAX_TIME,
        "seconds": MAX_TIME,
        "pid": MAX_TIME,
        "test_accuracy": 1,
        "test_loss": math.inf,
        "more_epochs": MAX_EPOCH,
        "model_epoch": MAX_EPOCH,
    }

    epoch: int = 0
    images_done: int = 0
    images_total: int = 0
    images_per_second: float = 0.0
    seconds: float = 0.0
    pid: int | None = None
    test_accuracy: float | None = None
    test_loss: float | None = None
    more_epochs: int = 0
    model_epoch: int | None = None
    checksums: dict[str, str] = field(default_factory=dict)


def _is_dead(status: JobStatus, lock: FileLock) -> bool:
    """Whether the process of an active job died: its heartbeat is old, and the lock that it would hold is free."""
    if not status.active or time.time() - status.heartbeat < STALE_SECONDS[status.state]:
        return False
    try:
        with lock.acquire(timeout=0):
            return True
    except (Timeout, OSError):  # held by a busy process; or the folder can't be written, so nobody can tell
        return False
