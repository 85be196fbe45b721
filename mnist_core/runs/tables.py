"""The tables of a run folder: what a row may hold, and how rows are written and read again."""

import operator
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, get_args

import msgspec
from msgspec import Meta

from mnist_core.disk import read_bounded, write_atomically
from mnist_core.runs.files import check_content
from mnist_core.runs.schema import MAX_BYTES, MAX_EPOCHS, MB, Fraction, Loss, Rate, Real, Seconds, Size, clause
from mnist_core.training.config import MAX_HIDDEN_LAYERS
from mnist_core.training.layer_histograms import BINS, COUNTED, Histogram
from mnist_core.training.layer_histograms import COLUMNS as HISTOGRAM_COLUMNS
from mnist_core.training.layer_statistics import COLUMNS as LAYER_COLUMNS
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics

Row = TypeVar("Row", bound=tuple[Any, ...])

MOST_ROWS = 20_000
"""Rows that are read of a table with several rows an epoch: of more, as many are read, evenly spread."""

LONGEST_CELL = 30

MOST_DAMAGED = 100
"""Rows that a table may have beyond those of its epochs, since they are left out."""


class Step(NamedTuple):
    """A row of ``steps.csv``: the loss of one mini-batch at a position; 2.5 is the middle of the third epoch."""

    epoch: float
    loss: float


class Rows(list[Row]):
    """The sound rows of a table; ``left_out`` counts the damaged ones."""

    left_out: int = 0


class Bounds(NamedTuple):
    """What bounds the rows of a run: its epochs, and its layers with the output."""

    epochs: int = MAX_EPOCHS
    layers: int = MAX_HIDDEN_LAYERS + 1


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A table of a run folder.

    Parameters
    ----------
    name : str
        Its file.
    columns : sequence of str
        Its header. A table of an older version may lack the last ones, of values that may be None.
    types : callable
        Makes the type of each value of a row, within some :class:`Bounds`. A value that may be None is written as nan.
    make, write : callable
        Make a row of its values, and a line of a row.
    one_an_epoch : bool
        Whether each row is of a later epoch than the one before; otherwise it may be of the same one.
    agrees : callable
        Whether the values of a row agree with one another.
    """

    name: str
    columns: tuple[str, ...]
    types: Callable[[Bounds], tuple[Any, ...]]
    make: Callable[[tuple[Any, ...]], Row]
    write: Callable[[Row], str]
    one_an_epoch: bool = False
    agrees: Callable[[tuple[Any, ...]], bool] = lambda values: True

    @property
    def header(self) -> str:
        """The first line."""
        return ",".join(self.columns)

    def read(
        self, folder: Path, bounds: Bounds, whole: bool, every_row: bool = False, expected: str | None = None
    ) -> Rows[Row]:
        """Read the rows from a run folder; none without a file.

        Parameters
        ----------
        folder : Path
        bounds : Bounds
        whole : bool
            Whether nobody writes the table any more: then a damaged row makes it a damaged table. Until then damaged
            rows, and a last line that is still being written, are left out.
        every_row : bool
            Whether also a very long table is read whole, however long that takes.
        expected : str, optional
            SHA-256 of the file, if it is known.

        Raises
        ------
        OSError
            If it can't be read.
        ValueError
            Says in a clause what is damaged: what was found, what was expected.
        """
        most = MAX_BYTES[self.name]
        if self.one_an_epoch:
            most = min(most, MB + LONGEST_CELL * len(self.columns) * bounds.epochs)
        try:
            content = read_bounded(folder / self.name, most)
        except FileNotFoundError:
            return Rows()
        header, newline, body = content.replace(b"\r\n", b"\n").partition(b"\n")
        end = body.rfind(b"\n") + 1
        if whole and (end < len(body) or not newline):
            raise ValueError("its last line has no end")
        known = header.count(b",") + 1
        if not self._is_header(header.decode(errors="replace")):
            known = len(self.columns)
            if whole:
                raise ValueError(f"its first line is not {self.header[:30]}…")
        count = body.count(b"\n")
        if self.one_an_epoch and count > bounds.epochs + MOST_DAMAGED:
            raise ValueError(f"it has {count:,} rows: expected at most one for each of {bounds.epochs:,} epochs")
        thinned = count > MOST_ROWS and not (self.one_an_epoch or every_row)
        body = _spread(body[:end]) if thinned else body[:end]
        rows, problem = self._parse(body.decode(errors="replace"), self.types(bounds)[:known])
        if whole and problem:
            raise ValueError(problem)
        check_content(content, expected)
        return rows

    def rewrite(self, folder: Path, rows: Iterable[Row]) -> None:
        """Write the table with these rows, atomically."""
        lines = "".join(f"{line}\n" for line in (self.header, *map(self.write, rows)))
        write_atomically(folder / self.name, lambda file: file.write(lines.encode()))

    def _is_header(self, header: str) -> bool:
        known = header.count(",") + 1
        optional = all(map(_is_optional, self.types(Bounds())[known:]))
        return ",".join((header, *self.columns[known:])) == self.header and optional

    def _parse(self, text: str, types: tuple[Any, ...]) -> tuple[Rows[Row], str]:
        """The sound rows, and what is wrong with the first of the other ones."""
        for absent in ("nan", "-inf", "inf"):
            text = text.replace(absent, "null")
        cells = [line.split(",") for line in text.split("\n")[:-1]]
        kind = tuple.__class_getitem__(types)
        lacking = (None,) * (len(self.columns) - len(types))
        in_order = operator.lt if self.one_an_epoch else operator.le
        with suppress(msgspec.ValidationError):
            values = msgspec.convert(cells, list.__class_getitem__(kind), strict=False)
            ordered = all(in_order(row[0], following[0]) for row, following in pairwise(values))
            if ordered and all(map(self.agrees, values)):
                return Rows(self.make((*row, *lacking)) if lacking else self.make(row) for row in values), ""
        rows, problem = Rows[Row](), ""
        last = -1.0
        for row in cells:
            try:
                values = msgspec.convert(row, kind, strict=False)
                if last >= 0 and not in_order(last, values[0]):
                    raise ValueError(f"a row of epoch {values[0]:g} follows one of epoch {last:g}")
                if not self.agrees(values):
                    raise ValueError("the values of a row do not agree with one another")
            except ValueError as error:
                rows.left_out += 1
                problem = problem or self._clause(str(error), row, len(types))
            else:
                rows.append(self.make((*values, *lacking)))
                last = values[0]
        return rows, problem

    def _clause(self, message: str, row: list[str], width: int) -> str:
        if len(row) != width:
            return f"a row has {len(row):,} values: expected {width}"
        named = re.sub(r"\$\[(\d+)\]", lambda found: f"$.{self.columns[int(found[1])]}", message)
        return clause(named, dict(zip(self.columns, row, strict=False)))


def _spread(body: bytes) -> bytes:
    """Lines from evenly spread places, with the first and the last one; without looking at those between them."""
    places = (body.find(b"\n", len(body) * number // MOST_ROWS) + 1 for number in range(MOST_ROWS))
    starts = sorted({0, *places, body.rfind(b"\n", 0, -1) + 1} - {len(body)})
    return b"".join(body[start : body.find(b"\n", start) + 1] for start in starts)


def _whole(low: int, high: int) -> Any:
    return Annotated[int, Meta(ge=low, le=high)]


def _with_nan(make: Callable[[Iterable[Any]], Row]) -> Callable[[tuple[Any, ...]], Row]:
    return lambda values: make(values if None not in values else [nan if value is None else value for value in values])


def _is_optional(kind: Any) -> bool:
    return type(None) in get_args(kind)


def _joined(digits: int) -> Callable[[Row], str]:
    return lambda row: ",".join(f"{value:.{digits}g}" for value in row)


METRICS = Table(
    "metrics.csv",
    EpochMetrics._fields,
    lambda bounds: (_whole(1, bounds.epochs), Loss, Fraction, Loss | None, Fraction | None, Rate, Seconds),
    _with_nan(EpochMetrics._make),
    _joined(9),
    one_an_epoch=True,
)
STEPS = Table(
    "steps.csv",
    Step._fields,
    lambda bounds: (Annotated[float, Meta(ge=0, le=bounds.epochs)], Loss),
    Step._make,
    _joined(6),
)
LAYERS = Table(
    "layers.csv",
    LAYER_COLUMNS,
    lambda bounds: (
        _whole(0, bounds.epochs),
        _whole(1, bounds.layers),
        Size | None,
        Size | None,
        Real | None,
        Size | None,
        Fraction | None,
        Fraction | None,
    ),
    _with_nan(LayerStatistics._make),
    _joined(6),
)
HISTOGRAMS = Table(
    "histograms.csv",
    HISTOGRAM_COLUMNS,
    lambda bounds: (
        _whole(0, bounds.epochs),
        _whole(1, bounds.layers),
        Literal["weight", "activation"],
        Real,
        Real,
        *[_whole(0, COUNTED)] * BINS,
    ),
    lambda values: Histogram._make((*values[:5], values[5:])),
    Histogram.to_row,
    agrees=lambda values: values[3] <= values[4],  # low and high
)
TABLES: tuple[Table[Any], ...] = (METRICS, STEPS, LAYERS, HISTOGRAMS)
