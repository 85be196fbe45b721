"""Parquet files of images and labels as Hugging Face's Hub has them, and tables of a column a pixel.

The Hub's image is a PNG file in a column ``image``, its label a number in a column ``label``; the names of the classes
are in the metadata. Files are parts of splits: ``train-00000-of-00001.parquet``, or ``train/0000.parquet``.
"""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mnist_core.data.formats.csv import INDEX_NAMES, LABEL_NAMES
from mnist_core.data.formats.files import File
from mnist_core.data.formats.names import ROLE_WORDS, natural, split_of
from mnist_core.data.formats.pictures import DamagedPictureError, of_one_size, read_picture
from mnist_core.data.formats.reading import FETCH_AGAIN, Reading
from mnist_core.data.formats.source import ALL
from mnist_core.data.formats.values import Contents, Part, image_shape
from mnist_core.data.idx import MAX_BYTES
from mnist_core.errors import DatasetError, counted

BATCH_BYTES = 100_000_000
"""Bytes that a batch of rows may take if each is as large as a whole column."""

MAX_ROWS = 2_000_000

MAX_COLUMNS = 70_000

PACKAGE = "pyarrow"
"""Streamlit brings it; the core alone does not."""


Pixels = np.ndarray | list[np.ndarray]
"""One array, or pictures that may have several sizes."""


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


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read the files of each split in the order of their numbers; the names of the classes if the metadata has them.

    Raises
    ------
    DatasetError
        If a file is damaged or holds no images, or pyarrow isn't installed.
    """
    found: dict[str, list[tuple[str, Pixels, np.ndarray | None]]] = {}
    names = None
    for file in sorted(files, key=lambda file: natural(file.name)):
        parquet = open_parquet(reading.whole(file), file.name)
        try:
            columns = columns_of(parquet.schema_arrow, file.name)
            pixels, labels = _read(parquet, columns, file.name)
            names = names or class_names(parquet.schema_arrow.metadata, columns.label)
        except (DatasetError, MemoryError):
            raise
        except Exception as error:  # Arrow raises errors of many kinds for damaged data
            raise _damaged(file.name, error) from error
        found.setdefault(split_of(file.name) or ALL, []).append((file.name, pixels, labels))
    parts = []
    for split, chunks in sorted(found.items()):
        pictures = [pixels for _, pixels, _ in chunks if isinstance(pixels, list)]
        if pictures:  # of all files of a split, so that they get one size
            whole = iter(
                np.split(
                    of_one_size([image for images in pictures for image in images], reading.notes),
                    np.cumsum([len(images) for images in pictures])[:-1],
                )
            )
            chunks = [
                (name, next(whole) if isinstance(pixels, list) else pixels, labels) for name, pixels, labels in chunks
            ]
        parts += [
            Part(name, split, pixels, labels) for name, pixels, labels in chunks if isinstance(pixels, np.ndarray)
        ]
    return Contents(parts, names)


def open_parquet(content: bytes, name: str) -> Any:
    """Open a parquet file.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        For messages.

    Returns
    -------
    pyarrow.parquet.ParquetFile

    Raises
    ------
    DatasetError
        If it is damaged, or pyarrow isn't installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DatasetError(
            f"{name}: found a parquet file, which is read with the package {PACKAGE}, but that is not installed. "
            f"Install it: pip install {PACKAGE}"
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(io.BytesIO(content))
    except Exception as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> DatasetError:
    return DatasetError(
        f"{name}: found a damaged or incomplete parquet file ({error}), but expected a whole one. {FETCH_AGAIN}"
    )


def columns_of(schema: Any, name: str) -> Columns:
    """Find the columns of images and labels, by name and type.

    Raises
    ------
    DatasetError
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
        raise DatasetError(
            f"{name}: found the columns {found}, but expected images: PNG files in a column named image, lists of "
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


def _read(parquet: Any, columns: Columns, name: str) -> tuple[Pixels, np.ndarray | None]:
    _check_size(parquet.metadata, columns, name)
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    held = 0
    for batch in _batches(parquet, columns):
        if columns.pictures:
            new = _pictures(batch.column(columns.pictures), name, len(pixels))
        elif columns.arrays:
            new = [_array(batch.column(columns.arrays), name)]
        else:
            new = [np.column_stack([batch.column(column).to_numpy(zero_copy_only=False) for column in columns.pixels])]
        held += sum(array.nbytes for array in new)
        if held > 2 * MAX_BYTES:
            raise DatasetError(f"{name}: found too many pixels for the memory. Choose a part of the data.")
        pixels += new
        if columns.label:
            labels.append(_labels(batch.column(columns.label), name))
    if not pixels:
        raise DatasetError(f"{name}: found a table without rows, but expected images. Choose another file.")
    values = np.concatenate(labels) if labels else None
    if values is not None and values.dtype.kind == "i" and (values == -1).all():  # how the Hub leaves labels out
        values = None
    return pixels if columns.pictures else np.concatenate(pixels), values


def _check_size(metadata: Any, columns: Columns, name: str) -> None:
    """Check how many rows and values the file says it has, before any is unpacked."""
    values = metadata.num_rows * len(columns.pixels)
    for number in range(0 if columns.pixels else metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = [group.column(n) for n in range(min(group.num_columns, 100))]
        values += sum(chunk.num_values for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns.all)
    if metadata.num_rows > MAX_ROWS or values > 2 * MAX_BYTES:
        raise DatasetError(
            f"{name}: found {counted(metadata.num_rows, 'row')} of {values:,} values, but expected at most "
            f"{MAX_ROWS:,} and {2 * MAX_BYTES:,}. Choose a part of the data."
        )


def _batches(parquet: Any, columns: Columns) -> Iterator[Any]:
    """Read rows in batches that can't take much memory, even if one value repeats in all rows."""
    metadata = parquet.metadata
    largest = 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for n in range(group.num_columns if not columns.pixels else 0):
            largest = max(largest, group.column(n).total_uncompressed_size)
    rows = max(1, min(1024, BATCH_BYTES // largest))
    yield from parquet.iter_batches(batch_size=rows, columns=columns.all, use_threads=False)


def _pictures(column: Any, name: str, first: int) -> list[np.ndarray]:
    import pyarrow.types as types

    content = column.field("bytes") if types.is_struct(column.type) else column
    found = []
    for number, value in enumerate(content, first):
        data = value.as_py()
        try:
            found.append(read_picture(data or b"")[0])
        except DamagedPictureError as error:
            raise DatasetError(
                f"{name}: image {number:,} {error}. Choose another file, or leave the row out."
            ) from error
    return found


def _array(column: Any, name: str) -> np.ndarray:
    """Make an array of lists, or lists of lists, that all have one length."""
    import pyarrow.compute as compute
    import pyarrow.types as types

    shape = [len(column)]
    while types.is_nested(column.type) and hasattr(column, "flatten") and not types.is_struct(column.type):
        lengths = compute.unique(compute.list_value_length(column)).to_pylist()
        if len(lengths) != 1 or not lengths[0]:
            raise DatasetError(f"{name}: found lists of pixels of several lengths, but expected images of one size.")
        shape.append(lengths[0])
        column = column.flatten()
    return column.to_numpy(zero_copy_only=False).reshape(shape)


def _labels(column: Any, name: str) -> np.ndarray:
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        raise DatasetError(f"{name}: found an image without a label, but expected one each. Leave the row out.")
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
