"""Evaluation: the scores of a run, its confusion matrix, and the images it misclassifies."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.evaluation.metrics import Calibration, Scores, calibration, confusion_matrix, per_class_scores
from mnist_core.evaluation.predict import Evaluation, evaluate, per_image, predict
from mnist_core.evaluation.significance import no_better_than_guessing
from mnist_core.inspection.attribution import gradient_times_input
from mnist_core.inspection.neighbours import nearest_neighbours
from mnist_core.runs.run import Run
from mnist_core.untrusted import UntrustedText, no_formula
from pages.components.class_names import HEAD
from pages.components.code import code_behind
from pages.components.data import Choice, load
from pages.components.digits.gallery import choice_of_cell, column_names, read_choice, show_gallery, write_choice
from pages.components.digits.viewer import show_opened_digit
from pages.components.errors import callback
from pages.components.router import page
from pages.components.runs.before_after import original_score
from pages.components.runs.export import show_export, show_upload_model
from pages.components.runs.outcome import epoch_of_model, other_epoch
from pages.components.runs.picker import pick_trained_run, test_result, test_scores
from pages.components.runs.tested_on import pick_test_set, say_tested_on, tested_classes
from pages.components.state import OneOf, parse_bool, remembered
from pages.components.tables import confusion_style, table_height

CELLS = ("counts", "row %", "column %")
MAX_POINTS = 300


def show_scores(run: Run, result: Evaluation, scores: Scores, classes: Classes, on: Choice | None) -> None:
    """Accuracy with its interval, loss, errors, and top-k accuracy."""
    total, (low, high) = len(result.labels), scores.interval
    epoch = other_epoch(run)
    duration = f"{run.status.seconds:,.1f} s of training"
    figures = (
        ("Test accuracy", f"{result.accuracy:.2%}", f"95 % interval {low:.2%} to {high:.2%}"),
        ("Test loss (nats)", f"{result.loss:.4f}", f"calibration error {scores.calibration.error:.2%}"),
        ("Errors", f"{result.errors:,} of {total:,}", f"top 2: {scores.top_2:.2%}, top 3: {scores.top_3:.2%}"),
        ("Epochs", f"{run.status.epoch} of {run.epochs}", f"model of epoch {epoch:,}" if epoch else duration),
    )
    for column, (label, value, more) in zip(st.columns(4), figures, strict=True):
        column.metric(label, value, more, delta_color="off", delta_arrow="off", border=True)
    if note := no_better_than_guessing(result.accuracy, result.labels, classes):
        st.warning(UntrustedText(note).markdown, icon=":material/casino:")
    name = load(on).name if on else run.dataset.name
    original = "" if on else original_score(run)
    st.caption(
        f"{epoch_of_model(run)} All scores on this page are on the **test set of {name}**, which training "
        f"never saw.{original} Over many test sets of this size, 95 % of such intervals contain "
        "the true accuracy (Wilson score interval)."
    )


def show_confusion(run: Run, result: Evaluation, classes: Classes) -> None:
    """Confusion matrix; a click on a cell filters the gallery by it."""
    confusion = result.confusion_matrix
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    cells_show = remembered("confusion_unit", CELLS[0], url="cells", parse=OneOf(CELLS))
    hide_correct = remembered("errors_only", False, url="errors", parse=parse_bool)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.segmented_control("Cells show", CELLS, required=True, **cells_show.widget)
        st.toggle(
            "Errors only", help="Hide correct predictions so that the confusions stand out.", **hide_correct.widget
        )
    unit, errors_only = cells_show.value, hide_correct.value
    of_column = confusion / np.maximum(confusion.sum(axis=0), 1)
    table = pd.DataFrame({"counts": confusion, "row %": 100 * share, "column %": 100 * of_column}[unit])
    table.columns = column_names(classes)
    table.index = pd.Index([f"true {name}" for name in classes.plain(HEAD)], name="true ↓ predicted →")
    colored = of_column if unit == "column %" else share
    styles = confusion_style(colored, errors_only).set_axis(table.columns, axis=1).set_axis(table.index)
    styled = table.style.apply(lambda _: styles, axis=None).format("{:,.0f}" if unit == "counts" else "{:.1f}")
    choice = read_choice(len(classes))
    on_table = choice.is_cell and choice.split == "test set"
    cells = [(int(choice.true), table.columns[int(choice.predicted)])] if on_table else []
    key = f"confusion {run.id} {unit} {errors_only} {choice}"

    def read() -> None:
        write_choice(choice_of_cell(st.session_state[key].selection.cells, classes), len(classes))

    st.dataframe(
        styled,
        height=table_height(len(table)),
        key=key,
        on_select=callback(read),
        selection_mode="single-cell",
        selection_default={"selection": {"cells": cells}},
    )
    st.caption(
        "Rows are true labels, columns are predicted labels. Blue cells are correct predictions; the deeper the "
        "orange, the more frequent the confusion. **Click a cell** to see its images below."
    )


def show_classes(classes: Classes, result: Evaluation, scores: Scores) -> None:
    """Precision, recall, F1, area under the ROC curve and support of each class."""
    of_classes = per_class_scores(result.confusion_matrix)
    table = pd.DataFrame(of_classes._asdict())
    table.insert(3, "auc", scores.auc)
    table.insert(0, "class", classes.plain())
    percent = {
        name: st.column_config.ProgressColumn(name, help=text, min_value=0, max_value=1, format="percent")
        for name, text in (
            ("precision", "Fraction of the images predicted as this class that belong to it"),
            ("recall", "Fraction of the images of this class that are predicted as it"),
            ("f1", "Harmonic mean of precision and recall"),
        )
    }
    support = st.column_config.NumberColumn("support", help="Test images of this class")
    auc = st.column_config.NumberColumn(
        "ROC-AUC",
        format="%.5f",
        help="Probability that an image of this class scores higher for it than an image of another class",
    )
    config = {**percent, "support": support, "auc": auc}
    st.dataframe(table, hide_index=True, column_config=config, height=table_height(len(table)))


def show_confidence(scores: Scores) -> None:
    """Reliability diagram, and the accuracy gained by selective prediction."""
    left, right = st.columns(2, gap="large")
    measured, curve = scores.calibration, scores.selective
    with left:
        st.altair_chart(reliability_chart(measured), key="reliability")
        st.caption(
            "Accuracy of the predictions of each confidence. On the dashed line the two are equal; the mean gap, the "
            f"expected calibration error, is {measured.error:.2%}."
        )
    positions = np.unique(np.linspace(0, len(curve.accuracy) - 1, MAX_POINTS).astype(int))
    data = pd.DataFrame({name: values[positions].astype(float) for name, values in curve._asdict().items()})
    with right:
        st.altair_chart(
            alt.Chart(data, height=280)
            .mark_line(color="#4c78d8")
            .encode(
                alt.X("coverage:Q", title="coverage", axis=alt.Axis(format="%")),
                alt.Y("accuracy:Q", title="accuracy", scale=alt.Scale(zero=False), axis=alt.Axis(format=".1%")),
                tooltip=[alt.Tooltip(f"{name}:Q", format=".2%") for name in data],
            ),
            key="selective_prediction",
        )
        tenth = int(0.1 * len(curve.accuracy))
        st.caption(
            f"Selective prediction: rejecting the least confident tenth, below {curve.threshold[tenth]:.1%}, leaves an "
            f"accuracy of {curve.accuracy[tenth]:.2%}."
        )


def reliability_chart(measured: Calibration) -> alt.LayerChart:
    """Draw accuracy over confidence, in bins of equal width."""
    filled = measured.count > 0
    data = pd.DataFrame(
        {
            "low": measured.edges[:-1][filled],
            "high": measured.edges[1:][filled],
            "accuracy": measured.accuracy[filled],
            "confidence": measured.confidence[filled],
            "images": measured.count[filled],
        }
    )
    bars = (
        alt.Chart(data, height=280)
        .mark_bar(color="#4c78d8", opacity=0.75)
        .encode(
            alt.X("low:Q", title="confidence", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            alt.X2("high:Q"),
            alt.Y("accuracy:Q", title="accuracy", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            alt.Y2(datum=0),
            tooltip=["images:Q", alt.Tooltip("confidence:Q", format=".1%"), alt.Tooltip("accuracy:Q", format=".1%")],
        )
    )
    line = alt.Chart(pd.DataFrame({"x": [0, 1]})).mark_line(color="#e8833a", strokeDash=[5, 4])
    return bars + line.encode(alt.X("x:Q"), alt.Y("x:Q"))


def predictions_csv(classes: Classes, result: Evaluation) -> bytes:
    """One row for each test image: its labels and their names, its confidence and all probabilities."""
    names = pd.Series(map(no_formula, classes.plain()))
    table = pd.DataFrame(
        result.probabilities, columns=[f"probability_{k}" for k in range(result.probabilities.shape[1])]
    )
    table.insert(0, "confidence", result.probabilities.max(axis=1))
    for column, labels in (("predicted", result.predicted), ("true", result.labels)):
        table.insert(0, f"{column}_name", names.loc[labels].to_numpy())
        table.insert(0, column, labels)
    return table.to_csv(index_label="index", float_format="%.6g").encode()


with page(__file__):
    st.title("Evaluation")
    run = pick_trained_run("Run", "no run to evaluate", show_upload_model)
    on = pick_test_set(run)
    result, scores, classes = test_result(run, on), test_scores(run, on), tested_classes(run, on)
    say_tested_on(run, on)
    show_scores(run, result, scores, classes, on)
    st.subheader("Confusion matrix")
    show_confusion(run, result, classes)
    st.subheader("Images")
    clicked = show_gallery(run, classes, on)
    show_opened_digit(run, classes, clicked, on)
    st.subheader("Calibration")
    show_confidence(scores)
    st.subheader("Scores per class")
    show_classes(classes, result, scores)
    st.download_button(
        "Download all predictions (CSV)",
        lambda: predictions_csv(classes, result),
        f"predictions-{run.id}{f'-on-{on.source}' if on else ''}.csv",
        "text/csv",
        icon=":material/download:",
        help="One row for each test image: index, true and predicted label with their names, confidence, all "
        "probabilities",
    )
    show_export(run)
    show_upload_model()
    code_behind(
        predict,
        evaluate,
        confusion_matrix,
        per_class_scores,
        per_image,
        calibration,
        gradient_times_input,
        nearest_neighbours,
    )
