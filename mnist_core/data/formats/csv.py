"""CSV: a row of pixels an image, the label first or in a column of that name; with or without a header.

The text is read in blocks of whole lines, which limits the memory. Blocks of whole numbers of up to three digits, which
is what pixels are, are parsed by their bytes, all values at once; whatever else there is goes through NumPy's parser.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from mnist_core.data.formats.files import File
from mnist_core.data.formats.names import split_of
from mnist_core.data.formats.reading import FETCH_AGAIN, Reading
from mnist_core.data.formats.source import ALL
from mnist_core.data.formats.values import Contents, Part, image_shape
from mnist_core.data.idx import MAX_BYTES
from mnist_core.data.packed import Stream
from mnist_core.errors import DatasetError, counted

BLOCK = 1 << 22
"""Bytes of text that are parsed at once."""

LONGEST_LINE = 4_000_000
"""Bytes: a colour image of 256x256 with numbers of 20 digits."""

LABEL_NAMES = ("label", "labels", "class", "target", "y", "digit", "category", "letter", "character", "classes")

INDEX_NAMES = ("", "id", "imageid", "image_id", "index", "unnamed: 0", "idx", "row")
"""Columns that only number the rows."""

LAST_AFTER = 50
"""Rows after which a first column without any change can't be the labels, if the last one changes."""


COUNTED = 65
"""Columns, of a label and 8x8 pixels, from which a row whose numbers all differ is a header: no image is like that."""

FEWEST_PIXELS = 4

LONGEST_LABEL = 100

NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")

COMMA, LINE_FEED = (ord(",") - ord("0")) % 256, (ord("\n") - ord("0")) % 256


@dataclass(frozen=True)
class Layout:
    """Which columns are what.

    Parameters
    ----------
    separator : bytes
        A single character.
    header : tuple of str, or None
    columns : int
    label : int or None
        Column of the label; None if there is none.
    pixels : tuple of int
        Columns of the pixels.
    shape : tuple of int, or None
        Height and width, if the header says so.
    """

    separator: bytes
    header: tuple[str, ...] | None
    columns: int
    label: int | None
    pixels: tuple[int, ...]
    shape: tuple[int, int] | None = None


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read each file as a part; files without images are left out with a note.

    Raises
    ------
    DatasetError
        If no file holds images, or a row doesn't fit the others.
    """
    parts, problems = [], []
    for file in files:
        with reading.open(file) as content:
            try:
                part = _read(content, file.name, reading.notes)
            except NotImagesError as error:
                problems.append(str(error))
                continue
        parts.append(part)
    if not parts:
        raise DatasetError(problems[0])
    reading.notes += problems
    return Contents(parts)


class NotImagesError(DatasetError):
    """A table holds something else than images."""


def read_text(text: bytes, name: str) -> Part:
    """Read a table that is in memory."""
    return _read(io.BytesIO(text), name, [])


def _read(content: Stream, name: str, notes: list[str]) -> Part:
    blocks = _blocks(content, name)
    first = next(blocks, b"")
    layout = layout_of(first, name)
    if layout.header is not None:
        first = first.split(b"\n", 1)[1]
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    line, size = 1 + (layout.header is not None), 0
    for block in chain([first], blocks):
        if not block.strip():
            continue
        rows, classes = _parse(block, layout, name, line)
        line, size = line + len(rows), size + rows.nbytes
        if size > MAX_BYTES:
            raise DatasetError(
                f"{name}: found pixels of more than {MAX_BYTES:,} bytes, but expected at most that many. "
                f"Choose a part of the data: all of it would fill the memory."
            )
        pixels.append(rows)
        if classes is not None:
            labels.append(classes)
    if not size:
        raise NotImagesError(f"{name}: found a table without rows, but expected an image a row. {FETCH_AGAIN}")
    if layout.label not in (None, 0) and layout.header is None:
        notes.append(f"{name} has its labels in the last column.")
    joined = _joined(labels) if labels else None
    return Part(name, split_of(name) or ALL, np.concatenate(pixels), joined, shape=layout.shape)


def _blocks(content: Stream, name: str) -> Iterator[bytes]:
    """Cut the text into blocks of whole lines, each ending with a line feed."""
    rest, start = b"", True
    while data := content.read(BLOCK):
        if start:
            data, start = data.removeprefix(b"\xef\xbb\xbf"), False
        rest += data
        if b"\r" in rest:
            rest = rest.replace(b"\r\n", b"\n")
            if b"\n" not in rest:
                rest = rest.replace(b"\r", b"\n")
        if (end := rest.rfind(b"\n")) >= 0:
            yield rest[: end + 1]
            rest = rest[end + 1 :]
        if len(rest) > LONGEST_LINE:
            raise NotImagesError(
                f"{name}: found a line of more than {LONGEST_LINE:,} bytes, but expected an image a line. "
                f"Choose another file."
            )
    if rest.strip():
        yield rest + b"\n"


def layout_of(block: bytes, name: str) -> Layout:
    """Find out what the columns are, from the first lines.

    Raises
    ------
    NotImagesError
        If they can't be images.
    """
    lines = [line for line in block.split(b"\n", LAST_AFTER + 2)[: LAST_AFTER + 2] if line.strip()]
    if not lines:
        raise NotImagesError(f"{name}: found an empty table, but expected an image a row. {FETCH_AGAIN}")
    separator = max((b",", b";", b"\t", b"|"), key=lines[0].count)
    if not lines[0].count(separator):
        separator = b" "
    rows = [[cell.strip() for cell in _cells(line, separator)] for line in lines]
    header = None
    if _is_header(rows[0]):
        header = tuple(cell.decode("utf-8", "replace").lower() for cell in rows[0])
        rows = rows[1:]
    columns = len(header or rows[0])
    used = [n for n in range(columns) if header is None or header[n] not in INDEX_NAMES]
    label = next((n for n in used if header is not None and header[n] in LABEL_NAMES), None)
    if label is None and not image_shape(len(used)) and len(used) > 1:
        label = _label_column(rows, used)
    pixels = tuple(n for n in used if n != label)
    if len(pixels) < FEWEST_PIXELS:
        raise NotImagesError(
            f"{name}: found a table of {counted(columns, 'column')}, but expected a row of pixels an image, such as "
            f"785 columns for a label and 28x28 pixels. Choose the table of the pixels."
        )
    return Layout(separator, header, columns, label, pixels, _shape_in(header, pixels))


def _cells(line: bytes, separator: bytes) -> list[bytes]:
    return _plain(line, separator).strip(b"\n").split(separator)


def _plain(block: bytes, separator: bytes) -> bytes:
    """Leave out what stands around values: quotes, spaces, empty lines."""
    if b'"' in block:
        block = block.replace(b'"', b"")
    if separator == b" ":
        block = re.sub(rb"(?m)^ +| +$", b"", re.sub(rb"[ \t]+", b" ", block))
    elif b" " in block:
        block = re.sub(rb"(?m) *([,;\t|]|$) *", rb"\1", block)
    if b"\n\n" in block or block.startswith(b"\n"):
        block = re.sub(rb"\n\n+", b"\n", block).lstrip(b"\n")
    return block


def _is_header(cells: list[bytes]) -> bool:
    """Names in place of numbers; or numbers that only count the columns."""
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in cells)
    if numbers < len(cells) / 2 or cells[0].decode("utf-8", "replace").lower() in LABEL_NAMES:
        return True
    return len(cells) >= COUNTED and len(set(cells)) == len(cells)


def _label_column(rows: list[list[bytes]], used: list[int]) -> int:
    """Labels are in the first column, unless that never changes and the last one does."""
    first, last = ({row[n] for row in rows if len(row) > n} for n in (used[0], used[-1]))
    return used[-1] if len(rows) >= LAST_AFTER and len(first) == 1 and len(last) > 1 else used[0]


def _shape_in(header: tuple[str, ...] | None, pixels: tuple[int, ...]) -> tuple[int, int] | None:
    """Height and width of the images from names such as 1x1, 1x2 ... 28x28."""
    first, last = (re.search(r"(\d{1,4})x(\d{1,4})$", header[n] if header else "") for n in (pixels[0], pixels[-1]))
    if not first or not last:
        return None
    top, left, bottom, right = map(int, (*first.groups(), *last.groups()))
    shape = bottom - top + 1, right - left + 1
    return shape if shape[0] * shape[1] == len(pixels) else None


def _parse(block: bytes, layout: Layout, name: str, line: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Parse whole lines to pixels and labels."""
    block = _plain(block, layout.separator)
    if layout.separator != b",":
        block = block.replace(layout.separator, b",")
    columns, pixels, labels = layout.columns, layout.pixels, None
    values = _whole_numbers(block, columns)
    if values is not None and layout.label is not None:
        labels = values[:, layout.label].astype(np.int64)
    elif values is None and layout.label is not None:
        _check_columns(block, columns, name, line)
        block, labels = _without(block, layout.label)
        columns, pixels = columns - 1, tuple(n - (n > layout.label) for n in pixels)
        values = _whole_numbers(block, columns)
    if values is None:
        values = _numbers(block, columns, name, line)
    contiguous = pixels[-1] - pixels[0] == len(pixels) - 1
    values = values[:, pixels[0] : pixels[-1] + 1] if contiguous else values[:, list(pixels)]
    if values.dtype.kind in "ui" and values.max(initial=0) <= 255:
        values = values.astype(np.uint8)
    return np.ascontiguousarray(values), labels


def _whole_numbers(block: bytes, columns: int) -> np.ndarray | None:
    """Parse lines of whole numbers of up to nine digits, all at once; None if there is anything else."""
    digits = np.frombuffer(block, np.uint8) - np.uint8(ord("0"))
    ends = np.flatnonzero(digits > 9)
    if not len(ends) or len(ends) % columns:
        return None
    between = digits[ends].reshape(-1, columns)
    if (between[:, -1] != LINE_FEED).any() or (between[:, :-1] != COMMA).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    longest = lengths.max()
    if lengths.min() < 1 or longest > 9:
        return None
    values = digits[ends - 1].astype(np.uint16 if longest <= 3 else np.int64)
    for place in range(1, longest):
        there = np.flatnonzero(lengths > place)
        values[there] = values[there] + digits[ends[there] - 1 - place].astype(values.dtype) * 10**place
    return values.reshape(-1, columns)


def _without(block: bytes, column: int) -> tuple[bytes, np.ndarray]:
    """Take a column of labels out of the lines."""
    lines, labels, rest = block.splitlines(), [], []
    for line in lines:
        cells = line.split(b",", column + 1)
        labels.append(cells.pop(column).strip()[:LONGEST_LABEL])
        rest.append(b",".join(cells))
    numbers = all(re.fullmatch(rb"[-+]?\d{1,9}(?:\.0*)?", label) for label in labels)
    if numbers:
        array = np.array([int(float(label)) for label in labels])
    elif all(NUMBER.fullmatch(label) for label in labels):
        array = np.array([float(label) for label in labels])
    else:
        array = np.array(labels, np.bytes_)
    return b"\n".join(rest) + b"\n", array


def _check_columns(block: bytes, columns: int, name: str, line: int) -> None:
    for number, row in enumerate(block.splitlines(), line):
        if (found := row.count(b",") + 1) != columns:
            raise DatasetError(
                f"{name}: found {counted(found, 'value')} in line {number:,}, but expected {columns:,} as in the "
                f"first. {FETCH_AGAIN}"
            )


def _numbers(block: bytes, columns: int, name: str, line: int) -> np.ndarray:
    """Parse lines of any numbers."""
    _check_columns(block, columns, name, line)
    try:
        return np.loadtxt(block.splitlines(), np.float32, comments=None, delimiter=",", ndmin=2, encoding="latin-1")
    except ValueError as error:
        found = re.search(r"could not convert string (.*) to float32 at row (\d+), column (\d+)", str(error))
        where = f"{found[1]:.40} in line {line + int(found[2]):,}, column {found[3]}" if found else str(error)
        raise DatasetError(
            f"{name}: found {where}, but expected a number. Correct it, or leave the line out."
        ) from error


def _joined(labels: list[np.ndarray]) -> np.ndarray:
    """Join the labels of blocks; if some are words, all are."""
    if all(array.dtype.kind in "if" for array in labels):
        return np.concatenate(labels)
    return np.concatenate([array if array.dtype.kind == "S" else array.astype(np.bytes_) for array in labels])
