"""The label issues that a check found: by one method, or by all of them side by side."""

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.data.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.evaluation.label_errors import METHODS
from mnist_core.runs.run import Run
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
    say_what_was_found(found)
    names: dict[str | int, str] = {ANY: ANY, **{n: name.plain for n, name in enumerate(dataset.class_names)}}
    given_label, suggested_label = chosen_labels(dataset.num_classes)
    beside = remembered("methods_beside", False, url="beside", parse=parse_bool)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Method", list(TITLES), required=True, disabled=beside.value, **chosen_method().widget)
        st.selectbox("Given label", names, format_func=lambda n: names[n], width=120, **given_label.widget)
        st.selectbox("Suggested label", names, format_func=lambda n: names[n], width=150, **suggested_label.widget)
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


def say_what_was_found(found: Checked) -> None:
    """Say how many labels the network contradicts, and how sure it is."""
    issues = found.issues["self_confidence"]
    confident = int(issues.confident.sum())
    st.markdown(
        f"**The network disagrees with {len(issues.index):,} of {counted(len(found.original), 'label')}**, with "
        f"{confident:,} of them at or above its usual confidence. Most suspicious first. This is a suspicion, not a "
        "verdict: look at the image before you believe the network. Many of these images are labelled correctly and "
        "merely badly written."
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
            "Download the list (CSV)", lambda: issues_csv(found, method), f"label-issues-{run.id}.csv", "text/csv",
            icon=":material/download:",
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
    issues = found.issues[method]
    names = [name.plain for name in dataset.class_names]
    index = found.original[issues.index[shown]]
    label, suggested = ([names[n] for n in which[shown]] for which in (issues.label, issues.suggested))
    probability = found.probabilities[issues.index[shown], issues.suggested[shown]]
    decided = [known.get(SPLITS[split], int(n)) is not None for n in index]
    own, noun = issues.self_confidence[shown], split.removesuffix(" set")
    return digit_grid(
        split_arrays(dataset, split)[0][index],
        [
            f"{a} → {b} · {p:.0%}{' ✓' if done else ''}"
            for a, b, p, done in zip(label, suggested, probability, decided, strict=True)
        ],
        [
            f"{noun} image {n:,}: given label {a}, suggested label {b} with a probability of {p:.1%}, the given one "
            f"has {q:.1%}{', decided' if done else ''}"
            for n, a, b, p, q, done in zip(index, label, suggested, probability, own, decided, strict=True)
        ],
        size,
        key,
        index,
    )


def issues_csv(found: Checked, method: str) -> bytes:
    """Write one row per label issue, most suspicious first; ``index`` counts in the original data."""
    issues = found.issues[method]
    table = pd.DataFrame({**vars(issues), "index": found.original[issues.index]})
    return table.to_csv(index=False, float_format="%.6g").encode()
