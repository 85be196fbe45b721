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
    """Lay N images of shape (N, H, W) out in rows of ``columns``: one image, the missing tiles black."""
    rows = math.ceil(len(images) / columns)
    padded = np.zeros((rows * columns, *images.shape[1:]), np.uint8)
    padded[: len(images)] = images
    height, width = images.shape[1:]
    return padded.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def digit_grid(images: np.ndarray, captions: Sequence[str], titles: Sequence[str], size: int = 64) -> None:
    """Show many digits with a caption under each, in as many columns as the screen has room for.

    All digits are one mosaic picture; each tile shows its part of it, so text stays text and pixels stay sharp.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
    captions : sequence of N str
        A line under each digit.
    titles : sequence of N str
        What a pointer over the digit, or a screen reader, tells.
    size : int
        Smallest width of a tile in CSS pixels.
    """
    columns = min(MOSAIC_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    tiles = []
    for number, (caption, title) in enumerate(zip(captions, titles, strict=True)):
        row, column = divmod(number, columns)
        x, y = 100 * column / max(columns - 1, 1), 100 * row / max(rows - 1, 1)
        tiles.append(
            f'<div title="{escape(title)}"><div role="img" aria-label="{escape(title)}" style="aspect-ratio:1;'
            f"border-radius:6px;image-rendering:pixelated;background-image:var(--mosaic);"
            f'background-size:{columns * 100}% {rows * 100}%;background-position:{x:.3f}% {y:.3f}%"></div>'
            f'<div style="text-align:center;font-size:0.8rem;line-height:1.5;white-space:nowrap">{escape(caption)}</div></div>'
        )
    st.html(
        f'<div style="--mosaic:url(data:image/png;base64,{_png_base64(mosaic(images, columns))});display:grid;gap:8px;'
        f'grid-template-columns:repeat(auto-fill,minmax({size}px,1fr))">{"".join(tiles)}</div>'
    )


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
        f'src="data:image/png;base64,{_png_base64(image)}" style="height:{height}px;max-width:100%;object-fit:contain;'
        f'image-rendering:pixelated;border-radius:6px;background:#000">'
        f'<figcaption style="font-size:0.8rem;line-height:1.4">{escape(caption)}</figcaption></figure>'
        for image, caption in zip(images, captions, strict=True)
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:14px">{tiles}</div>')


def _png_base64(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()
