"""A process that does one thing over and over until somebody kills it: ``python -m tests.hostile.victim ACTION ...``.

It writes "ready" when it has begun, and ends with 1 if an error of the program ends it.
"""

import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from unittest import mock

from mnist_core import cli
from mnist_core.data.published.download import download
from mnist_core.errors import MnistError
from mnist_core.jobs.start import resume_run, start_run
from mnist_core.models.formats import export
from mnist_core.models.reading import read_model
from mnist_core.runs.about import About
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.run import list_runs
from mnist_core.runs.trash import delete_run, empty_trash, restore_run
from mnist_core.runs.uploaded import keep_as_run
from tests.hostile.world import CONFIG, LONG, World


def imports(world: World, runs: Path) -> None:
    """Import an exported run."""
    import_run(export_run(world.template), runs)


def keeps(world: World, runs: Path) -> None:
    """Keep an uploaded model as a run."""
    content = export(world.template.load_network(), world.dataset.image_shape, "npz")
    keep_as_run(read_model(content), world.dataset, "uploaded.npz", runs)


def exports(world: World, folder: Path) -> None:
    """Export a model on the command line."""
    words = ["export", "latest", "--format", "npz", "--runs-dir", str(world.made / "template"), "--output"]
    assert cli.main([*words, str(folder / "model.npz")]) == 0


def starts(world: World, runs: Path) -> None:
    """Create a run and start its workeras a server does; later, do nothing but look."""
    if not list_runs(runs):
        start_run(LONG, world.dataset, runs)


def deletes(world: World, runs: Path) -> None:
    """Delete a run, bring it back, describe it."""
    if not (runs / world.template.id).exists():
        restore_run(world.template.id, runs)
    (run,) = [run for run in list_runs(runs) if run.id == world.template.id]
    run.describe(About.of("a name", "a note " * 200, ("a tag",)))
    delete_run(run)
    restore_run(run.id, runs)


def downloads(world: World, folder: Path, mirror: str) -> None:
    """Download from a mirror of the test, and begin again."""
    from tests.core.data.mirrors import STAND_INS

    download(folder, [mirror], timeout=(5, 5), files=STAND_INS)
    shutil.rmtree(folder)


def everything(world: World, runs: Path) -> None:
    """What two servers on one folder may do at the same time; what the other one undid is refused with a sentence."""
    for act in (
        lambda: imports(world, runs),
        lambda: keeps(world, runs),
        lambda: start_run(CONFIG, world.dataset, runs),
        lambda: [resume_run(run, 1) for run in list_runs(runs)[:2]],
        lambda: [run.describe(About.of("a name")) for run in list_runs(runs)[:3]],
        lambda: [delete_run(run) for run in list_runs(runs)[3:]],
        lambda: empty_trash(runs, older_than=0.2),
        lambda: cli.main(["runs", "--runs-dir", str(runs)]),
    ):
        try:
            act()
        except MnistError as error:
            print(f"refused: {error}", file=sys.stderr)


ACTIONS: dict[str, Callable[..., None]] = {
    action.__name__: action for action in (imports, keeps, exports, starts, deletes, downloads, everything)
}


def main() -> None:
    """Act until killed, or as often as the last argument says."""
    action, made, folder, times, *more = sys.argv[1:]
    print("ready", flush=True)
    with mock.patch.object(sys, "stdout", sys.stderr):
        for number in count(1):
            ACTIONS[action](World(Path(made), Path(folder).parent), Path(folder), *more)
            if number == int(times):
                break


if __name__ == "__main__":
    main()
