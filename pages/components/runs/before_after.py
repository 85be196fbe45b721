"""What corrections of labels change: two runs scored on the original and on the corrected labels of the test set."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.evaluation.label_noise import WHO
from mnist_core.evaluation.metrics import wilson_interval
from mnist_core.evaluation.predict import predict
from mnist_core.evaluation.significance import McNemar, mcnemar
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run
from mnist_core.untrusted import UntrustedText
from pages.components.digits.grid import digit_grid
from pages.components.runs.picker import model_written, original_dataset, trained_network
from pages.components.state import OneOf, remembered

SIGNIFICANT = 0.05
GALLERY = 40
CORRECTED, ORIGINAL = "corrected labels", "original labels"


@dataclass(frozen=True, eq=False)
class Truth:
    """Labels of the test set to score by; images that are left out are not among them."""

    name: str
    positions: np.ndarray
    """In the original test set, shape (N,)."""
    labels: np.ndarray
    """Shape (N,)."""


def both_truths(dataset: Dataset, corrections: Corrections) -> dict[str, Truth]:
    """The test labels with corrections, and as they are in the files."""
    corrected = corrections.apply(dataset)
    everything = np.arange(len(dataset.test_labels))
    return {
        CORRECTED: Truth(CORRECTED, corrections.positions(dataset, "test"), corrected.test_labels),
        ORIGINAL: Truth(ORIGINAL, everything, dataset.test_labels),
    }


def predicted_by(run: Run) -> np.ndarray:
    """Class that a run predicts for each image of the original test set, shape (N,)."""
    return _predicted(run.path, model_written(run), run.dataset)


@st.cache_resource(max_entries=64, show_spinner="Evaluating the run …", hash_funcs={DatasetReference: repr})
def _predicted(path: Path, written: int, reference: DatasetReference) -> np.ndarray:
    run = find_run(path.name, path.parent)
    return predict(trained_network(run), original_dataset(run).test_images).argmax(axis=1)


def show_before_after(first: Run, second: Run, names: tuple[UntrustedText, UntrustedText]) -> None:
    """Compare two runs that were trained with different corrections; the later one with corrections is *after*."""
    runs = sorted(
        zip((first, second), names, strict=True),
        key=lambda each: (each[0].corrections_sha256 is not None, each[0].created),
    )
    (before, before_name), (after, after_name) = runs
    dataset = original_dataset(after)
    corrections = after.corrections() or Corrections()
    truths = both_truths(dataset, corrections)
    predictions = predicted_by(before), predicted_by(after)
    st.markdown(f"Before: **{before_name}**. After: **{after_name}**, with {corrections.description}.")
    show_cautions(before, after, corrections)
    show_scores(truths, predictions)
    chosen = remembered("before_after_truth", CORRECTED, url="by", parse=OneOf((CORRECTED, ORIGINAL)))
    st.segmented_control("Score by", [CORRECTED, ORIGINAL], required=True, **chosen.widget)
    truth = truths[chosen.value]
    show_per_class(dataset, truth, predictions)
    show_changed_sides(dataset, truth, predictions)


def show_cautions(before: Run, after: Run, corrections: Corrections) -> None:
    """Say in words what the figures do not say."""
    if any(one.who == WHO for one in corrections):
        st.info(
            "The labels of *after* were flipped on purpose in the noise laboratory: the original labels are the truth.",
            icon=":material/science:",
        )
        return
    earlier = before.corrections() or Corrections()
    if changes_in_training(corrections) == changes_in_training(earlier):
        st.warning(
            f"**Only test labels were corrected{' since' if earlier else ''}.** Both networks learned from the same "
            "training labels, so a better score means that other answers count as correct, not that the network reads "
            "better. And if the images to decide on were those that a network contradicts, its lucky errors on the "
            "others stay undiscovered: the corrected score flatters networks like it.",
            icon=":material/warning:",
        )
    elif corrections.changes("test"):
        st.info(
            "Both training and test labels were corrected. The two scores of *after* on corrected and on original "
            "labels show what the test labels contribute; the difference between *before* and *after* by the same "
            "labels shows what training with the corrections contributes.",
            icon=":material/info:",
        )
    if before.config != after.config:
        st.info(
            "The two runs differ in their settings, too: a difference need not come from the labels.",
            icon=":material/info:",
        )


def changes_in_training(corrections: Corrections) -> dict[int, int | None]:
    """The new label of each training image whose label is not the original one; None if it is left out."""
    return {one.index: one.new for one in corrections if one.split == "train" and one.changes}


def show_scores(truths: dict[str, Truth], predictions: tuple[np.ndarray, np.ndarray]) -> None:
    """Accuracy of both runs with its interval, and McNemar's test, by both kinds of labels."""
    rows = {}
    for truth in truths.values():
        correct = [each[truth.positions] == truth.labels for each in predictions]
        test = mcnemar(*correct)
        rows[f"by {truth.name} ({len(truth.labels):,} images)"] = [
            *(accuracy_in_words(int(each.sum()), len(each)) for each in correct),
            f"{correct[1].mean() - correct[0].mean():+.2%}".replace("-", "\N{MINUS SIGN}"),
            f"{test.only_b:,} to {test.only_a:,}",
            verdict(test),
        ]
    columns = ["Before", "After", "Difference", "Only after correct, only before", "McNemar's test"]
    st.table(pd.DataFrame([*rows.values()], index=[*rows], columns=columns))
    st.caption("Accuracy on the test set with its 95 % interval (Wilson). McNemar's test is exact (binomial).")


def original_score(run: Run) -> str:
    """Say that the test labels of a run are corrected ones, and its accuracy by the original ones; "" if they are not.

    Raises
    ------
    MnistError
        If the corrections or the original data can't be read.
    """
    corrections = run.corrections()
    if corrections is None or not corrections.changes("test"):
        return ""
    labels = original_dataset(run).test_labels
    correct = int((predicted_by(run) == labels).sum())
    return (
        f" Its labels are the corrected ones; by the original labels of all {len(labels):,} images the accuracy is "
        f"{accuracy_in_words(correct, len(labels))}."
    )


def accuracy_in_words(correct: int, total: int) -> str:
    """Write an accuracy with its 95 % interval."""
    low, high = wilson_interval(correct, total)
    return f"{correct / total:.2%} ({low:.2%} to {high:.2%})"


def verdict(test: McNemar) -> str:
    """Say whether a difference may be chance."""
    if not test.only_a + test.only_b:
        return "no difference"
    words = "significant" if test.p_value < SIGNIFICANT else "may be chance"
    return f"p = {test.p_value:.3g}: {words}"


def show_per_class(dataset: Dataset, truth: Truth, predictions: tuple[np.ndarray, np.ndarray]) -> None:
    """Table of the share of correct images of each class, before and after."""
    correct = [each[truth.positions] == truth.labels for each in predictions]
    classes = dataset.num_classes
    count = np.bincount(truth.labels, minlength=classes)
    right = [np.bincount(truth.labels, each, classes).astype(int) for each in correct]
    changed = truth.labels != dataset.test_labels[truth.positions]
    rows = {
        "class": [name.plain for name in dataset.class_names],
        "images": count,
        "labels changed to it": np.bincount(truth.labels[changed], minlength=classes),
        "before": 100 * np.divide(right[0], count, out=np.full(classes, np.nan), where=count > 0),
        "after": 100 * np.divide(right[1], count, out=np.full(classes, np.nan), where=count > 0),
        "more correct": right[1] - right[0],
    }
    percent, signed = (st.column_config.NumberColumn(format=form) for form in ("%.2f %%", "%+d"))
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "before": percent,
            "after": percent,
            "more correct": signed,
        },
        height=38 + 35 * min(classes, 12),
    )


def show_changed_sides(dataset: Dataset, truth: Truth, predictions: tuple[np.ndarray, np.ndarray]) -> None:
    """Draw the images that only one of the two runs classifies correctly."""
    before, after = (each[truth.positions] for each in predictions)
    right_before, right_after = before == truth.labels, after == truth.labels
    sides = (
        ("Wrong before, correct after", ~right_before & right_after),
        ("Correct before, wrong after", right_before & ~right_after),
    )
    for column, (title, which) in zip(st.columns(2, gap="large"), sides, strict=True):
        places = np.flatnonzero(which)
        with column:
            st.markdown(f"**{title}: {len(places):,}**")
            if len(places):
                _show_images(dataset, truth, places[:GALLERY], before, after)
                if len(places) > GALLERY:
                    st.caption(f"The first {GALLERY} of {counted(len(places), 'image')}.")


def _show_images(dataset: Dataset, truth: Truth, places: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    names = [name.plain for name in dataset.class_names]
    index = truth.positions[places]
    original = dataset.test_labels[index]
    digit_grid(
        dataset.test_images[index],
        [f"{names[before[n]]} → {names[after[n]]}" for n in places],
        [
            f"test image {i:,}: label {names[truth.labels[n]]}"
            f"{f' (was {names[given]})' if given != truth.labels[n] else ''}, predicted {names[before[n]]} before, "
            f"{names[after[n]]} after"
            for n, i, given in zip(places, index, original, strict=True)
        ],
    )
