"""Curves of a run over its epochs, drawn by Altair so that they update in place."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.nn.schedules import schedule_course
from mnist_core.runs.tables import Step
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics

TRAINING, VALIDATION = "training", "validation"
COLORS = {TRAINING: "#4c78d8", VALIDATION: "#e8833a"}
LAYER_COLORS = (
    "#4c78d8",
    "#e8833a",
    "#3aa675",
    "#b65fcf",
    "#c9a227",
    "#d1495b",
    "#46b3c4",
    "#8a6d3b",
    "#7a8450",
    "#888c94",
)
KEPT_COLOR = "#3aa675"
NUMBER_COLOR = "#8a93a6"
"""Of a number in a chart, to be read in the light theme and in the dark one: Vega would write in black."""
MAX_POINTS = 400
FAINT, PLAIN, HIDDEN = "faint", "plain", "hidden"


def thin_out(rows: list) -> list:
    """Keep at most ``MAX_POINTS`` rows, evenly spread, including the first and the last."""
    if len(rows) <= MAX_POINTS:
        return rows
    step = (len(rows) - 1) / (MAX_POINTS - 1)
    return [rows[round(number * step)] for number in range(MAX_POINTS)]


def smooth(values: list[float], weight: float) -> list[float]:
    """Exponential moving average, without bias towards 0 at the start: value n - i counts ``weight**i``."""
    return pd.Series(values, dtype=float).ewm(alpha=1 - weight).mean().tolist()


class Look(NamedTuple):
    """Display options of curves."""

    smoothing: float = 0.0
    logarithmic: bool = False


PLAIN_LOOK = Look()


def curve(
    rows: list[EpochMetrics],
    measure: str,
    title: str,
    epochs: int,
    percent: bool = False,
    look: Look = PLAIN_LOOK,
    steps: Sequence[Step] = (),
    kept: int | None = None,
) -> alt.LayerChart:
    """Draw ``train_<measure>`` and ``val_<measure>`` over the epochs, and the mini-batches ``steps`` faintly.

    The horizontal axis spans all ``epochs``, so that the curve does not move while it grows; see :func:`horizon`. A
    line marks the epoch whose model was ``kept``, if it is named.
    """
    points = [(step.epoch, TRAINING, step.loss, FAINT, False) for step in thin_out(list(steps))]
    for name, field in ((TRAINING, f"train_{measure}"), (VALIDATION, f"val_{measure}")):
        known = thin_out([(row.epoch, getattr(row, field)) for row in rows if not math.isnan(getattr(row, field))])
        smoothed = smooth([value for _, value in known], look.smoothing)
        points += [
            (epoch, name, value, PLAIN, len(known) <= 40) for (epoch, _), value in zip(known, smoothed, strict=True)
        ]
        if look.smoothing:
            points += [(epoch, name, value, FAINT, False) for epoch, value in known]
    if look.logarithmic:
        points = [point for point in points if point[2] > 0]
    present = [name for name in COLORS if any(point[1] == name for point in points)]
    legend = alt.Legend(
        orient="bottom-right" if percent else "top-right", symbolOpacity=1
    )  # the corner without a curve
    done = math.ceil(steps[-1].epoch) if steps else rows[-1].epoch if rows else 1
    drawn = lines(
        pd.DataFrame(points, columns=["epoch", "set", "value", "kind", "dot"]),
        alt.Scale(domain=[0 if steps else 1, max(horizon(done, epochs), 2)]),
        title,
        alt.Y(
            "value:Q",
            scale=_vertical_scale(bool(points), percent, look),
            axis=alt.Axis(format="~%" if percent else "~g"),
        ),
        alt.Color(
            "set:N",
            title=None,
            legend=legend,
            scale=alt.Scale(domain=present, range=[COLORS[name] for name in present]),
        ),
        ".2%" if percent else ".4f",
    )
    return drawn if kept is None or not rows else drawn + _mark(kept, late=kept > rows[-1].epoch / 2)


def _mark(epoch: int, late: bool) -> alt.LayerChart:
    """Draw a vertical line at an epoch, with its name on the side where there is room."""
    base = alt.Chart(pd.DataFrame({"epoch": [epoch], "name": [f"model of epoch {epoch}"]})).encode(
        alt.X("epoch:Q"), tooltip=["name:N"]
    )
    rule = base.mark_rule(color=KEPT_COLOR, strokeDash=[4, 4], strokeWidth=1.5)
    name = base.mark_text(align="right" if late else "left", dx=-6 if late else 6, baseline="top", color=KEPT_COLOR)
    return rule + name.encode(alt.Text("name:N"), y=alt.value(4))


def _vertical_scale(points: bool, percent: bool, look: Look) -> alt.Scale:
    if not points:
        return alt.Scale(domain=[0, 1])
    return alt.Scale(type="log", nice=False) if look.logarithmic else alt.Scale(zero=not percent)


def lines(
    points: pd.DataFrame,
    horizontal: alt.Scale,
    title: str,
    y: alt.Y,
    color: alt.Color,
    number_format: str,
    height: int = 300,
) -> alt.LayerChart:
    """Draw lines over the epochs: columns epoch, set, value, kind (plain, faint or hidden) and dot (marked or not)."""
    kinds = [FAINT, PLAIN]
    base = alt.Chart(points, height=height).encode(
        alt.X("epoch:Q", title="epoch", scale=horizontal, axis=alt.Axis(tickMinStep=1, format="d")),
        y.title(title),
        color,
        tooltip=[
            "set:N",
            alt.Tooltip("epoch:Q", format=".3~g"),
            alt.Tooltip("value:Q", title=title, format=number_format),
        ],
    )
    return base.mark_line().transform_filter(f"datum.kind != '{HIDDEN}'").encode(
        opacity=alt.Opacity("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[0.3, 1])),
        strokeWidth=alt.StrokeWidth("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[1, 2])),
    ) + base.mark_point(size=18, filled=True).transform_filter("datum.dot")


def learning_rate_chart(
    rows: list[EpochMetrics], config: TrainingConfig, done: float, epochs: int, updates: int = 0
) -> alt.LayerChart:
    """Draw the learning rate of every moment up to ``done`` epochs, the rest of the schedule faintly.

    Dots are the rates that were recorded at the last of the ``updates`` of each epoch; 0 if their number is unknown.
    """
    course = schedule_course(config.schedule, config.warmup, epochs / config.epochs, done / config.epochs)
    plan = [(config.epochs * progress, config.learning_rate * factor) for progress, factor in course]
    points = [(*point, "planned", FAINT, False) for point in plan]
    points += [(*point, "used", PLAIN, False) for point in plan if point[0] <= done]
    recorded = [(row.epoch - (1 / updates if updates else 0), row.learning_rate) for row in rows]
    points += [(*point, "recorded", HIDDEN, True) for point in recorded if len(recorded) <= 40]
    return lines(
        pd.DataFrame(points, columns=["epoch", "value", "set", "kind", "dot"]),
        alt.Scale(domain=[0, max(epochs, 2)]),
        "learning rate",
        alt.Y("value:Q", axis=alt.Axis(format="~g")),
        alt.Color(
            "set:N",
            legend=None,
            scale=alt.Scale(domain=["planned", "used", "recorded"], range=[COLORS[TRAINING]] * 3),
        ),
        ".3g",
    )


def layer_chart(
    rows: list[LayerStatistics], measure: str, title: str, names: list[str], logarithmic: bool
) -> alt.LayerChart:
    """Draw a statistic of each layer over the epochs, one line per layer."""
    points = [
        (row.epoch, names[row.layer - 1], value, PLAIN, len(rows) <= 40 * len(names))
        for layer in range(1, len(names) + 1)
        for row in thin_out([row for row in rows if row.layer == layer])
        if not math.isnan(value := getattr(row, measure)) and (value > 0 or not logarithmic)
    ]
    present = [name for name in names if any(point[1] == name for point in points)]
    return lines(
        pd.DataFrame(points, columns=["epoch", "set", "value", "kind", "dot"]),
        alt.Scale(domain=[0, max(rows[-1].epoch, 2)], nice=False),
        title,
        alt.Y(
            "value:Q",
            scale=alt.Scale(type="log") if logarithmic else alt.Scale(),
            axis=alt.Axis(format="~e" if logarithmic else "~g", tickCount=5),
        ),
        alt.Color(
            "set:N",
            title=None,
            legend=alt.Legend(orient="bottom", columns=6, symbolOpacity=1),
            scale=alt.Scale(
                domain=present, range=[LAYER_COLORS[names.index(name) % len(LAYER_COLORS)] for name in present]
            ),
        ),
        ".3g",
        height=320,
    )


def horizon(done: int, epochs: int) -> int:
    """Choose the end of the epoch axis: ``epochs``, halved until the curve fills at least a quarter of it."""
    while epochs > 8 and done < epochs / 4:
        epochs = math.ceil(epochs / 2)
    return epochs


def histogram(values: np.ndarray, low: float, high: float, bins: int = 32) -> alt.Chart:
    """Draw how many pixels fall into each of ``bins`` equal bins of [low, high]."""
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    data = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "pixels": counts})
    return (
        alt.Chart(data, height=220)
        .mark_bar(color=COLORS[TRAINING])
        .encode(
            alt.X("from:Q", bin="binned", title="pixel value", scale=alt.Scale(domain=[low, high])),
            alt.X2("to:Q"),
            alt.Y("pixels:Q", title="pixels (square root)", scale=alt.Scale(type="sqrt")),
            tooltip=[alt.Tooltip("from:Q", format=".3g"), alt.Tooltip("to:Q", format=".3g"), "pixels:Q"],
        )
    )
