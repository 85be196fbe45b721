"""The IDX format, held against bytes that are built by hand with `struct`."""

import errno
import gzip
import math
import os
import socket
import struct
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnist_core.data.idx import read_idx, write_idx
from mnist_core.errors import IdxError

FORMAT = {"uint8": (0x08, "B"), "int8": (0x09, "b"), "int16": (0x0B, "h")}
FORMAT |= {"int32": (0x0C, "i"), "float32": (0x0D, "f"), "float64": (0x0E, "d")}
EXTREMES = {
    "uint8": (0, 1, 2, 127, 128, 255),
    "int8": (0, 1, -1, 100, -128, 127),
    "int16": (0, 1, -2, 258, -(2**15), 2**15 - 1),
    "int32": (0, 1, -2, 16909060, -(2**31), 2**31 - 1),
    "float32": (0.0, -0.0, 1.5, -2.25, math.inf, -math.inf),
    "float64": (0.0, -0.0, 0.1, -1e300, math.inf, -math.inf),
}
MAX = 2**32 - 1
MEGABYTE = 1 << 20

every_dtype = pytest.mark.parametrize("name", FORMAT)
plain_and_gzip = pytest.mark.parametrize("suffix", [".idx", ".gz"])
thorough = settings(max_examples=150, deadline=None)


def header(code: int, *shape: int) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)


def hand_built(name: str, shape: tuple[int, ...], values: tuple) -> bytes:
    code, letter = FORMAT[name]
    return header(code, *shape) + struct.pack(f">{len(values)}{letter}", *values)


DIGIT = hand_built("uint8", (2, 3), (0, 1, 2, 127, 128, 255))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples of a property; each of them overwrites the last one's file."""
    return tmp_path_factory.mktemp("idx")


def refusal(path: Path) -> str:
    """The message with which `path` is refused, which must name the file, and give all four parts."""
    with pytest.raises(IdxError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: found ")
    assert ", but expected " in message
    assert message.endswith(".")
    assert "\n" not in message
    return message


def peak_memory(function, *arguments) -> int:
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def in_time(function, *arguments):
    """The function's result, or a failure where it hangs."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)), daemon=True)
    thread.start()
    thread.join(5)
    assert results, f"{function.__name__} failed or hangs"
    return results[0]


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
def test_round_trip(folder, suffix, data):
    dtype = np.dtype(data.draw(st.sampled_from(sorted(FORMAT)))).newbyteorder(data.draw(st.sampled_from("<>")))
    array = data.draw(npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4)))
    array = array.transpose(data.draw(st.permutations(range(array.ndim))))
    path = folder / f"round-trip{suffix}"
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


def test_truncated_scalar(tmp_path):
    (tmp_path / "scalar.idx").write_bytes(hand_built("float64", (), (0.5,))[:-1])
    assert "found 11 bytes, but expected 12 bytes (a header of 4 and 1 float64)" in refusal(tmp_path / "scalar.idx")


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


# --- malformed files -----------------------------------------------------------------------------------

DAMAGED = "copy or download it again"
CHOOSE = "Choose an IDX file"
MALFORMED = {
    "empty": (b"", "an empty file", "at least 4 bytes", DAMAGED),
    "short magic": (DIGIT[:3], "a header of 3 bytes", "at least 4 bytes", DAMAGED),
    "no sizes": (DIGIT[:4], "a header of 4 bytes", "12 bytes for 2 dimensions", DAMAGED),
    "short sizes": (DIGIT[:11], "a header of 11 bytes", "12 bytes for 2 dimensions", DAMAGED),
    "magic": (b"\x89PNG\r\n\x1a\n", "magic number 0x89504e47", "begins with 0x0000", CHOOSE),
    "magic's second byte": (b"\x00\x01" + DIGIT[2:], "magic number 0x00010802", "begins with 0x0000", CHOOSE),
    "dtype": (header(0x0A, 1) + b"a", "dtype code 0x0a", "0x08 (uint8), 0x09 (int8), 0x0b (int16)", CHOOSE),
    "dtype zero": (header(0, 1) + b"a", "dtype code 0x00", "0x0d (float32), 0x0e (float64)", CHOOSE),
    "dimensions": (header(8, *[1] * 65) + b"a", "1 x 1 x 1", "a shape for NumPy (", CHOOSE),
    "unholdable": (header(14, 0, MAX, MAX), f"0 x {MAX} x {MAX}", "a shape for NumPy (", CHOOSE),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_header(tmp_path, pack, case):
    content, found, expected, advice = MALFORMED[case]
    path = tmp_path / "digits"
    path.write_bytes(pack(content))
    message = refusal(path)
    assert message.index(f"found {found}") < message.index(", but expected ") < message.index(expected)
    assert advice in message


def test_a_gzip_file_in_a_gzip_file_is_not_idx(tmp_path):
    path = tmp_path / "twice.gz"
    path.write_bytes(gzip.compress(gzip.compress(DIGIT)))
    assert "found magic number 0x1f8b08" in refusal(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_truncated_values(tmp_path, pack):
    path = tmp_path / "digits"
    path.write_bytes(pack(DIGIT[:-1]))
    message = refusal(path)
    assert "found 17 bytes, but expected 18 bytes (a header of 12 and 2 x 3 uint8)" in message
    assert DAMAGED in message


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_trailing_bytes(tmp_path, pack):
    path = tmp_path / "digits"
    path.write_bytes(pack(DIGIT + b"\0"))
    message = refusal(path)
    assert "found further bytes at the end, but expected 18 bytes (a header of 12 and 2 x 3 uint8)" in message
    assert DAMAGED in message


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_strict_prefix_is_refused(tmp_path, pack):
    path, content = tmp_path / "prefix", pack(DIGIT)
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert "found " in refusal(path), size


PACKED = gzip.compress(DIGIT, mtime=0)
CORRUPT = {
    "checksum": PACKED[:-8] + bytes(4) + PACKED[-4:],
    "length": PACKED[:-4] + bytes(4),
    "truncated in the data": PACKED[:-12],
    "truncated in the checksum": PACKED[:-5],
    "trailing garbage": PACKED + b"garbage",
    "method": PACKED[:2] + b"\x07" + PACKED[3:],
    "deflate": PACKED[:10] + b"\xff" * 20,
}


@pytest.mark.parametrize("case", CORRUPT)
def test_corrupt_gzip(tmp_path, case):
    path = tmp_path / "digits.gz"
    path.write_bytes(CORRUPT[case])
    message = refusal(path)
    assert "found corrupt gzip data (" in message
    assert "expected an intact gzip file" in message
    assert DAMAGED in message


@thorough
@given(position=st.integers(0, len(PACKED) - 1), flip=st.integers(1, 255))
def test_a_damaged_byte_never_changes_the_array(folder, position, flip):
    """Some bytes (time, operating system) mean nothing; all others are covered by a check."""
    path = folder / "damaged.gz"
    path.write_bytes(PACKED[:position] + bytes([PACKED[position] ^ flip]) + PACKED[position + 1 :])
    try:
        assert read_idx(path).tolist() == [[0, 1, 2], [127, 128, 255]]
    except IdxError as error:
        assert str(error).startswith(f"{path}: found ")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@thorough
@given(
    start=st.sampled_from([b"", b"\0\0", *(bytes([0, 0, code]) for code, _ in FORMAT.values())]),
    rest=st.binary(max_size=300),
)
def test_any_bytes_are_an_array_or_refused(folder, pack, start, rest):
    path = folder / "any"
    content = start + rest
    path.write_bytes(pack(content))
    try:
        array = read_idx(path)
    except IdxError as error:
        assert str(error).startswith(f"{path}: found ")
    else:
        assert len(content) == 4 + 4 * array.ndim + array.nbytes


# --- memory --------------------------------------------------------------------------------------------


def test_memory_of_an_honest_file_is_measured(tmp_path):
    """The control of the tests below: what is read shows up, once and not twice."""
    write_idx(tmp_path / "honest.gz", np.zeros((8, MEGABYTE), np.uint8))
    assert 8 * MEGABYTE <= peak_memory(read_idx, tmp_path / "honest.gz") < 12 * MEGABYTE


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "shape",
    [(MAX,), (MAX, MAX, 28), (2**31, 2**31, 2, 2), (2**16, 2**16), (MAX,) * 64, (MAX,) * 255],
    ids=lambda shape: f"{len(shape)}-d",
)
def test_lying_header(tmp_path, pack, shape):
    """Some of the sizes multiply to 0 modulo 2**64: fixed-width integers would see an empty array."""
    path = tmp_path / "lying"
    path.write_bytes(pack(header(0x0E, *shape) + bytes(64)))
    size = 4 + 4 * len(shape) + 8 * math.prod(shape)
    assert f"expected {size:,} bytes (a header of {4 + 4 * len(shape)} and {shape[0]}" in refusal(path)
    assert peak_memory(refusal, path) < MEGABYTE / 2


def test_a_promise_that_the_file_size_excludes_is_not_tried(tmp_path):
    path = tmp_path / "promise"
    content = header(8, 100 * MEGABYTE) + bytes(3 * MEGABYTE)
    path.write_bytes(content)
    assert f"found {len(content):,} bytes, but expected 104,857,608 bytes" in refusal(path)
    assert peak_memory(refusal, path) < MEGABYTE / 2

    packed = gzip.compress(content)
    path.write_bytes(packed)
    assert f"gzip data of at most {1032 * len(packed):,} bytes unpacked, but expected 104,857,608" in refusal(path)
    assert peak_memory(refusal, path) < MEGABYTE / 2


def test_memory_grows_with_what_arrives_not_with_what_gzip_could_hold(tmp_path):
    path = tmp_path / "promise.gz"
    path.write_bytes(gzip.compress(header(8, 200 * MEGABYTE) + os.urandom(MEGABYTE)))
    assert "found 1,048,584 bytes, but expected 209,715,208 bytes" in refusal(path)
    assert peak_memory(refusal, path) < 4 * MEGABYTE


@pytest.mark.parametrize("shape", [(28, 28), (0,), ()])
def test_gzip_bomb(tmp_path, shape):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(header(8, *shape))
        for _ in range(64):
            stream.write(bytes(MEGABYTE))
    assert "found further bytes at the end" in refusal(path)
    assert peak_memory(refusal, path) < MEGABYTE


def test_trailing_megabytes_are_not_read(tmp_path):
    path = tmp_path / "long.idx"
    path.write_bytes(DIGIT)
    with path.open("r+b") as file:
        file.truncate(64 * MEGABYTE)
    assert "found further bytes at the end" in refusal(path)
    assert peak_memory(refusal, path) < MEGABYTE / 2


# --- paths that are not files --------------------------------------------------------------------------


def test_missing_file(tmp_path):
    for name in ("nothing.idx", "no-folder/nothing.idx", "nul\0.idx"):
        assert "found no file, but expected an IDX file. Check the path." in refusal(tmp_path / name)


def test_folder(tmp_path):
    assert "found a folder, but expected an IDX file" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "found a device or pipe, but expected an IDX file" in in_time(refusal, tmp_path / "pipe")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_endless_device_does_not_hang():
    assert "found a device or pipe, but expected an IDX file" in in_time(refusal, Path("/dev/zero"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sockets in its file system")
def test_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert "found a device or pipe, but expected an IDX file" in refusal(Path("socket"))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows may read any file")
def test_permission_denied(tmp_path):
    path = tmp_path / "secret.idx"
    path.write_bytes(DIGIT)
    path.chmod(0)
    assert "found a file that can't be read (Permission denied)" in refusal(path)


def test_errors_of_the_system_while_reading(tmp_path, monkeypatch):
    path = tmp_path / "digits.idx"
    path.write_bytes(DIGIT)

    def failing_open(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", failing_open)
    message = refusal(path)
    assert "found a file that can't be read (Input/output error), but expected a readable one" in message
    assert "Check its permissions and the disk." in message


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
        assert "but expected a file in a writable folder. Check" in str(caught.value)
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
