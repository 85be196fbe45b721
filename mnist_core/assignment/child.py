"""The process that runs a learner's code: a program of its own, which imports nothing of this package.

It is started as ``python -I child.py`` with limits in the environment variable ``LIMITS`` (JSON). Requests come on
standard input and replies go to standard output, each a MessagePack value after its length in 8 bytes. Both are moved
away before the learner's code is loaded, so that what it prints goes to standard error and what it reads is empty. The
first reply, which nobody asks for, is the number of the process that runs the code.
"""

import ast
import builtins
import contextlib
import ctypes
import importlib
import json
import os
import random
import signal
import struct
import sys
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

FILE = "<submission>"
ARRAY = 1
OTHER = 2
MAX_MESSAGE = 256_000_000
MAX_TEXT = 500
MAX_DEPTH = 8
MAX_ITEMS = 100_000
SIGNAL_OF_PARENTS_DEATH, SUBREAPER = 1, 36

_array, _ndarray, _may_share = np.array, np.ndarray, np.may_share_memory
_encode, _decode, _Ext = msgspec.msgpack.encode, msgspec.msgpack.decode, msgspec.msgpack.Ext
_type, _len, _isinstance = type, len, isinstance


def pack(value: Any, depth: int = 0) -> Any:
    """Turn a result into plain values and copies of arrays, whatever its class says of itself."""
    if value is None or _type(value) in (bool, int, float):
        return value if not _isinstance(value, int) or abs(value) < 2**63 else _Ext(OTHER, b"a huge int")
    if _type(value) is str:
        return value[:MAX_TEXT].encode("utf-8", "replace").decode()
    if _isinstance(value, np.generic):
        return pack(_array(value), depth)
    if _isinstance(value, _ndarray):
        plain = _array(value, copy=True, subok=False)
        if plain.dtype.kind not in "biuf":
            return _Ext(OTHER, f"an array of {plain.dtype}"[:MAX_TEXT].encode())
        plain = plain.astype(plain.dtype.newbyteorder("<"), order="C", copy=False)
        return _Ext(ARRAY, _encode([plain.dtype.str, list(plain.shape), plain.tobytes()]))
    if _isinstance(value, dict) and depth < MAX_DEPTH and _len(value) < MAX_ITEMS:
        return {str(key)[:MAX_TEXT]: pack(item, depth + 1) for key, item in dict.items(value)}
    if _isinstance(value, (set, frozenset)) and all(_type(item) is int for item in value):
        value = sorted(value)
    if _isinstance(value, (list, tuple)) and depth < MAX_DEPTH and _len(value) < MAX_ITEMS:
        return [pack(item, depth + 1) for item in tuple(value)]
    if hasattr(value, "__array__"):
        with contextlib.suppress(Exception):
            return pack(_array(value, subok=False), MAX_DEPTH)
    return _Ext(OTHER, f"a value of type {_type(value).__name__}"[:MAX_TEXT].encode("utf-8", "replace"))


def unpack(value: Any) -> Any:
    """Turn plain values into writeable arrays."""
    if _isinstance(value, _Ext):
        dtype, shape, content = _decode(value.data)
        return np.frombuffer(bytearray(content), np.dtype(dtype)).reshape(shape)
    if _isinstance(value, dict):
        return {key: unpack(item) for key, item in value.items()}
    if _isinstance(value, list):
        return [unpack(item) for item in value]
    return value


def is_pair(value: Any) -> bool:
    """Whether two arrays are the weights and the biases of a layer, not the weights of two layers."""
    if not _isinstance(value, (list, tuple)) or _len(value) != 2 or not all(_isinstance(a, _ndarray) for a in value):
        return False
    weights, bias = value
    return weights.ndim == 2 and 1 not in weights.shape and (bias.ndim == 1 or 1 in bias.shape)


def as_pairs(value: Any) -> Any:
    """Make tuples of pairs of arrays, as the contract says: a list of ``(W, b)``."""
    if _isinstance(value, list):
        return tuple(value) if is_pair(value) else [as_pairs(item) for item in value]
    return value


def has_list_pair(value: Any, depth: int = 0) -> bool:
    """Whether a structure has a pair that is a list, whose items can be replaced."""
    if is_pair(value):
        return _isinstance(value, list)
    return any(has_list_pair(item, depth + 1) for item in items_of(value, depth))


def arrays_in(value: Any, depth: int = 0) -> list[Any]:
    """All arrays in a structure, in order."""
    if _isinstance(value, _ndarray):
        return [value]
    return [array for item in items_of(value, depth) for array in arrays_in(item, depth + 1)]


def items_of(value: Any, depth: int) -> Any:
    """What a structure holds, if it is not too deep and not too large."""
    items = value.values() if _isinstance(value, dict) else value if _isinstance(value, (list, tuple)) else ()
    return items if depth < MAX_DEPTH and _len(items) < MAX_ITEMS else ()


def differ(arrays: list[Any], copies: list[Any]) -> bool:
    """Whether arrays, or the arrays in their places, are other ones than before."""
    pairs = zip(arrays, copies, strict=False)
    return _len(arrays) != _len(copies) or not all(
        np.array_equal(array, copy, equal_nan=copy.dtype.kind == "f") for array, copy in pairs
    )


def _global_state() -> bytes:
    return _encode([pack(item) for item in tuple(np.random.get_state())])


class Later:
    """A foreign module, or a name in it, which is imported when it is first used: most files never do in a check."""

    def __init__(self, module: str, name: str | None) -> None:
        self._later = module, name

    def _found(self) -> Any:
        module, name = self._later
        found = importlib.import_module(module)
        if name is None:
            return found
        return getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{module}.{name}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found(), name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._found()(*args, **options)


def is_foreign_import(node: Any) -> bool:
    """Whether a statement imports modules by name that belong neither to Python nor to NumPy."""
    if _isinstance(node, ast.Import):
        roots = [alias.name.split(".")[0] for alias in node.names]
    elif _isinstance(node, ast.ImportFrom) and not node.level and node.names[0].name != "*":
        roots = [(node.module or "").split(".")[0]]
    else:
        return False
    return not any(root in sys.stdlib_module_names or root == "numpy" for root in roots)


def later(node: Any) -> dict[str, Later]:
    """What such a statement binds."""
    if _isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: Later(node.module, alias.name) for alias in node.names}
    return {
        alias.asname or alias.name.split(".")[0]: Later(alias.name if alias.asname else alias.name.split(".")[0], None)
        for alias in node.names
    }


class Learner:
    """The learner's module, and an object of its class if the steps are methods."""

    def __init__(self) -> None:
        self.module = types.ModuleType("submission")
        self.instance: Any = None
        self.kept: Any = None

    def load(self, definitions: str) -> None:
        self.module.__file__ = FILE
        sys.modules["submission"] = self.module
        for node in ast.parse(definitions, FILE).body:
            if is_foreign_import(node):
                self.module.__dict__.update(later(node))
            else:
                exec(compile(ast.Module([node], []), FILE, "exec"), self.module.__dict__)

    def new(self, name: str, args: list[Any]) -> None:
        self.instance = getattr(self.module, name)(*args)

    def attributes(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self.instance).items() if arrays_in(value)}

    def assign(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self.instance, name, value)

    def call(self, name: str, args: list[Any], method: bool) -> Any:
        return getattr(self.instance if method else self.module, name)(*args)


def perform(learner: Learner, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks; say what it returned, and what it did besides."""
    operation = request["operation"]
    form: Callable[[Any], Any] = (lambda value: value) if request.get("lists") else as_pairs
    args = [form(unpack(arg)) for arg in request.get("args", [])]
    if operation == "load":
        learner.load(request["text"])
        return {"value": None}
    if operation == "new":
        learner.new(request["name"], args)
        attributes = learner.attributes()
        return {"value": pack(attributes), "lists": has_list_pair(attributes)}
    if operation == "attributes":
        return {"value": pack(learner.attributes())}
    if operation == "assign":
        learner.assign({name: form(unpack(value)) for name, value in request["values"].items()})
        return {"value": None}
    before = [[array.copy() for array in arrays_in(arg)] for arg in args]
    states = _global_state(), random.getstate()
    result = learner.call(request["name"], args, request["method"])
    packed = pack(result)
    changed = [k for k, arg in enumerate(args) if differ(arrays_in(arg), before[k])]
    found = arrays_in(result)
    shared = any(_may_share(a, b) for k, a in enumerate(found[:50]) for b in found[k + 1 : 50])
    kept, learner.kept = learner.kept, (result, packed) if request.get("keep") else None
    return {
        "value": packed,
        "args": [pack(args[k]) for k in changed],
        "changed": changed,
        "shared": shared,
        "lists": has_list_pair(result),
        "seeded": _global_state() != states[0] or random.getstate() != states[1],
        "kept_changed": bool(kept) and _encode(pack(kept[0])) != _encode(kept[1]),
    }


def failure(error: BaseException) -> dict[str, Any]:
    """Describe an exception: its class, its message, and the last line of the learner's that it went through."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == FILE]
    if isinstance(error, SyntaxError) and error.filename == FILE:
        lines.append(error.lineno or 1)
    try:
        message = str(error)
    except BaseException:
        message = "its message can't be shown"
    return {
        "error": _type(error).__name__[:MAX_TEXT],
        "message": message[:MAX_TEXT].encode("utf-8", "replace").decode(),
        "line": lines[-1] if lines else None,
        "missing": _isinstance(error, NotImplementedError),
    }


def serve(read: int, write: int) -> None:
    """Answer requests until the other side closes."""
    learner = Learner()
    source, target = os.fdopen(read, "rb"), os.fdopen(write, "wb")
    send(target, str(os.getpid()).encode())
    while _len(head := source.read(8)) == 8:
        request = _decode(source.read(struct.unpack("<Q", head)[0]))
        try:
            reply = perform(learner, request)
        except BaseException as error:  # also SystemExit and KeyboardInterrupt of the learner's
            reply = failure(error)
        content = _encode(reply)
        if _len(content) > MAX_MESSAGE:
            content = _encode({"error": "ValueError", "message": "the result is too large", "line": None})
        send(target, content)


def send(target: IO[bytes], content: bytes) -> None:
    """Write a message."""
    target.write(struct.pack("<Q", _len(content)) + content)
    target.flush()


def limit(limits: dict[str, Any]) -> None:
    """Bound what this process and its children can take, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for name, value in limits["resources"].items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def give_up_root(user: int) -> None:
    """Go on as a user of nobody's, whose processes can be counted and ended apart from all others."""
    os.chown(".", user, user)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def descendants(pid: int) -> list[int]:
    """Children of a process, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [*map(int, children), *(one for child in children for one in descendants(int(child)))]


def end_all() -> None:
    """End every process that came of this one: they fall back to it when their parent ends."""
    while found := descendants(os.getpid()):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)


def _stop(*_: object) -> None:
    end_all()
    os._exit(1)


def main() -> None:
    """Move the pipes away; where the system can, watch over a second process that runs the code."""
    limits = json.loads(os.environ.pop("LIMITS"))
    read, write = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if hasattr(os, "fork") and sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
        watcher = os.getpid()
        if worker := os.fork():
            os.close(read)
            os.close(write)
            signal.signal(signal.SIGTERM, _stop)
            os.waitpid(worker, 0)
            end_all()
            os._exit(0)
        os.setsid()
    if limits.get("user"):
        give_up_root(limits["user"])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)  # a change of user forgets it
        if os.getppid() != watcher:
            os._exit(1)
    limit(limits)
    sys.modules["mnist_core"] = None  # type: ignore[assignment]
    builtins.input = lambda prompt="": (_ for _ in ()).throw(EOFError("there is nobody to answer input()"))
    serve(read, write)


if __name__ == "__main__":
    main()
