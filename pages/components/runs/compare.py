"""Compare runs: curves, settings that differ, and the images that only one of two runs classifies correctly."""

import math
from collections.abc import Mapping
from itertools import accumulate

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.evaluation.predict import Evaluation
from mnist_core.evaluation.significance import McNemar, mcnemar
from mnist_core.runs.run import Run
from mnist_core.runs.settings_diff import differing_settings
from mnist_core.runs.tables import Rows
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText
from pages.components.charts.curves import LAYER_COLORS, TRAINING, VALIDATION, thin_out
from pages.components.class_names import tile_caption, tile_size
from pages.components.digits.grid import digit_grid
from pages.components.errors import errors_shown
from pages.components.runs.before_after import show_before_after
from pages.components.runs.outcome import kept_epoch
from pages.components.runs.picker import run_classes, run_dataset, say_left_out, test_result
from pages.components.state import OneOf, parse_bool, remembered
from pages.components.tables import table_height

COLORS = LAYER_COLORS[:8]
"""One for each run whose curves are drawn."""
AXES = {"By epoch": "epoch", "By time": "seconds of training"}
GALLERY = 60
SIGNIFICANT = 0.05


def run_name(run: Run) -> UntrustedText:
    """Name of a run, or its id."""
    return run.about.name or UntrustedText(run.id)


def labels(runs: list[Run]) -> list[str]:
    """Name or id of each run, with the id added to names that occur twice."""
    names = [run_name(run).plain for run in runs]
    return [name if names.count(name) == 1 else f"{name} ({run.id})" for name, run in zip(names, runs, strict=True)]


def swatch(number: int) -> None:
    """Draw the colour of a run."""
    st.html(
        f'<div style="width:14px;height:14px;border-radius:4px;background:{COLORS[number]}"></div>', width="content"
    )


def show_curves(runs: list[Run]) -> list[Rows[EpochMetrics]]:
    """Draw loss and accuracy of all runs on top of one another, redrawn while a run is active; return their rows."""
    names = labels(runs)
    rows: dict[str, Rows[EpochMetrics]] = {name: Rows() for name in names}
    kept: dict[str, int | None] = dict.fromkeys(names)
    with st.container():  # always there, so that what comes and goes in it leaves the charts in their place
        for name, run in zip(names, runs, strict=True):
            with errors_shown():  # of one run; the others are drawn
                rows[name] = run.metrics()
                kept[name] = None if run.status.active else kept_epoch(run)
        say_left_out(*rows.values())
    if not any(rows.values()):
        st.caption("None of these runs has completed an epoch.")
        return list(rows.values())
    axis = remembered("compare_axis", "By epoch", url="axis", parse=OneOf(tuple(AXES)))
    logarithmic = remembered("logarithmic", False, url="log", parse=parse_bool)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control("Horizontal axis", list(AXES), label_visibility="collapsed", required=True, **axis.widget)
        st.toggle("Log scale", help="Draw the loss on a logarithmic axis.", **logarithmic.widget)
    by_time = axis.value == "By time"
    left, right = st.columns(2)
    loss = overlay(rows, kept, "loss", "loss (cross-entropy, nats)", by_time, logarithmic.value)
    left.altair_chart(loss, key="compare_loss")
    right.altair_chart(overlay(rows, kept, "accuracy", "accuracy", by_time, percent=True), key="compare_accuracy")
    validated = any(not math.isnan(row.val_loss) for table in rows.values() for row in table[:1])
    dashed = ", dashed curves are validation" if validated else ""
    marked = " Diamonds mark the epoch whose model early stopping kept." if any(kept.values()) else ""
    st.caption(
        f"Solid curves are training, means over the mini-batches of each epoch{dashed}.{marked} "
        + ("Time is training time, without pauses." if by_time else "")
    )
    return list(rows.values())


def overlay(
    tables: Mapping[str, list],
    kept: dict[str, int | None],
    measure: str,
    title: str,
    by_time: bool,
    logarithmic: bool = False,
    percent: bool = False,
) -> alt.LayerChart:
    """Draw ``train_<measure>`` and ``val_<measure>`` (dashed) of several runs, one colour a run.

    A diamond marks the epoch that was ``kept``, if one is named.
    """
    points = []
    for name, rows in tables.items():
        times = accumulate(row.seconds for row in rows)
        placed = [(time if by_time else row.epoch, row) for time, row in zip(times, rows, strict=True)]
        for kind, field in ((TRAINING, f"train_{measure}"), (VALIDATION, f"val_{measure}")):
            known = [(x, name, kind, getattr(row, field)) for x, row in placed if not math.isnan(getattr(row, field))]
            points += [(*point, len(known) <= 40, False) for point in thin_out(known)]
        points += [
            (x, name, VALIDATION, getattr(row, f"val_{measure}"), False, True)
            for x, row in placed
            if row.epoch == kept[name] and not math.isnan(row.val_loss)
        ]
    if logarithmic:
        points = [point for point in points if point[3] > 0]
    kinds = [TRAINING, VALIDATION]
    base = alt.Chart(pd.DataFrame(points, columns=["x", "run", "set", "value", "dot", "kept"]), height=300).encode(
        alt.X(
            "x:Q",
            title=AXES["By time" if by_time else "By epoch"],
            axis=alt.Axis(format="~s") if by_time else alt.Axis(tickMinStep=1, format="d"),
        ),
        alt.Y(
            "value:Q",
            title=title,
            scale=alt.Scale(type="log", nice=False) if logarithmic else alt.Scale(zero=not percent),
            axis=alt.Axis(format="~%" if percent else "~g"),
        ),
        alt.Color("run:N", legend=None, scale=alt.Scale(domain=list(tables), range=COLORS[: len(tables)])),
        tooltip=[
            "run:N",
            "set:N",
            alt.Tooltip("x:Q", title=AXES["By time" if by_time else "By epoch"], format=".4~g"),
            alt.Tooltip("value:Q", title=title, format=".2%" if percent else ".4f"),
        ],
    )
    dash = alt.StrokeDash("set:N", legend=None, scale=alt.Scale(domain=kinds, range=[[1, 0], [6, 4]]))
    lines = base.mark_line(strokeWidth=2).encode(dash).transform_filter("!datum.kept")
    dots = base.mark_point(size=18, filled=True).transform_filter("datum.dot")
    return lines + dots + base.mark_point(size=120, filled=True, shape="diamond").transform_filter("datum.kept")


def show_settings(runs: list[Run]) -> None:
    """Table of the settings that differ between ``runs``."""
    settings = TrainingConfig.settings()
    cells = {
        settings[name].label: [settings[name].display(value) for value in values]
        for name, values in differing_settings([run.config for run in runs]).items()
    }
    if len({run.dataset.name for run in runs}) > 1:
        cells["Data set"] = [run.dataset.name.plain for run in runs]
    if len({run.corrections_sha256 for run in runs}) > 1:
        cells["Labels"] = [
            f"corrected ({run.corrections_sha256[:8]}…)" if run.corrections_sha256 else "original" for run in runs
        ]
    if not cells:
        st.caption("The runs have the same settings and the same data.")
        return
    index = pd.Index(cells, name="Setting")
    st.dataframe(pd.DataFrame([*cells.values()], index=index, columns=labels(runs)), height=table_height(len(cells)))


def show_digits(first: Run, second: Run) -> None:
    """The images that only one of two runs classifies correctly, and whether the difference is significant."""
    if not first.dataset.has_content(second.dataset.checksums):
        st.info(
            f"{run_name(first)} was trained on {first.dataset.name}, {run_name(second)} on {second.dataset.name}: "
            "select two runs on the same data set to compare them image by image.",
            icon=":material/info:",
        )
        return
    if untrained := [run for run in (first, second) if not (run.path / "model.npz").exists()]:
        for run in untrained:
            st.info(UntrustedText(run.why_no_model(run_name(run).plain)).markdown, icon=":material/info:")
        return
    if first.corrections_sha256 != second.corrections_sha256:
        a, b = map(UntrustedText, labels([first, second]))
        show_before_after(first, second, (a, b))
        return
    results = test_result(first), test_result(second)
    test = mcnemar(*(result.predicted == result.labels for result in results))
    names = [UntrustedText(label) for label in labels([first, second])]
    show_counts(test, names, first.dataset.name)
    for column, right, wrong in zip(st.columns(2, gap="large"), (0, 1), (1, 0), strict=True):
        with column:
            show_gallery(first, names[right], names[wrong], results[right], results[wrong])


def show_counts(test: McNemar, names: list[UntrustedText], dataset: UntrustedText) -> None:
    """The 2x2 table of correct and wrong predictions, and McNemar's test in a sentence."""
    a, b = names
    counts, explanation = st.columns([1, 1], gap="large", vertical_alignment="center")
    table = [[test.both_correct, test.only_a], [test.only_b, test.both_wrong]]
    columns = [f"{b} correct", f"{b} wrong"]
    counts.table(pd.DataFrame(table, index=[f"{a} correct", f"{a} wrong"], columns=columns).map("{:,}".format))
    differing = test.only_a + test.only_b
    better = a if test.only_a > test.only_b else b
    if not differing:
        text = "Both classify the same images correctly."
    else:
        verdict = f"**{better} is better**" if test.p_value < SIGNIFICANT else "**No clear winner**"
        chance = _percent(test.p_value)
        text = f"{verdict}: two equally good runs would differ at least this much by chance in {chance} of cases."
    explanation.markdown(
        f"{differing:,} test images of {dataset} are classified correctly by only one of them: "
        f"{test.only_a:,} to {test.only_b:,}. "
        f"{text}"
    )
    explanation.caption(f"McNemar's test (1947), exact binomial: p = {test.p_value:.3g}.")


def _percent(share: float) -> str:
    return "less than 0.1 %" if share < 0.001 else f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def show_gallery(
    run: Run, right: UntrustedText, wrong: UntrustedText, result_right: Evaluation, result_wrong: Evaluation
) -> None:
    """The images that one run classifies correctly and the other does not, the most confident error first."""
    truth = result_right.labels
    index = np.flatnonzero((result_right.predicted == truth) & (result_wrong.predicted != truth))
    st.markdown(f"**{right}** correct, **{wrong}** wrong: {len(index):,}")
    if not len(index):
        return
    confidence = result_wrong.probabilities.max(axis=1)
    index = index[np.argsort(-confidence[index], kind="stable")][:GALLERY]
    predicted, classes = result_wrong.predicted, run_classes(run)
    digit_grid(
        run_dataset(run).test_images[index],
        [tile_caption(classes, truth[n], predicted=predicted[n]) for n in index],
        [
            f"test image {n:,}: true label {classes[truth[n]].plain}, predicted {classes[predicted[n]].plain} by "
            f"{wrong.plain} ({confidence[n]:.1%})"
            for n in index
        ],
        size=tile_size(classes, 64),
    )
    if len(index) == GALLERY:
        st.caption(f"The {GALLERY} most confident errors of {wrong}: true label → prediction.")
    else:
        st.caption(f"True label → prediction of {wrong}, the most confident error first.")
