"""Compressed bytes, unpacked as they are read: gzip, bzip2 and xz, recognised by their first bytes, never by a name."""

import bz2
import lzma
import zlib
from typing import Protocol

CHUNK, PACKED_CHUNK = 1 << 20, 1 << 16

GZIP_MAGIC, BZIP2_MAGIC, XZ_MAGIC = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"

MAGIC = {GZIP_MAGIC: "gzip", BZIP2_MAGIC: "bzip2", XZ_MAGIC: "xz"}

GZIP_MEMBERS = 1000
"""Parts of a compressed file that are unpacked: each takes time, even one without content."""

GZIP_MAX_RATIO = 1032  # deflate spends at least 2 bits on at most 258 bytes

XZ_MEMORY = 100_000_000
"""Bytes that xz may take for its dictionary; its highest level takes 65 million."""

LAYERS = 3
"""How often a file may be compressed: some downloads end in .gz.gz."""

DAMAGED = (EOFError, zlib.error, lzma.LZMAError)
"""What reading damaged data raises; an OSError without a number as well."""


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


class GzipStream:
    """The content of a gzip file. ``gzip.GzipFile`` reads the names in it byte by byte, and a long one for seconds."""

    def __init__(self, file: Stream) -> None:
        self._file = file
        self._packed = b""
        self._members = 0
        self._start_member()

    def _start_member(self) -> None:
        self._members += 1
        if self._members > GZIP_MEMBERS:
            raise zlib.error(f"it has more than {GZIP_MEMBERS:,} parts")
        self._member = zlib.decompressobj(zlib.MAX_WBITS + 16)  # with the header and the checksum of gzip

    def read(self, size: int) -> bytes:
        """Unpack up to ``size`` bytes; none at the end of the file."""
        while size:
            self._packed = self._packed or self._file.read(PACKED_CHUNK)
            if self._member.eof:
                self._packed = self._packed.lstrip(b"\0")  # the padding of tapes
                if self._packed:
                    self._start_member()
                elif not (more := self._file.read(PACKED_CHUNK)):
                    break
                else:
                    self._packed = more
                    continue
            elif not self._packed:
                raise EOFError("it ends before its data")
            data = self._member.decompress(self._packed, size)
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                return data
        return b""


class _Buffered:
    """The content of a bzip2 or xz file."""

    def __init__(self, file: Stream, magic: bytes) -> None:
        self._file, self._magic, self._members = file, magic, 0
        self._start_member()

    def _start_member(self) -> None:
        self._members += 1
        if self._members > GZIP_MEMBERS:
            raise EOFError(f"it has more than {GZIP_MEMBERS:,} parts")
        xz = self._magic == XZ_MAGIC
        self._member = lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY) if xz else bz2.BZ2Decompressor()

    def read(self, size: int) -> bytes:
        """Unpack up to ``size`` bytes; none at the end of the file."""
        while size:
            if self._member.eof:
                rest = self._member.unused_data.lstrip(b"\0") or self._file.read(PACKED_CHUNK).lstrip(b"\0")
                if not rest:
                    break
                self._start_member()
            elif self._member.needs_input:
                if not (rest := self._file.read(PACKED_CHUNK)):
                    raise EOFError("it ends before its data")
            else:
                rest = b""
            if data := self._member.decompress(rest, size):
                return data
        return b""


class Peeked:
    """A stream whose first bytes were looked at and are still to be read."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._damage: Exception | None = None
        head = bytearray()
        try:
            while chunk := stream.read(size - len(head)):
                head += chunk
        except (*DAMAGED, OSError) as error:  # what came before is still of use
            if not head:
                raise
            self._damage = error
        self.head = self._rest = bytes(head)

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        if self._rest:
            data, self._rest = self._rest[:size], self._rest[size:]
            return data
        if self._damage:
            raise self._damage
        return self._stream.read(size)


def unpacked(stream: Stream, size: int = 512) -> tuple[Peeked, tuple[str, ...]]:
    """Look through all layers of compression.

    Parameters
    ----------
    stream : Stream
    size : int
        How many of the first bytes can be seen in ``head``.

    Returns
    -------
    tuple of Peeked and tuple of str
        The content, and the names of the layers from the outside: () if it is not compressed.

    Raises
    ------
    EOFError, zlib.error, lzma.LZMAError, OSError
        If the data is damaged, here or while the stream is read.
    """
    layers: list[str] = []
    peeked = Peeked(stream, size)
    while (kind := next((kind for magic, kind in MAGIC.items() if peeked.head.startswith(magic)), None)) is not None:
        layers.append(kind)
        if len(layers) > LAYERS:
            raise EOFError(f"it is compressed more than {LAYERS} times")
        peeked = Peeked(GzipStream(peeked) if kind == "gzip" else _Buffered(peeked, peeked.head[: len(XZ_MAGIC)]), size)
    return peeked, tuple(layers)


def read_up_to(stream: Stream, size: int) -> bytearray:
    """Read ``size`` bytes, or fewer at the end of the stream; memory grows with what arrives."""
    data = bytearray()
    while chunk := stream.read(min(CHUNK, size - len(data))):
        data += chunk
    return data
