"""Names of classes on pages: in pickers, along axes, in heads of tables and below images."""

from collections.abc import Callable
from typing import Any

import altair as alt

from mnist_core.data.classes import Classes

HEAD = 14
"""Columns of text that a name has in the head of a table."""

TILE, TILE_PIXELS = 12, 112
"""Columns of text that a name has below an image, and the width of that image in pixels."""

UPRIGHT = 4
"""Columns of the widest names that stand side by side along an axis."""

AXIS_PIXELS, LEANING = 96, 50
"""Width of a name along an axis, and what a leaning one adds to the height of a chart, in pixels."""


def option(classes: Classes) -> Callable[[Any], str]:
    """How a select box writes a label by its name, and any other option, such as "any", as it is."""
    return lambda label: classes[label].plain if isinstance(label, int) else str(label)


def picker_width(classes: Classes, width: int) -> int:
    """Pixels of a select box that is ``width`` wide for digits."""
    return width if classes.are_short else max(width, 190)


def class_axis(classes: Classes, **options: Any) -> alt.Axis:
    """Axis with the names below it; they lean if they would not fit side by side."""
    upright = classes.widest <= UPRIGHT
    return alt.Axis(labelAngle=0 if upright else -40, labelLimit=AXIS_PIXELS, labelOverlap=False, **options)


def chart_height(classes: Classes, height: int) -> int:
    """Pixels of a chart above a :func:`class_axis` that is so high for digits: leaning names need room below it."""
    return height if classes.widest <= UPRIGHT else height + LEANING


def legend_columns(classes: Classes) -> int:
    """Columns of a legend above a chart that fits a phone."""
    return 5 if classes.widest <= UPRIGHT else 3


def tile_size(classes: Classes, width: int) -> int:
    """Pixels of an image with names below it that is ``width`` wide for digits."""
    return width if classes.are_short else max(width, TILE_PIXELS)


def tile_caption(classes: Classes, label: int, more: str = "", predicted: int | None = None) -> str:
    """Caption of an image: "7 · 97%" or "7 → 9 · 97%"; names that are longer have a line each."""
    tail = f" · {more}" if more else ""
    if classes.are_short:
        named = classes.short(label, TILE) if predicted is None else classes.arrow(label, predicted)
        return named + tail
    name = classes.short(label, TILE)
    if predicted is None:
        return f"{name}\n{more}" if more else name
    return f"{name}\n→ {classes.short(predicted, TILE)}{tail}"
