"""Tables of numbers, coloured so that the picture in them shows."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import streamlit as st


def is_dark() -> bool:
    """Whether this session sees the dark theme."""
    return st.context.theme.type == "dark"


def pixel_table(pixels: np.ndarray, digits: int, rows: slice = slice(0, 64), columns: slice = slice(0, 64)) -> None:
    """Show the numbers of an image of shape (H, W), or of a window of it, each on its own grey.

    ``digits`` are those behind the decimal point.
    """
    share = pixels / 255 if pixels.dtype == np.uint8 else pixels
    cell = "padding:0 2px;text-align:right;min-width:1.45rem;border:0"
    head = f'<tr><td style="{cell}"></td>' + "".join(
        f'<td style="{cell};opacity:.6">{n}</td>' for n in _numbers(columns, pixels.shape[1])
    )
    body = "".join(
        f'<tr><td style="{cell};opacity:.6">{n}</td>'
        + "".join(
            f'<td style="{cell};background:{grey(level)};color:{"#111" if level > 0.5 else "#eee"}">{value:.{digits}f}</td>'
            for value, level in zip(pixels[n, columns], share[n, columns], strict=True)
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


def grey(share: float) -> str:
    """Turn 0 ... 1 into a CSS grey, black to white, as the picture itself is drawn."""
    level = round(255 * float(share))
    return f"rgb({level}, {level}, {level})"


def confusion_style(share: np.ndarray, errors_only: bool = False) -> pd.DataFrame:
    """CSS of each cell of a confusion table: right ones blue, wrong ones orange, deeper with their share.

    Parameters
    ----------
    share : ndarray of float, shape (C, C), range [0, 1]
        Share of each cell in its row (its true class). The orange is scaled to the largest error.
    errors_only : bool
        Whether the right ones are hidden.
    """
    right = np.eye(len(share), dtype=bool)
    largest_error = max(share[~right].max(initial=0), 1e-9)
    strength = np.where(right, 0.0 if errors_only else 0.75 * share, 0.85 * np.sqrt(share / largest_error))
    strength[(share == 0) & ~right] = 0
    text = np.where(right & errors_only, "transparent", "#f5f5f5" if is_dark() else "#16181d")
    color = np.where(
        right, "53, 88, 214" if is_dark() else "120, 150, 245", "184, 84, 16" if is_dark() else "245, 160, 80"
    )
    return pd.DataFrame(
        [
            [
                f"background-color: rgba({color[row, column]}, {strength[row, column]:.3f}); color: {text[row, column]}"
                for column in range(len(share))
            ]
            for row in range(len(share))
        ]
    )


POSITIVE, NEGATIVE = "222, 92, 72", "66, 133, 214"
"""Red and blue, which all people tell apart."""
SHOWN_ROWS, SHOWN_COLUMNS = 8, 12


def number_table(
    numbers: np.ndarray,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
    digits: int = 3,
    rows: slice = slice(0, SHOWN_ROWS),
    columns: slice = slice(0, SHOWN_COLUMNS),
) -> None:
    """Show the numbers of an array of shape (R, C), or of a window of it: negative ones on blue, positive ones on red.

    The deeper, the closer to the largest amount in the whole array. Dots stand for what the window leaves out.

    Parameters
    ----------
    numbers : ndarray, shape (R, C)
    row_names, column_names : sequence of str, optional
        Of the whole array; without, they are numbered from 0.
    digits : int
        Behind the decimal point.
    rows, columns : slice
        The window.
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
    """Write a number for a table: with a real minus sign, and with an exponent where it is very small or large."""
    if value == 0:
        return "0"
    plain = 10.0**-digits <= abs(value) < 1000
    text = f"{value:.{digits}f}" if plain else f"{value:.{max(digits - 2, 0)}e}"
    return text.replace("-", "\N{MINUS SIGN}")


def tint(share: float) -> str:
    """Turn -1 ... 1 into a CSS colour over the page: deep blue, none, deep red."""
    strength = 0.6 * min(abs(float(share)), 1.0)
    return f"rgba({POSITIVE if share > 0 else NEGATIVE}, {strength:.3f})"
