"""Charts of a run, drawn by Altair so that they update in place."""

import math

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.training import EpochMetrics

TRAINING, VALIDATION = "training", "validation"
COLORS = {TRAINING: "#4c78d8", VALIDATION: "#e8833a"}
MAX_POINTS = 400


def thin_out(rows: list[EpochMetrics]) -> list[EpochMetrics]:
    """Keep at most ``MAX_POINTS`` rows, evenly spread, the first and the last one among them."""
    if len(rows) <= MAX_POINTS:
        return rows
    step = (len(rows) - 1) / (MAX_POINTS - 1)
    return [rows[round(number * step)] for number in range(MAX_POINTS)]


def curve(rows: list[EpochMetrics], measure: str, title: str, epochs: int, percent: bool = False) -> alt.Chart:
    """Draw ``train_<measure>`` and ``val_<measure>`` over the epochs.

    The horizontal axis spans all ``epochs``, so that nothing moves while the curve grows; see :func:`horizon`.
    """
    end = horizon(rows[-1].epoch if rows else 1, epochs)
    points = [
        {"epoch": row.epoch, "set": name, "value": value}
        for row in thin_out(rows)
        for name, value in ((TRAINING, getattr(row, f"train_{measure}")), (VALIDATION, getattr(row, f"val_{measure}")))
        if not math.isnan(value)
    ]
    present = [name for name in COLORS if any(point["set"] == name for point in points)]
    scale = alt.Scale(domain=present, range=[COLORS[name] for name in present])
    number_format = ".2%" if percent else ".4f"
    legend = alt.Legend(orient="bottom-right" if percent else "top-right")  # where no curve is
    return (
        alt.Chart(pd.DataFrame(points, columns=["epoch", "set", "value"]), height=300)
        .mark_line(point={"size": 18} if len(rows) <= 40 else False, strokeWidth=2)
        .encode(
            alt.X(
                "epoch:Q",
                title="epoch",
                scale=alt.Scale(domain=[1, max(end, 2)]),
                axis=alt.Axis(tickMinStep=1, format="d"),
            ),
            alt.Y(
                "value:Q",
                title=title,
                scale=alt.Scale(zero=not percent) if points else alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%" if percent else "~g"),
            ),
            alt.Color("set:N", title=None, scale=scale, legend=legend),
            tooltip=[
                alt.Tooltip("set:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("value:Q", title=title, format=number_format),
            ],
        )
    )


def horizon(done: int, epochs: int) -> int:
    """End of the epoch axis: ``epochs``, halved as often as the curve would fill less than a quarter of it."""
    while epochs > 8 and done < epochs / 4:
        epochs = math.ceil(epochs / 2)
    return epochs


def histogram(values: np.ndarray, low: float, high: float, bins: int = 32) -> alt.Chart:
    """Draw how many pixels fall into each of ``bins`` equal intervals of [low, high]."""
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
