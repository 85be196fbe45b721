"""How a network reads a digit: its probabilities as bars, and the activations of its layers as mosaics."""

import math
from html import escape

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.errors import counted
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import ForwardPass, Network
from pages.components.charts.curves import NUMBER_COLOR
from pages.components.class_names import AXIS_PIXELS
from pages.components.digits.grid import png_base64

WINNER, OTHER, TRUE = "#4c78d8", "#9fb2d9", "#3aa675"
DARK, POSITIVE, NEGATIVE = np.array([24, 28, 38]), np.array([255, 214, 92]), np.array([92, 190, 255])
CELL = 18
MAX_COLUMNS = 32
DELAY = 0.15
"""Seconds from one layer to the next."""


def probability_chart(classes: Classes, probabilities: np.ndarray, label: int | None = None) -> alt.LayerChart:
    """Draw the probability of each class, shape (C,), as a bar with its number.

    The largest one has the stronger colour; that of the true ``label``, if known, is green.
    """
    winner = int(probabilities.argmax())
    table = pd.DataFrame(
        {
            "class": classes.plain(),
            "probability": probabilities.astype(float),
            "text": [f"{value:.1%}" if probabilities.any() else "" for value in probabilities],
            "color": [
                TRUE if number == label else WINNER if number == winner else OTHER for number in range(len(classes))
            ],
        }
    )
    base = alt.Chart(table, height=21 * len(table)).encode(
        alt.Y(
            "class:N",
            sort=None,
            title=None,
            axis=alt.Axis(
                labelFontSize=13,
                labelLimit=AXIS_PIXELS,
                labelOverlap=False,
                labelFlush=False,
                ticks=False,
                domain=False,
            ),
        ),
        alt.X("probability:Q", scale=alt.Scale(domain=[0, 1.14]), axis=None),
        tooltip=["class:N", alt.Tooltip("probability:Q", format=".3%")],
    )
    bars = base.mark_bar(cornerRadiusEnd=3).encode(alt.Color("color:N", scale=None))
    return bars + base.mark_text(align="left", dx=5, color=NUMBER_COLOR).encode(text="text:N")


def activation_mosaic(activations: np.ndarray) -> np.ndarray:
    """Draw each activation of a layer as one pixel: dark at 0, yellow above, blue below.

    Parameters
    ----------
    activations : ndarray of float, shape (U,)

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 4)
        Red, green, blue and alpha; pixels beyond the last unit are transparent.
    """
    units = len(activations)
    columns = min(units, max(MAX_COLUMNS, math.ceil(math.sqrt(4 * units) / MAX_COLUMNS) * MAX_COLUMNS))
    rows = math.ceil(units / columns)
    strength = np.abs(activations) / max(np.abs(activations).max(), 1.0)
    color = np.where((activations < 0)[:, np.newaxis], NEGATIVE, POSITIVE)
    pixels = np.zeros((rows * columns, 4), np.uint8)
    pixels[:units, :3] = np.rint(DARK + strength[:, np.newaxis] * (color - DARK))
    pixels[:units, 3] = 255
    return pixels.reshape(rows, columns, 4)


def show_activations(network: Network, forward: ForwardPass, classes: Classes) -> None:
    """Show the layers of one image's forward pass, lighting up one after the other."""
    names = classes.plain() if classes.are_short else []  # the bars beside it name the others
    layers = [activation[0] for activation in forward.activations[1:]]
    figures = []
    for number, activations in enumerate(layers, start=1):
        last = number == len(layers)
        name = "Output" if last else f"Hidden layer {number}"
        kind = "softmax" if last else ACTIVATIONS[network.activation].label
        text = f"{name}: {counted(len(activations), f'{kind} unit')}"
        pixels = activation_mosaic(activations)
        labels = "".join(f'<span style="flex:1;text-align:center">{escape(name)}</span>' for name in names)
        width = pixels.shape[1] * CELL
        figures.append(
            f'<figure style="margin:0 0 10px"><figcaption style="font-size:0.8rem;line-height:1.6">{text}</figcaption>'
            f'<img alt="{text}" src="data:image/png;base64,{png_base64(pixels)}" '
            f'style="width:min({width}px,100%);height:auto;display:block;image-rendering:pixelated;border-radius:4px;'
            f'animation:light-up 0.3s {number * DELAY - DELAY:.2f}s both ease-out">'
            + (f'<div style="display:flex;font-size:0.7rem;width:min({width}px,100%)">{labels}</div>' if last else "")
            + "</figure>"
        )
    st.html(
        "<style>@keyframes light-up{from{opacity:0.15}to{opacity:1}}"
        f"@media(prefers-reduced-motion){{img{{animation:none!important}}}}</style>{''.join(figures)}"
    )
