"""What the files of a run may hold: every record is read and written here, and each of its values has a range.

A record is a dataclass or a ``TypedDict`` of the types below. Reading refuses whatever does not fit, so that the code
behind this boundary meets no surprise; writing refuses what reading would refuse.
"""

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from mnist_core.data.corrected.corrections import MAX_BYTES as MAX_CORRECTIONS
from mnist_core.data.fitting import MAX_CLASSES
from mnist_core.disk import read_bounded
from mnist_core.errors import RunError, reason_of
from mnist_core.nn.network import MAX_PARAMETERS
from mnist_core.runs.files import write_json
from mnist_core.training.memory import FLOAT_BYTES, MAX_TRAINING_BYTES
from mnist_core.untrusted import UntrustedText, plain_text

MB = 1_000_000

MAX_BYTES = {
    "config.json": MB // 2,
    "status.json": MB,
    "about.json": MB,
    "implementation.json": MB,
    "cross_validation.json": MB,
    "corrections.csv": MAX_CORRECTIONS,
    "metrics.csv": 50 * MB,
    "steps.csv": 50 * MB,
    "layers.csv": 50 * MB,
    "histograms.csv": 50 * MB,
    "model.npz": FLOAT_BYTES * MAX_PARAMETERS + MB,
    "checkpoint.npz": MAX_TRAINING_BYTES,
    "cross_validation.npz": MAX_TRAINING_BYTES,
    "cross_validation_test.npz": MAX_TRAINING_BYTES,
}
"""The most bytes that are read of each file of a run, whoever wrote it."""

MAX_EPOCHS = 100_000
"""The most epochs of a run, those of all its resumptions together."""

MAX_TEXT = 2_000
"""Characters of the longest text in a record."""

FLOAT32 = 3.5e38
"""Above all numbers that a network of float32 computes."""

R = TypeVar("R")

LAST_TIME = 2.0**33
"""In the year 2242, in seconds since 1970; later dates have no place in a table of pandas."""

Time = Annotated[float, Meta(ge=0, le=LAST_TIME)]
Seconds = Annotated[float, Meta(ge=0, le=1e10)]
Epoch = Annotated[int, Meta(ge=0, le=MAX_EPOCHS)]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Rate = Annotated[float, Meta(ge=0, le=1e12)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Loss = Annotated[float, Meta(ge=0, le=1e9)]
Size = Annotated[float, Meta(ge=0, le=FLOAT32)]
Real = Annotated[float, Meta(ge=-FLOAT32, le=FLOAT32)]
FolderPath = Annotated[str, Meta(max_length=4096)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Checksums = Annotated[
    dict[Annotated[str, Meta(max_length=255)], Annotated[str, Meta(max_length=128)]], Meta(max_length=20)
]
"""SHA-256 by file name."""
ClassNames = Annotated[tuple[UntrustedText, ...], Meta(max_length=MAX_CLASSES)]


def read_record(path: Path, kind: type[R]) -> R:
    """Read a JSON file as a record.

    Parameters
    ----------
    path : Path
    kind : type
        A dataclass, which knows all fields; or a ``TypedDict``, which ignores those that it does not know.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If it can't be read.
    ValueError
        Says in a clause what does not fit: what was found, what was expected.
    """
    return decode_record(read_bounded(path, MAX_BYTES[path.name]), kind)


def write_record(path: Path, record: R, kind: type[R] | None = None) -> None:
    """Write a record as a JSON file, atomically.

    Parameters
    ----------
    path : Path
    record : object
    kind : type, optional
        What it will be read as; its own type by default.

    Raises
    ------
    RunError
        If it could not be read again.
    OSError
        If it can't be written.
    """
    try:
        decode_record(msgspec.json.encode(record, enc_hook=plain_text), kind or type(record))
    except ValueError as error:
        raise RunError(f"{path.name} can't be written ({error}): choose other names or settings.") from error
    write_json(path, _plain(record))


def decode_record(content: bytes, kind: type[R]) -> R:
    """Make a record of JSON text; see :func:`read_record`."""
    try:
        fields = msgspec.json.decode(content, type=dict[str, Any])
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except msgspec.ValidationError as error:
        raise ValueError(clause(str(error), None)) from error
    except msgspec.DecodeError as error:
        raise ValueError(f"it is no JSON text: {_malformed(content, error)}") from error
    try:
        record = msgspec.convert(fields, kind, dec_hook=_decode_text)
    except msgspec.ValidationError as error:
        raise ValueError(clause(str(error), fields)) from error
    if unknown := _unknown(fields, _plain(record), ignored=not is_dataclass(kind)):
        raise ValueError(f"it has an unknown entry {shown(unknown)}")
    return record


def _unknown(found: dict[str, Any], known: dict[str, Any], ignored: bool = False) -> str | None:
    """Name an entry that no field took; ``ignored`` are those beside the known ones, not those within them."""
    for name, value in found.items():
        if name not in known and not ignored:
            return name
        if isinstance(value, dict) and isinstance(known.get(name), dict) and (inner := _unknown(value, known[name])):
            return inner
    return None


class Damage(NamedTuple):
    """What is wrong with a run folder, and what to do; the first sentence may quote a file."""

    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}"


def damage_of(name: str, error: Exception, advice: str) -> Damage:
    """Say that a file of a run can't be read."""
    if isinstance(error, FileNotFoundError):
        return Damage(f"{name} is missing.", advice)
    return Damage(f"{name} can't be read ({reason_of(error)}).", advice)


def shown(value: object) -> str:
    """Write a value that was found for the middle of a sentence, in short."""
    if value is None:
        return "null"
    if isinstance(value, list | tuple | dict):
        return "a list" if isinstance(value, list | tuple) else "an object"
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a number of more than 30 digits"
    return text if len(text) <= 40 else f"{text[:30]}…"


def _plain(record: object) -> dict[str, Any]:
    return msgspec.to_builtins(record, enc_hook=plain_text)


def _decode_text(kind: type, value: object) -> object:
    if kind is not UntrustedText or not isinstance(value, str):
        raise ValueError("Expected `str`")
    if len(value) > MAX_TEXT:
        raise ValueError(f"Expected `str` of length <= {MAX_TEXT}")
    return UntrustedText(value)


WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "text",
    "`array`": "a list",
    "`object`": "an object",
    "`null`": "null",
    "`bool`": "true or false",
    " of length <= ": " no longer than ",
    " >= ": " of at least ",
    " <= ": " of at most ",
    " | ": " or ",
}


def clause(message: str, fields: dict[str, Any] | None) -> str:
    """Say in our words what msgspec found, with the value found in ``fields``."""
    text, _, place = message.partition(" - at `$")
    text = re.sub(r", got `\w+`", "", text)
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", text):
        return f"it has no {missing[1]!r} entry"
    for theirs, ours in WORDS.items():
        text = text.replace(theirs, ours)
    text = text[:1].lower() + text[1:]
    names = re.findall(r"\w+", place)
    found: Any = fields
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    if not names:
        return text
    return f"{'.'.join(names)} is {shown(found)}: {text}" if "[" not in place else f"{'.'.join(names)}: {text}"


def _malformed(content: bytes, error: Exception) -> str:
    if re.search(rb"\\u[dD][89a-fA-F]", content):  # msgspec calls this truncated
        return "a character in it is only half there"
    if re.search(rb"NaN|Infinity", content):
        return "NaN and Infinity are no numbers"
    return str(error).removeprefix("JSON is malformed: ")
