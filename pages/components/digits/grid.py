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
    """Lay N images of shape (N, H, W) or (N, H, W, 3) out in rows of ``columns`` as one image.

    Missing tiles are black, in colour white, as the border of what they stand beside.
    """
    rows = math.ceil(len(images) / columns)
    empty = 0 if images.ndim == 3 else BLUE_TO_RED[len(BLUE_TO_RED) // 2, 0]
    padded = np.full((rows * columns, *images.shape[1:]), empty, np.uint8)
    padded[: len(images)] = images
    height, width, *colors = images.shape[1:]
    tiles = padded.reshape(rows, columns, height, width, *colors).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width, *colors)


def pick_page(count: int, size: int, key: str) -> slice:
    """Draw the field for a page of ``size`` out of ``count``, if there are several; return what is on the chosen one.

    Parameters
    ----------
    count, size : int
    key : str
        Of what is paged: another one begins on its first page.
    """
    pages = math.ceil(count / size)
    number = st.number_input(f"Page (1 to {pages:,})", 1, pages, 1, key=f"page {key}", width=150) if pages > 1 else 1
    return slice((number - 1) * size, min(number * size, count))


BLUE_TO_RED = np.array(
    [[5, 48, 97], [67, 147, 195], [209, 229, 240], [247, 247, 247], [253, 219, 199], [214, 96, 77], [103, 0, 31]]
)
"""Colours from the most negative to the most positive value, as in ColorBrewer's RdBu, which colour-blind people can read."""


def diverging_colors(values: np.ndarray, limit: float) -> np.ndarray:
    """Colour numbers from -``limit`` (blue) over 0 (white) to ``limit`` (red).

    Parameters
    ----------
    values : ndarray of float, any shape
        What lies beyond the limit is drawn as the limit.
    limit : float, above 0

    Returns
    -------
    ndarray of uint8, one dimension more than ``values``: red, green and blue
    """
    position = np.clip(values / limit, -1, 1)
    stops = np.linspace(-1, 1, len(BLUE_TO_RED))
    channels = [np.interp(position, stops, BLUE_TO_RED[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def color_scale(limit: float, words: tuple[str, str]) -> None:
    """Show the scale of :func:`diverging_colors` with its numbers, and what its ends mean."""
    stops = ",".join(f"rgb({r},{g},{b})" for r, g, b in BLUE_TO_RED)
    ends = [f"≤ \N{MINUS SIGN}{limit:.2g}: {words[0]}", "0", f"≥ {limit:.2g}: {words[1]}"]
    st.html(
        f'<div style="max-width:420px;font-size:0.8rem"><div style="height:12px;border-radius:6px;background:'
        f'linear-gradient(90deg,{stops})"></div><div style="display:flex;justify-content:space-between">'
        f"{''.join(f'<span>{escape(end)}</span>' for end in ends)}</div></div>"
    )


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
        f'<div style="--mosaic:url(data:image/png;base64,{png_base64(mosaic(images, columns))});display:grid;gap:8px;'
        f'grid-template-columns:repeat(auto-fill,minmax({size}px,1fr))">{"".join(tiles)}</div>'
    )
    if key is None:
        st.html(grid)
        return None
    return _CLICKABLE(data={"html": grid}, key=key, on_clicked_change=lambda: None).clicked


def pixel_row(images: Sequence[np.ndarray], captions: Sequence[str], height: int = 112) -> None:
    """Show a few images of any size side by side, all of one height, their pixels sharp, with a caption under each.

    Parameters
    ----------
    images : sequence of ndarray of uint8, shapes (H, W)
    captions : sequence of str
    height : int
        Height in CSS pixels.
    """
    tiles = "".join(
        f'<figure style="margin:0;min-width:{height}px"><img alt="{escape(caption)}" '
        f'src="data:image/png;base64,{png_base64(image)}" style="height:{height}px;max-width:100%;object-fit:contain;'
        f'image-rendering:pixelated;border-radius:6px;background:#000">'
        f'<figcaption style="font-size:0.8rem;line-height:1.4">{escape(caption)}</figcaption></figure>'
        for image, caption in zip(images, captions, strict=True)
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:14px">{tiles}</div>')


def png_base64(pixels: np.ndarray) -> str:
    """Write an image of shape (H, W) or (H, W, 3) as a PNG, in base64 as data URIs hold it."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()
