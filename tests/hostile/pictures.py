"""Pictures, valid and hostile."""

import io
import struct
import zlib

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from tests.hostile.strategies import bytes_changed


def valid_pictures() -> list[bytes]:
    """Files of every format and kind of pixel that is read, each with a few strokes."""
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


def hostile_pictures() -> st.SearchStrategy[bytes]:
    """Damaged pictures, and those whose header promises more than they hold."""
    changed = bytes_changed(valid_pictures())
    sizes = st.sampled_from([0, 1, 28, 320, 5000, 2**14, 2**24, 2**31, 2**32 - 1])
    made = st.builds(
        _png, sizes, sizes, st.sampled_from([1, 2, 4, 8, 16, 3, 0]), st.sampled_from([0, 2, 3, 4, 6, 1]),
        st.integers(0, 2), st.sampled_from([b"", bytes(2000), b"\1" * 100_000]),
    )  # fmt: skip
    return st.one_of(changed, changed, changed.map(_with_valid_checksums), made)
