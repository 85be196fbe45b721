"""A network as circles and lines: the activations and contributions for one image."""

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.data.classes import Classes
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.inspection.units import strongest, strongest_connections
from mnist_core.nn.network import Network
from pages.components.inside_view import picture_uri

MOST_UNITS, MOST_LINES = 24, 60
HEIGHT, UNIT = 600, 28  # pixels of the drawing, and of a unit of the output at least
WIDEST_NAME = 11


class Colors(NamedTuple):
    """Colours of a drawing in the light or the dark theme."""

    rest: str
    active: str
    negative: str
    positive_line: str
    negative_line: str
    text: str


LIGHT = Colors("#f3f5fa", "#e07b00", "#2166ac", "#d6604d", "#4393c3", "#1c2230")
DARK = Colors("#232a38", "#ffb84d", "#67a9ff", "#ef8a62", "#67a9cf", "#e8ebf2")


def shown_units(activations: list[np.ndarray]) -> list[np.ndarray]:
    """Choose the units to draw in each layer after the input: the most active ones, in order, and all classes."""
    hidden = [np.sort(strongest(np.abs(activation), MOST_UNITS)) for activation in activations[1:-1]]
    return [*hidden, np.arange(len(activations[-1]))]


def network_drawing(network: Network, classes: Classes, image: np.ndarray, label: int, dark: bool) -> alt.LayerChart:
    """Draw an image, the most active units of each layer and the strongest contributions between them.

    Parameters
    ----------
    network : Network
    classes : Classes
    image : ndarray of uint8, shape (H, W)
    label : int
        The true class, marked at the output.
    dark : bool
    """
    colors = DARK if dark else LIGHT
    weighted_inputs, activations = network.forward_pass(flatten(normalize(image[np.newaxis])))
    activations = [activation[0] for activation in activations]
    shown = shown_units(activations)
    nodes = pd.DataFrame(_nodes(activations, shown, label, classes, colors))
    lines = pd.DataFrame(_lines(network, weighted_inputs[0][0], activations, shown, classes, colors))
    depth = len(shown)
    end = depth + (0.5 if classes.are_short else 0.8)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.35, end], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.03, 1.13], nice=False))
    drawn_lines = (
        alt.Chart(lines)
        .mark_rule(strokeCap="round")
        .encode(
            x, y, alt.X2("x2:Q"), alt.Y2("y2:Q"),
            color=alt.Color("color:N", scale=None),
            strokeWidth=alt.StrokeWidth("width:Q", scale=None),
            opacity=alt.Opacity("opacity:Q", scale=None),
            tooltip=["from:N", "to:N", alt.Tooltip("contribution:Q", format="+.3f")],
        )
    )  # fmt: skip
    base = alt.Chart(nodes).encode(x, y)
    circles = base.mark_circle(size=340, opacity=1, strokeWidth=1.2).encode(
        color=alt.Color("color:N", scale=None),
        stroke=alt.value("#8a93a6"),
        tooltip=["unit:N", alt.Tooltip("activation:Q", format=".4f")],
    )
    numbers = base.mark_text(fontSize=9).encode(text="number:N", color=alt.Color("ink:N", scale=None))
    names = base.mark_text(
        align="left",
        dx=14,
        fontSize=12,
        color=colors.text,
        lineBreak="\n",
        baseline="middle",
        dy=0 if classes.are_short else -7,
    ).encode(text="name:N")
    heads = pd.DataFrame({"x": range(depth + 1), "y": 1.06, "name": _heads(activations, shown)})
    titles = (
        alt.Chart(heads)
        .mark_text(fontSize=12, fontWeight="bold", color=colors.text, lineBreak="\n", baseline="bottom")
        .encode(x, y, text="name:N")
    )
    pixels = alt.Chart(pd.DataFrame({"x": [0], "y": [0.5], "url": [picture_uri(image)]}))
    size = min(84, 330 // (depth + 1))  # leaves room for the layers on a phone
    pixels = pixels.mark_image(width=size, height=size).encode(x, y, url="url:N")
    height = max(HEIGHT, UNIT * len(classes))
    return alt.layer(drawn_lines, circles, numbers, names, titles, pixels, height=height).configure_view(strokeWidth=0)


def _heads(activations: list[np.ndarray], shown: list[np.ndarray]) -> list[str]:
    hidden = [
        f"layer {layer}" if len(units) == len(activation) else f"layer {layer}\n{len(units)} of {len(activation)}"
        for layer, (units, activation) in enumerate(zip(shown[:-1], activations[1:-1], strict=True), start=1)
    ]
    return ["image", *hidden, "output"]


def _height(position: int, count: int) -> float:
    """Vertical position of a unit, the first on top."""
    return 0.5 if count == 1 else 1 - position / (count - 1)


def _nodes(
    activations: list[np.ndarray], shown: list[np.ndarray], label: int, classes: Classes, colors: Colors
) -> list[dict]:
    nodes = []
    for column, units in enumerate(shown, start=1):
        output = column == len(shown)
        values = activations[column]
        largest = 1.0 if output else max(float(np.abs(values).max()), 1e-9)
        for position, unit in enumerate(units):
            value = float(values[unit])
            fraction = abs(value) / largest
            nodes.append(
                {
                    "x": column,
                    "y": _height(position, len(units)),
                    "unit": _unit_name(classes, column, unit, output),
                    "number": str(unit) if not output else classes.short(unit, 3) if classes.are_short else "",
                    "name": _answer(classes, unit, value, unit == label) if output else "",
                    "activation": value,
                    "color": _mix(colors.rest, colors.active if value >= 0 else colors.negative, fraction),
                    "ink": colors.text if fraction < 0.5 else "#11141b",
                }
            )
    return nodes


def _unit_name(classes: Classes, layer: int, unit: int, output: bool) -> str:
    return f"class {classes[unit].plain}" if output else f"layer {layer}, unit {unit}"


def _answer(classes: Classes, label: int, probability: float, correct: bool) -> str:
    name = "" if classes.are_short else f"{classes.short(label, WIDEST_NAME)}\n"
    return f"{name}{probability:.1%}{' ✓' if correct else ''}"


def _lines(
    network: Network,
    z_first: np.ndarray,
    activations: list[np.ndarray],
    shown: list[np.ndarray],
    classes: Classes,
    colors: Colors,
) -> list[dict]:
    lines = []
    for column, targets in enumerate(shown, start=1):
        if column == 1:  # the sum over all pixels
            sums = z_first - network.biases[0]
            found: Sequence[tuple[int, int, float]] = [(0, int(unit), float(sums[unit])) for unit in targets]
        else:
            sources = shown[column - 2]
            found = strongest_connections(
                activations[column - 1], network.weights[column - 1], sources, targets, MOST_LINES
            )
        largest = max((abs(contribution) for *_, contribution in found), default=0) or 1.0
        rows = {unit: position for position, unit in enumerate(targets.tolist())}
        before = {} if column == 1 else {unit: position for position, unit in enumerate(shown[column - 2].tolist())}
        for source, target, contribution in found:
            fraction = abs(contribution) / largest
            lines.append(
                {
                    "x": column - 1 if column > 1 else 0.2,
                    "y": 0.5 if column == 1 else _height(before[source], len(before)),
                    "x2": column,
                    "y2": _height(rows[target], len(rows)),
                    "from": "all pixels" if column == 1 else f"layer {column - 1}, unit {source}",
                    "to": _unit_name(classes, column, target, column == len(shown)),
                    "contribution": contribution,
                    "width": 0.5 + 3 * fraction,
                    "opacity": 0.15 + 0.7 * fraction,
                    "color": colors.positive_line if contribution >= 0 else colors.negative_line,
                }
            )
    return lines


def _mix(start: str, end: str, fraction: float) -> str:
    """Interpolate between two colours, as #rrggbb."""
    ends = [[int(color[n : n + 2], 16) for n in (1, 3, 5)] for color in (start, end)]
    return "#" + "".join(f"{round(a + (b - a) * min(fraction, 1)):02x}" for a, b in zip(*ends, strict=True))
