"""Pictures of digits: one with matplotlib, many as one mosaic."""

import base64
import io
import math
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from matplotlib.figure import Figure
from PIL import Image

MOSAIC_COLUMNS = 10


def digit_figure(image: np.ndarray, label: int) -> Figure:
    """Draw one image by ``imshow`` with its label above and pixel positions along the axes.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        uint8 from 0 to 255, or float from 0 to 1.
    label : int
    """
    ink = "#8a93a6"
    figure = Figure(figsize=(3.2, 3.4), dpi=150, facecolor="none")
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.83))
    axes.imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    axes.set_title(f"label: {label}", color=ink, fontsize=12, fontweight="bold")
    axes.tick_params(colors=ink, labelsize=8)
    axes.spines[:].set_color(ink)
    return figure


def mosaic(images: np.ndarray, columns: int = MOSAIC_COLUMNS) -> np.ndarray:
    """Lay N images of shape (N, H, W) or (N, H, W, 3) out in rows of ``columns``: one image, the missing tiles black."""
    rows = math.ceil(len(images) / columns)
    padded = np.zeros((rows * columns, *images.shape[1:]), np.uint8)
    padded[: len(images)] = images
    height, width, *color = images.shape[1:]
    tiles = padded.reshape(rows, columns, height, width, *color).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width, *color)


_CLICKABLE = st.components.v2.component(
    "mnist_digit_grid",
    html="<div></div>",
    js="""
    export default function({ parentElement, data, setTriggerValue }) {
        const grid = parentElement.querySelector("div");
        grid.innerHTML = data.html;
        grid.onclick = event => {
            const tile = event.target.closest("button");
            if (tile) setTriggerValue("clicked", Number(tile.value));
        };
    }
    """,
    isolate_styles=False,
)
_BUTTON = "all:unset;display:block;cursor:pointer;width:100%;outline-offset:2px"


def digit_grid(
    images: np.ndarray, captions: Sequence[str], titles: Sequence[str], size: int = 64, key: str | None = None
) -> int | None:
    """Show many digits with a caption under each, in as many columns as the screen has room for.

    All digits are one mosaic picture; each tile shows its part of it, so text stays text and pixels stay sharp.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), or (N, H, W, 3) in colour
    captions : sequence of N str
        A line under each digit.
    titles : sequence of N str
        What a pointer over the digit, or a screen reader, tells.
    size : int
        Smallest width of a tile in CSS pixels.
    key : str, optional
        Makes the tiles buttons.

    Returns
    -------
    int or None
        Position of the tile that was clicked just now.
    """
    columns = min(MOSAIC_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    tiles = []
    for number, (caption, title) in enumerate(zip(captions, titles, strict=True)):
        row, column = divmod(number, columns)
        x, y = 100 * column / max(columns - 1, 1), 100 * row / max(rows - 1, 1)
        tag, how = ("div", "") if key is None else ("button", f' value="{number}" style="{_BUTTON}"')
        tiles.append(
            f'<{tag}{how} title="{escape(title)}"><div role="img" aria-label="{escape(title)}" style="aspect-ratio:1;'
            f"border-radius:6px;image-rendering:pixelated;background-image:var(--mosaic);"
            f'background-size:{columns * 100}% {rows * 100}%;background-position:{x:.3f}% {y:.3f}%"></div>'
            f'<div style="text-align:center;font-size:0.8rem;line-height:1.5;white-space:nowrap">{escape(caption)}</div></{tag}>'
        )
    grid = (
        f'<div style="--mosaic:url(data:image/png;base64,{_png_base64(mosaic(images, columns))});display:grid;gap:8px;'
        f'grid-template-columns:repeat(auto-fill,minmax({size}px,1fr))">{"".join(tiles)}</div>'
    )
    if key is None:
        st.html(grid)
        return None
    return _CLICKABLE(data={"html": grid}, key=key, on_clicked_change=lambda: None).clicked


def diverging(values: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Colour numbers: 0 white, positive red, negative blue, deeper with their size; (...) to uint8 (..., 3).

    The two ends differ in lightness nowhere and in hue as blue and red do, which all common kinds of colour blindness
    tell apart.
    """
    largest = largest or float(np.abs(values).max()) or 1.0
    share = np.clip(values / largest, -1, 1)[..., np.newaxis]
    end = np.where(share > 0, np.array([178.0, 24, 43]), np.array([33.0, 102, 172]))
    return np.rint(255 + np.abs(share) * (end - 255)).astype(np.uint8)


def _png_base64(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()
