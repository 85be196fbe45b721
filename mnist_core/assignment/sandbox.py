"""A process of its own for a learner's code, with limits: what it does there ends with it.

``docs/security.md`` says what this keeps out and what it does not.
"""

import contextlib
import json
import os
import queue
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from mnist_core.assignment.source import Submission
from mnist_core.errors import AssignmentError, reason_of

CHILD = Path(__file__).with_name("child.py")
ARRAY, OTHER = 1, 2
MAX_OUTPUT = 20_000
MAX_REPLY = 256_000_000
MAX_VALUES = 50_000_000
LOAD_SECONDS = 20.0
CALL_SECONDS = 5.0
WAIT_SECONDS = 0.2
"""Time between two looks at what else there is to do, while a call is awaited."""
FIRST_USER = 61_000
"""Without bubblewrap, a process started by root goes on as one of 4,000 users from this one on."""


@dataclass(frozen=True)
class Limits:
    """What a learner's process may take."""

    memory: int = 2_000_000_000
    cpu_seconds: int = 120
    file_bytes: int = 10_000_000
    processes: int = 32
    call_seconds: float = CALL_SECONDS
    """Time that a call may take, unless it says otherwise."""


class Other(str):
    """What a result is that is neither number, text, array, nor made of them."""


@dataclass(frozen=True)
class Failure:
    """An exception of the learner's code, or the end of its process."""

    error: str
    message: str
    line: int | None = None
    """In the text of the submission, if it went through it."""
    missing: bool = False
    """Whether it is a NotImplementedError: the function is yet to be written."""
    ended: bool = False
    """Whether the process is gone, so that no other function can be called."""

    @property
    def sentence(self) -> str:
        """The exception as a finding."""
        return self.message if self.ended else f"It raises {self.error}: {self.message}".rstrip(": ") + "."


@dataclass(frozen=True)
class Reply:
    """What a call returned, and what it did besides."""

    value: Any = None
    failure: Failure | None = None
    changed: dict[int, Any] = field(default_factory=dict)
    """Arguments that were changed in place, by position, as they are now."""
    shared: bool = False
    """Whether arrays of the result share memory."""
    lists: bool = False
    """Whether its pairs of weights and biases are lists, not tuples."""
    seeded: bool = False
    """Whether a global generator of random numbers was used."""
    kept_changed: bool = False
    """Whether the result of the last kept call has changed since."""
    seconds: float = 0.0


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
            "It runs in a process with limits, but it can read your files and use the network: install bubblewrap to "
            "keep both out."
        )
    if _visible() == WHOLE_SYSTEM:
        return "It runs without network, on a read-only file system (bubblewrap)."
    return "It runs without network, and sees none of your files (bubblewrap)."


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

    def __enter__(self) -> "Sandbox":
        self._folder = tempfile.TemporaryDirectory(prefix="learner-", ignore_cleanup_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._folder.cleanup()

    def load(self) -> Failure | None:
        """Start the process, and run the definitions of the file in it."""
        self.end()
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
        """End the process and all that came of it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()  # it ends its children
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if user := self._user:
            _end_all_of(user)
        self._requests.put(b"")
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()  # type: ignore[union-attr]

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
        self._process = process
        self._replies: queue.Queue[bytes | None] = queue.Queue()
        self._requests: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_read_replies, args=(process.stdout, self._replies), daemon=True).start()
        threading.Thread(target=_write_requests, args=(process.stdin, self._requests), daemon=True).start()
        threading.Thread(target=self._read_output, args=(process.stderr,), daemon=True).start()

    def _wrapper(self) -> list[str]:
        program = bubblewrap()
        if not program:
            return []
        folder = self._folder.name
        return [
            program, *_visible(), "--dev", "/dev", "--proc", "/proc", "--bind", folder, folder,
            "--remount-ro", "/", "--unshare-all", "--die-with-parent", "--new-session", "--chdir", folder,
        ]  # fmt: skip

    def _read_output(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while content := os.read(pipe.fileno(), 65_536):
                if len(self.output) < MAX_OUTPUT:
                    self.output = (self.output + content.decode("utf-8", "replace"))[:MAX_OUTPUT]

    def _ask(self, request: dict[str, Any], seconds: float) -> Reply:
        if not self.alive:
            return Reply(failure=Failure("", "Its process has ended.", ended=True))
        content = msgspec.msgpack.encode(_plain(request))
        self._requests.put(struct.pack("<Q", len(content)) + content)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                answer = self._replies.get(timeout=min(left, WAIT_SECONDS))
            except queue.Empty:
                if self._on_wait:
                    self._on_wait()
                continue
            return Reply(failure=self._why_ended()) if answer is None else _reply(answer)
        self.end()
        message = f"It did not return within {seconds:g} s: look for a loop that does not end."
        return Reply(failure=Failure("Timeout", message, ended=True))

    def _why_ended(self) -> Failure:
        process = self._process
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        self.end()
        if "MemoryError" in self.output or "Unable to allocate" in self.output:
            message = f"It took more than {self.limits.memory / 1e9:g} GB of memory, and its process was ended."
        else:
            message = (
                "It ended its own process (by os._exit, a crash, or more than its share of processor time or memory): "
                "return a value instead."
            )
        return Failure("Ended", message, ended=True)


def _write_requests(pipe: IO[bytes], requests: "queue.Queue[bytes]") -> None:
    """Pass on requests; apart from the caller, whom a process that does not read would hold up."""
    with contextlib.suppress(OSError, ValueError):
        while content := requests.get():
            pipe.write(content)
            pipe.flush()


def _read_replies(pipe: IO[bytes], replies: "queue.Queue[bytes | None]") -> None:
    """Pass on whole messages; None when there will be no more."""
    with contextlib.suppress(OSError, ValueError):
        while len(head := pipe.read(8)) == 8:
            size = struct.unpack("<Q", head)[0]
            if size > MAX_REPLY or len(content := pipe.read(size)) < size:
                break
            replies.put(content)
    replies.put(None)


def _plain(value: Any) -> Any:
    """Make a request of plain values; arrays become their type, shape and bytes."""
    if isinstance(value, np.ndarray):
        plain = np.ascontiguousarray(value).reshape(value.shape)
        content = msgspec.msgpack.encode([plain.dtype.str, list(plain.shape), plain.tobytes()])
        return msgspec.msgpack.Ext(ARRAY, content)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _reply(content: bytes) -> Reply:
    """Read a reply, which a stranger's code may have forged."""
    try:
        answer = msgspec.msgpack.decode(content)
        if "error" in answer:
            line = answer.get("line")
            failure = Failure(
                str(answer["error"]), str(answer.get("message", "")), line if isinstance(line, int) else None,
                answer.get("missing") is True,
            )  # fmt: skip
            return Reply(failure=failure)
        changed = dict(zip(map(int, answer.get("changed", [])), map(_value, answer.get("args", [])), strict=True))
        return Reply(
            _value(answer["value"]),
            changed=changed,
            shared=answer.get("shared") is True,
            lists=answer.get("lists") is True,
            seeded=answer.get("seeded") is True,
            kept_changed=answer.get("kept_changed") is True,
            seconds=float(answer.get("seconds", 0.0)),
        )
    except (msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Reply(failure=Failure("Protocol", f"Its process answered nonsense ({error}).", ended=False))


def _value(value: Any, depth: int = 0) -> Any:
    if depth > 20:
        raise ValueError("a structure too deep")
    if isinstance(value, msgspec.msgpack.Ext):
        content = bytes(value.data)
        return _array(content) if value.code == ARRAY else Other(content[:500].decode("utf-8", "replace"))
    if isinstance(value, dict):
        return {str(key): _value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError("a value of an unknown type")


def _array(content: bytes) -> np.ndarray:
    dtype, shape, data = msgspec.msgpack.decode(content, type=tuple[str, list[int], bytes])
    kind = np.dtype(dtype)
    if kind.kind not in "biuf" or any(size < 0 for size in shape) or len(data) > MAX_VALUES * 8:
        raise ValueError("an array of an unknown type or shape")
    return np.frombuffer(data, kind).reshape(shape)


def _free_user() -> int:
    """A user for a process that root starts: none if this is not root, or if that user can't read Python itself."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or bubblewrap():
        return 0
    readable = all(
        path.stat().st_mode & 0o005 == 0o005
        for root in {sys.prefix, sys.base_prefix, tempfile.gettempdir()}
        for path in (Path(root).resolve(), *Path(root).resolve().parents)
    )
    return random.randrange(FIRST_USER, FIRST_USER + 4000) if readable else 0


def _end_all_of(user: int) -> None:
    """End all processes of a user who exists for one sandbox alone."""
    for pid in _processes():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}").stat().st_uid == user:
                os.kill(pid, 9)


def _processes() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").glob("[0-9]*"))


def _own_processes() -> int:
    """Count the processes and threads of this user, which its limit counts, too."""
    count = 0
    for pid in _processes():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}").stat().st_uid == os.geteuid():
                count += sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    return count
