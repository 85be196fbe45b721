"""The grades of a class: table, one student, what the class finds hard, and code that is alike."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.grades import ClassSummary, Grade, StepGrade, summarize, to_csv
from mnist_core.assignment.similarity import Pair
from mnist_core.errors import counted
from mnist_core.untrusted import UntrustedText, no_formula
from pages.components.assignment.steps import LOOKS
from pages.components.charts.counts import count_bars
from pages.components.state import OneOf, remembered
from pages.components.tables import table_height

MOST_BARS = 12
MOST_ROWS = 15


def show_grades(grades: Sequence[Grade]) -> None:
    """Draw the table: a row a student, a column a step that gives points."""
    steps = list(dict.fromkeys(name for one in grades for name, step in one.steps.items() if step.most > 0))
    total = max((one.total for one in grades), default=1.0)
    rows = [  # the table has a download of its own
        {
            "Student": no_formula(one.student.plain),
            "Points": one.points,
            "Findings": no_formula(one.findings) or "all correct",
            **{name: one.steps[name].points for name in steps if name in one.steps},
            "File": no_formula(one.file.plain),
        }
        for one in grades
    ]
    config = {
        "Student": st.column_config.TextColumn(pinned=True),
        "Points": st.column_config.ProgressColumn(format=f"%g of {total:g}", min_value=0.0, max_value=total),
        "Findings": st.column_config.TextColumn(width="large"),
        **{name: st.column_config.NumberColumn(format="%g", width="small") for name in steps},
    }
    height = table_height(len(rows), MOST_ROWS)
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, height=height)


def show_student(grades: Sequence[Grade]) -> None:
    """Let a person choose a student, and say what was found in each step."""
    by_name = {one.student.plain: one for one in grades}
    chosen = remembered("class_student", next(iter(by_name)), parse=OneOf(tuple(by_name)))
    st.selectbox("Student", list(by_name), **chosen.widget)
    one = by_name[chosen.value]
    if one.problem:
        st.warning(one.problem.markdown, icon=":material/warning:")
        return
    for name, step in one.steps.items():
        st.markdown(_line(name, step))


def _line(name: str, step: StepGrade) -> str:
    icon, state = LOOKS[step.state]
    points = f" · {step.points:g} of {step.most:g}" if step.most else ""
    said = f" · {step.sentence}" if step.sentence else ""
    return f"{icon} **{UntrustedText(name)}** · {state}{points}{said}"


def show_summary(grades: Sequence[Grade]) -> None:
    """Draw what the class finds hard: which mistakes how often, and which step stops most."""
    found = summarize(grades)
    _show_numbers(found)
    steps = {name: step.formula for name, step in STEPS.items()} | WHOLE
    mistakes = {mistake.id: mistake.sentence for mistake in MISTAKES.values()}
    st.subheader("Mistakes")
    if _show_bars(found.mistakes, mistakes, "No mistake of the catalogue was made."):
        most, count = next(iter(found.mistakes.items()))
        said = mistakes.get(most) or UntrustedText(most)
        st.caption(f"Most common, made by {counted(count, 'student')}: {said}")
    st.subheader("The first step that fails")
    _show_bars(found.stopped_at, steps, "No student is stopped by a step.")


def _show_bars(counts: dict[str, int], about: dict[str, str], nothing: str) -> bool:
    """Draw the most common names, or say that there is nothing; return whether there is something."""
    if not counts:
        st.caption(nothing)
        return False
    shown = dict(list(counts.items())[:MOST_BARS])
    st.altair_chart(count_bars(shown, "students", {name: about.get(name, "") for name in shown}))
    if len(counts) > MOST_BARS:
        st.caption(f"The {MOST_BARS} most common ones of {len(counts)}.")
    return True


def _show_numbers(found: ClassSummary) -> None:
    with st.container(horizontal=True):
        st.metric("Graded", found.graded, border=True, width="content")
        st.metric("Not graded", found.ungraded, border=True, width="content")
        st.metric("Mean of the points", f"{found.mean:.0%}", border=True, width="content")


def show_pairs(pairs: Sequence[Pair]) -> None:
    """Draw pairs of submissions that are alike."""
    st.subheader("Code that is alike")
    st.caption(
        "Variables are renamed and given code is left out before comparing. This is a reason to look, not a verdict."
    )
    if not pairs:
        st.caption("No two files are alike.")
        return
    rows = [
        {
            "First": no_formula(pair.first.plain),
            "Second": no_formula(pair.second.plain),
            "In common": 100 * pair.similarity,
        }
        for pair in pairs
    ]
    config = {"In common": st.column_config.ProgressColumn(format="%.0f %%", min_value=0.0, max_value=100.0)}
    height = table_height(len(rows), MOST_ROWS)
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, height=height)


def offer_table(grades: Sequence[Grade]) -> None:
    """Offer the table as CSV."""
    st.download_button(
        "Download the table (CSV)", to_csv(grades), "grades.csv", "text/csv", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip
