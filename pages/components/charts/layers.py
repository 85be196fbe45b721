"""Charts of the layers of a network: activations by class, principal components, distributions over epochs."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from mnist_core.data.classes import Classes
from mnist_core.training.layer_histograms import Histogram, on_common_bins
from pages.components.charts.curves import COLORS, TRAINING
from pages.components.class_names import AXIS_PIXELS, chart_height, class_axis, legend_columns

CLASS_COLORS = (
    "#4c78a8", "#f58518", "#e45756", "#72b7b2", "#54a24b", "#eeca3b", "#b279a2", "#ff9da6", "#9d755d", "#bab0ac",
)  # fmt: skip
CROSS = "M-1,-1L1,1M1,-1L-1,1"
MOST_COLUMNS, LEVELS = 60, 64
LEGEND_LINE = 24  # pixels


def class_bars(classes: Classes, means: np.ndarray) -> alt.Chart:
    """Draw the mean activation of a unit for each class, from an array of shape (C,)."""
    data = pd.DataFrame({"class": classes.plain(), "mean": means.astype(float)})
    return (
        alt.Chart(data, height=chart_height(classes, 240))
        .mark_bar(color=COLORS[TRAINING])
        .encode(
            alt.X("class:N", title="class", sort=None, axis=class_axis(classes)),
            alt.Y("mean:Q", title="mean activation"),
            tooltip=["class:N", alt.Tooltip("mean:Q", format=".4f")],
        )
    )


def digit_map(places: pd.DataFrame, classes: Classes) -> alt.LayerChart:
    """Draw images as points coloured by class, misclassified ones as crosses; hovering over a point shows its image.

    Parameters
    ----------
    places : DataFrame
        Columns x, y, index, label, predicted, confidence, right and image, a data URI.
    classes : Classes
    """
    names = classes.plain()
    places = places.assign(**{name: [names[label] for label in places[name]] for name in ("label", "predicted")})
    colors = [CLASS_COLORS[label % len(CLASS_COLORS)] for label in range(len(names))]
    scale = alt.Scale(domain=names, range=colors)
    columns = legend_columns(classes)
    below = LEGEND_LINE * math.ceil(len(names) / columns)
    legend = alt.Legend(orient="top", columns=columns, symbolOpacity=1, labelLimit=AXIS_PIXELS)
    picked = alt.selection_point(fields=["label"], bind="legend")
    base = alt.Chart(places, height=510 + below).encode(
        alt.X("x:Q", title="first principal component"),
        alt.Y("y:Q", title="second principal component"),
        alt.Color("label:N", title="class", scale=scale, legend=legend),
        tooltip=["image:N", "index:Q", "label:N", "predicted:N", alt.Tooltip("confidence:Q", format=".1%")],
    )
    right = base.transform_filter("datum.right").mark_circle(size=34)
    right = right.encode(opacity=alt.condition(picked, alt.value(0.65), alt.value(0.05)))
    wrong = base.transform_filter("!datum.right").mark_point(shape=CROSS, size=44, strokeWidth=2.4, filled=False)
    wrong = wrong.encode(opacity=alt.condition(picked, alt.value(1), alt.value(0.08)))
    return (right + wrong).add_params(picked)


def distribution_over_epochs(rows: Sequence[Histogram], title: str) -> alt.Chart:
    """Draw the histograms of a layer as a heat map: epochs on x, values on y, the fraction as opacity."""
    if len(rows) > MOST_COLUMNS:
        rows = [rows[n] for n in np.linspace(0, len(rows) - 1, MOST_COLUMNS).round().astype(int)]
    edges, fractions = on_common_bins(rows, LEVELS)
    epochs = np.array([row.epoch for row in rows])
    gaps = np.diff(epochs, append=epochs[-1] + max(epochs[-1] / MOST_COLUMNS, 1))  # the last column ends with the run
    column, level = np.nonzero(fractions > 5e-4)
    data = pd.DataFrame(
        {
            "epoch": epochs[column],
            "next": epochs[column] + gaps[column],
            "from": edges[level],
            "to": edges[level + 1],
            "fraction": fractions[column, level],
        }
    )
    return (
        alt.Chart(data, height=260, title=title)
        .mark_rect(color=COLORS[TRAINING])
        .encode(
            alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d"), scale=alt.Scale(nice=False)),
            alt.X2("next:Q"),
            alt.Y("from:Q", title=None, axis=alt.Axis(format="~g"), scale=alt.Scale(zero=False, nice=False)),
            alt.Y2("to:Q"),
            opacity=alt.Opacity("fraction:Q", legend=None, scale=alt.Scale(type="sqrt", domainMin=0, range=[0, 1])),
            tooltip=[
                "epoch:Q",
                alt.Tooltip("from:Q", format=".3g"),
                alt.Tooltip("to:Q", format=".3g"),
                alt.Tooltip("fraction:Q", format=".2%"),
            ],
        )
    )
