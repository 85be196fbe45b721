"""Tables of numbers, coloured so that the picture in them shows."""

import numpy as np
import pandas as pd
import streamlit as st


def is_dark() -> bool:
    """Whether this session sees the dark theme."""
    return st.context.theme.type == "dark"


def pixel_table(pixels: np.ndarray, digits: int) -> None:
    """Show the numbers of one image of shape (H, W), each on its own grey."""
    values = pd.DataFrame(pixels)
    share = pixels / 255 if pixels.dtype == np.uint8 else pixels
    styles = pd.DataFrame(
        [
            [f"background-color: {grey(value)}; color: {'#111' if value > 0.5 else '#eee'}" for value in row]
            for row in share
        ]
    )
    st.dataframe(
        values.style.apply(lambda _: styles, axis=None).format(f"{{:.{digits}f}}"),
        column_config={column: st.column_config.Column(str(column), width=34 + 8 * digits) for column in values},
        height=350,
        row_height=24,
    )


def grey(share: float) -> str:
    """Turn 0 ... 1 into a CSS grey, black to white, as the picture itself is drawn."""
    level = round(255 * float(share))
    return f"rgb({level}, {level}, {level})"


def confusion_style(share: np.ndarray) -> pd.DataFrame:
    """CSS of each cell of a confusion table: right ones blue, wrong ones orange, deeper with their share.

    Parameters
    ----------
    share : ndarray of float, shape (C, C), range [0, 1]
        Share of each cell in its row (its true class). The orange is scaled to the largest error.
    """
    right = np.eye(len(share), dtype=bool)
    largest_error = max(share[~right].max(initial=0), 1e-9)
    strength = np.where(right, 0.75 * share, 0.85 * np.sqrt(share / largest_error))
    strength[(share == 0) & ~right] = 0
    text = "#f5f5f5" if is_dark() else "#16181d"
    color = np.where(
        right, "53, 88, 214" if is_dark() else "120, 150, 245", "214, 110, 30" if is_dark() else "245, 160, 80"
    )
    return pd.DataFrame(
        [
            [
                f"background-color: rgba({color[row, column]}, {strength[row, column]:.3f}); color: {text}"
                for column in range(len(share))
            ]
            for row in range(len(share))
        ]
    )
