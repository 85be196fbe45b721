"""A process of its own for a learner's code, with limits.

``docs/security.md`` says what this keeps out and what it does not.
"""

import contextlib
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mnist_core.assignment.messages import Channel, Failure, Reply, read_reply, to_plain
from mnist_core.assignment.source import Submission
from mnist_core.errors import AssignmentError, reason_of

CHILD = Path(__file__).with_name("child.py")
MAX_OUTPUT = 20_000
LOAD_SECONDS = 20.0
CALL_SECONDS = 5.0
END_SECONDS = 2.0
OUT_OF_TIME = "OutOfTime"
WAIT_SECONDS = 0.2
"""Time between two looks at what else there is to do, while a call is awaited."""
FIRST_USER, USERS = 61_000, 4000
"""Without bubblewrap, a process started by root goes on as one of these users: which is the first, and how many."""


@dataclass(frozen=True)
class Limits:
    """What a learner's process may take."""

    memory: int = 2_000_000_000
    """Of each process that it starts."""
    cpu_seconds: int = 120
    """Of each process that it starts; a function that is called after one has ended gets a new one."""
    file_bytes: int = 10_000_000
    processes: int = 32
    call_seconds: float = CALL_SECONDS
    """Time that a call may take, unless it says otherwise."""
    total_seconds: float | None = 60.0
    """Time from entering the sandbox, after which nothing is called; None for no limit."""


SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/alternatives", "/etc/ld.so.cache")
"""What a program needs of the system."""
WHOLE_SYSTEM = ("--ro-bind", "/", "/")


@cache
def bubblewrap() -> str | None:
    """Find a bubblewrap that works here."""
    program = shutil.which("bwrap")
    return program if program and _works(program, WHOLE_SYSTEM) else None


@cache
def _visible() -> tuple[str, ...]:
    """What the code can read: Python and its packages without ours, or all where Python is spread further."""
    program = bubblewrap()
    places = [*SYSTEM, sys.base_prefix, sys.prefix, *(str(Path(m.__file__ or "").parents[1]) for m in (np, msgspec))]
    binds = [part for place in dict.fromkeys(places) if Path(place).exists() for part in ("--ro-bind", place, place)]
    package = str(CHILD.parents[1])
    narrow = (*binds, "--tmpfs", package, "--ro-bind", str(CHILD), str(CHILD), "--remount-ro", package)
    return narrow if program and _works(program, narrow) else WHOLE_SYSTEM


def _works(program: str, visible: tuple[str, ...]) -> bool:
    command = [program, *visible, "--unshare-all", sys.executable, "-I", "-c", ""]
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


def describe_isolation() -> str:
    """Say how well a learner's code is kept apart on this machine."""
    if not bubblewrap():
        return (
            "The code runs in a process with limits, but it can read your files and use the network: install "
            "bubblewrap to keep both out."
        )
    if _visible() == WHOLE_SYSTEM:
        return "The code runs without network, on a read-only file system (bubblewrap)."
    return "The code runs without network, and sees none of your files (bubblewrap)."


class Sandbox:
    """A process that has loaded a learner's file; use as a context manager.

    Parameters
    ----------
    submission : Submission
    limits : Limits, optional
    on_wait : callable, optional
        Called several times a second while the code works. If it raises an exception, the call ends with that.

    Raises
    ------
    AssignmentError
        On entering, if no process can be started.
    """

    def __init__(
        self, submission: Submission, limits: Limits | None = None, on_wait: Callable[[], object] | None = None
    ) -> None:
        self.submission, self.limits, self._on_wait = submission, limits or Limits(), on_wait
        self.output = ""
        self.lists = False
        """Whether pairs of weights and biases are passed as lists, not as tuples."""
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._user = 0
        self._deadline = float("inf")

    def __enter__(self) -> "Sandbox":
        self._folder = tempfile.TemporaryDirectory(prefix="learner-", ignore_cleanup_errors=True)
        if self.limits.total_seconds is not None:
            self._deadline = time.monotonic() + self.limits.total_seconds
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._folder.cleanup()

    def load(self) -> Failure | None:
        """Start the process, and run the definitions of the file in it."""
        self.end()
        if time.monotonic() >= self._deadline:
            return self._out_of_time
        self._start()
        return self._ask({"operation": "load", "text": self.submission.definitions}, LOAD_SECONDS).failure

    def call(self, name: str, *args: Any, seconds: float | None = None, keep: bool = False) -> Reply:
        """Call a function of the file, or a method of its object.

        Parameters
        ----------
        name : str
            In the file.
        *args
            Numbers, text, arrays, and lists and dicts of them; the process gets copies.
        seconds : float, optional
            Time after which the process is ended; by default that of the limits.
        keep : bool
            Whether the next call tells if this result has changed.
        """
        method = name in self.submission.methods
        request = {"operation": "call", "name": name, "args": list(args), "method": method, "keep": keep}
        return self._ask({**request, "lists": self.lists}, self.limits.call_seconds if seconds is None else seconds)

    def new(self, *args: Any) -> Reply:
        """Make an object of the learner's class; the reply holds its attributes with arrays."""
        return self._ask({"operation": "new", "name": self.submission.network_class, "args": list(args)}, CALL_SECONDS)

    def attributes(self) -> Reply:
        """Read the attributes with arrays of the object."""
        return self._ask({"operation": "attributes"}, CALL_SECONDS)

    def assign(self, values: dict[str, Any]) -> Reply:
        """Set attributes of the object."""
        return self._ask({"operation": "assign", "values": values, "lists": self.lists}, CALL_SECONDS)

    @property
    def folder(self) -> Path:
        """The folder that the process works in, empty at first."""
        return Path(self._folder.name)

    @property
    def alive(self) -> bool:
        """Whether functions can be called."""
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """End the process and all that came of it; it waits a bounded time, whatever the code did."""
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        user, self._user = self._user, 0
        if process and channel:
            channel.close()
            process.terminate()  # it ends its children
            if not _has_ended(process):
                process.kill()
                _has_ended(process)
            _end_session(process.pid)
            if not bubblewrap():  # which numbers processes in its own way, and ends all of them
                _end_session(channel.worker)
            channel.wait_for_output()
        if user:
            _end_all_of(user)
            with _drawing:
                _users.discard(user)

    def _start(self) -> None:
        self._user = _free_user()
        resources = {
            "RLIMIT_AS": self.limits.memory,
            "RLIMIT_CPU": self.limits.cpu_seconds,
            "RLIMIT_FSIZE": self.limits.file_bytes,
            "RLIMIT_NPROC": self.limits.processes + (0 if self._user else _own_processes()),
            "RLIMIT_CORE": 0,
        }
        environment = {
            "LIMITS": json.dumps({"resources": resources, "user": self._user}),
            "HOME": self._folder.name,
            "PATH": os.defpath,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if "SYSTEMROOT" in os.environ:  # Windows can't start Python without
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        try:
            process = subprocess.Popen(
                [*self._wrapper(), sys.executable, "-I", "-u", "-X", "utf8", str(CHILD)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                cwd=self._folder.name, env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise AssignmentError(
                f"No process could be started for the file ({reason_of(error)}): end other programs, then check again."
            ) from error
        self._process, self._channel = process, Channel(process, self._add_output)

    def _wrapper(self) -> list[str]:
        program = bubblewrap()
        if not program:
            return []
        folder = self._folder.name
        return [
            program, *_visible(), "--dev", "/dev", "--proc", "/proc", "--bind", folder, folder,
            "--remount-ro", "/", "--unshare-all", "--die-with-parent", "--new-session", "--chdir", folder,
        ]  # fmt: skip

    def _add_output(self, text: str) -> None:
        if len(self.output) < MAX_OUTPUT:
            self.output = (self.output + text)[:MAX_OUTPUT]

    def _ask(self, request: dict[str, Any], seconds: float) -> Reply:
        channel = self._channel
        if channel and channel.nonsense:
            return Reply(failure=self._why_ended())
        if channel is None or not self.alive:
            return Reply(failure=Failure("", "Its process has ended.", ended=True))
        channel.send(msgspec.msgpack.encode(to_plain(request)))
        end = min(time.monotonic() + seconds, self._deadline)
        while (left := end - time.monotonic()) > 0:
            alive = self.alive
            try:
                answer = channel.receive(min(left, WAIT_SECONDS))
            except queue.Empty:
                if not alive:  # a process that got away holds the pipe
                    return Reply(failure=self._why_ended())
                if self._on_wait:
                    self._on_wait()
                continue
            reply = Reply(failure=self._why_ended()) if answer is None else read_reply(answer)
            if reply.failure and reply.failure.ended:
                self.end()
            return self._clamped(reply)
        self.end()
        if end == self._deadline:
            return Reply(failure=self._out_of_time)
        message = f"It did not return within {seconds:g} s: look for a loop that does not end."
        return Reply(failure=Failure("Timeout", message, ended=True))

    @property
    def _out_of_time(self) -> Failure:
        message = f"The whole check took more than {self.limits.total_seconds:g} s: look for what takes so long."
        return Failure(OUT_OF_TIME, message, ended=True)

    def _clamped(self, reply: Reply) -> Reply:
        """A reply whose line, which may be forged, is one of the text."""
        failure = reply.failure
        if failure is None or failure.line is None:
            return reply
        line = min(max(failure.line, 1), max(len(self.submission.places), 1))
        return replace(reply, failure=replace(failure, line=line))

    def _why_ended(self) -> Failure:
        nonsense = self._channel.nonsense if self._channel else ""
        if self._process is not None and not nonsense:
            _has_ended(self._process)
        self.end()
        if nonsense:
            return Failure("Protocol", f"Its process answered nonsense ({nonsense}), and was ended.", ended=True)
        if "MemoryError" in self.output or "Unable to allocate" in self.output:
            message = f"It took more than {self.limits.memory / 1e9:g} GB of memory, and its process was ended."
        else:
            message = (
                "It ended its own process (by os._exit, a crash, or more than its share of processor time or memory): "
                "return a value instead."
            )
        return Failure("Ended", message, ended=True)


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Wait a moment for the end of a process."""
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_session(process: int) -> None:
    """End a process that began a session, and those of its children that stayed in it."""
    if sys.platform != "win32" and process > 1:
        with contextlib.suppress(OSError):
            os.killpg(process, signal.SIGKILL)


_users: set[int] = set()
"""Users that sandboxes of this process have drawn."""
_drawing = threading.Lock()


def _free_user() -> int:
    """A user for a process that root starts: none if this is not root, or if that user can't read Python itself."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or bubblewrap():
        return 0
    readable = all(
        path.stat().st_mode & 0o005 == 0o005
        for root in {sys.prefix, sys.base_prefix, tempfile.gettempdir()}
        for path in (Path(root).resolve(), *Path(root).resolve().parents)
    )
    return _draw_user() if readable else 0


def _draw_user() -> int:
    """Draw a user whom no process has; `Sandbox.end` gives it back."""
    with _drawing:
        taken = _users | {user for _, user in _processes()}
        user = random.choice([one for one in range(FIRST_USER, FIRST_USER + USERS) if one not in taken])
        _users.add(user)
        return user


def _end_all_of(user: int) -> None:
    """End all processes of a user who exists for one sandbox alone."""
    for pid, owner in _processes():
        if owner == user:
            with contextlib.suppress(OSError):
                os.kill(pid, 9)


def _processes() -> Iterator[tuple[int, int]]:
    """All processes, each with its user."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(path.name), path.stat().st_uid


def _own_processes() -> int:
    """Count the processes and threads of this user, which its limit counts, too."""
    count = 0
    for pid, owner in _processes():
        if owner == os.geteuid():
            with contextlib.suppress(OSError):
                count += sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    return count
