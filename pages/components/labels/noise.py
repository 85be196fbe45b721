"""The noise laboratory: labels flipped on purpose, what that costs, and how well they are found again.

An experiment is known by its labels: flips and repairs follow from kind, share and seed, so the runs that belong to it
are those with the very same corrections.
"""

from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.evaluation.label_errors import METHODS, rank
from mnist_core.evaluation.label_noise import (
    Retrieval,
    flip_at_random,
    flip_pairs,
    flipped_positions,
    repair,
    retrieval,
)
from mnist_core.evaluation.significance import mcnemar
from mnist_core.jobs.label_check import FILES, read_progress, start_label_check
from mnist_core.jobs.start import start_run
from mnist_core.runs.about import About
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import Run, find_run
from mnist_core.training.out_of_sample import FOLDS
from pages.components.charts.layers import CLASS_COLORS
from pages.components.digits.grid import digit_grid
from pages.components.errors import callback, show_error
from pages.components.labels.suspects import Checked, checked
from pages.components.runs.before_after import accuracy_in_words, predicted_by, verdict
from pages.components.runs.picker import run_dataset, written
from pages.components.state import NumberIn, OneOf, remembered

RANDOM, PAIR = "at random", "by pair"
LEAVE_OUT, RELABEL = "Leave the suspects out", "Relabel the suspects"
DONE = {LEAVE_OUT: "suspects left out", RELABEL: "suspects relabelled"}
LEAST_SHARE, MOST_SHARE, LARGEST_SEED = 0.1, 40.0, 2**31 - 1
POINTS, SHOWN = 200, 30


@dataclass(frozen=True)
class Noise:
    """How labels are flipped."""

    kind: str
    percent: float
    seed: int
    pair: tuple[int, int]

    @property
    def name(self) -> str:
        """In a few words."""
        how = "random" if self.kind == RANDOM else f"{self.pair[0]} and {self.pair[1]}"
        return f"{self.percent:g} % {how}, seed {self.seed}"

    def flips(self, dataset: Dataset) -> Corrections:
        """The flipped labels, for a data set with its original ones."""
        return _flips(dataset, tuple(sorted(dataset.checksums.items())), self)


@st.cache_resource(max_entries=8, show_spinner=False)
def _flips(_dataset: Dataset, checksums: tuple, noise: Noise) -> Corrections:
    if noise.kind == RANDOM:
        return flip_at_random(_dataset, noise.percent / 100, noise.seed)
    return flip_pairs(_dataset, noise.percent / 100, noise.seed, [noise.pair])


@dataclass(frozen=True, eq=False)
class Experiment:
    """A clean run, and what became of it with flipped labels."""

    clean: Run
    runs: list[Run]
    """All runs, among which those of the experiment are found."""
    dataset: Dataset
    noise: Noise

    def run_with(self, corrections: Corrections) -> Run | None:
        """The newest run with the settings and data of the clean one and with these labels."""
        return next(
            (
                run
                for run in self.runs
                if run.corrections_sha256 == corrections.sha256
                and run.config == self.clean.config
                and run.dataset.has_content(self.clean.dataset.checksums)
            ),
            None,
        )


def choose_noise(dataset: Dataset) -> Noise:
    """Draw how labels are flipped."""
    kind = remembered("noise_kind", RANDOM, url="noise", parse=OneOf((RANDOM, PAIR)))
    percent = remembered("noise_percent", 2.0, url="percent", parse=NumberIn(LEAST_SHARE, MOST_SHARE))
    seed = remembered("noise_seed", 695, url="seed", parse=NumberIn(0, LARGEST_SEED))
    classes = range(dataset.num_classes)
    names = [name.plain for name in dataset.class_names]
    likely = (4, 9) if dataset.num_classes > 9 else (0, dataset.num_classes - 1)
    first, second = (
        remembered(f"noise_{key}", label, url=key, parse=OneOf(tuple(classes)))
        for key, label in zip(("first", "second"), likely, strict=True)
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Flip labels", [RANDOM, PAIR], required=True, **kind.widget)
        st.number_input(
            "Share, %", LEAST_SHARE, MOST_SHARE, step=0.5, width=130, **percent.widget,
            help="Of all training labels; by pair, of the labels of both classes",
        )  # fmt: skip
        if kind.value == PAIR:
            st.selectbox("Class", classes, format_func=lambda n: names[n], width=110, **first.widget)
            st.selectbox("and class", classes, format_func=lambda n: names[n], width=110, **second.widget)
        st.number_input("Seed", 0, LARGEST_SEED, width=130, **seed.widget)
    return Noise(kind.value, percent.value, seed.value, (first.value, second.value))


def start(experiment: Experiment, corrections: Corrections, name: str) -> Run:
    """Train the settings of the clean run with other labels."""

    def describe(folder: Path) -> None:
        About.of(f"Noise: {name}"[: About.MAX_NAME], tags=("label noise",)).write(folder)

    return start_run(experiment.clean.config, experiment.dataset, complete=describe, corrections=corrections)


def flip_train_and_check(experiment: Experiment, flips: Corrections) -> None:
    """Start the run with flipped labels, and the check that looks for them."""
    start_label_check(start(experiment, flips, experiment.noise.name))


def under_way(run: Run | None) -> bool:
    """Whether a run trains, or its labels are checked."""
    if run is None:
        return False
    progress = read_progress(run)
    return run.status.active or bool(progress and progress.active)


def show_experiment(experiment: Experiment) -> None:
    """Draw the state of the experiment, what it costs, what the methods find, and what repairing gives back."""
    flips = experiment.noise.flips(experiment.dataset)
    noisy = experiment.run_with(flips)
    if noisy is None:
        st.markdown(
            f"{counted(len(flips), 'training label')} of {len(experiment.dataset.train_labels):,} will be flipped; "
            "then a run trains on them with the settings of the clean one, and a check looks for them without "
            "knowing which they are."
        )
        st.button(
            "Flip, train and check", type="primary", icon=":material/science:", key="flip",
            on_click=callback(flip_train_and_check), args=(experiment, flips), disabled=not len(flips),
        )  # fmt: skip
        return
    found = checked(noisy, "training set")
    show_state(noisy, found)
    repaired: dict[str, Run | None] = {}
    if found:
        show_retrieval(experiment, noisy, found, flips)
        repaired = offer_repairs(experiment, found, flips)
    show_cost(experiment, noisy, repaired)


def show_state(noisy: Run, found: Checked | None) -> None:
    """Say what is under way, or offer to check the labels if nobody does."""
    progress = read_progress(noisy)
    if noisy.status.active:
        st.progress(min(noisy.status.epoch / noisy.epochs, 1.0), "training on flipped labels")
    elif noisy.status.state == "failed" and noisy.status.error:
        show_error(noisy.status.error)
    if progress and progress.active:
        st.progress(progress.done, f"looking for them: {progress.fold} of {FOLDS} folds are done")
    elif found is None:
        if progress and progress.error:
            show_error(progress.error)
        st.button(
            "Look for the flipped labels", type="primary", icon=":material/rule:", key="check_noise",
            on_click=callback(start_label_check), args=(noisy,),
        )  # fmt: skip


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={DatasetReference: repr})
def _retrievals(
    path: Path, reference: DatasetReference, *written: int
) -> tuple[dict[str, Retrieval], dict[str, np.ndarray]]:
    """Compare what each method finds with the truth; also the first suspects of each, in the original data."""
    run = find_run(path.name, path.parent)
    found = checked(run, "training set")
    assert found is not None
    labels = run_dataset(run).train_labels
    flipped = flipped_positions(run.corrections() or Corrections())
    rankings = {method: rank(labels, found.probabilities, method) for method in METHODS}
    compared = {method: retrieval(ranking, flipped) for method, ranking in rankings.items()}
    return compared, {method: ranking[:SHOWN] for method, ranking in rankings.items()}


def show_retrieval(experiment: Experiment, noisy: Run, found: Checked, flips: Corrections) -> None:
    """Draw precision and recall of each method against the truth."""
    compared, first = _retrievals(noisy.path, noisy.dataset, *(written(noisy.path / name) for name in FILES))
    count = len(flips)
    half = max(count // 2, 1)
    st.subheader("Found again")
    rows = {
        METHODS[method].title: [
            f"{each.precision_at(half):.1%}",
            f"{each.precision_at(count):.1%}",
            f"{each.recall_at(min(2 * count, len(each.recall))):.1%}",
            f"{each.average_precision:.3f}",
        ]
        for method, each in compared.items()
    }
    columns = [
        f"Precision, first {half:,}", f"Precision = recall, first {count:,}", f"Recall, first {2 * count:,}",
        "Average precision",
    ]  # fmt: skip
    st.table(pd.DataFrame([*rows.values()], index=[*rows], columns=columns))
    left, right = st.columns([1, 1.2], gap="large")
    left.altair_chart(retrieval_chart(compared), key="retrieval")
    with right:
        method = remembered("noise_shown", METHODS["confident_learning"].title, url="shown",
                            parse=OneOf(tuple(each.title for each in METHODS.values())))  # fmt: skip
        st.segmented_control("The most suspicious", [each.title for each in METHODS.values()], required=True,
                             **method.widget)  # fmt: skip
        key = next(key for key, each in METHODS.items() if each.title == method.value)
        show_suspects(experiment, first[key], flips)
    st.caption(
        f"The truth is known for once: {counted(count, 'label')} were flipped. Precision: how many of the first "
        "suspects were. Recall: how many of the flipped ones are among them."
    )


def show_suspects(experiment: Experiment, places: np.ndarray, flips: Corrections) -> None:
    """Draw the first suspects, and whether their label was flipped."""
    names = [name.plain for name in experiment.dataset.class_names]
    labels = flips.apply(experiment.dataset).train_labels[places]
    decisions = [flips.get("train", int(n)) for n in places]
    given = [names[label] for label in labels]
    digit_grid(
        experiment.dataset.train_images[places],
        [f"{label} {'✓' if one else '✗'}" for label, one in zip(given, decisions, strict=True)],
        [
            f"training image {n:,}: label {label}, {f'flipped from {names[one.old]}' if one else 'not flipped'}"
            for n, label, one in zip(places, given, decisions, strict=True)
        ],
        size=48,
    )
    st.caption("The label to be learned from; ✓ was flipped, ✗ was not.")


def retrieval_chart(compared: dict[str, Retrieval]) -> alt.Chart:
    """Draw precision over recall, one line a method."""
    rows = []
    for method, each in compared.items():
        end = int(np.argmax(each.recall >= 1)) + 1
        for place in np.unique(np.linspace(0, end - 1, POINTS).astype(int)):
            rows.append((METHODS[method].title, int(place) + 1, each.recall[place], each.precision[place]))
    titles = [METHODS[method].title for method in compared]
    return (
        alt.Chart(pd.DataFrame(rows, columns=["method", "first", "recall", "precision"]), height=330)
        .mark_line(strokeWidth=2)
        .encode(
            alt.X("recall:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            alt.Y("precision:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            alt.Color(
                "method:N",
                title=None,
                scale=alt.Scale(domain=titles, range=list(CLASS_COLORS[: len(titles)])),
                legend=alt.Legend(orient="bottom", columns=1, symbolType="stroke"),
            ),
            strokeDash=alt.StrokeDash("method:N", legend=None, scale=alt.Scale(range=[[1, 0], [6, 3], [2, 2]])),
            order="first:Q",
            tooltip=[
                "method:N",
                "first:Q",
                alt.Tooltip("recall:Q", format=".1%"),
                alt.Tooltip("precision:Q", format=".1%"),
            ],
        )
    )


def offer_repairs(experiment: Experiment, found: Checked, flips: Corrections) -> dict[str, Run | None]:
    """Draw the buttons that train again without the suspects or with suggested labels; return the runs there are."""
    st.subheader("Repaired")
    titles = {each.title: method for method, each in METHODS.items()}
    chosen = remembered("repair_by", METHODS["confident_learning"].title, url="by", parse=OneOf(tuple(titles)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("What suspects", list(titles), required=True, **chosen.widget)
        issues = found.issues[titles[chosen.value]]
        runs = {}
        for what, suggested in ((LEAVE_OUT, None), (RELABEL, issues.suggested)):
            corrections = repair(experiment.dataset, flips, issues.index, suggested)
            runs[what] = experiment.run_with(corrections)
            name = f"{experiment.noise.name}, {DONE[what]} ({chosen.value})"
            disabled = runs[what] is not None or not len(issues.index)
            st.button(
                what, icon=":material/healing:", key=f"repair_{what}", disabled=disabled,
                on_click=callback(start), args=(experiment, corrections, name),
            )  # fmt: skip
    hits = int(np.isin(issues.index, flipped_positions(flips)).sum())
    st.caption(
        f"{chosen.value} suspects {counted(len(issues.index), 'label')}, of which {hits:,} were flipped. A new run "
        "trains without them, or with the label that the network suggests for each; the truth is not looked at."
    )
    return runs


def show_cost(experiment: Experiment, noisy: Run, repaired: dict[str, Run | None]) -> None:
    """Table of the accuracy of each run of the experiment on the test set, whose labels nobody touched."""
    st.subheader("What it costs")
    stages = {"clean labels": experiment.clean, "flipped labels": noisy}
    stages |= {DONE[what]: run for what, run in repaired.items() if run}
    labels = experiment.dataset.test_labels
    baseline = predicted_by(experiment.clean) == labels if is_tested(experiment.clean) else None
    rows = {}
    for name, run in stages.items():
        if not is_tested(run):
            rows[name] = [run.status.state, "", ""]
            continue
        correct = predicted_by(run) == labels
        row = [accuracy_in_words(int(correct.sum()), len(labels)), "", ""]
        if baseline is not None and run is not experiment.clean:
            row[1] = f"{100 * (correct.mean() - baseline.mean()):+.2f}".replace("-", "\N{MINUS SIGN}")
            row[2] = verdict(mcnemar(baseline, correct))
        rows[name] = row
    columns = ["Test accuracy (95 % interval)", "Points from clean", "McNemar's test"]
    st.table(pd.DataFrame([*rows.values()], index=[*rows], columns=columns))


def is_tested(run: Run) -> bool:
    """Whether a run has ended with a model."""
    return not run.status.active and run.status.test_accuracy is not None and (run.path / "model.npz").exists()
