"""IDX files built by hand with `struct`, and how one is refused."""

import math
import struct
from pathlib import Path

import pytest
from hypothesis import settings

from mnist_core.data.idx import read_idx
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

plain_and_gzip = pytest.mark.parametrize("suffix", [".idx", ".gz"])
thorough = settings(max_examples=150, deadline=None)


def header(code: int, *shape: int) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)


def hand_built(name: str, shape: tuple[int, ...], values: tuple) -> bytes:
    code, letter = FORMAT[name]
    return header(code, *shape) + struct.pack(f">{len(values)}{letter}", *values)


DIGIT = hand_built("uint8", (2, 3), (0, 1, 2, 127, 128, 255))


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
