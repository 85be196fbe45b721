"""The state of a job on a run folder, as its process writes it: ``status.json`` for training."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Self

from msgspec import Meta

from mnist_core.runs.locks import is_held
from mnist_core.runs.schema import Checksums, Count, Epoch, Fraction, Loss, Rate, Seconds, Time, read_record, shown
from mnist_core.untrusted import UntrustedText

ACTIVE = ("queued", "running")

STATES = (*ACTIVE, "paused", "stopped", "finished", "failed")
"""States on disk."""

RESUMABLE = ("paused", "stopped", "failed", "interrupted")

STALE_SECONDS = {"queued": 30.0, "running": 5.0}
"""Age of a heartbeat after which the lock of the job is asked whether its process is still alive."""


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
    checksums : dict
        SHA-256 of the files that the job ended with, by name; empty until then, and in those of older versions.
    """

    state: str = "queued"
    heartbeat: Time = field(default=0.0, kw_only=True)
    error: UntrustedText | None = field(default=None, kw_only=True)
    checksums: Checksums = field(default_factory=dict, kw_only=True)

    @property
    def active(self) -> bool:
        """Whether a process works on the job or will soon."""
        return self.state in ACTIVE

    @classmethod
    def read(cls, path: Path, lock: Path) -> Self:
        """Read the file; a job whose process died reads as *interrupted*.

        Parameters
        ----------
        path : Path
        lock : Path
            Lock file held by the process of the job as long as it lives.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError, ValueError
            If it can't be read.
        """
        status = read_record(path, cls)
        if status.state not in STATES:
            raise ValueError(f"state is {shown(status.state)}: expected one of {', '.join(STATES)}")
        if status.state == "failed" and not status.error:
            raise ValueError("error is empty: expected a sentence that says why the state is failed")
        return replace(status, state="interrupted") if status._is_dead(lock) else status

    def _is_dead(self, lock: Path) -> bool:
        """Whether the process of an active job died: its heartbeat is old, and the lock that it would hold is free.

        A heartbeat in the future says nothing: the clock was wrong then, or is wrong now.
        """
        if not self.active or 0 <= time.time() - self.heartbeat < STALE_SECONDS[self.state]:
            return False
        return not is_held(lock)


@dataclass(frozen=True)
class Status(JobStatus):
    """Content of ``status.json``, the state of the training of a run.

    ``epoch`` counts finished epochs, ``images_done`` the images of the current one. ``more_epochs`` are those requested
    after the configured ones. ``model_epoch`` is the epoch that the model is of: with early stopping the best one; None
    in older runs.
    """

    epoch: Epoch = 0
    images_done: Count = 0
    images_total: Count = 0
    images_per_second: Rate = 0.0
    seconds: Seconds = 0.0
    pid: Annotated[int, Meta(ge=0, le=2**32)] | None = None
    test_accuracy: Fraction | None = None
    test_loss: Loss | None = None
    more_epochs: Epoch = 0
    model_epoch: Epoch | None = None

    def __post_init__(self) -> None:
        if self.images_done > self.images_total:
            raise ValueError(f"images_done is {self.images_done}: expected at most images_total, {self.images_total}")
