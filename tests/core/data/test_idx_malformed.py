"""Files that are not one well-formed IDX file are refused in a sentence, without taking memory for their promises."""

import errno
import gzip
import io
import math
import os
import socket
import sys
import threading
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.idx import read_idx, write_idx
from mnist_core.data.packed import GzipStream
from mnist_core.errors import IdxError
from tests.core.data.idx_bytes import DIGIT, FORMAT, MAX, hand_built, header, refusal, thorough

MEGABYTE = 1 << 20


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


# --- malformed files -----------------------------------------------------------------------------------

SCALAR = hand_built("float64", (), (0.5,))
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
    "dimensions": (header(8, *[1] * 65) + b"a", "1x1x1", "a shape for NumPy (", CHOOSE),
    "unholdable": (header(14, 0, MAX, MAX), f"0x{MAX}x{MAX}", "a shape for NumPy (", CHOOSE),
    "truncated": (DIGIT[:-1], "17 bytes", "18 bytes (a header of 12 and 2x3 uint8)", DAMAGED),
    "trailing byte": (DIGIT + b"\0", "further bytes at the end", "18 bytes (a header of 12 and 2x3 uint8)", DAMAGED),
    "truncated value": (SCALAR[:-1], "11 bytes", "12 bytes (a header of 4 and a single value float64)", DAMAGED),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_content_is_refused(tmp_path, pack, case):
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
def test_a_damaged_byte_never_changes_the_array(idx_folder, position, flip):
    """Some bytes (time, operating system) mean nothing; all others are covered by a check."""
    path = idx_folder / "damaged.gz"
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
def test_any_bytes_are_an_array_or_refused(idx_folder, pack, start, rest):
    path = idx_folder / "any"
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


def test_a_long_name_and_many_empty_parts_take_no_time(tmp_path):
    named = io.BytesIO()
    with gzip.GzipFile("x" * 20_000_000, "wb", fileobj=named, mtime=0) as file:
        file.write(DIGIT)
    path = tmp_path / "named.gz"
    path.write_bytes(named.getvalue())
    begin = time.process_time()
    assert read_idx(path).shape
    path.write_bytes(gzip.compress(DIGIT[:5]) + 100_000 * gzip.compress(b"") + gzip.compress(DIGIT[5:]))
    assert "it has more than 1,000 parts" in refusal(path)
    assert time.process_time() - begin < 2  # GzipFile took 8 and 2 seconds


@given(parts=st.lists(st.integers(0, len(DIGIT)), max_size=6), padding=st.integers(0, 2000), size=st.integers(1, 9))
def test_any_division_into_parts_is_one_file(parts, padding, size):
    cuts = [0, *sorted(parts), len(DIGIT)]
    packed = b"".join(gzip.compress(DIGIT[a:b]) + bytes(padding) for a, b in pairwise(cuts))
    stream, data = GzipStream(io.BytesIO(packed)), b""
    while part := stream.read(size):
        data += part
    assert data == gzip.decompress(packed) == DIGIT
