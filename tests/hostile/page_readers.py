"""Pages as readers: of runs whose files are damaged, of addresses that anybody links to, of what a browser sends."""

import io
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnist_core.training.config import TrainingConfig
from pages.components.router import PAGES
from tests.hostile.guard import Reader
from tests.hostile.pictures import hostile_pictures
from tests.hostile.run_readers import ARRAYS, JSON_FILES, TABLES, damaged_files
from tests.hostile.strategies import numbers, texts, values, written
from tests.hostile.word_readers import command
from tests.hostile.world import World

ROOT = Path(__file__).resolve().parents[2]
NAMES = tuple(page.file for page in PAGES)
SHOW_A_RUN = ("training", "runs", "evaluation", "inside", "label_issues", "label_desk", "label_noise", "draw", "upload")
"""Pages that show the run that the address names."""
MOST_RUNS = 5


UNCAUGHT: list[BaseException] = []
"""What Streamlit logged: a page says nothing of it."""


class _Keep(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            UNCAUGHT.append(record.exc_info[1])


logging.getLogger("streamlit.error_util").addHandler(_Keep())


def open_page(name: str, **query: str) -> AppTest:
    """Open a page in a new session and draw it; an error that the page did not catch fails."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    if name != "overview":
        app.switch_page(f"pages/{name}.py")
    return check(app.run(), name)


def check(app: AppTest, name: str) -> AppTest:
    """Raise the error of the program that replaced a page, or a part of it."""
    errors, UNCAUGHT[:] = UNCAUGHT[:], []
    if app.exception and errors:
        errors[0].add_note(f"page: {name}")
        raise errors[0]
    assert not app.exception, f"{name}: {app.exception[0].value}"
    return app


def about(run_id: str) -> dict[str, str]:
    """Query parameters that let every page show a run."""
    return {"run": run_id, "runs": run_id}


def use_world(world: World, setenv: Callable[[str, str], object] = os.environ.__setitem__) -> Path:
    """Let this process find the small data set, and an empty runs folder, which is returned."""
    runs = world.folder / "runs"
    setenv("MNIST_RUNS_DIR", str(runs))
    setenv("MNIST_DATA_DIR", str(world.data))
    return runs


def damaged_runs(world: World) -> Reader:
    """Runs of which a file is damaged, on a page that lists or shows them, and on the command line."""
    runs = use_world(world)
    damages = st.lists(damaged_files(world, (*JSON_FILES, *TABLES, *ARRAYS, "control")), min_size=1, max_size=MOST_RUNS)
    states = st.sampled_from(["finished", "running", "failed", "paused"])

    def read(choice: tuple[list[tuple[str, bytes]], str, str]) -> None:
        damages, name, state = choice
        shutil.rmtree(runs, ignore_errors=True)
        ids = [f"20260101-00000{number}-abcd" for number in range(len(damages))]
        for run_id, (file, content) in zip(ids, damages, strict=True):
            shutil.copytree(world.template.path, runs / run_id)
            status = runs / run_id / "status.json"
            status.write_bytes(status.read_bytes().replace(b'"finished"', f'"{state}"'.encode()))
            (runs / run_id / file).write_bytes(content)
        open_page(name, **about(ids[0]))
        for verb in ("runs", "evaluate"):
            command(verb, *([ids[0]] if verb == "evaluate" else []), "--runs-dir", str(runs))

    return Reader(st.tuples(damages, st.sampled_from(["overview", *SHOW_A_RUN]), states), read)


def parameters() -> list[str]:
    """Every parameter that the address of a page may have."""
    files = (ROOT / "pages").rglob("*.py")
    found = {name for path in files for name in re.findall(r'url="(\w+)"', path.read_text(encoding="utf-8"))}
    return sorted(found | {setting.url for setting in TrainingConfig.settings().values()})


def addresses(world: World) -> Reader:
    """Addresses with hostile, and with plausible, values of every parameter, on every page, with a run and without."""
    runs = use_world(world)
    shutil.copytree(world.template.path, runs / world.template.id)
    plausible = [
        "1",
        "0",
        "2",
        "yes",
        "no",
        "test set",
        "all",
        world.template.id,
        "adam",
        "relu",
        "0,1",
        "5-4",
        "one_cycle",
    ]
    huge = ["-".join(["10000"] * 10), "10000", ",".join(["1"] * 1000), "10000000", "99999"]
    text = st.sampled_from(plausible) | st.sampled_from(huge) | texts | numbers.map(written)
    query = st.dictionaries(st.sampled_from(parameters()), text.map(_sendable), min_size=3, max_size=12)

    def read(choice: tuple[str, dict[str, str]]) -> None:
        name, query = choice
        open_page(name, **query)

    return Reader(st.tuples(st.sampled_from(NAMES), query), read)


def _sendable(text: str) -> str:
    """As a browser sends it: a lone surrogate can't be written in an address."""
    return text[:5000].encode("utf-8", "replace").decode()


class Canvas:
    """Stands in for the canvas of Draw: sends whatever a browser might."""

    def __init__(self) -> None:
        self.sent: Any = SimpleNamespace(image_bytes=None, json_data=None)
        module = ModuleType("streamlit_drawable_canvas")
        module.st_canvas = lambda **_: self.sent  # type: ignore[attr-defined]
        sys.modules["streamlit_drawable_canvas"] = module


def canvas(world: World) -> Reader:
    """Strokes and picture of the canvas of Draw, as a hostile browser sends them."""
    runs, hand = use_world(world), Canvas()
    shutil.copytree(world.template.path, runs / world.template.id)
    drawn = io.BytesIO()
    Image.fromarray(np.pad(np.full((200, 20), 255, np.uint8), ((60, 60), (150, 150)))).save(drawn, "PNG")
    images = hostile_pictures() | st.sampled_from([drawn.getvalue(), b""]) | st.binary(max_size=50)
    strokes = (
        st.none() | values | st.dictionaries(st.sampled_from(["objects", "background", "version"]), values, max_size=3)
    )

    session: list[AppTest] = []

    def read(sent: tuple[Any, bytes]) -> None:
        hand.sent = SimpleNamespace(json_data=sent[0], image_bytes=sent[1])
        app = session.pop().run() if session else open_page("draw")
        check(app, "draw")
        undo = next((button for button in app.button if button.label == "Undo" and not button.disabled), None)
        if undo and len(sent[1]) % 4 == 0:
            check(undo.click().run(), "draw, after Undo")
        session.append(app)  # without errors, the session goes on

    return Reader(st.tuples(strokes, images), read)


PAGE_READERS: dict[str, Callable[[World], Reader]] = {
    "pages of damaged runs": damaged_runs,
    "addresses of pages": addresses,
    "canvas": canvas,
}
