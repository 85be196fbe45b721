"""Every page, and the command line, with every file of a run folder damaged in every known way: that run alone suffers.

A page lists all damaged runs at once; then it is told to show one after another. A normal run shows a few of them, always
the same; the slow test shows all. Random damage is drawn by ``test_pages.py``.
"""

import io
import json
import os
import random
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import streamlit as st

from mnist_core.runs.run import list_runs, read_run
from pages.components.router import PAGES
from tests.hostile.page_readers import SHOW_A_RUN, about, check, open_page, use_world
from tests.hostile.readers import command, read_all
from tests.hostile.strategies import to_npz

HUGE = int("1" + 400 * "0")
SHOWN, SEED = 6, 4
OTHERS = tuple(page.file for page in PAGES if page.file not in SHOW_A_RUN)


class Damage(NamedTuple):
    """What becomes of one file of a run folder; ``state`` is what the run says of itself."""

    file: str
    content: bytes | None
    state: str = "finished"


def entry(file: str, *path: str | int, value: Any, state: str = "finished"):
    """Another value in a JSON file."""

    def change(files: dict[str, bytes]) -> Damage:
        content = json.loads(files[file])
        holder = content
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
        return Damage(file, json.dumps(content).encode(), state)

    return change


def whole(file: str, content: bytes | None, state: str = "finished"):
    """Another content, or none."""
    return lambda files: Damage(file, content, state)


def cell(file: str, column: int, text: str, state: str = "finished"):
    """Another cell in the last row of a table."""

    def change(files: dict[str, bytes]) -> Damage:
        lines = files[file].decode().splitlines()
        cells = lines[-1].split(",")
        cells[column] = text
        return Damage(file, "".join(f"{line}\n" for line in [*lines[:-1], ",".join(cells)]).encode(), state)

    return change


def more(file: str, line: bytes, state: str = "finished"):
    """A further line of a table."""
    return lambda files: Damage(file, files[file] + line + b"\n", state)


def arrays(file: str, state: str = "finished", **changes):
    """Other arrays in an archive; each is made of the one that was there."""

    def change(files: dict[str, bytes]) -> Damage:
        with np.load(io.BytesIO(files[file])) as content:
            return Damage(
                file, to_npz({**content, **{name: make(content[name]) for name, make in changes.items()}}), state
            )

    return change


SURROGATE = "\ud800"
MARKUP = "![x](http://127.0.0.1:9/p) :material/home: $x$"
JSON_NONSENSE = (b"", b"{", b"[]", b"null", b"5", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"\0")
DAMAGES = {
    **{f"{file} is {content[:6]!r}": whole(file, content)
       for file in ("config.json", "status.json", "about.json", "cross_validation.json") for content in JSON_NONSENSE},
    **{f"{file} is missing": whole(file, None)
       for file in ("config.json", "status.json", "about.json", "metrics.csv", "steps.csv", "layers.csv", "histograms.csv",
                    "model.npz", "checkpoint.npz", "cross_validation.json", "cross_validation.npz")},
    **{f"created is {str(value)[:12]}": entry("config.json", "created", value=value)
       for value in (HUGE, -1, float("nan"), 1e300, "x", None, [], True)},
    **{f"name of the data is {str(value)!r:.12}": entry("config.json", "dataset", "name", value=value)
       for value in (5, None, [], SURROGATE, MARKUP, "x" * 100_000)},
    **{f"{key} of the data is {str(value)[:12]}": entry("config.json", "dataset", key, value=value)
       for key in ("source", "data_dir", "checksums") for value in (5, None, [], {}, "x", "\0", SURROGATE, {"a": 5})},
    **{f"{key} of training is {str(value)[:12]}": entry("config.json", "training", key, value=value)
       for key, value in (("epochs", HUGE), ("epochs", -1), ("hidden_layers", 5), ("hidden_layers", [10_000] * 10),
                          ("hidden_layers", [7]), ("learning_rate", float("nan")), ("activation", []), ("seed", None),
                          ("blas_threads", -3), ("unknown", 1))},
    **{f"heartbeat is {str(value)[:12]}": entry("status.json", "heartbeat", value=value, state="running")
       for value in (HUGE, -1, float("nan"), 1e300, "x", None, 4e9)},
    **{f"{key} is {str(value)[:12]}": entry("status.json", key, value=value, state=state)
       for key in ("epoch", "more_epochs", "images_done", "images_total", "images_per_second", "seconds", "pid")
       for value, state in ((float("nan"), "running"), (-5, "running"), (HUGE, "finished"), (-1e300, "running"), ("x", "failed"))},
    **{f"{key} is {str(value)[:12]}": entry("status.json", key, value=value)
       for key in ("test_accuracy", "test_loss") for value in (HUGE, -1, float("nan"), float("inf"), 2, "x", [])},
    **{f"error is {str(value)!r:.12}": entry("status.json", "error", value=value, state="failed")
       for value in (None, 5, ["x"], SURROGATE, MARKUP, "x" * 10_000)},
    **{f"state is {value!r:.12}": entry("status.json", "state", value=value) for value in (5, None, [], "x", SURROGATE, "damaged")},
    **{f"{key} of about is {str(value)!r:.12}": entry("about.json", key, value=value)
       for key in ("name", "note", "tags") for value in (5, None, [5], [[]], SURROGATE, [SURROGATE], MARKUP, [MARKUP], "x" * 5000)},
    **{f"{key} of the label check is {str(value)[:12]}": entry("cross_validation.json", key, value=value)
       for key, value in (("heartbeat", "x"), ("heartbeat", []), ("heartbeat", HUGE), ("done", "x"), ("done", float("nan")),
                          ("fold", -1), ("state", "running"), ("error", 5))},
    **{f"a cell of {file} is {text[:8]!r}": cell(file, column, text)
       for file in ("metrics.csv", "steps.csv", "layers.csv", "histograms.csv") for column in (0, -1)
       for text in ("nan", "inf", "-1", "9" * 50, "a" * 20, "a" * 140_000, "", "\0", "1e999")},
    "a line of a…a in metrics.csv": more("metrics.csv", b"a" * 200),
    "nan,nan in steps.csv": more("steps.csv", b"nan,nan", "running"),
    "an open quote in metrics.csv": more("metrics.csv", b'"'),
    "bytes that are no text in metrics.csv": more("metrics.csv", b"\xff\xff,\xfe"),
    "a huge count in histograms.csv": more("histograms.csv", b"3,1,activations,0,1," + b"9" * 30 + b" 1"),
    "100,000 rows of metrics": lambda files: Damage("metrics.csv", files["metrics.csv"] + files["metrics.csv"].splitlines(True)[-1] * 100_000),
    "100,000 steps": lambda files: Damage("steps.csv", files["steps.csv"] + b"0.5,1.5\n" * 100_000),
    "metrics.csv is a header only": lambda files: Damage("metrics.csv", files["metrics.csv"].splitlines(True)[0]),
    **{f"{file} is {content[:4]!r}": whole(file, content)
       for file in ("model.npz", "checkpoint.npz", "cross_validation.npz") for content in (b"", b"PK\3\4", b"\x80\4.", b"\0" * 100)},
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


def run_id(number: int) -> str:
    return f"{datetime(2026, 1, 1):%Y%m%d}-{number:06d}-abcd"


def write(world, runs: Path, number: int, name: str) -> str:
    """Write a run with this damage; its id."""
    damage = DAMAGES[name](world.files)
    path = Path(shutil.copytree(world.template.path, runs / run_id(number)))
    status = path / "status.json"
    status.write_bytes(status.read_bytes().replace(b'"finished"', f'"{damage.state}"'.encode()))
    if damage.file == "status.json" and damage.content:
        damage = damage._replace(content=damage.content.replace(b'"finished"', f'"{damage.state}"'.encode()))
    if damage.content is None:
        (path / damage.file).unlink()
    else:
        (path / damage.file).write_bytes(damage.content)
    return path.name


@pytest.fixture
def runs(world, monkeypatch) -> Path:
    """An empty runs folder, which pages and commands use."""
    for name in ("MNIST_RUNS_DIR", "MNIST_DATA_DIR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    st.cache_resource.clear()
    folder = use_world(world)
    folder.mkdir()
    return folder


@pytest.fixture
def all_damaged(world, runs) -> dict[str, str]:
    """A run for each damage, its id by its name, beside one that is sound and one whose folder has no name."""
    ids = {name: write(world, runs, number, name) for number, name in enumerate(DAMAGES)}
    shutil.copytree(world.template.path, runs / world.template.id)
    shutil.copytree(world.template.path, os.fsdecode(os.fsencode(runs) + b"/20260101-\xff\xfe"))
    return ids


def show(name: str, ids: dict[str, str]) -> None:
    """Let a page show one run after another, in the session of one person."""
    app = open_page(name)
    for damage, run in ids.items():
        try:
            for key, value in about(run).items():
                app.query_params[key] = value
            check(app.run(), name)
        except Exception as error:
            error.add_note(f"damage: {damage}")
            raise


@pytest.mark.parametrize("name", SHOW_A_RUN)
def test_a_page_survives_some_damaged_runs(name, all_damaged):
    random.seed(f"{SEED} {name}")
    show(name, dict(random.sample(sorted(all_damaged.items()), SHOWN)))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOW_A_RUN)
def test_a_page_survives_every_damaged_run(name, all_damaged):
    show(name, all_damaged)


@pytest.mark.parametrize("name", OTHERS)
def test_a_page_that_shows_no_run_survives_all(name, all_damaged):
    open_page(name)


def test_the_command_line_survives_every_damaged_run(all_damaged, runs):
    code, printed, _ = command("runs", "--runs-dir", str(runs))
    assert code == 0
    assert [name for name, run in all_damaged.items() if run not in printed] == []
    for damage, run in all_damaged.items():
        try:
            command("evaluate", run, "--runs-dir", str(runs))
            command("export", run, "--format", "npz", "--output", str(runs / "exported"), "--runs-dir", str(runs))
            read_all(runs / run)
        except Exception as error:
            error.add_note(f"damage: {damage}")
            raise


def test_a_damaged_run_leaves_the_others_as_they_are(world, all_damaged, runs):
    sound = read_run(runs / world.template.id)
    assert sound.problem is None
    assert sound.status == world.template.status
    assert len(list_runs(runs)) == len(DAMAGES) + 2
