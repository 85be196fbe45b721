"""The label issues that a check found: by one method, or by all of them side by side."""

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.evaluation.label_errors import METHODS
from mnist_core.runs.run import Run
from mnist_core.untrusted import no_formula
from pages.components.class_names import option, picker_width, tile_caption, tile_size
from pages.components.digits.grid import digit_grid, pick_page
from pages.components.digits.picker import SPLITS, split_arrays
from pages.components.labels.decisions import decisions_on
from pages.components.labels.desk import open_at, open_list
from pages.components.labels.suspects import ANY, TITLES, Checked, chosen_labels, chosen_method
from pages.components.runs.picker import original_dataset
from pages.components.state import parse_bool, remembered

PAGE_SIZE, SIDE_BY_SIDE = 60, 18


def show_issues(run: Run, found: Checked, split: str) -> None:
    """Draw the methods and filters, the label issues, and the way to the desk."""
    dataset = original_dataset(run)
    say_what_was_found(dataset, found)
    classes = dataset.classes
    options, named, width = (ANY, *range(len(classes))), option(classes), picker_width(classes, 150)
    given_label, suggested_label = chosen_labels(dataset.num_classes)
    beside = remembered("methods_beside", False, url="beside", parse=parse_bool)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Method", list(TITLES), required=True, disabled=beside.value, **chosen_method().widget)
        st.selectbox("Given label", options, format_func=named, width=width, **given_label.widget)
        st.selectbox("Suggested label", options, format_func=named, width=width, **suggested_label.widget)
        paging = st.container(width=150)
    st.toggle("All methods side by side", **beside.widget)
    known = decisions_on(dataset)
    if beside.value:
        clicked = show_side_by_side(run, dataset, found, split, known)
    else:
        clicked = show_one(run, dataset, found, split, known, paging)
    if clicked is not None and 0 <= clicked < len(split_arrays(dataset, split)[1]):
        open_at(clicked, len(split_arrays(dataset, split)[1]))
        st.switch_page("pages/label_desk.py")


def say_what_was_found(dataset: Dataset, found: Checked) -> None:
    """Say how many labels the network contradicts, and how sure it is."""
    issues = found.issues["self_confidence"]
    confident = int(issues.confident.sum())
    st.markdown(
        f"**The network disagrees with {len(issues.index):,} of {counted(len(found.original), 'label')}**, with "
        f"{confident:,} of them at or above its usual confidence. Most suspicious first. This is a suspicion, not a "
        "verdict: look at the image before you believe the network. Many of these images are labelled correctly and "
        f"merely {'badly written' if dataset.noun == 'digit' else 'unlike the others'}."
    )


def show_one(
    run: Run, dataset: Dataset, found: Checked, split: str, known: Corrections, paging: DeltaGenerator
) -> int | None:
    """Draw the label issues of the chosen method; return the one that was clicked."""
    method = TITLES[chosen_method().value]
    label, suggested = (chosen.value for chosen in chosen_labels(dataset.num_classes))
    chosen = found.positions(method, label, suggested)
    st.caption(METHODS[method].about)
    if not len(chosen):
        st.info("No label issue matches these filters: choose others above.", icon=":material/info:")
        return None
    content = f"{run.id} {split} {method} {label} {suggested}"
    with paging:
        shown = chosen[pick_page("issues", len(chosen), PAGE_SIZE, content)]
    clicked = show_gallery(dataset, found, split, method, shown, known, f"issues_{run.id}_{split}", size=88)
    st.caption(
        "Given label → suggested label, and the probability that the network gives to the suggested one; ✓ is decided "
        "already. Click an image to decide on it."
    )
    with st.container(horizontal=True):
        offer_desk(dataset, split, f"Decide on {counted(len(chosen), 'label')}")
        st.download_button(
            "Download the list (CSV)", lambda: issues_csv(dataset, found, method), f"label-issues-{run.id}.csv",
            "text/csv", icon=":material/download:",
        )  # fmt: skip
    return clicked


def offer_desk(dataset: Dataset, split: str, label: str) -> None:
    """Draw the button that lays the label issues on the desk."""
    if st.button(label, type="primary", icon=":material/fact_check:", key="to_desk"):
        open_list(len(split_arrays(dataset, split)[1]))
        st.switch_page("pages/label_desk.py")


def show_side_by_side(run: Run, dataset: Dataset, found: Checked, split: str, known: Corrections) -> int | None:
    """Draw the first label issues of each method beside one another; return the one that was clicked."""
    label, suggested = (chosen.value for chosen in chosen_labels(dataset.num_classes))
    shown = {method: found.positions(method, label, suggested)[:SIDE_BY_SIDE] for method in METHODS}
    first = [set(found.issues[method].index[places].tolist()) for method, places in shown.items()]
    clicked = None
    for column, (method, places) in zip(st.columns(len(METHODS), gap="large"), shown.items(), strict=True):
        with column:
            st.markdown(f"**{METHODS[method].title}**: {len(found.issues[method].index):,}")
            st.caption(METHODS[method].about)
            if len(places):
                now = show_gallery(
                    dataset, found, split, method, places, known, f"issues_{run.id}_{split}_{method}", size=76
                )
                clicked = now if clicked is None else clicked
    common = len(set.intersection(*first))
    st.caption(
        f"The first {SIDE_BY_SIDE} of each method; {common} are the same in all. Given label → suggested label, and "
        "the probability of the suggested one; ✓ is decided already. Click an image to decide on it."
    )
    return clicked


def show_gallery(
    dataset: Dataset,
    found: Checked,
    split: str,
    method: str,
    shown: np.ndarray,
    known: Corrections,
    key: str,
    size: int,
) -> int | None:
    """Draw the label issues with these numbers; return the position in the original data of the one clicked."""
    issues, classes = found.issues[method], dataset.classes
    index = found.original[issues.index[shown]]
    given, suggested = issues.label[shown], issues.suggested[shown]
    chance = found.probabilities[issues.index[shown], suggested]
    decided = [known.get(SPLITS[split], int(n)) is not None for n in index]
    own, noun = issues.self_confidence[shown], split.removesuffix(" set")
    return digit_grid(
        split_arrays(dataset, split)[0][index],
        [
            tile_caption(classes, int(a), f"{p:.0%}{' ✓' if done else ''}", int(b))
            for a, b, p, done in zip(given, suggested, chance, decided, strict=True)
        ],
        [
            f"{noun} image {n:,}: given label {classes[int(a)].plain}, suggested label {classes[int(b)].plain} with a "
            f"probability of {p:.1%}, the given one has {q:.1%}{', decided' if done else ''}"
            for n, a, b, p, q, done in zip(index, given, suggested, chance, own, decided, strict=True)
        ],
        tile_size(classes, size),
        key,
        index,
    )


def issues_csv(dataset: Dataset, found: Checked, method: str) -> bytes:
    """Write one row per label issue, most suspicious first; ``index`` counts in the original data."""
    issues = found.issues[method]
    table = pd.DataFrame({**vars(issues), "index": found.original[issues.index]})
    names = pd.Series(map(no_formula, dataset.classes.plain()))
    for column in ("suggested", "label"):
        place = table.columns.get_loc(column) + 1
        table.insert(place, f"{column}_name", names.loc[table[column]].to_numpy())
    return table.to_csv(index=False, float_format="%.6g").encode()
