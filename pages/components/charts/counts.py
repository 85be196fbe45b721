"""Bars of how often something happened."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from pages.components.charts.curves import COLORS, NUMBER_COLOR, TRAINING

ROW_HEIGHT, AXIS_HEIGHT, LONGEST_NAME = 32, 60, 190


def count_bars(counts: Mapping[str, int], title: str, about: Mapping[str, str]) -> alt.LayerChart:
    """Draw a bar for each name, in the given order, with its number at the end.

    Parameters
    ----------
    counts : mapping of str to int
    title : str
        What is counted.
    about : mapping of str to str
        What a name means, shown when a bar is pointed at.
    """
    data = pd.DataFrame({"name": [*counts], "count": [*counts.values()], "about": [about[name] for name in counts]})
    base = alt.Chart(data, height=ROW_HEIGHT * len(data) + AXIS_HEIGHT).encode(
        alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=LONGEST_NAME, labelOverlap=False)),
        alt.X("count:Q", title=title, axis=alt.Axis(tickMinStep=1, format="d")),
        tooltip=["name:N", alt.Tooltip("count:Q", title=title), "about:N"],
    )
    numbers = base.mark_text(align="left", dx=4, color=NUMBER_COLOR).encode(alt.Text("count:Q"))
    return base.mark_bar(color=COLORS[TRAINING]) + numbers
