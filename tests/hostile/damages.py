"""Known ways in which a file of a run folder may be damaged."""

import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.hostile.strategies import to_npz


class Damage(NamedTuple):
    """What becomes of one file of a run folder; ``state`` is what the run says of itself."""

    file: str
    content: bytes | None
    state: str = "finished"


Change = Callable[[dict[str, bytes]], Damage]
"""From the files of a sound run to one of them damaged."""


def entry(file: str, *path: Any, value: Any, state: str = "finished") -> Change:
    """Another value in a JSON file."""

    def change(files: dict[str, bytes]) -> Damage:
        content = json.loads(files[file])
        holder = content
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
        return Damage(file, json.dumps(content).encode(), state)

    return change


def whole(file: str, content: bytes | None, state: str = "finished") -> Change:
    """Another content, or none."""
    return lambda files: Damage(file, content, state)


def cell(file: str, column: int, text: str, state: str = "finished") -> Change:
    """Another cell in the last row of a table."""

    def change(files: dict[str, bytes]) -> Damage:
        lines = files[file].decode().splitlines()
        cells = lines[-1].split(",")
        cells[column] = text
        return Damage(file, "".join(f"{line}\n" for line in [*lines[:-1], ",".join(cells)]).encode(), state)

    return change


def more(file: str, line: bytes, state: str = "finished") -> Change:
    """A further line of a table."""
    return lambda files: Damage(file, files[file] + line + b"\n", state)


def arrays(file: str, state: str = "finished", **changes: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Other arrays in an archive; each is made of the one that was there."""

    def change(files: dict[str, bytes]) -> Damage:
        with np.load(io.BytesIO(files[file])) as content:
            return Damage(
                file, to_npz({**content, **{name: make(content[name]) for name, make in changes.items()}}), state
            )

    return change


NAN, HUGE, SURROGATE = float("nan"), 10**400, "\ud800"
MARKUP = "![x](http://127.0.0.1:9/p) :material/home: $x$"
NONSENSE = (b"", b"{", b"[]", b"null", b"5", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"\0")
JSON_FILES = ("config.json", "status.json", "about.json", "cross_validation.json")
TABLES = ("metrics.csv", "steps.csv", "layers.csv", "histograms.csv")
ARCHIVES = ("model.npz", "checkpoint.npz", "cross_validation.npz")
COUNTS = ("epoch", "more_epochs", "images_done", "images_total", "images_per_second", "seconds", "pid")


def _each(title: str, change: Callable[..., Any], places: Any, values: Any, **options: Any) -> dict[str, Any]:
    """A damage for each value at each place, which is a file and the keys in it."""
    return {
        f"{title} {'.'.join(map(str, place))}: {str(value)[:12]!r}": change(*place, value, **options)
        for place in places
        for value in values
    }


def _value(file: str, *path: Any, **options: Any) -> Any:
    *path, value = path
    return entry(file, *path, value=value, **options)


def _of(file: str, *names: str) -> list[tuple[str, ...]]:
    return [(file, name) for name in names]


DAMAGES: dict[str, Change] = {
    **_each("all of", whole, [(file,) for file in JSON_FILES], NONSENSE),
    **_each("all of", whole, [(file,) for file in ARCHIVES], (b"", b"PK\3\4", b"\x80\4.", bytes(100))),
    **{f"{file} is missing": whole(file, None) for file in (*JSON_FILES, *TABLES, *ARCHIVES)},
    **_each("value", _value, _of("config.json", "created"), (HUGE, -1, NAN, 1e300, "x", None, [], True)),
    **_each("value", _value, [("config.json", "dataset", "name")], (5, None, [], SURROGATE, MARKUP, "x" * 100_000)),
    **_each(
        "value", _value, [("config.json", "dataset", key) for key in ("source", "data_dir", "checksums")],
        (5, None, [], {}, "x", "\0", SURROGATE, {"a": 5}),
    ),
    **_each(
        "value", _value,
        [("config.json", "training", key) for key in ("epochs", "hidden_layers", "learning_rate", "activation")],
        (HUGE, -1, NAN, 5, "x", None, [], [7], [10_000] * 10, SURROGATE),
    ),
    "an unknown setting": entry("config.json", "training", "unknown", value=1),
    **_each(
        "value", _value, _of("status.json", "heartbeat"), (HUGE, -1, NAN, 1e300, "x", None, 4e9), state="running"
    ),
    **_each("value", _value, _of("status.json", *COUNTS), (NAN, -5, -1e300), state="running"),
    **_each("failed, value", _value, _of("status.json", *COUNTS), (HUGE, "x", None), state="failed"),
    **_each("value", _value, _of("status.json", "test_accuracy", "test_loss"), (HUGE, -1, NAN, 1e400, 2, "x", [])),
    **_each(
        "value", _value, _of("status.json", "error"), (None, 5, ["x"], SURROGATE, MARKUP, "x" * 10_000), state="failed"
    ),
    **_each("value", _value, _of("status.json", "state"), (5, None, [], "x", SURROGATE, "damaged")),
    **_each(
        "value", _value, _of("about.json", "name", "note", "tags"),
        (5, None, [5], [[]], SURROGATE, [SURROGATE], MARKUP, [MARKUP], "x" * 5000),
    ),
    **_each(
        "value", _value, _of("cross_validation.json", "heartbeat", "done", "fold", "state", "error"),
        ("x", [], HUGE, NAN, -1, 5, "running"),
    ),
    **_each(
        "cell of", cell, [(file, column) for file in TABLES for column in (0, -1)],
        ("nan", "inf", "-1", "9" * 50, "a" * 20, "a" * 140_000, "", "\0", "1e999"),
    ),
    "a line of a…a in metrics.csv": more("metrics.csv", b"a" * 200),
    "nan,nan in steps.csv": more("steps.csv", b"nan,nan", "running"),
    "an open quote in metrics.csv": more("metrics.csv", b'"'),
    "bytes that are no text in metrics.csv": more("metrics.csv", b"\xff\xff,\xfe"),
    "a huge count in histograms.csv": more("histograms.csv", b"3,1,activations,0,1," + b"9" * 30 + b" 1"),
    "100,000 rows of metrics": more("metrics.csv", b"3,1,1,1,1,1,1\n" * 100_000),
    "100,000 steps": more("steps.csv", b"0.5,1.5\n" * 100_000),
    "metrics.csv without a row": lambda files: Damage("metrics.csv", files["metrics.csv"].splitlines(True)[0]),
    "a model of NaN": arrays("model.npz", W1=lambda array: array * np.nan),
    "a model of infinity": arrays("model.npz", W2=lambda array: array + np.inf),
    "a model of another network": arrays("model.npz", W1=lambda array: array[:9]),
    "a model of integers": arrays("model.npz", W1=lambda array: array.astype(int)),
    "a model of complex numbers": arrays("model.npz", W1=lambda array: array.astype(complex)),
    "an unknown activation": arrays("model.npz", activation=lambda array: np.array("softplus9")),
    "a checkpoint of NaN": arrays("checkpoint.npz", "paused", W1=lambda array: array * np.nan),
    "a checkpoint of epoch -1": arrays("checkpoint.npz", "paused", epoch=lambda array: np.array(-1)),
    "probabilities of NaN": arrays("cross_validation.npz", probabilities=lambda array: array * np.nan),
    "probabilities of too few images": arrays("cross_validation.npz", probabilities=lambda array: array[:3]),
    "too few classes": arrays("cross_validation.npz", probabilities=lambda array: array[:, :1]),
    "control that is no text": whole("control", b"\xff\xfe\0", "running"),
}  # fmt: skip
"""By what is wrong, the damage that a run with these files gets."""
