"""What a command writes: lines for people and JSON for programs, neither of which can control a terminal."""

import json
import math
import sys
from typing import Any, TextIO

from mnist_core.errors import sentence_of
from mnist_core.untrusted import UntrustedText


def say(line: str = "") -> None:
    """Write a line to standard output, without control characters that text from outside may hold."""
    _write(line, sys.stdout)


def note(sentence: str) -> None:
    """Write a sentence to standard error that does not mean failure."""
    _write(f"note: {sentence}", sys.stderr)


def complain(problem: BaseException | str) -> None:
    """Write a sentence to standard error that says what failed."""
    sentence = problem if isinstance(problem, str) else sentence_of(problem)
    _write(f"error: {sentence}", sys.stderr)


def say_json(value: Any) -> None:
    """Write one JSON document: a number that JSON does not know is null, a lone surrogate U+FFFD."""
    _write(json.dumps(_strict(value), allow_nan=False), sys.stdout)


def _write(line: str, file: TextIO) -> None:
    print(UntrustedText(line).plain.replace("\n", " "), file=file)


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {_strict(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
