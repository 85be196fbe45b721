"""Images of digits: one drawn by matplotlib, many as one mosaic."""

import base64
import io
import math
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from pages.components.errors import callback
from pages.components.state import NumberIn, remembered

MOSAIC_COLUMNS = 10
SMALLEST_RATIO = 1 / 3
"""Of width and height, or the other way round: the tile of a narrower image is stretched, so that it can be seen."""


def digit_figure(image: np.ndarray) -> Figure:
    """Draw one image by ``imshow`` with pixel positions along the axes.

    Its label belongs beside it: Matplotlib's font lacks many scripts, and it reads formulas into text.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        uint8 from 0 to 255, or float from 0 to 1.
    """
    ink = "#8a93a6"
    figure = Figure(figsize=(3.2, 3.2), dpi=150, facecolor="none")
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.88))
    axes.imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    axes.tick_params(colors=ink, labelsize=8)
    axes.spines[:].set_color(ink)
    return figure


def mosaic(images: np.ndarray, columns: int = MOSAIC_COLUMNS) -> np.ndarray:
    """Arrange N images of shape (N, H, W) or (N, H, W, 3) in rows of ``columns`` as one image.

    Tiles that are left over are black, or the colour of 0 if the images are in colour.
    """
    rows = math.ceil(len(images) / columns)
    empty = 0 if images.ndim == 3 else diverging_colors(np.zeros(1), 1.0)
    padded = np.full((rows * columns, *images.shape[1:]), empty, np.uint8)
    padded[: len(images)] = images
    height, width, *colors = images.shape[1:]
    tiles = padded.reshape(rows, columns, height, width, *colors).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width, *colors)


def pick_page(gallery: str, count: int, size: int, content: str) -> slice:
    """Draw a page field over ``count`` images if they need several pages; return the positions on the chosen page.

    Parameters
    ----------
    gallery : str
        Name of the gallery, under which its page is remembered.
    count, size : int
        Number of images, and of images per page.
    content : str
        Describes what is shown, such as the filters; when it changes, the gallery starts at its first page.
    """
    pages = math.ceil(count / size)
    page = remembered(f"{gallery}_page", 1, url="page", parse=NumberIn(1, pages))
    shown = remembered(f"{gallery}_content", content)
    if shown.value != content:
        shown.set(content)
        page.set(1)
    if pages > 1:
        st.number_input(f"Page (1 to {pages:,})", 1, pages, width=150, **page.widget)
    return slice((page.value - 1) * size, min(page.value * size, count))


BLUE_TO_RED = colormaps["RdBu_r"].resampled(257)  # an odd number, so that 0 has a colour of its own: white
"""Colours from the most negative to the most positive value; colour-blind people can tell them apart."""


def diverging_colors(values: np.ndarray, limit: float) -> np.ndarray:
    """Colour numbers from -``limit`` (blue) over 0 (white) to ``limit`` (red).

    Parameters
    ----------
    values : ndarray of float, any shape
        Values beyond the limit are drawn as the limit.
    limit : float, above 0

    Returns
    -------
    ndarray of uint8, shape (..., 3)
        Red, green and blue.
    """
    return BLUE_TO_RED((values / limit + 1) / 2, bytes=True)[..., :3]


def color_scale(limit: float, meanings: tuple[str, str]) -> None:
    """Show the scale of :func:`diverging_colors` with its numbers, and what its two ends mean."""
    stops = ",".join(f"rgb({r},{g},{b})" for r, g, b in diverging_colors(np.linspace(-1, 1, 11), 1.0))
    ends = [f"≤ \N{MINUS SIGN}{limit:.2g}: {meanings[0]}", "0", f"≥ {limit:.2g}: {meanings[1]}"]
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
    images: np.ndarray,
    captions: Sequence[str],
    titles: Sequence[str],
    size: int = 64,
    key: str | None = None,
    indices: Sequence[int] | np.ndarray = (),
) -> int | None:
    """Show many images with a caption under each, in as many columns as fit on the screen.

    All images are one mosaic, and each tile shows its part of it: text stays text and pixels stay sharp.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W), or (N, H, W, 3) in colour
    captions : sequence of N str
        Lines under each image; what is too long for its width ends in dots.
    titles : sequence of N str
        Tooltip and text for screen readers.
    size : int
        Minimum width of a tile in CSS pixels.
    key : str, optional
        Makes the tiles buttons. It names the set of images that `indices` count in: a click on another set is void.
    indices : sequence of N int
        With a key: what a click sends. A click may come from an older drawing with other tiles, so it names the image
        and not the position of its tile.

    Returns
    -------
    int or None
        Index of the image that was clicked just now, as the browser says: check that there is one.
    """
    columns = min(MOSAIC_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    height, width = images.shape[1:3]
    ratio = min(max(width / height, SMALLEST_RATIO), 1 / SMALLEST_RATIO)
    tiles = []
    for number, (caption, title) in enumerate(zip(captions, titles, strict=True)):
        row, column = divmod(number, columns)
        x, y = 100 * column / max(columns - 1, 1), 100 * row / max(rows - 1, 1)
        tag, attributes = ("div", "") if key is None else ("button", f' value="{indices[number]}" style="{_BUTTON}"')
        tiles.append(
            f'<{tag}{attributes} title="{escape(title)}"><div role="img" aria-label="{escape(title)}" '
            f'style="aspect-ratio:{ratio:.4g};border-radius:6px;image-rendering:pixelated;background-image:var(--mosaic);'
            f'background-size:{columns * 100}% {rows * 100}%;background-position:{x:.3f}% {y:.3f}%"></div>'
            f"{''.join(map(_line, caption.splitlines()))}</{tag}>"
        )
    grid = (
        f'<div style="--mosaic:url(data:image/png;base64,{png_base64(mosaic(images, columns))});display:grid;gap:8px;'
        f'grid-template-columns:repeat(auto-fill,minmax({size}px,1fr))">{"".join(tiles)}</div>'
    )
    if key is None:
        st.html(grid)
        return None
    return _CLICKABLE(data={"html": grid}, key=key, on_clicked_change=callback(lambda: None)).clicked


def _line(text: str) -> str:
    style = (
        "text-align:center;font-size:0.8rem;line-height:1.5;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    )
    return f'<div style="{style}">{escape(text)}</div>'


def pixel_row(images: Sequence[np.ndarray], captions: Sequence[str], height: int = 112) -> None:
    """Show a few images of any size side by side, at one height, with sharp pixels and a caption under each.

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
