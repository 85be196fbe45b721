"""Evaluation: how good a run is, what it confuses, and the digits it gets wrong."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.evaluation import (
    Evaluation,
    Misclassified,
    confusion_matrix,
    evaluate,
    misclassified,
    per_class_scores,
    predict,
)
from mnist_core.runs import Run, list_runs
from pages.components.code import code_behind
from pages.components.digits import digit_grid
from pages.components.export_view import show_export, show_upload_model
from pages.components.router import page
from pages.components.run_view import pick_run, run_dataset, test_result
from pages.components.tables import confusion_style

PAGE_SIZE = 60


def show_scores(run: Run, result: Evaluation) -> None:
    """Accuracy, loss and number of errors."""
    figures = {
        "Test accuracy": f"{result.accuracy:.2%}",
        "Test loss (nats)": f"{result.loss:.4f}",
        "Errors": f"{result.errors:,} of {len(result.labels):,}",
        "Epochs": f"{run.status.epoch} of {run.epochs}",
    }
    for column, (label, value) in zip(st.columns(4), figures.items(), strict=True):
        column.metric(label, value, border=True)
    st.caption(
        f"All scores on this page are those of the **test set of {run.dataset.name}**, which training never saw."
    )


def show_confusion(result: Evaluation) -> None:
    """Confusion table, in counts or in percent of each row."""
    confusion = result.confusion_matrix
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    unit = st.segmented_control("Cells show", ["counts", "row %"], default="counts", required=True)
    table = pd.DataFrame(confusion if unit == "counts" else 100 * share)
    table.columns = [f"→ {label}" for label in table.columns]
    table.index = pd.Index([f"true {label}" for label in table.index], name="true ↓ predicted →")
    styles = confusion_style(share).set_axis(table.columns, axis=1).set_axis(table.index)
    styled = table.style.apply(lambda _: styles, axis=None).format("{:,.0f}" if unit == "counts" else "{:.1f}")
    st.dataframe(styled, height=38 + 35 * len(table))
    st.caption(
        "Rows are the true labels, columns the predicted ones. Blue is right; the deeper the orange, the more frequent the confusion."
    )


def show_classes(result: Evaluation) -> None:
    """Precision, recall, F1 and support of each class."""
    scores = per_class_scores(result.confusion_matrix)
    table = pd.DataFrame(scores._asdict()).rename_axis("class").reset_index()
    percent = {
        name: st.column_config.ProgressColumn(name, help=text, min_value=0, max_value=1, format="percent")
        for name, text in (
            ("precision", "Of the digits predicted as this class, the share that is"),
            ("recall", "Of the digits of this class, the share that was found"),
            ("f1", "Harmonic mean of precision and recall"),
        )
    }
    support = st.column_config.NumberColumn("support", help="Test digits of this class")
    st.dataframe(table, hide_index=True, column_config={**percent, "support": support}, height=38 + 35 * len(table))


def show_mistakes(run: Run, result: Evaluation) -> None:
    """Gallery of the misclassified digits, filtered, sorted and paged."""
    wrong = misclassified(result.labels, result.probabilities)
    if not len(wrong.index):
        st.success("Not a single test digit is misclassified.", icon=":material/celebration:")
        return
    classes = ["any", *range(len(result.confusion_matrix))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true = st.selectbox("True label", classes, width=130)
        predicted = st.selectbox("Predicted label", classes, width=130)
        order = st.selectbox("Sorted by confidence", ["highest first", "lowest first"], width=180)
        paging = st.container(width=150)
    keep = np.ones(len(wrong.index), bool)
    keep &= True if true == "any" else wrong.true == true
    keep &= True if predicted == "any" else wrong.predicted == predicted
    chosen = np.flatnonzero(keep) if order == "highest first" else np.flatnonzero(keep)[::-1]
    if not len(chosen):
        st.info(
            f"No test digit with true label {true} was predicted as {predicted}. Choose another pair.",
            icon=":material/info:",
        )
        return
    pages = math.ceil(len(chosen) / PAGE_SIZE)
    key = f"page {run.id} {true} {predicted} {order}"  # another selection begins on its first page
    number = paging.number_input(f"Page (1 to {pages})", 1, pages, 1, key=key) if pages > 1 else 1
    first = (number - 1) * PAGE_SIZE
    show_gallery(run, wrong, chosen[first : first + PAGE_SIZE])
    last = min(first + PAGE_SIZE, len(chosen))
    st.caption(
        f"Mistakes {first + 1:,} to {last:,} of {len(chosen):,}: true label → predicted label, and the confidence in it."
    )


def show_gallery(run: Run, wrong: Misclassified, chosen: np.ndarray) -> None:
    """Draw the mistakes at the positions ``chosen``."""
    rows = [(wrong.index[n], wrong.true[n], wrong.predicted[n], wrong.confidence[n]) for n in chosen]
    digit_grid(
        run_dataset(run).test_images[wrong.index[chosen]],
        [f"{true} → {predicted} · {confidence:.0%}" for _, true, predicted, confidence in rows],
        [
            f"test image {index:,}: true label {true}, predicted {predicted} with a confidence of {confidence:.1%}"
            for index, true, predicted, confidence in rows
        ],
        size=88,
    )


def predictions_csv(result: Evaluation) -> bytes:
    """One row for each test image: its labels, the confidence and all probabilities."""
    table = pd.DataFrame(
        result.probabilities, columns=[f"probability_{k}" for k in range(result.probabilities.shape[1])]
    )
    table.insert(0, "confidence", result.probabilities.max(axis=1))
    table.insert(0, "predicted", result.predicted)
    table.insert(0, "true", result.labels)
    return table.to_csv(index_label="index", float_format="%.6g").encode()


with page():
    st.title("Evaluation")
    runs = [run for run in list_runs() if not run.problem]
    if not runs:
        st.info(
            "There is no run to evaluate yet: train a network first, which takes a few seconds.", icon=":material/info:"
        )
        st.page_link("pages/training.py", label="Train a network", icon=":material/monitoring:")
        show_upload_model()
        st.stop()
    run = pick_run(runs, "Run")
    if run.status.active:
        st.info("This run is still under way; here is what its last saved model does.", icon=":material/hourglass_top:")
    if not (run.path / "model.npz").exists():
        st.info(
            "This run has no model yet: one is saved when its first epoch is done. Choose another run, or watch it.",
            icon=":material/info:",
        )
        st.page_link("pages/training.py", label="To the training", icon=":material/monitoring:")
        show_upload_model()
        st.stop()

    result = test_result(run)
    show_scores(run, result)
    st.subheader("What is confused with what")
    show_confusion(result)
    st.subheader("The digits it gets wrong")
    show_mistakes(run, result)
    st.subheader("Scores of each class")
    show_classes(result)
    st.download_button(
        "Download all predictions (CSV)",
        lambda: predictions_csv(result),
        f"predictions-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
        help="One row for each test image: index, true and predicted label, confidence, all probabilities",
    )
    show_export(run)
    show_upload_model()
    code_behind(predict, evaluate, confusion_matrix, per_class_scores, misclassified)
