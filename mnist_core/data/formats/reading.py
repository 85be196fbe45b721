"""Reads files for the formats: counts progress, takes checksums and unpacks, so that no format does so itself."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from mnist_core.data.formats.files import File
from mnist_core.data.formats.kinds import HEAD
from mnist_core.data.formats.source import Progress
from mnist_core.data.idx import MAX_BYTES
from mnist_core.data.packed import CHUNK, DAMAGED, PACKED_CHUNK, Peeked, unpacked
from mnist_core.errors import DatasetError, IdxError, counted, reason_of

MAX_FILE = 2 * MAX_BYTES
"""Bytes of a file that can only be read as a whole, unpacked."""

MAX_RATIO, ALWAYS = 100, 10_000_000
"""A file read as a whole may unpack to so many times its size, or to so many bytes: images do to 50 times at most."""

STEP = 1 << 22
"""Bytes between two reports of progress."""

FETCH_AGAIN = "The file is damaged or incomplete: copy or download it again."


class Reading:
    """One reading of a source.

    Parameters
    ----------
    files : iterable of File
        All that will be read: progress is the share of their bytes.
    progress : callable, optional
        See ``source.Progress``.
    """

    def __init__(self, files: Iterable[File] = (), progress: Progress | None = None) -> None:
        self.notes: list[str] = []
        self._surprises: dict[str, list[str]] = {}
        self._total = sum(file.size for file in files) or 1
        self._progress = progress
        self._done, self._reported = 0, 0
        self._digests: dict[str, str] = {}

    @property
    def checksum(self) -> str:
        """SHA-256 over names and bytes of all files read so far, in whatever order."""
        return hashlib.sha256(repr(sorted(self._digests.items())).encode()).hexdigest()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes that formats made, and where files are packed in another way than their names say."""
        packing = [
            f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {surprise}"
            for surprise, files in self._surprises.items()
        ]
        return (*packing, *self.notes)

    def count(self, size: int, doing: str) -> None:
        """Report progress: so many more bytes are read."""
        self._done += size
        if self._progress and (self._done - self._reported >= STEP or self._done >= self._total):
            self._reported = self._done
            self._progress(min(1.0, self._done / self._total), doing)

    @contextmanager
    def open(self, file: File) -> Iterator[Peeked]:
        """Open the unpacked content of a file; an error while it is read becomes a sentence.

        Raises
        ------
        DatasetError
            If the file can't be read or is damaged.
        """
        with reading(file), file.open() as raw:
            counting = _Counting(raw, self, file)
            content, layers = unpacked(counting, HEAD)
            if surprise := _surprising(file.short, layers):
                self._surprises.setdefault(surprise, []).append(file.short)
            yield content
            counting.finish()

    def whole(self, file: File, limit: int = MAX_FILE) -> bytes:
        """Read a file as a whole, unpacked; refuse one of more than `limit` bytes, or packed as no images are."""
        stored = file.size if file.packed is None else file.packed
        limit = min(limit, max(MAX_RATIO * stored, ALWAYS))
        with self.open(file) as content:
            data = io.BytesIO()  # which gives its bytes away without a copy
            while data.tell() <= limit and (chunk := content.read(CHUNK)):
                data.write(chunk)
            if data.tell() > limit:
                raise DatasetError(
                    f"{file.name}: found more than {limit:,} bytes, but expected at most that many. "
                    f"Choose a part of the data: all of it would fill the memory."
                )
        return data.getvalue()

    def small(self, file: File) -> bytes:
        """Read one of many small files that are not compressed, such as pictures, in less time than `whole`."""
        with reading(file), file.open() as raw:
            data = raw.read(file.size + 1)
        self._digests[file.name] = hashlib.sha256(data).hexdigest()
        self.count(len(data), "Reading pictures")
        return data

    def add_digest(self, name: str, digest: str) -> None:
        """Note the SHA-256 of a file that was read to its end."""
        self._digests[name] = digest


class _Counting:
    """The bytes of a file as stored, counted and hashed as they are read."""

    def __init__(self, raw: BinaryIO, reading: Reading, file: File) -> None:
        self._raw, self._reading, self._file = raw, reading, file
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._raw.read(size)
        self._digest.update(data)
        self._reading.count(len(data), f"Reading {self._file.short}")
        return data

    def finish(self) -> None:
        """Hash what wasn't needed as well."""
        while self.read(PACKED_CHUNK):
            pass
        self._reading.add_digest(self._file.name, self._digest.hexdigest())


@contextmanager
def reading(file: File) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a sentence."""
    try:
        yield
    except IdxError as error:
        raise DatasetError(str(error)) from error
    except MemoryError as error:
        raise DatasetError(
            f"{file.name}: found more data than the memory can take, but expected less. Choose a part of it."
        ) from error
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise DatasetError(
                f"{file.name}: found a file that can't be read ({reason_of(error)}), but expected a readable one. "
                f"Check its permissions and the disk."
            ) from error
        raise DatasetError(
            f"{file.name}: found damaged or incomplete data ({reason_of(error)}), but expected a whole file. "
            f"{FETCH_AGAIN}"
        ) from error


def _surprising(name: str, layers: tuple[str, ...]) -> str:
    """Say where the name of a file promises another compression than its bytes show."""
    lower = name.lower().rstrip(")0123456789( ")
    promised = next(
        (kind for end, kind in ((".gz", "gzip"), (".bz2", "bzip2"), (".xz", "xz")) if lower.endswith(end)), None
    )
    if promised and not layers:
        return "not compressed, read as it is."
    if len(layers) > 1:
        return f"compressed {counted(len(layers), 'time')}, unpacked as often."
    if layers and promised and layers[0] != promised:
        return f"compressed by {layers[0]}, not by {promised}, and unpacked by what it is."
    return ""
