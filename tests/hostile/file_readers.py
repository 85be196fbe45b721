"""Readers of files: data sets, models and pictures, each with the hostile inputs that it is to survive.

Large files that are what they say are not refused: a data set may have more than 300 MB.
"""

import gzip
import json
import shutil
import struct
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mnist_core.data.corrected.corrections import Corrections, decide
from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import read_idx
from mnist_core.evaluation.label_noise import flip_at_random
from mnist_core.handwriting.find import find_digits
from mnist_core.handwriting.reading import read_picture
from mnist_core.models.formats import FORMATS, export
from mnist_core.models.reading import read_model
from mnist_core.nn.network import Network
from mnist_core.runs.run import list_runs
from mnist_core.runs.uploaded import keep_as_run
from tests.core.data.idx_bytes import EXTREMES, hand_built, header
from tests.hostile.guard import Reader
from tests.hostile.pictures import hostile_pictures
from tests.hostile.run_readers import read_all
from tests.hostile.strategies import arrays_changed, bytes_changed, json_changed, table_changed, texts, to_npz
from tests.hostile.world import SIDE, World

LONGEST_NAME = 255
"""Of a file, in the file systems of today."""


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
        from safetensors.numpy import save

        return save(storable, {"activation": name})
    except Exception:  # it can't write all of NumPy's types
        return b""


def _models() -> st.SearchStrategy[bytes]:
    arrays = [network.to_arrays() for network in _networks()]
    archives = [arrays_changed(content, to_npz) for content in arrays]
    if find_spec("safetensors") is None:
        return st.one_of(*archives)
    tensors = [arrays_changed(content, _save_safetensors) for content in arrays]
    return st.one_of(*archives, *tensors, *map(_safetensors_headers, arrays))


def _safetensors_headers(arrays: dict[str, np.ndarray]) -> st.SearchStrategy[bytes]:
    content = _save_safetensors(arrays)
    length = struct.unpack("<Q", content[:8])[0]
    lengths = st.sampled_from([0, 1, 2**16, 2**16 + 1, 2**31, 2**63, 2**64 - 1])
    headers = json_changed(json.loads(content[8 : 8 + length]))

    def build(header: bytes, other: int | None) -> bytes:
        return struct.pack("<Q", len(header) if other is None else other) + header + content[8 + length :]

    return st.builds(build, headers, st.none() | lengths)


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


def corrections_file(world: World) -> Reader:
    """A file of corrected labels, which is applied to its data, merged and written again."""
    dataset, path = world.dataset, world.folder / "fuzzed.csv"
    made = flip_at_random(dataset, 0.2, 1).merge(decide(dataset, "test", [(0, None)]))[0]

    def read(content: bytes) -> None:
        path.write_bytes(content)
        found = Corrections.read(path)
        assert Corrections.parse(found.content, path.name) == found
        found.description.encode()
        merged, _ = made.merge(found)
        merged.apply(dataset)

    return Reader(table_changed(made.content.decode()), read)


def picture(world: World) -> Reader:
    """A picture in which digits are looked for."""
    return Reader(hostile_pictures(), lambda content: find_digits(read_picture(content), None, 28))


FILE_READERS: dict[str, Callable[[World], Reader]] = {
    "idx": idx,
    "gzip": gzip_file,
    "data folder": data_folder,
    "npz model": npz_model,
    "model upload": model_upload,
    "corrections": corrections_file,
    "picture": picture,
}
if find_spec("safetensors"):
    FILE_READERS["safetensors model"] = safetensors_model
