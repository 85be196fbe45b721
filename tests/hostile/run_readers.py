"""Readers of run folders and of exported runs, each with the hostile inputs that it is to survive."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from mnist_core.jobs.label_check import read_probabilities, read_progress
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.implementation import read_implementation
from mnist_core.runs.run import Run, find_run, read_run
from tests.hostile.guard import Reader, check_sentence, tried
from tests.hostile.strategies import TEXTS, arrays_changed, bytes_changed, json_changed, packed, table_changed, to_npz
from tests.hostile.word_readers import command
from tests.hostile.world import World


def read_all(path: Path) -> Run:
    """Read everything that pages and commands read of a run; each part may be refused with its sentence."""
    run = read_run(path)
    if run.problem:
        check_sentence(run.problem)
    if run.about.problem:
        check_sentence(run.about.problem)
    if run.status.error:
        check_sentence(run.status.error.plain)
    tried(lambda: export_run(run))
    tried(lambda: read_implementation(path))
    if run.problem:
        return run
    for read in (run.metrics, run.steps, run.layers, run.histograms):
        tried(read)
    progress = tried(lambda: read_progress(run))
    if progress and progress.error:
        check_sentence(progress.error.plain)
    tried(lambda: read_probabilities(run))
    network = tried(run.load_network)
    if network:
        tried(lambda: run.image_shape(network))
    checkpoint = tried(lambda: Checkpoint.read(path))
    if checkpoint and checkpoint.epoch:
        tried(lambda: checkpoint.restore(run.config))
    return run


def damaged_files(world: World, names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, bytes]]:
    """The name of one of the files of a run, and damaged content for it."""
    files = world.files

    def changed(name: str) -> st.SearchStrategy[bytes]:
        if name.endswith(".json"):
            return json_changed(json.loads(files[name]))
        if name.endswith(".csv"):
            return table_changed(files[name].decode())
        if name.endswith(".npz"):
            with np.load(io.BytesIO(files[name])) as arrays:
                return arrays_changed(dict(arrays), to_npz)
        return bytes_changed([b"pause\n", b"stop\n"])

    return st.one_of(*(st.tuples(st.just(name), changed(name)) for name in names))


JSON_FILES = ("config.json", "status.json", "about.json", "implementation.json", "cross_validation.json")
TABLES = ("metrics.csv", "steps.csv", "layers.csv", "histograms.csv")
ARRAYS = ("model.npz", "checkpoint.npz", "cross_validation.npz")


def _run_folder(names: tuple[str, ...]) -> Callable[[World], Reader]:
    def reader(world: World) -> Reader:
        runs = world.folder / "-".join(("damaged", *names))
        runs.mkdir()
        path = Path(shutil.copytree(world.template.path, runs / world.template.id))
        files = world.files

        def read(damage: tuple[str, bytes]) -> None:
            name, content = damage
            (path / name).write_bytes(content)
            try:
                read_all(path)
                tried(lambda: find_run("latest", runs))
                command("runs", "--runs-dir", str(runs))
            finally:
                (path / name).write_bytes(files[name])

        return Reader(damaged_files(world, names), read)

    return reader


def archive(world: World) -> Reader:
    """An exported run that is imported: what comes in can be read by every page."""
    runs, files = world.folder / "imports", world.files
    exported = {name: content for name, content in files.items() if not name.startswith("cross")}
    folder = f"{world.template.id}/"
    damaged = damaged_files(world, tuple(exported))
    inner = st.builds(lambda damage: packed(exported | dict([damage]), folder), damaged)
    names = st.builds(
        lambda name, compress: packed(exported | {name: b"{}"}, folder, compress),
        st.sampled_from([text for text in TEXTS if len(text) < 1000 and _storable(text)]), st.booleans(),
    )  # fmt: skip
    outer = bytes_changed([packed(exported, folder), packed({"config.json": exported["config.json"]}, "")])

    def read(content: bytes) -> None:
        try:
            run = import_run(content, runs)
            read = read_all(run.path)
            assert not read.problem, read.problem
            assert not read.about.problem, read.about.problem
            command("runs", "--runs-dir", str(runs))
        finally:
            left = [path for path in runs.glob(".*") if path.is_dir()]
            shutil.rmtree(runs, ignore_errors=True)
            assert not left, f"a draft stays: {left}"

    return Reader(st.one_of(inner, inner, outer, names), read)


def _storable(text: str) -> bool:
    return text.isprintable() and text != ""


RUN_READERS: dict[str, Callable[[World], Reader]] = {
    "run archive": archive,
    "JSON of a run": _run_folder(JSON_FILES),
    "tables of a run": _run_folder(TABLES),
    "arrays of a run": _run_folder(ARRAYS),
}
