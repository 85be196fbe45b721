"""The steps of a check as rows: state, finding, the learner's lines, help in portions, and the numbers."""

import numpy as np
import streamlit as st
from matplotlib import colormaps
from matplotlib.figure import Figure

from mnist_core.assignment.check import Report
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.finding import Finding, Numbers
from mnist_core.assignment.hints import allowed_hints
from mnist_core.untrusted import UntrustedText
from pages.components.errors import callback

LOOKS = {
    "correct": (":green[:material/check_circle:]", "correct"),
    "wrong": (":red[:material/cancel:]", "wrong"),
    "missing": (":gray[:material/radio_button_unchecked:]", "to be written"),
    "skipped": (":gray[:material/remove_circle_outline:]", "skipped"),
}
HELP_LEVELS = "help_levels"
"""In the session: how many portions of help are shown for each mistake of the file."""
MOST_LINES = 14
"""Lines of a function that are shown at once."""
MOST_WRITTEN = 40
"""Entries of an array that are written into its picture."""
COLORS = colormaps["RdBu_r"].with_extremes(bad="#f2c14e")


def show_steps(report: Report) -> None:
    """Draw all steps, then the checks of the whole; the first one that is wrong is open."""
    first = report.first_wrong
    with st.container(gap="xxsmall"):
        for finding in report.findings:
            with st.container():  # one each, so that a step that changes leaves the others as they are
                _show_step(report, finding, finding is first)


def _show_step(report: Report, finding: Finding, opened: bool) -> None:
    icon, state = LOOKS[finding.state]
    title = f"{icon} **{UntrustedText(finding.step)}** · {state}"
    if finding.state == "wrong":
        with st.expander(title, expanded=opened, key=f"step_{finding.step}"):
            _show_wrong(report, finding)
        return
    formula = STEPS[finding.step].formula if finding.step in STEPS and finding.state == "correct" else ""
    said = finding.sentence or formula or WHOLE.get(finding.step, "")
    st.markdown(f"{title} · :gray[{UntrustedText(said)}]" if said else title)


def _show_wrong(report: Report, finding: Finding) -> None:
    text, code = st.columns(2, gap="medium")
    with text:
        # A sentence of the catalogue is Markdown of ours; any other one may quote the learner's code.
        st.markdown(f"**{finding.sentence if finding.mistake else UntrustedText(finding.sentence)}**")
        if finding.where:
            st.caption(f"First seen with {UntrustedText(finding.where)}.")
        if finding.effect:
            st.markdown(f"What it does to training: {finding.effect}")
        _show_help(finding)
    if finding.line:
        with code:
            _show_lines(report, finding.line)
    if finding.numbers and st.toggle("The numbers", key=f"numbers_{finding.step}"):
        show_numbers(finding.numbers)


def _show_lines(report: Report, line: int) -> None:
    """The function around a line of the file, each line with its number; an arrow where it is not the first."""
    submission = report.submission
    begin, end = submission.function_around(line)
    if line >= begin + MOST_LINES:
        begin = line - MOST_LINES // 2
    lines = submission.text.split("\n")[begin - 1 : min(end, begin + MOST_LINES - 1)]
    numbered = [
        f"{submission.place(number).line:>4} {'→' if number == line > begin else ' '} {text}"
        for number, text in enumerate(lines, start=begin)
    ]
    place = str(submission.place(line))
    st.caption(f"{place[:1].upper()}{place[1:]} of {UntrustedText(submission.name.plain)}")
    st.code(UntrustedText("\n".join(numbered)).plain, language="python")


def _show_help(finding: Finding) -> None:
    """Help in portions, each on a further click; another mistake in the same step begins without any."""
    portions = finding.hints(allowed_hints())
    levels: dict[tuple[str, str | None], int] = st.session_state.setdefault(HELP_LEVELS, {})
    which = finding.step, finding.mistake
    level = levels.get(which, 0)
    for title, text in portions[:level]:
        if title == "Code":
            st.caption("One way to write it")
            st.code(text, language="python")
        else:
            st.info(f"**{title}:** {text if title == 'Hint' else UntrustedText(text)}", icon=":material/lightbulb:")
    if level < len(portions):

        def more() -> None:
            levels[which] = level + 1

        st.button(
            f"Show the {portions[level][0].lower()}", key=f"help_{finding.step}", icon=":material/help:",
            on_click=callback(more),
        )  # fmt: skip


def show_numbers(numbers: Numbers) -> None:
    """Draw a result, the expected one in the same colours, and their difference in colours of its own."""
    found, expected = np.atleast_1d(numbers.found), np.atleast_1d(numbers.expected)
    limit = max(largest(found), largest(expected))
    pictures = [(f"Your {numbers.name}", found, limit), (f"Expected {numbers.name}", expected, limit)]
    if found.shape == expected.shape:
        with np.errstate(invalid="ignore"):
            difference = found - expected
        pictures.append(("Difference", difference, largest(difference)))
    for column, (title, array, most) in zip(st.columns(3), pictures, strict=False):
        with column:
            st.caption(f"**{UntrustedText(title)}**, {' × '.join(map(str, array.shape))}")
            st.pyplot(heat_map(array, most))
    apart = f" (±{pictures[2][2]:.3g} in the difference)" if len(pictures) == 3 else ""
    yellow = "" if np.isfinite(found).all() else " Yellow: no finite number."
    st.caption(f"Blue is below 0, red above. The darkest shades are ±{limit:.3g}{apart}.{yellow}")


def largest(array: np.ndarray) -> float:
    """The largest finite magnitude."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def heat_map(array: np.ndarray, limit: float) -> Figure:
    """Draw an array as a small heat map: blue below 0, red above."""
    rows = array.reshape(len(array), -1) if array.ndim > 1 else array[np.newaxis]
    height = 3.2 * len(rows) / max(rows.shape[1], 1)
    figure = Figure(figsize=(3.2, min(max(0.45, height), 2.4)), layout="constrained", dpi=120)
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    shown = np.ma.masked_invalid(rows)
    axes.imshow(shown, COLORS, vmin=-(limit or 1.0), vmax=limit or 1.0, aspect="auto", interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    if rows.size <= MOST_WRITTEN:
        for row, column in np.ndindex(rows.shape):
            value = rows[row, column]
            dark = np.isfinite(value) and abs(value) > 0.6 * (limit or 1.0)
            axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=7, color="w" if dark else "k")
    return figure
