"""The steps of a check as rows: state, finding, the learner's lines, help in portions, and the numbers."""

import numpy as np
import streamlit as st
from matplotlib.figure import Figure

from mnist_core.assignment.check import Report
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.finding import Finding, Numbers
from mnist_core.untrusted import UntrustedText
from pages.components.errors import callback

LOOKS = {
    "correct": (":green[:material/check_circle:]", "correct"),
    "wrong": (":red[:material/cancel:]", "wrong"),
    "missing": (":gray[:material/radio_button_unchecked:]", "to be written"),
    "skipped": (":gray[:material/remove_circle_outline:]", "skipped"),
}
HELP = ("Hint", "Formula", "Code")
CONTEXT = 6
"""Lines of the file shown below the one that a finding names."""


def show_steps(report: Report) -> None:
    """Draw all steps, then the checks of the whole; the first one that is wrong is open."""
    first = report.first_wrong
    for finding in report.findings:
        icon, state = LOOKS[finding.state]
        title = f"{icon} **{UntrustedText(finding.step)}** · {state}"
        if finding.state == "wrong":
            with st.expander(title, expanded=finding is first):
                _show_wrong(report, finding)
        else:
            about = STEPS[finding.step].formula if finding.step in STEPS and not finding.sentence else ""
            said = finding.sentence or about or WHOLE.get(finding.step, "")
            st.markdown(f"{title} · {UntrustedText(said)}" if said else title)


def _show_wrong(report: Report, finding: Finding) -> None:
    st.markdown(f"**{UntrustedText(finding.sentence)}**")
    if finding.where:
        st.caption(f"First seen with {UntrustedText(finding.where)}.")
    if finding.effect:
        st.markdown(f"What it does to training: {finding.effect}")
    _show_lines(report, finding)
    _show_help(finding)
    if finding.numbers and st.toggle("The numbers", key=f"numbers_{finding.step}"):
        show_numbers(finding.numbers)


def _show_lines(report: Report, finding: Finding) -> None:
    if not finding.line:
        return
    lines = report.submission.text.split("\n")
    place = report.submission.place(finding.line)
    st.caption(f"{str(place)[:1].upper()}{str(place)[1:]}")
    st.code(UntrustedText("\n".join(lines[finding.line - 1 : finding.line - 1 + CONTEXT])).plain, language="python")


def _show_help(finding: Finding) -> None:
    """Help in portions, each on a further click."""
    levels: dict[str, int] = st.session_state.setdefault("help_levels", {})
    level = levels.get(finding.step, 0)
    for title, text in zip(HELP, finding.hints(level), strict=False):
        if title == "Code":
            st.code(text, language="python")
        else:
            st.info(f"**{title}:** {UntrustedText(text)}", icon=":material/lightbulb:")
    if level < len([part for part in (finding.hint, finding.formula, finding.code) if part]):

        def more() -> None:
            levels[finding.step] = level + 1

        st.button(
            f"Show the {HELP[level].lower()}",
            key=f"help_{finding.step}",
            icon=":material/help:",
            on_click=callback(more),
        )


def show_numbers(numbers: Numbers) -> None:
    """Draw a result, the expected one, and their difference."""
    found, expected = np.atleast_1d(numbers.found), np.atleast_1d(numbers.expected)
    pictures = {f"Your {numbers.name}": found, "Expected": expected}
    if found.shape == expected.shape:
        pictures["Difference"] = found - expected
    for column, (title, array) in zip(st.columns(3), pictures.items(), strict=False):
        with column:
            st.caption(f"{UntrustedText(title)}, shape {' × '.join(map(str, array.shape))}")
            st.pyplot(heat_map(array))


def heat_map(array: np.ndarray) -> Figure:
    """Draw an array as a small heat map around 0, blue below and red above; what is no number stays white."""
    rows = array.reshape(len(array), -1) if array.ndim > 1 else array[np.newaxis]
    limit = np.abs(rows[np.isfinite(rows)]).max(initial=0.0) or 1.0
    figure = Figure(figsize=(3, max(0.6, min(3.0, 3 * len(rows) / rows.shape[1]))), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.imshow(rows, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    if rows.size <= 40:
        for row, column in np.ndindex(rows.shape):
            value = rows[row, column]
            dark = np.isfinite(value) and abs(value) > 0.6 * limit
            axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=7, color="w" if dark else "k")
    return figure
