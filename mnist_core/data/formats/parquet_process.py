"""Takes images and labels out of parquet files, in a process of its own: what Arrow does with damaged files may end it.

    python -m mnist_core.data.formats.parquet_process [--look] FILE ...

writes ``FILE.npz`` beside each: pictures as one array of bytes and where each ends, or pixels as numbers; labels; the
names of the classes; how many rows there are. Or ``error``: what is wrong, as the end of a sentence.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_core.data.formats.csv import INDEX_NAMES, LABEL_NAMES
from mnist_core.data.formats.names import ROLE_WORDS
from mnist_core.data.formats.values import image_shape
from mnist_core.data.idx import MAX_BYTES
from mnist_core.errors import counted

BATCH_BYTES = 100_000_000
"""Bytes that a batch of rows may take if each is as large as a whole column."""

MAX_ROWS = 2_000_000

MAX_COLUMNS = 70_000

MEMORY = 8 * MAX_BYTES
"""Bytes of address space that this process may take; Arrow reserves more than it uses."""

DAMAGED = "a damaged or incomplete parquet file"


class ContentError(ValueError):
    """A file holds no images; the message follows "found" in a sentence."""


class Columns(NamedTuple):
    """Which columns are what: pictures in a column, or arrays in one, or a pixel in each of many."""

    pictures: str | None
    arrays: str | None
    pixels: list[str]
    label: str | None

    @property
    def all(self) -> list[str]:
        """The names of the columns that are read."""
        return [name for name in (self.pictures, self.arrays, *self.pixels, self.label) if name is not None]


def columns_of(schema: Any) -> Columns:
    """Find the columns of images and labels, by name and type.

    Raises
    ------
    ContentError
        If there are no images.
    """
    import pyarrow.types as types

    fields = [schema.field(number) for number in range(min(len(schema), MAX_COLUMNS))]
    label = next((field.name for field in fields if field.name.lower() in LABEL_NAMES), None)
    others = [field for field in fields if field.name != label and field.name.lower() not in INDEX_NAMES]
    others.sort(key=lambda field: field.name.lower() not in ROLE_WORDS)  # what is called image comes first
    for field in others:
        if _holds_pictures(field.type):
            return Columns(field.name, None, [], label)
    for field in others:
        if types.is_list(field.type) or types.is_large_list(field.type) or types.is_fixed_size_list(field.type):
            return Columns(None, field.name, [], label)
    pixels = [field.name for field in fields if field in others and _is_number(field.type)]
    if label is None and pixels and not image_shape(len(pixels)) and image_shape(len(pixels) - 1):
        label, pixels = pixels[0], pixels[1:]
    if len(pixels) < 4:
        found = ", ".join(f"{field.name} ({field.type})"[:60] for field in fields[:5]) or "no columns"
        raise ContentError(
            f"the columns {found}, but expected images: PNG files in a column named image, lists of "
            f"pixels, or a column for each pixel. Choose another file."
        )
    return Columns(None, None, pixels, label)


def _is_number(kind: Any) -> bool:
    import pyarrow.types as types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)


def _holds_pictures(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _holds_pictures(kind.field("bytes").type)
    return types.is_binary(kind) or types.is_large_binary(kind)


def extract(path: Path, look: bool) -> dict[str, Any]:
    """Take the arrays out of one file; with ``look`` only how many rows and pixels there are.

    Raises
    ------
    ContentError
        If it holds no images.
    """
    import pyarrow.parquet

    with path.open("rb") as file:
        parquet = pyarrow.parquet.ParquetFile(file)
        columns = columns_of(parquet.schema_arrow)
        rows = parquet.metadata.num_rows
        arrays: dict[str, Any] = {"rows": rows, "pixels_a_row": len(columns.pixels)}
        if columns.label:
            arrays["labelled"] = True
        if look:
            return arrays
        if rows > MAX_ROWS or rows * len(columns.pixels) > 2 * MAX_BYTES:
            raise ContentError(f"{counted(rows, 'row')}, but expected at most {MAX_ROWS:,}. Choose a part of the data.")
        if names := class_names(parquet.schema_arrow.metadata, columns.label):
            arrays["names"] = np.array(names)
        return arrays | _read(parquet, columns)


def _read(parquet: Any, columns: Columns) -> dict[str, np.ndarray]:
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    lengths: list[int] = []
    held = 0
    for batch in _batches(parquet, columns):
        if columns.pictures:
            content = [value.as_py() or b"" for value in _bytes_of(batch.column(columns.pictures))]
            lengths += map(len, content)
            new = np.frombuffer(b"".join(content), np.uint8)
        elif columns.arrays:
            new = _array(batch.column(columns.arrays))
        else:
            new = np.column_stack([batch.column(column).to_numpy(zero_copy_only=False) for column in columns.pixels])
        held += new.nbytes
        if held > 2 * MAX_BYTES:
            raise ContentError("too many pixels for the memory, but expected fewer. Choose a part of the data.")
        pixels.append(new)
        if columns.label:
            labels.append(_labels(batch.column(columns.label)))
    if not pixels:
        raise ContentError("a table without rows, but expected images. Choose another file.")
    found = {"pixels": np.concatenate(pixels)}
    if columns.pictures:
        found["ends"] = np.cumsum(lengths)
    values = np.concatenate(labels) if labels else None
    if values is not None and not (values.dtype.kind == "i" and (values == -1).all()):  # how the Hub leaves them out
        found["labels"] = values
    return found


def _bytes_of(column: Any) -> Any:
    import pyarrow.types as types

    return column.field("bytes") if types.is_struct(column.type) else column


def _batches(parquet: Any, columns: Columns) -> Iterator[Any]:
    """Read rows in batches that can't take much memory, even if one value repeats in all rows."""
    metadata = parquet.metadata
    largest = max((metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)), default=1)
    rows = 1024 if columns.pixels else max(1, min(1024, BATCH_BYTES // max(1, largest)))
    yield from parquet.iter_batches(batch_size=rows, columns=columns.all, use_threads=False)


def _array(column: Any) -> np.ndarray:
    """Make an array of lists, or lists of lists, that all have one length."""
    import pyarrow.compute as compute
    import pyarrow.types as types

    shape = [len(column)]
    while types.is_nested(column.type) and hasattr(column, "flatten") and not types.is_struct(column.type):
        lengths = compute.unique(compute.list_value_length(column)).to_pylist()
        if len(lengths) != 1 or not lengths[0]:
            raise ContentError("lists of pixels of several lengths, but expected images of one size.")
        shape.append(lengths[0])
        column = column.flatten()
    return column.to_numpy(zero_copy_only=False).reshape(shape)


def _labels(column: Any) -> np.ndarray:
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        raise ContentError("an image without a label, but expected one each. Leave the row out.")
    values = column.to_numpy(zero_copy_only=False)
    return values.astype(np.str_) if values.dtype == object else values


def class_names(metadata: dict[bytes, bytes] | None, label: str | None) -> tuple[str, ...] | None:
    """The names of the classes, as the library ``datasets`` notes them; None if there are none."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) and names else None


def _bounded() -> None:
    """Limit the memory of this process, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write(paths: list[Path], look: bool) -> None:
    """Write what each file holds, or what is wrong with it, beside it."""
    for path in paths:
        try:
            arrays = extract(path, look)
        except ContentError as error:
            arrays = {"error": np.array([str(error)])}
        except ModuleNotFoundError:
            raise
        except Exception as error:  # Arrow raises errors of many kinds for damaged data
            arrays = {"error": np.array([f"{DAMAGED} ({error}), but expected a whole one."])}
        np.savez(path.with_name(f"{path.name}.npz"), **arrays)


if __name__ == "__main__":
    _bounded()
    write([Path(name) for name in sys.argv[1:] if name != "--look"], "--look" in sys.argv)
