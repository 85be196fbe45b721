"""What all jobs share, the processes that work on run folders: the guarded start, the way in, the sentence of an error."""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.errors import MnistError, RunError
from mnist_core.runs.files import writing_to
from mnist_core.runs.run import Run, read_run


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


@contextmanager
def claimed(job: str, lock: FileLock, control: Path, is_unchanged: Callable[[], bool]) -> Iterator[None]:
    """Queue a job: its state is written inside the ``with``, under its lock, with old requests removed.

    Parameters
    ----------
    job : str
        Name for messages, such as "Run 20261125-121553-debd".
    lock : FileLock
        Held by the process that works on the job.
    control : Path
        The file that asks the job to pause or stop; what an earlier process left is removed.
    is_unchanged : callable
        Whether the state is still the one that was read before the lock was taken.

    Raises
    ------
    RunError
        If a process works on the job, somebody else queued it in the meantime, or the folder is gone or can't be
        written.
    """
    if not control.parent.is_dir():  # taking the lock would create the folder again
        raise RunError(f"{job} can't start: its folder {control.parent} was deleted. Choose another run.")
    with writing_to(control.parent), ExitStack() as held:
        try:
            held.enter_context(lock.acquire(timeout=0))
        except Timeout as error:
            raise RunError(f"{job} is being worked on: wait until it ends, or stop it.") from error
        if not is_unchanged():
            raise RunError(f"{job} was started elsewhere at the same moment: watch it there.")
        control.unlink(missing_ok=True)
        yield


def error_sentence(error: Exception, folder: Path) -> str:
    """Say what ended a job, for the ``error`` of its state."""
    if isinstance(error, MnistError):
        return str(error)
    if isinstance(error, MemoryError):
        return "This machine ran out of memory: use smaller hidden layers or a smaller batch, or end other programs."
    if isinstance(error, OSError):
        return f"The run folder can't be written ({error}): free some space or make it writable, then start again."
    return f"An error in the program ended it ({error!r}): log.txt in {folder} tells where."


def work_on_folder(lock_of: Callable[[Path], FileLock], work: Callable[[Run], None]) -> int:
    """Work on the run folder that the command line names, under its lock; the exit code is 0 when it is done, else 1."""
    path = Path(sys.argv[1])
    if not path.is_dir():  # taking its lock would create the folder again
        print(f"There is no run folder {path} (any more).", file=sys.stderr)
        return 1
    with lock_of(path).acquire(timeout=10):
        run = read_run(path)
        if run.problem:
            print(f"Run {run.id} is damaged: {run.problem}", file=sys.stderr)
            return 1
        try:
            work(run)
        except Exception:
            traceback.print_exc()
            return 1
    return 0
