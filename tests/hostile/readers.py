"""The readers of the core, each with the hostile inputs that it is to survive.

Large files that are what they say are not refused: a data set may have more than 300 MB.
"""

import contextlib
import gzip
import io
import itertools
import json
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save as save_safetensors

from mnist_core import cli
from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import read_idx
from mnist_core.errors import MnistError, RunError
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.reading import read_picture
from mnist_core.jobs.label_check import read_probabilities, read_progress
from mnist_core.models.formats import FORMATS, export
from mnist_core.models.reading import read_model
from mnist_core.nn.network import Network
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.run import Run, find_run, list_runs, read_run
from mnist_core.runs.uploaded import keep_as_run
from mnist_core.training.config import TrainingConfig
from pages.components.state import NumberIn, OneOf, RangeIn, SomeOf, parse_bool
from tests.core.data.idx_bytes import EXTREMES, hand_built, header
from tests.hostile.guard import check_sentence
from tests.hostile.strategies import (
    TEXTS,
    arrays_changed,
    bytes_changed,
    json_changed,
    packed,
    table_changed,
    texts,
    to_npz,
    values,
)  # fmt: skip
from tests.hostile.world import SIDE, World

LONGEST_NAME = 255
"""Of a file, in the file systems of today."""


class Reader(NamedTuple):
    """What is read: hostile inputs, and the function that reads one; it may raise an MnistError and nothing else."""

    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], object]


def tried(action: Callable[[], Any]) -> Any:
    """The result of an action; None if it was refused with a sentence."""
    try:
        return action()
    except MnistError as error:
        check_sentence(error)
        return None


# Data


def _idx_files() -> list[bytes]:
    extremes = [hand_built(name, (2, 3), values) for name, values in EXTREMES.items()]
    images = header(0x08, 20, 5, 4) + bytes(range(200)) * 2
    return [*extremes, images, header(0x08, 3) + b"\0\1\2", header(0x08) + b"\7"]


def _headers() -> st.SearchStrategy[bytes]:
    sizes = st.lists(st.sampled_from([0, 1, 2, 3, 255, 2**16, 2**31, 2**32 - 1]), max_size=80)
    return st.builds(
        lambda code, shape, rest: header(code, *shape) + rest,
        st.sampled_from([0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0, 0x0A, 0xFF]), sizes, st.binary(max_size=40),
    )  # fmt: skip


def idx(world: World) -> Reader:
    """A plain IDX file."""
    path = world.folder / "fuzzed.idx"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        read_idx(path)

    return Reader(bytes_changed(_idx_files()) | _headers(), read)


def gzip_file(world: World) -> Reader:
    """A compressed IDX file: damaged inside, outside, or many times as large as it promises."""
    path = world.folder / "fuzzed.gz"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        read_idx(path)

    inside = (bytes_changed(_idx_files()) | _headers()).map(lambda content: gzip.compress(content, 1))
    outside = bytes_changed([gzip.compress(content) for content in _idx_files()])
    zeros = gzip.compress(bytes(1_000_000))
    bombs = st.builds(
        lambda count, times: gzip.compress(header(0x08, count)) + zeros * times,
        st.sampled_from([1, 10**6, 10**7, 2**32 - 1]), st.integers(0, 300),
    )  # fmt: skip
    return Reader(
        st.one_of(inside, outside, outside, st.integers(0, 20).flatmap(lambda n: outside if n else bombs)), read
    )


def data_folder(world: World) -> Reader:
    """A folder of four IDX files, one of them damaged or of other numbers."""
    folder = world.folder / "fuzzed-data"
    shutil.copytree(world.data, folder, dirs_exist_ok=True)
    originals = {path.name: gzip.decompress(path.read_bytes()) for path in world.data.iterdir()}

    def read(choice: tuple[str, bytes]) -> None:
        name, content = choice
        (folder / name).write_bytes(content)
        try:
            dataset = load_dataset("full", folder)
            dataset.description.encode()
        finally:
            (folder / name).write_bytes(originals[name])

    def changed(name: str) -> st.SearchStrategy[tuple[str, bytes]]:
        other = st.builds(
            lambda code, shape, fill: header(code, *shape) + bytes([fill]) * int(np.prod(shape)),
            st.sampled_from([0x08, 0x09]), st.lists(st.integers(0, 30), max_size=3), st.integers(0, 255),
        )  # fmt: skip
        return st.tuples(st.just(name), bytes_changed([originals[name]]) | other)

    return Reader(st.sampled_from(sorted(originals)).flatmap(changed), read)


# Models


def _networks() -> list[Network]:
    return [
        Network((SIDE * SIDE, *hidden, 3), activation)
        for hidden, activation in (((), "sigmoid"), ((4,), "relu"), ((5, 4), "tanh"))
    ]


def _save_safetensors(arrays: dict[str, Any]) -> bytes:
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    name = str(tensors.pop("activation", "relu")).encode("utf-8", "replace").decode()
    storable = {
        key: array for key, array in tensors.items() if array.dtype.kind in "fiub" and array.dtype.names is None
    }
    try:
        return save_safetensors(storable, {"activation": name})
    except Exception:  # it can't write all of NumPy's types
        return b""


def _models() -> st.SearchStrategy[bytes]:
    arrays = [network.to_arrays() for network in _networks()]
    archives = [arrays_changed(content, to_npz) for content in arrays]
    tensors = [arrays_changed(content, _save_safetensors) for content in arrays]
    return st.one_of(*archives, *tensors, *map(_safetensors_headers, arrays))


def _safetensors_headers(arrays: dict[str, np.ndarray]) -> st.SearchStrategy[bytes]:
    content = _save_safetensors(arrays)
    length = struct.unpack("<Q", content[:8])[0]
    lengths = st.sampled_from([0, 1, 2**16, 2**16 + 1, 2**31, 2**63, 2**64 - 1])
    headers = json_changed(json.loads(content[8 : 8 + length]))
    return st.builds(
        lambda header, other: struct.pack("<Q", len(header) if other is None else other) + header + content[8 + length :],
        headers, st.none() | lengths,
    )  # fmt: skip


def npz_model(world: World) -> Reader:
    """A model file of NumPy's."""
    archives = [arrays_changed(network.to_arrays(), to_npz) for network in _networks()]
    return Reader(st.one_of(*archives), lambda content: use(read_model(content, "model.npz")))


def safetensors_model(world: World) -> Reader:
    """A model file of safetensors."""
    arrays = [network.to_arrays() for network in _networks()]
    tensors = [arrays_changed(content, _save_safetensors) for content in arrays]
    inputs = st.one_of(*tensors, *map(_safetensors_headers, arrays))
    return Reader(inputs, lambda content: use(read_model(content, "model.safetensors")))


def use(network: Network) -> None:
    """Let a network read an image, and write it in every format."""
    side = int(network.layer_sizes[0] ** 0.5)
    if side**2 == network.layer_sizes[0]:
        for name in FORMATS:
            export(network, (side, side), name)


def model_upload(world: World) -> Reader:
    """A model that is kept as a run under the name of its file."""
    runs, dataset = world.folder / "uploads", world.dataset

    def read(upload: tuple[bytes, str]) -> None:
        content, name = upload
        try:
            read_all(keep_as_run(read_model(content, name), dataset, name, runs).path)
            assert [run.problem for run in list_runs(runs)] == [None]
        finally:
            left = [path for path in runs.glob("*") if not list_runs(runs)]
            shutil.rmtree(runs, ignore_errors=True)
            assert not left, f"a ghost stays: {left}"

    names = texts.filter(lambda name: len(name) <= LONGEST_NAME)
    return Reader(st.tuples(_models(), names), read)


# Runs


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


JSON_FILES = ("config.json", "status.json", "about.json", "cross_validation.json")
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


# Pictures


def _pictures() -> list[bytes]:
    pixels = np.full((40, 30), 255, np.uint8)
    pixels[8:30, 12:17] = 0
    pixels[5:8, 4:25] = 40
    grey = Image.fromarray(pixels)
    clear = Image.merge("LA", (grey, grey)).convert("RGBA")
    deep = Image.fromarray(pixels.astype(np.uint16) * 257)
    kinds = [
        (grey, "PNG", {}), (grey.convert("RGB"), "PNG", {}), (clear, "PNG", {}), (deep, "PNG", {}),
        (grey.convert("P"), "PNG", {"transparency": 0}), (grey.convert("1"), "PNG", {}),
        (grey, "JPEG", {}), (grey.convert("RGB"), "JPEG", {"progressive": True}), (grey.convert("CMYK"), "JPEG", {}),
        (grey.convert("RGB"), "WEBP", {}), (clear, "WEBP", {"lossless": True}),
    ]  # fmt: skip
    contents = []
    for picture, kind, options in kinds:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        contents.append(file.getvalue())
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    grey.save(turned, "JPEG", exif=exif)
    return [*contents, turned.getvalue()]


def _with_valid_checksums(content: bytes) -> bytes:
    """Give each chunk of a PNG file the checksum of what it now holds, so that it is read at all."""
    out, at = bytearray(content[:8]), 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if at + 12 + length > len(content):
            break
        body = content[at + 4 : at + 8 + length]
        out += content[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return bytes(out)


def _png(width: int, height: int, depth: int, color: int, interlace: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    palette = chunk(b"PLTE", bytes(48)) if color == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + palette
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


def pictures() -> st.SearchStrategy[bytes]:
    """Damaged pictures, and those whose header promises more than they hold."""
    changed = bytes_changed(_pictures())
    sizes = st.sampled_from([0, 1, 28, 320, 5000, 2**14, 2**24, 2**31, 2**32 - 1])
    made = st.builds(
        _png, sizes, sizes, st.sampled_from([1, 2, 4, 8, 16, 3, 0]), st.sampled_from([0, 2, 3, 4, 6, 1]),
        st.integers(0, 2), st.sampled_from([b"", bytes(2000), b"\1" * 100_000]),
    )  # fmt: skip
    return st.one_of(changed, changed, changed.map(_with_valid_checksums), made)


def picture(world: World) -> Reader:
    """A picture in which digits are looked for."""
    return Reader(pictures(), lambda content: find_digits(read_picture(content), None, 28))


# What a person, a link or a script writes


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


def command_line(world: World) -> Reader:
    """Words of a command line, among them those of every command; nothing is trained or fetched."""
    runs = world.folder / "command-line"
    shutil.copytree(world.template.path, runs / world.template.id)
    shutil.copytree(world.template.path, runs / "20250101-000000-dead")
    (runs / "20250101-000000-dead" / "status.json").write_text("{")
    pictures = {f"picture-{number}": content for number, content in enumerate(_pictures())}
    for name, content in {**pictures, "broken.png": _pictures()[0][:60], "empty.png": b""}.items():
        (world.folder / name).write_bytes(content)
    settings = list(TrainingConfig.settings().values())
    safe = texts.filter(lambda text: "/" not in text and "\\" not in text and text not in ("..", "."))
    words = st.one_of(
        st.sampled_from(["download", "train", "evaluate", "predict", "export", "runs", "list", "pause", "resume", "stop"]),
        st.sampled_from([world.template.id, "latest", "2025", "20250101-000000-dead", "2"]),
        st.sampled_from(["--json", "--help", "-h", "--format", "--output", "--source", "--preset", "--data-dir", "--runs-dir", "--"]),
        st.sampled_from(["npz", "onnx", "python", "sample", "full", "fast", "best", str(world.data), str(runs)]),
        st.sampled_from([*pictures, "broken.png", "empty.png", "missing.png", "data"]),
        st.sampled_from([setting.option for setting in settings]),
        safe, safe, values.map(lambda value: "9" * 400 if isinstance(value, int) else str(value)[:300]).filter(lambda text: "/" not in text),
    )  # fmt: skip
    first = st.sampled_from(["train", "evaluate", "predict", "export", "runs"])
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
        for name in ("start_run", "resume_run", "request", "download"):
            if hasattr(cli, name):
                patches.enter_context(mock.patch.object(cli, name, _nothing_started))
        patches.enter_context(mock.patch.dict("os.environ", {"MNIST_RUNS_DIR": str(runs)}))
        yield
    for path in itertools.chain(scratch.glob("*"), scratch.glob(".*")):
        if not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


READERS: dict[str, Callable[[World], Reader]] = {
    "idx": idx,
    "gzip": gzip_file,
    "data folder": data_folder,
    "npz model": npz_model,
    "safetensors model": safetensors_model,
    "model upload": model_upload,
    "run archive": archive,
    "JSON of a run": _run_folder(JSON_FILES),
    "tables of a run": _run_folder(TABLES),
    "arrays of a run": _run_folder(ARRAYS),
    "picture": picture,
    "address": address,
    "command line": command_line,
}
