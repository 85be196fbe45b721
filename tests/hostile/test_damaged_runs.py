"""Every page, and the command line, with every file of a run folder damaged in every known way: that run alone suffers.

A page lists all damaged runs at once; then it is told to show one after another. A normal run shows a few of them,
always the same; the slow test shows 12, and in the long run of ``test_readers.py`` all. Random damage is drawn by
``test_pages.py``.
"""

import os
import random
import shutil
from pathlib import Path

import pytest
import streamlit as st

from mnist_core.runs.run import list_runs, read_run
from pages.components.router import PAGES
from tests.hostile.damages import DAMAGES
from tests.hostile.page_readers import SHOW_A_RUN, about, check, open_page, use_world
from tests.hostile.run_readers import read_all
from tests.hostile.test_readers import MANY, OTHER_SEED, SEED
from tests.hostile.word_readers import command
from tests.hostile.world import World

SHOWN = 3
LONG_RUN = 20_000
OTHERS = tuple(page.file for page in PAGES if page.file not in SHOW_A_RUN)


IDS = {damage: f"20260101-{number:06d}-abcd" for number, damage in enumerate(DAMAGES)}


def write(world: World, runs: Path, run_id: str, name: str) -> None:
    """Write a run with a damage."""
    damage = DAMAGES[name](world.files)
    path = Path(shutil.copytree(world.template.path, runs / run_id))
    status = path / "status.json"
    status.write_bytes(status.read_bytes().replace(b'"finished"', f'"{damage.state}"'.encode()))
    if damage.file == "status.json" and damage.content:
        damage = damage._replace(content=damage.content.replace(b'"finished"', f'"{damage.state}"'.encode()))
    if damage.content is None:
        (path / damage.file).unlink()
    else:
        (path / damage.file).write_bytes(damage.content)


@pytest.fixture(scope="module")
def all_damaged(made, tmp_path_factory) -> World:
    """A run for each damage, beside one that is sound and one whose folder is no text; pages and commands only read."""
    world = World(made, tmp_path_factory.mktemp("damaged"))
    runs = world.folder / "runs"
    for damage, name in IDS.items():
        write(world, runs, name, damage)
    shutil.copytree(world.template.path, runs / world.template.id)
    shutil.copytree(world.template.path, os.fsdecode(os.fsencode(runs) + b"/20260101-\xff\xfe"))
    return world


@pytest.fixture
def runs(all_damaged, monkeypatch) -> Path:
    """The folder of the damaged runs, which pages and commands use."""
    st.cache_resource.clear()
    return use_world(all_damaged, monkeypatch.setenv)


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
def test_a_page_survives_some_damaged_runs(name, runs):
    show(name, dict(random.Random(f"{SEED} {name}").sample(sorted(IDS.items()), SHOWN)))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOW_A_RUN)
def test_a_page_survives_many_damaged_runs(name, runs):
    many = dict(random.Random(f"{OTHER_SEED} {name}").sample(sorted(IDS.items()), 12))
    show(name, IDS if MANY >= LONG_RUN else many)


@pytest.mark.parametrize("name", OTHERS)
def test_a_page_that_shows_no_run_survives_all(name, runs):
    open_page(name)


def test_the_command_line_survives_every_damaged_run(runs, tmp_path):
    code, printed, _ = command("runs", "--runs-dir", str(runs))
    assert code == 0
    assert [damage for damage, run_id in IDS.items() if run_id not in printed] == []
    for damage, run_id in IDS.items():
        try:
            command("evaluate", run_id, "--runs-dir", str(runs))
            command("export", run_id, "--format", "npz", "--output", str(tmp_path), "--runs-dir", str(runs))
            read_all(runs / run_id)
        except Exception as error:
            error.add_note(f"damage: {damage}")
            raise


def test_a_damaged_run_leaves_the_others_as_they_are(all_damaged, runs):
    sound = read_run(runs / all_damaged.template.id)
    assert sound.problem is None
    assert sound.status == all_damaged.template.status
    assert len(list_runs(runs)) == len(DAMAGES) + 2
