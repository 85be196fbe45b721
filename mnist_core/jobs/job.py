"""What the processes share that work on a run folder: their way in, and how often they do things."""

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

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


def work_on_folder(lock_of: Callable[[Path], FileLock], work: Callable[[Run], None]) -> int:
    """Work on the run folder that the command line names, under its lock; the exit code is 0 when it is done, else 1."""
    path = Path(sys.argv[1])
    if not path.is_dir():  # taking its lock would make the folder anew
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
