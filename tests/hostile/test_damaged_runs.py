"""Every page, and the command line, with every file of a run folder damaged in every known way: that run alone suffers.

A page lists all damaged runs at once; then it is told to show one after another. A normal run shows a few of them,
always the same; the slow test shows all. Random damage is drawn by ``test_pages.py``.
"""

import os
import random
import shutil
from datetime import datetime
from pathlib import Path

import pytest
import streamlit as st

from mnist_core.runs.run import list_runs, read_run
from pages.components.router import PAGES
from tests.hostile.damages import DAMAGES
from tests.hostile.page_readers import SHOW_A_RUN, about, check, open_page, use_world
from tests.hostile.run_readers import read_all
from tests.hostile.word_readers import command

SHOWN, SEED = 6, 4
OTHERS = tuple(page.file for page in PAGES if page.file not in SHOW_A_RUN)


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
    st.cache_resource.clear()
    folder = use_world(world, monkeypatch.setenv)
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
