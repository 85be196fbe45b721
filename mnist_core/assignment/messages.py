"""Messages between us and the process that runs a learner's code, which may have forged what it sends."""

import contextlib
import os
import queue
import struct
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec
import numpy as np

ARRAY, OTHER = 1, 2
LAST_OUTPUT_SECONDS = 0.5

MAX_REPLY = 256_000_000


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


class Channel:
    """The pipes of a process, each read or written by a thread of its own, which closes it.

    Whoever ends the process waits for none of them: a process that got away may hold the other end for ever.

    Parameters
    ----------
    process : Popen
        With three pipes; its first message is the process that runs the code.
    on_output : callable
        Gets what is printed.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", on_output: Callable[[str], object]) -> None:
        self.worker = 0
        """The process that runs the code, as it is numbered there; 0 until it is known."""
        self.nonsense = ""
        """What is wrong with what the process sent, if it can't go on for that."""
        self._awaited = False
        self._replies: queue.Queue[bytes | None] = queue.Queue()
        self._requests: queue.Queue[bytes] = queue.Queue()
        for action, pipe in ((self._write_requests, process.stdin), (self._read_replies, process.stdout)):
            threading.Thread(target=action, args=(pipe,), daemon=True).start()
        self._printing = threading.Thread(target=_read_output, args=(process.stderr, on_output), daemon=True)
        self._printing.start()

    def send(self, content: bytes) -> None:
        """Pass on a message that has one answer, without waiting until it is read."""
        self._awaited = True
        self._requests.put(struct.pack("<Q", len(content)) + content)

    def receive(self, seconds: float) -> bytes | None:
        """Wait for a message; None if there will be no more.

        Raises
        ------
        queue.Empty
            If there is none in that time.
        """
        return self._replies.get(timeout=seconds)

    def close(self) -> None:
        """Send no more."""
        self._requests.put(b"")

    def wait_for_output(self) -> None:
        """Wait until all that an ended process printed is read, for a moment: a process that got away may go on."""
        self._printing.join(LAST_OUTPUT_SECONDS)

    def _write_requests(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), pipe:
            while content := self._requests.get():
                pipe.write(content)
                pipe.flush()

    def _read_replies(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), pipe:
            self.worker = int(pipe.read(_read_size(pipe) or 0) or b"0")
            while (size := _read_size(pipe)) is not None:
                if not self._awaited or size > MAX_REPLY:
                    self.nonsense = (
                        f"{size:,} bytes, which are too many" if self._awaited else "an answer to no question"
                    )
                    break
                content = pipe.read(size)
                if len(content) < size:
                    break
                self._awaited = False
                self._replies.put(content)
        self._replies.put(None)


def _read_size(pipe: IO[bytes]) -> int | None:
    """The bytes of the next message; None at the end."""
    head = pipe.read(8)
    return int.from_bytes(head, "little") if len(head) == 8 else None


def _read_output(pipe: IO[bytes], on_output: Callable[[str], object]) -> None:
    with contextlib.suppress(OSError, ValueError), pipe:
        while content := os.read(pipe.fileno(), 65_536):
            on_output(content.decode("utf-8", "replace"))


def to_plain(value: Any) -> Any:
    """Make a request of plain values; arrays become their type, shape and bytes."""
    if isinstance(value, np.ndarray):
        plain = np.ascontiguousarray(value).reshape(value.shape)
        content = msgspec.msgpack.encode([plain.dtype.str, list(plain.shape), plain.tobytes()])
        return msgspec.msgpack.Ext(ARRAY, content)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def read_reply(content: bytes) -> Reply:
    """Read a reply, which a stranger's code may have forged."""
    try:
        answer = msgspec.msgpack.decode(content)
        if "error" in answer:
            line = answer.get("line")
            failure = Failure(
                str(answer["error"]), str(answer.get("message", "")), line if type(line) is int else None,
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
        )
    except Exception as error:  # whatever a forged one brings about
        return Reply(
            failure=Failure("Protocol", f"Its process answered nonsense ({error}), and was ended.", ended=True)
        )


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
    if kind.kind not in "biuf" or any(size < 0 for size in shape):
        raise ValueError("an array of an unknown type or shape")
    return np.frombuffer(data, kind).reshape(shape)
