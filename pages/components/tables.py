"""Tables of numbers, coloured by value."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import streamlit as st


def is_dark() -> bool:
    """Whether this session uses the dark theme."""
    return st.context.theme.type == "dark"


def table_height(rows: int, most: int | None = None) -> int:
    """Height of a ``st.dataframe`` that shows so many rows, or ``most`` of them, without scrolling."""
    return 38 + 35 * (rows if most is None else min(rows, most))


def pixel_table(pixels: np.ndarray, digits: int, rows: slice = slice(0, 64), columns: slice = slice(0, 64)) -> None:
    """Show the pixel values of an image of shape (H, W), or of a window of it, each on its own grey.

    ``digits`` is the number of decimals.
    """
    levels = pixels / 255 if pixels.dtype == np.uint8 else pixels
    cell = "padding:0 2px;text-align:right;min-width:1.45rem;border:0"
    head = f'<tr><td style="{cell}"></td>' + "".join(
        f'<td style="{cell};opacity:.6">{n}</td>' for n in _numbers(columns, pixels.shape[1])
    )
    body = "".join(
        f'<tr><td style="{cell};opacity:.6">{n}</td>'
        + "".join(
            f'<td style="{cell};background:{grey(level)};color:{"#111" if level > 0.5 else "#eee"}">'
            f"{value:.{digits}f}</td>"
            for value, level in zip(pixels[n, columns], levels[n, columns], strict=True)
        )
        + "</tr>"
        for n in _numbers(rows, pixels.shape[0])
    )
    st.html(
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:0.68rem;line-height:1.25rem;'
        f'font-variant-numeric:tabular-nums">{head}</tr>{body}</table></div>'
    )


def _numbers(window: slice, length: int) -> range:
    return range(*window.indices(length))


def grey(level: float) -> str:
    """Turn 0 ... 1 into a CSS grey from black to white, as the image is drawn."""
    byte = round(255 * float(level))
    return f"rgb({byte}, {byte}, {byte})"


def confusion_style(fraction: np.ndarray, errors_only: bool = False) -> pd.DataFrame:
    """CSS of each cell of a confusion matrix: correct cells blue, confusions orange, deeper with their fraction.

    Parameters
    ----------
    fraction : ndarray of float, shape (C, C), range [0, 1]
        Fraction of each cell in its row (true class) or column. The orange is scaled to the largest error.
    errors_only : bool
        Whether to hide the correct cells.
    """
    correct = np.eye(len(fraction), dtype=bool)
    largest_error = max(fraction[~correct].max(initial=0), 1e-9)
    strength = np.where(correct, 0.0 if errors_only else 0.75 * fraction, 0.85 * np.sqrt(fraction / largest_error))
    strength[(fraction == 0) & ~correct] = 0
    text = np.where(correct & errors_only, "transparent", "#f5f5f5" if is_dark() else "#16181d")
    color = np.where(
        correct, "53, 88, 214" if is_dark() else "120, 150, 245", "184, 84, 16" if is_dark() else "245, 160, 80"
    )
    return pd.DataFrame(
        [
            [
                f"background-color: rgba({color[row, column]}, {strength[row, column]:.3f}); color: {text[row, column]}"
                for column in range(len(fraction))
            ]
            for row in range(len(fraction))
        ]
    )


POSITIVE, NEGATIVE = "222, 92, 72", "66, 133, 214"
"""Red and blue, which colour-blind people can tell apart."""
SHOWN_ROWS, SHOWN_COLUMNS = 8, 12


def number_table(
    numbers: np.ndarray,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
    digits: int = 3,
    rows: slice = slice(0, SHOWN_ROWS),
    columns: slice = slice(0, SHOWN_COLUMNS),
) -> None:
    """Show an array of shape (R, C), or a window of it: negative numbers on blue, positive numbers on red.

    The colour is deeper the closer a number is to the largest magnitude in the array. Dots mark rows and columns
    outside the window.

    Parameters
    ----------
    numbers : ndarray, shape (R, C)
    row_names, column_names : sequence of str, optional
        Names for the whole array; by default, numbers from 0.
    digits : int
        Number of decimals.
    rows, columns : slice
        The window to show.
    """
    names = [row_names or range(numbers.shape[0]), column_names or range(numbers.shape[1])]
    shown_rows, shown_columns = _numbers(rows, numbers.shape[0]), _numbers(columns, numbers.shape[1])
    before, after = _dots(shown_columns, numbers.shape[1])
    largest = float(np.abs(numbers).max(initial=0)) or 1.0
    cell = "padding:1px 6px;text-align:right;border:0;white-space:nowrap"
    faint = f'<td style="{cell};opacity:.6">'
    head = "".join(f"{faint}{escape(str(names[1][n]))}</td>" for n in shown_columns)
    lines = [f"<tr>{faint}</td>{before and faint + '</td>'}{head}{after and faint + '</td>'}</tr>"]
    for n in shown_rows:
        cells = "".join(
            f'<td style="{cell};background:{tint(value / largest)}">{format_number(value, digits)}</td>'
            for value in numbers[n, shown_columns]
        )
        dots = [faint + side + "</td>" if side else "" for side in (before, after)]
        lines.append(f"<tr>{faint}{escape(str(names[0][n]))}</td>{dots[0]}{cells}{dots[1]}</tr>")
    above, below = _dots(shown_rows, numbers.shape[0])
    width = 1 + len(shown_columns) + bool(before) + bool(after)
    gap = f'<tr><td colspan="{width}" style="{cell};text-align:left;opacity:.6">⋮</td></tr>'
    st.html(
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:0.75rem;line-height:1.3rem;'
        f'font-variant-numeric:tabular-nums">{lines[0]}{above and gap}{"".join(lines[1:])}{below and gap}</table></div>'
    )


def _dots(shown: range, length: int) -> tuple[str, str]:
    return ("…" if shown.start > 0 else "", "…" if shown.stop < length else "")


def format_number(value: float, digits: int = 3) -> str:
    """Format a number for a table, with a minus sign, and an exponent if it is very small or large."""
    if value == 0:
        return "0"
    plain = 10.0**-digits <= abs(value) < 1000
    text = f"{value:.{digits}f}" if plain else f"{value:.{max(digits - 2, 0)}e}"
    return text.replace("-", "\N{MINUS SIGN}")


def tint(value: float) -> str:
    """Turn -1 ... 1 into a CSS colour from deep blue through transparent to deep red."""
    strength = 0.6 * min(abs(float(value)), 1.0)
    return f"rgba({POSITIVE if value > 0 else NEGATIVE}, {strength:.3f})"
