"""Readers of data sets in every format, damaged inside and outside, under names that promise something else."""

import gzip
import io
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mnist_core.data.formats.look import look, read_source
from tests.core.data.formats import writers
from tests.hostile.guard import Reader, check_sentence, tried
from tests.hostile.strategies import CELLS, arrays_changed, bytes_changed, to_npz
from tests.hostile.world import World

NAMES = (
    "train-images-idx3-ubyte.gz", "mnist.csv", "test.csv.gz", "mnist.npz", "x_train.npy", "3/1.png", "data.zip",
    "train-00000-of-00001.parquet", "emnist-letters.mat", "mapping.txt", "mnist.pkl", "noname", "a (1).gz.gz",
)  # fmt: skip


def _arrays() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return {
        split: (rng.integers(0, 256, (n, 4, 4), np.uint8), np.arange(n) % 3) for split, n in (("train", 6), ("test", 3))
    }


def _written(write: Callable[[Any, Path], Path]) -> list[bytes]:
    with tempfile.TemporaryDirectory() as place:
        write(_arrays(), Path(place))
        return [path.read_bytes() for path in sorted(Path(place).rglob("*")) if path.is_file()]


def _zipped(files: list[tuple[str, bytes]], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in dict(files).items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _tables() -> st.SearchStrategy[bytes]:
    cells = st.sampled_from([cell for cell in CELLS if "\ud800" not in cell]) | st.integers(-5, 300).map(str)
    rows = st.lists(st.lists(cells, min_size=1, max_size=12), min_size=1, max_size=5)
    joined = st.tuples(rows, st.sampled_from([",", ";", "\t", " "]), st.sampled_from(["\n", "\r\n", "\r"]))
    return joined.map(lambda drawn: drawn[2].join(drawn[1].join(row) for row in drawn[0]).encode())


def _bombs() -> st.SearchStrategy[bytes]:
    zeros = gzip.compress(bytes(5_000_000), 1)
    starts = [
        b"1,2,3,4,5\n",
        b"\0\0\10\3" + struct.pack(">3I", 2**20, 28, 28),
        b"\x93NUMPY\1\0",
        b"P5 4 4 255\n",
        b"PAR1",
    ]
    gzips = st.builds(
        lambda start, times: gzip.compress(start) + zeros * times, st.sampled_from(starts), st.integers(0, 60)
    )
    element = zlib.compress(struct.pack("<2I", 14, 50_000_000) + bytes(50_000_000), 1)
    mat = b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<2I", 15, len(element)) + element
    return gzips | st.just(mat * 2) | st.just(_zipped([("a.csv", bytes(30_000_000))], zipfile.ZIP_DEFLATED))


def _contents() -> st.SearchStrategy[bytes]:
    originals = [_written(write) for write in (writers.idx, writers.csv, writers.npz, writers.pictures)]
    originals += [[writers.npy_bytes(np.zeros((2, 4, 4), np.uint8)), b"1 65 97\n2 66 98\n", b"boot\nshirt\n"]]
    if find_spec("pyarrow"):
        originals += [_written(writers.parquet)] * 2
    originals += [_written(writers.mat)] * 2
    for kind in ("JPEG", "BMP", "GIF", "TIFF", "PPM"):
        originals.append(_written(lambda arrays, folder, kind=kind: writers.pictures(arrays, folder, kind))[:2])
    changed = [bytes_changed(files) for files in originals]
    arrays = {f"{axis}_{split}": part[n] for split, part in _arrays().items() for n, axis in enumerate("xy")}
    return st.one_of(*changed, _tables(), arrays_changed(arrays, to_npz), _bombs() | bytes_changed(originals[0]))


def data_source(world: World) -> Reader:
    """One file, or some in a folder or zip file, each of any format under any name."""
    folder = world.folder / "source"
    contents = _contents()
    packed = contents | contents | contents.map(lambda content: gzip.compress(content, 1))
    files = st.lists(st.tuples(st.sampled_from(NAMES), packed), min_size=1, max_size=4)
    zips = st.builds(_zipped, files, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
    changed = zips | zips.flatmap(lambda content: bytes_changed([content], 2))
    inputs = files | files | changed.map(lambda content: [("data.zip", content)])

    def read(drawn: list[tuple[str, bytes]]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in drawn:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        found = tried(lambda: look(folder))
        for problem in (found.problem, *(file.problem for file in found.files)) if found else ():
            if problem is not None:
                check_sentence(problem)
        source = read_source(folder)
        for split in source.splits.values():
            assert split.images.dtype == np.uint8
            assert split.labels is None or len(split.labels) == len(split.images)

    return Reader(inputs, read)


SOURCE_READERS: dict[str, Callable[[World], Reader]] = {"data source": data_source}
