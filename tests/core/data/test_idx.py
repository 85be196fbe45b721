"""The IDX format, compared with bytes that are built by hand with `struct`."""

import errno
import gzip
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnist_core.data.idx import read_idx, write_idx
from mnist_core.errors import IdxError
from tests.core.data.idx_bytes import DIGIT, EXTREMES, FORMAT, MAX, hand_built, header, plain_and_gzip, thorough

every_dtype = pytest.mark.parametrize("name", FORMAT)

# --- well-formed files ---------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reads_hand_built_bytes(tmp_path, name, pack):
    path = tmp_path / "digits"
    path.write_bytes(pack(hand_built(name, (2, 3), EXTREMES[name])))
    array = read_idx(path)
    assert array.dtype == np.dtype(name)
    assert array.dtype.isnative
    assert array.shape == (2, 3)
    assert array.ravel().tolist() == list(EXTREMES[name])
    assert np.signbit(array).ravel().tolist() == [math.copysign(1, value) < 0 for value in EXTREMES[name]]


@every_dtype
def test_writes_hand_built_bytes(tmp_path, name):
    array = np.array(EXTREMES[name], dtype=name).reshape(2, 3)
    write_idx(tmp_path / "digits.idx", array)
    write_idx(tmp_path / "digits.idx.gz", array)
    expected = hand_built(name, (2, 3), EXTREMES[name])
    assert (tmp_path / "digits.idx").read_bytes() == expected
    assert gzip.decompress((tmp_path / "digits.idx.gz").read_bytes()) == expected


@every_dtype
def test_layout_in_memory_does_not_reach_the_file(tmp_path, name):
    array = np.array(EXTREMES[name], dtype=name).reshape(2, 3)
    padded = np.zeros((4, 6), dtype=name)
    padded[::2, ::2] = array
    layouts = {
        "fortran": np.asfortranarray(array),
        "strided": padded[::2, ::2],
        "reversed": np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1],
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "little-endian": array.astype(array.dtype.newbyteorder("<")),
    }
    for layout, same in layouts.items():
        write_idx(tmp_path / layout, same)
        assert (tmp_path / layout).read_bytes() == hand_built(name, (2, 3), EXTREMES[name]), layout


@plain_and_gzip
@thorough
@given(data=st.data())
def test_round_trip(idx_folder, suffix, data):
    dtype = np.dtype(data.draw(st.sampled_from(sorted(FORMAT)))).newbyteorder(data.draw(st.sampled_from("<>")))
    array = data.draw(npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4)))
    array = array.transpose(data.draw(st.permutations(range(array.ndim))))
    path = idx_folder / f"round-trip{suffix}"
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.dtype.isnative
    assert back.shape == array.shape
    assert back.astype(array.dtype).tobytes() == array.tobytes()  # as bytes, so that NaN equals itself


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (0, MAX), (1,) * 64], ids=lambda shape: f"{len(shape)}-d")
def test_unusual_shapes(tmp_path, shape):
    values = (7,) * math.prod(shape)
    path = tmp_path / "unusual.idx"
    path.write_bytes(hand_built("int16", shape, values))
    assert read_idx(path).shape == shape
    assert read_idx(path).ravel().tolist() == list(values)
    write_idx(tmp_path / "again.idx", read_idx(path))
    assert (tmp_path / "again.idx").read_bytes() == path.read_bytes()


def test_content_decides_not_the_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(DIGIT)
    (tmp_path / "packed.idx").write_bytes(gzip.compress(DIGIT))
    assert read_idx(str(tmp_path / "plain.gz")).tolist() == [[0, 1, 2], [127, 128, 255]]
    assert read_idx(str(tmp_path / "packed.idx")).tolist() == [[0, 1, 2], [127, 128, 255]]


def test_gzip_members_and_padding_are_one_file(tmp_path):
    """RFC 1952 allows several members; gzip itself ignores the zeros that tapes append."""
    path = tmp_path / "members.gz"
    path.write_bytes(gzip.compress(DIGIT[:5]) + gzip.compress(b"") + gzip.compress(DIGIT[5:]) + bytes(512))
    assert read_idx(path).tolist() == [[0, 1, 2], [127, 128, 255]]


@every_dtype
def test_array_is_read_only_and_apart_from_the_file(tmp_path, name):
    path = tmp_path / "digits.idx"
    path.write_bytes(hand_built(name, (2, 3), EXTREMES[name]))
    array = read_idx(path)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1
    path.write_bytes(bytes(path.stat().st_size))
    assert array.ravel().tolist() == list(EXTREMES[name])


# --- writing -------------------------------------------------------------------------------------------


@plain_and_gzip
@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "int64",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "complex64",
        "U3",
        "S1",
        "O",
        "M8[s]",
        "u1,u1",
    ],
)
def test_refuses_dtypes_that_idx_does_not_have(tmp_path, suffix, dtype):
    path, array = tmp_path / f"digits{suffix}", np.zeros(3, dtype)
    with pytest.raises(IdxError) as caught:
        write_idx(path, array)
    assert str(caught.value).startswith(f"{path}: found an array of dtype {array.dtype}, but expected one of uint8, ")
    assert "array.astype(np.uint8)" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.maxsize < 2**32, reason="no such array exists in 32 bits")
@pytest.mark.parametrize("shape", [(2**32,), (0, 2**32)])
def test_refuses_sizes_beyond_32_bits(tmp_path, shape):
    with pytest.raises(IdxError, match=r"digits.idx: found an array of .*4294967296, but expected sizes below 2\*\*32"):
        write_idx(tmp_path / "digits.idx", np.broadcast_to(np.uint8(0), shape))
    assert list(tmp_path.iterdir()) == []


def test_equal_arrays_give_equal_files(tmp_path, monkeypatch):
    array = np.arange(1000, dtype=np.int32)
    write_idx(tmp_path / "one.gz", array)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    write_idx(tmp_path / "other.GZ", array)
    content = (tmp_path / "one.gz").read_bytes()
    assert content[:8] == b"\x1f\x8b\x08\x00" + bytes(4)  # no name, no time
    assert content == (tmp_path / "other.GZ").read_bytes()
    assert len(content) < array.nbytes / 2


def test_replaces_an_existing_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "digits.idx"
    path.write_bytes(b"something longer than the new content, which must not shine through")
    write_idx(path, np.zeros(3, np.uint8))
    assert path.read_bytes() == header(8, 3) + bytes(3)
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_has_ordinary_permissions(tmp_path):
    write_idx(tmp_path / "digits.idx", np.zeros(3, np.uint8))
    (tmp_path / "ordinary").write_bytes(b"")
    assert (tmp_path / "digits.idx").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@plain_and_gzip
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch, suffix, failure):
    path = tmp_path / f"digits{suffix}"
    path.write_bytes(b"old")
    written = []

    def failing_replace(temporary, target):
        written.append((temporary.parent, temporary.stat().st_size, target))
        raise failure

    monkeypatch.setattr(Path, "replace", failing_replace)
    expected = IdxError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write_idx(path, np.zeros(100, np.uint8))
    if expected is IdxError:
        assert str(caught.value).startswith(f"{path}: found a path that can't be written (No space left on device)")
        assert "but expected a file in a writable folder. Free some space" in str(caught.value)
    [(parent, size, target)] = written
    assert (parent, target) == (tmp_path, path)
    assert size > 0
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(*_):
        assert len(list(tmp_path.iterdir())) == 1  # the temporary file
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gzip.GzipFile, "write", full_disk)
    with pytest.raises(IdxError, match="No space left on device"):
        write_idx(tmp_path / "digits.gz", np.zeros(3, np.uint8))
    assert list(tmp_path.iterdir()) == []


@plain_and_gzip
def test_refuses_a_missing_folder(tmp_path, suffix):
    path = tmp_path / "missing" / f"digits{suffix}"
    with pytest.raises(IdxError) as caught:
        write_idx(path, np.zeros(3, np.uint8))
    assert str(caught.value).startswith(f"{path}: found a path that can't be written (")
    assert list(tmp_path.iterdir()) == []


def test_refuses_to_replace_a_folder(tmp_path):
    with pytest.raises(IdxError) as caught:
        write_idx(tmp_path, np.zeros(3, np.uint8))
    assert str(caught.value).startswith(f"{tmp_path}: found a folder, but expected the name of a file.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_refuses_to_replace_a_pipe_or_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IdxError, match="pipe: found a device or pipe, but expected the name of a file"):
        write_idx(tmp_path / "pipe", np.zeros(3, np.uint8))
    assert (tmp_path / "pipe").is_fifo()


# --- the canonical files -------------------------------------------------------------------------------

COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "t10k": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


def canonical(name: str) -> Path:
    if "MNIST_DATA_DIR" not in os.environ:
        pytest.skip("MNIST_DATA_DIR does not say where the four MNIST files are")
    path = Path(os.environ["MNIST_DATA_DIR"], f"{name}-ubyte.gz")
    if not path.exists():
        pytest.skip(f"MNIST_DATA_DIR has no {path.name}")
    return path


@pytest.mark.parametrize("part", COUNTS)
def test_canonical_labels(part):
    labels = read_idx(canonical(f"{part}-labels-idx1"))
    assert labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == COUNTS[part]
    assert labels[:5].tolist() == {"train": [5, 0, 4, 1, 9], "t10k": [7, 2, 1, 0, 4]}[part]


@pytest.mark.parametrize("part", COUNTS)
def test_canonical_images(tmp_path, part):
    path = canonical(f"{part}-images-idx3")
    images = read_idx(path)
    assert images.dtype == np.uint8
    assert images.shape == (sum(COUNTS[part]), 28, 28)
    write_idx(tmp_path / "images", images)
    assert (tmp_path / "images").read_bytes() == gzip.decompress(path.read_bytes())


def test_canonical_training_images_are_read_within_a_second():
    path = canonical("train-images-idx3")
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        read_idx(path)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1
