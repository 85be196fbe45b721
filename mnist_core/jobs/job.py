"""What all jobs share: start and request from outside; lock, queue, state, heartbeat and errors in the process."""

import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout

from mnist_core.disk import write_atomically
from mnist_core.errors import MnistError, RunError, advice_on, reason_of
from mnist_core.jobs.queue import blas_threads, give_up_place, keep_place, ticket_of, wait_for_slot
from mnist_core.runs.files import LINGER_SECONDS, checksums_of, free_reserve, keep_reserve, sweep, writing_to
from mnist_core.runs.run import Run, read_run
from mnist_core.runs.schema import MAX_TEXT, write_record
from mnist_core.runs.status import JobStatus
from mnist_core.untrusted import UntrustedText

STATUS_SECONDS = 0.25

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Read by the linear algebra libraries when NumPy is loaded."""

PROJECT = Path(__file__).resolve().parents[2]

S = TypeVar("S", bound=JobStatus)


@dataclass(frozen=True)
class JobKind(Generic[S]):
    """A kind of job, and its files in a run folder."""

    title: str
    """Precedes the id of the run in messages."""
    module: str
    """Run by the process, with the run folder as its argument."""
    status: str
    """File with the state that the process writes."""
    control: str
    """File with a request, "pause" or "stop"."""
    lock: Callable[[Path], FileLock]
    """Lock in a run folder that the process holds as long as it lives."""
    read_status: Callable[[Run], S | None]
    """Reads the state again; None if there never was such a job."""
    suffix: str = ""
    """Follows the id of the run in the queue."""
    results: tuple[str, ...] = ()
    """Files that the process writes, and nobody else. Their checksums are in the state of a job that has ended."""
    constants: tuple[str, ...] = ()
    """Files that nobody changes. Their checksums are in the state, too, once a job has ended."""

    def name(self, run: Run) -> str:
        """Name of the job of a run, for messages."""
        return f"{self.title} {run.id}"

    def ticket(self, run: Run, queued: S) -> str:
        """Place in the queue of the job of a run, by the time of the request."""
        return ticket_of(queued.heartbeat, run.id + self.suffix)


def start_job(kind: JobKind[S], run: Run, seen: S | None, queued: S) -> None:
    """Queue a job and start its process, which continues when this process ends.

    Parameters
    ----------
    kind : JobKind
    run : Run
    seen : JobStatus or None
        The state that the caller decided on. If another process has changed it since, nothing is started.
    queued : JobStatus
        Written with the state *queued*, without an error. An old request is removed.

    Raises
    ------
    RunError
        If the job is being worked on, the folder is gone or can't be written, or no process can be started. Then the
        state is as it was.
    """
    if not run.path.is_dir():  # taking the lock would create the folder again
        raise RunError(f"{kind.name(run)} can't start: its folder {run.path} was deleted. Choose another run.")
    with writing_to(run.path), ExitStack() as held:
        busy = RunError(f"{kind.name(run)} is already being worked on: wait until it ends, or stop it.")
        try:
            held.enter_context(kind.lock(run.path).acquire(timeout=LINGER_SECONDS))
        except Timeout as error:
            raise busy from error
        latest = kind.read_status(run)
        if (latest and latest.heartbeat) != (seen and seen.heartbeat):
            raise busy
        path = run.path / kind.status
        before = path.read_bytes() if path.exists() else None
        (run.path / kind.control).unlink(missing_ok=True)
        status = replace(queued, state="queued", heartbeat=time.time(), error=None)
        write_record(path, status)
        try:
            start_process(kind, run, status)
        except BaseException:
            if before is None:
                path.unlink(missing_ok=True)
            else:
                write_atomically(path, lambda file: file.write(before))
            raise


def start_process(kind: JobKind[S], run: Run, queued: S) -> None:
    """Start the process of a queued job, which continues when this process ends, and keep its place in the queue.

    Raises
    ------
    RunError
        If the folder can't be written, or no process can be started.
    ConfigError
        If the number of runs that may train at once is not a number.
    """
    shared = blas_threads()  # asked for in any case: a wrong number of slots is said here, not by the process
    threads = str(run.config.blas_threads or shared)
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    with writing_to(run.path), ExitStack() as undo:
        undo.callback(free_reserve, run.path)
        keep_reserve(run.path)  # on a disk that is full already, the process could not say so
        undo.callback(give_up_place, run.path.parent, kind.ticket(run, queued))
        keep_place(run.path.parent, kind.ticket(run, queued))
        log = undo.enter_context((run.path / "log.txt").open("ab"))
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", kind.module, str(run.path)],
                cwd=PROJECT,
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, threads)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **detached,
            )
        except OSError as error:
            raise RunError(
                f"{kind.name(run)} can't start a process ({reason_of(error)}): end other programs, check that "
                f"{sys.executable} still exists, then start again."
            ) from error
        log.close()
        undo.pop_all()
    # An ended child that nobody waits for stays in the process table as long as the dashboard runs.
    threading.Thread(target=process.wait, daemon=True).start()


def request_of(kind: JobKind[S], run: Run, verb: str) -> None:
    """Ask the process of a job to "pause" or to "stop".

    Raises
    ------
    RunError
        If the folder can't be written.
    """
    with writing_to(run.path):
        write_atomically(run.path / kind.control, lambda file: file.write(f"{verb}\n".encode()))


def read_request(control: Path) -> str:
    """The request in a control file, "pause" or "stop"; empty without one, and if the file holds anything else."""
    if not control.is_file():
        return ""
    try:
        with control.open("rb") as file:
            return {b"pause": "pause", b"stop": "stop"}.get(file.read(16).strip(), "")
    except OSError:  # removed since
        return ""


class Interruption(Exception):
    """Somebody asked the job to pause or to stop; ``state`` is what it becomes."""

    def __init__(self, verb: str) -> None:
        self.state = {"pause": "paused", "stop": "stopped"}[verb]


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


class Job(Generic[S]):
    """The side of the process: writes the state with a heartbeat, obeys requests, records what ended it."""

    def __init__(self, kind: JobKind[S], run: Run, status: S) -> None:
        self.kind, self.run, self.status = kind, run, status
        self.ticket = kind.ticket(run, status)
        self.begun = False
        self._report_due = Every(STATUS_SECONDS)

    def write(self, **changes: Any) -> None:
        """Change fields of the state, renew the heartbeat, and write both."""
        self.status = replace(self.status, heartbeat=time.time(), **changes)
        write_record(self.run.path / self.kind.status, self.status)

    def begin(self, **changes: Any) -> None:
        """Write the state *running*, without the checksums of the results, which are about to change."""
        self.begun = True
        kept = {name: text for name, text in self.status.checksums.items() if name in self.kind.constants}
        self.write(state="running", checksums=kept, **changes)

    def end(self, state: str, **changes: Any) -> None:
        """Write the state that the job ends in, with the checksums of its results if it has begun to change them."""
        free_reserve(self.run.path)  # a full disk has room for the state now
        names = (*self.kind.results, *self.kind.constants) if self.begun else ()
        checksums = {**checksums_of(self.run.path, names), **self.status.checksums}
        self.write(state=state, checksums=checksums, **changes)

    def report(self, **changes: Any) -> None:
        """Several times a second: write the state as :meth:`write` does, and obey a request.

        Raises
        ------
        Interruption
            If somebody asked for a pause or a stop.
        """
        if not self._report_due():
            return
        self.write(**changes)
        if verb := read_request(self.run.path / self.kind.control):
            raise Interruption(verb)

    def perform(self, work: "Callable[[Job[S]], None]") -> None:
        """Wait for a slot, then work; an error becomes the state *failed* with one sentence."""
        try:
            with ExitStack() as held:
                held.callback(free_reserve, self.run.path)
                keep_reserve(self.run.path)
                wait_for_slot(self.run.path.parent, self.ticket, held, lambda: self.report(state="queued"))
                self._report_due = Every(STATUS_SECONDS)  # due at once: a request is obeyed after the first mini-batch
                work(self)
        except Interruption as interruption:
            self.end(interruption.state)
        except Exception as error:
            with suppress(OSError):  # the disk may be what failed
                self.end("failed", error=UntrustedText(error_sentence(error, self.run.path)[:MAX_TEXT]))
            raise


def error_sentence(error: Exception, folder: Path) -> str:
    """Say what ended a job, for the ``error`` of its state."""
    if isinstance(error, MnistError):
        return str(error)
    if isinstance(error, MemoryError):
        return "This machine ran out of memory: use smaller hidden layers or a smaller batch, or end other programs."
    if isinstance(error, OSError):
        return f"The run folder can't be written ({reason_of(error)}): {advice_on(error)}, then start again."
    return f"An error in the program ended it ({error!r}): log.txt in {folder} says where."


def run_job(kind: JobKind[S], work: Callable[[Job[S]], None], **changes: Any) -> int:
    """Do the job of the run folder that the command line names, under its lock; ``changes`` are fields of its state.

    Returns
    -------
    int
        Exit code: 0 if it ended as intended, 1 after an error, or if nobody queued the job.
    """
    path = Path(sys.argv[1])
    if not path.is_dir():  # taking its lock would create the folder again
        print(f"There is no run folder {path}; it may have been deleted.", file=sys.stderr)
        return 1
    with kind.lock(path).acquire(timeout=10):
        try:
            run = read_run(path).check()
            sweep(path, (kind.status, *kind.results))
            status = kind.read_status(run)
            if status is None or not status.active:
                state = status.state if status else "not queued"
                raise RunError(f"{kind.name(run)} is {state}, so there is nothing to do.")
            Job(kind, run, replace(status, **changes)).perform(work)
        except Exception:
            traceback.print_exc()
            return 1
    return 0
