"""Readers of what a person, a link or a script writes: addresses and command lines."""

import contextlib
import io
import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from hypothesis import strategies as st

from mnist_core import cli
from mnist_core.commands import check, download, grade, runs, train
from mnist_core.commands.runs import VERBS
from mnist_core.errors import RunError
from mnist_core.training.config import TrainingConfig
from pages.components.state import NumberIn, OneOf, RangeIn, SomeOf, parse_bool
from tests.hostile.guard import Reader
from tests.hostile.pictures import valid_pictures
from tests.hostile.strategies import numbers, texts, values, written
from tests.hostile.world import World

STARTING = (
    (download, "download_named"), (train, "start_run"), (train, "request"), (runs, "resume_run"), (runs, "request"),
    (check, "check"), (check, "_watch"), (grade, "grade"), (grade, "grade_entries"), (grade, "autograder_zip"),
)  # fmt: skip
"""What commands call to fetch or pack files, to start and to ask processes, or to watch without end."""

ADDRESS_PARSERS = (
    *(setting.parse for setting in TrainingConfig.settings().values()),
    parse_bool, OneOf(("a", "b c", 3)), OneOf(()), SomeOf(("a", "b")), NumberIn(0, 2**32 - 1), NumberIn(0.0, 1.0),
    NumberIn(1, 1), RangeIn(0.0, 1.0), RangeIn(1, 100),
)  # fmt: skip


def address(world: World) -> Reader:
    """The text of an address parameter, by every parser: a value, or a ValueError with what was expected."""
    parts = texts | values.map(lambda value: str(value)[:5000] if not isinstance(value, int) else "9" * 400)
    inputs = parts | st.lists(parts, max_size=12).map(",".join) | st.lists(parts, max_size=12).map("-".join)

    def read(text: str) -> None:
        for parse in ADDRESS_PARSERS:
            try:
                parse(text)
            except ValueError as error:
                str(error).encode("utf-8", "surrogatepass")

    return Reader(inputs, read)


def command(*words: str) -> tuple[int | str | None, str, str]:
    """Run a command in this process; its exit code, and what it wrote, which a terminal can show."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(list(words))
        except SystemExit as end:
            code = end.code
        out.flush()
        err.flush()
    printed, complaint = (stream.buffer.getvalue().decode() for stream in (out, err))
    assert "Traceback" not in complaint, complaint
    assert code in (0, 1, 2, None, 130), f"exit code {code!r}"
    if code == 1:
        assert complaint.strip(), "exit code 1 without a sentence"
    return code, printed, complaint


def _nothing_started(*_: object, **__: object) -> None:
    raise RunError("Nothing is started here.")


def command_options(name: str) -> list[str]:
    """The options of a command."""
    return cli.build_parser([name]).commands.choices[name].options


def command_line(world: World) -> Reader:
    """Words of a command line, among them those of every command; nothing is trained or fetched."""
    runs = world.folder / "command-line"
    shutil.copytree(world.template.path, runs / world.template.id)
    shutil.copytree(world.template.path, runs / "20250101-000000-dead")
    (runs / "20250101-000000-dead" / "status.json").write_text("{")
    pictures = {f"picture-{number}": content for number, content in enumerate(valid_pictures())}
    for name, content in {**pictures, "broken.png": valid_pictures()[0][:60], "empty.png": b""}.items():
        (world.folder / name).write_bytes(content)
    settings = list(TrainingConfig.settings().values())
    safe = texts.filter(lambda text: "/" not in text and "\\" not in text and text not in ("..", "."))
    names = list(cli.COMMANDS)
    commands = [*names, *VERBS]
    options = [*sorted({option for name in names for option in command_options(name)}), "-h", "--"]
    plausible = ["npz", "onnx", "python", "sample", "full", "fast", "best", str(world.data), str(runs)]
    ids = [world.template.id, "latest", "2025", "20250101-000000-dead", "2"]
    files = [*pictures, "broken.png", "empty.png", "missing.png", "data"]
    known = [commands, options, plausible, ids, files]
    words = st.one_of(*map(st.sampled_from, known), safe, safe, numbers.map(written))
    first = st.sampled_from(names)
    lines = st.lists(words, max_size=7) | st.builds(
        lambda word, rest: [word, *rest], first, st.lists(words, max_size=6)
    )
    lines |= st.builds(lambda rest: ["predict", "latest", *rest, "--runs-dir", str(runs)], st.lists(words, max_size=4))
    lines |= st.builds(
        lambda option, value: ["train", option, value], st.sampled_from([s.option for s in settings]), safe
    )

    def read(line: list[str]) -> None:
        with _kept_inside(world.folder / "scratch", runs):
            command(*line)

    return Reader(lines, read)


@contextlib.contextmanager
def _kept_inside(scratch: Path, runs: Path) -> Iterator[None]:
    """Let commands write nowhere but in a scratch folder, and start nothing."""
    scratch.mkdir(exist_ok=True)
    inputs = {path.name: path for path in scratch.parent.iterdir() if path.is_file()}
    for name, path in inputs.items():
        if not (scratch / name).exists():
            (scratch / name).symlink_to(path)
    with contextlib.chdir(scratch), contextlib.ExitStack() as patches:
        for module, name in STARTING:
            patches.enter_context(mock.patch.object(module, name, _nothing_started))
        patches.enter_context(mock.patch.dict("os.environ", {"MNIST_RUNS_DIR": str(runs)}))
        yield
    for path in itertools.chain(scratch.glob("*"), scratch.glob(".*")):
        if not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


WORD_READERS: dict[str, Callable[[World], Reader]] = {"address": address, "command line": command_line}
