"""Tables of numbers, coloured so that the picture in them shows."""

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
