"""Cells of a file of corrections: read from any spreadsheet, and written so that none computes them."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

COLUMNS = ("split", "index", "image_sha256", "old", "new", "who", "when", "why")

CHOOSE = f"Choose a CSV file of corrections, with the columns {', '.join(COLUMNS)}."

_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")


def to_table(rows: Iterable[Sequence[str | int]]) -> bytes:
    """Write rows below the names of the columns, as UTF-8."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(rows)
    return buffer.getvalue().encode()


def read_table(content: bytes, most: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the number of each line and its cells by column, in whatever order; other columns are ignored.

    Parameters
    ----------
    content : bytes
        UTF-8; a comma, a semicolon or a tab separates the columns.
    most : int
        Rows that are read.

    Raises
    ------
    ValueError
        Says in a clause what is wrong.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("found bytes that are no UTF-8 text, but expected corrections") from error
    head = text.partition("\n")[0]
    separator = next((mark for mark in (";", "\t") if head.count(mark) >= len(COLUMNS) - 1), ",")
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        found = [name.strip() for name in next(table, [])]
        if missing := [name for name in COLUMNS if name not in found]:
            raise ValueError(f"found no column {', no column '.join(missing)}")
        places = {name: found.index(name) for name in COLUMNS}
        for number, row in enumerate(filter(None, table)):
            if number >= most:
                raise ValueError(f"found more than {most:,} decisions, but expected no more")
            yield table.line_num, {name: row[place] if place < len(row) else "" for name, place in places.items()}
    except csv.Error as error:
        raise ValueError(f"line {table.line_num:,} is no CSV ({error})") from error


def guarded(text: str) -> str:
    """Text as a cell that no spreadsheet computes; :func:`unguarded` gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """Text of a cell without the apostrophe that :func:`guarded` put before it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def to_iso(when: float) -> str:
    """Write seconds since 1970 as a date and time to the millisecond."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")


def from_iso(cell: str) -> float:
    """Seconds since 1970 of a date and time in ISO 8601; without a time zone it is that of Greenwich.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    moment = datetime.fromisoformat(cell.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
