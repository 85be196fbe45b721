"""Your code: check an implementation of one's own, step by step, and see which mistake it makes."""

import streamlit as st

from mnist_core.assignment.check import Report, check
from mnist_core.assignment.contract import LEVELS
from mnist_core.assignment.report import summary
from mnist_core.assignment.sandbox import describe_isolation
from mnist_core.assignment.source import MAX_BYTES
from mnist_core.assignment.starter import starter_file
from mnist_core.untrusted import UntrustedText
from pages.components.assignment.checked import Content, checked, read_content
from pages.components.assignment.permission import why_no_code
from pages.components.assignment.steps import show_steps
from pages.components.assignment.train import show_mistakes, show_training
from pages.components.code import code_behind
from pages.components.data import why_no_folder
from pages.components.errors import errors_shown, fragment
from pages.components.router import page
from pages.components.state import OneOf, remembered

WATCH_SECONDS = 1.0
CHECKED = "checked_code"
"""The file that was checked last, in the session: training uses it, outside the part that is drawn again."""
PATH, UPLOAD = "A file on this computer, watched", "Upload"


def show_starter() -> None:
    """Offer the file to begin with."""
    with st.expander("Starter file", icon=":material/description:"):
        level = remembered("assignment_level", 1, url="level", parse=OneOf(tuple(LEVELS)))
        st.radio("Level", list(LEVELS), format_func=lambda number: f"{number}: {LEVELS[number]}", **level.widget)
        st.download_button(
            "Download my_network.py", starter_file(level.value), "my_network.py", "text/x-python",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.caption("It documents itself. Save it, choose it below, and write one function after the other.")


def choose_file() -> Content | None:
    """Let a person choose a file: by its path, if this is their own computer, or by upload."""
    ways = [UPLOAD] if why_no_folder() else [PATH, UPLOAD]
    way = remembered("code_way", ways[0], url="from", parse=OneOf(tuple(ways)))
    if len(ways) > 1:
        st.segmented_control("Where it is", ways, required=True, label_visibility="collapsed", **way.widget)
    if way.value == PATH:
        path = remembered("code_path", "", None)
        st.text_input("Path of your file", placeholder="/home/me/my_network.py", **path.widget)
        return read_content(path.value.strip()) if path.value.strip() else None
    file = st.file_uploader(
        "Your file (.py or .ipynb)", type=["py", "ipynb"], max_upload_size=max(1, MAX_BYTES // 1_000_000)
    )
    return Content(file.name, file.getvalue()) if file else None


def show_check(content: Content) -> None:
    """Check the file, and draw what was found."""
    report = checked(content)
    if st.session_state.get(CHECKED) != (content, report):
        st.session_state[CHECKED] = (content, report)
        st.rerun()
    show_summary(report)
    show_steps(report)
    if report.output.strip():
        with st.expander("What it printed", icon=":material/terminal:"):
            st.code(UntrustedText(report.output).plain, language=None)


def show_summary(report: Report) -> None:
    """Say how many steps are correct, and which way of writing was recognized."""
    counts, *way = summary(report)
    (st.success if report.correct else st.info)(
        f"**{UntrustedText(report.submission.name.plain)}**: {UntrustedText(counts)}",
        icon=":material/verified:" if report.correct else ":material/rule:",
    )
    for line in way:
        st.caption(UntrustedText(line).markdown)
    for note in report.submission.notes:
        st.warning(UntrustedText(note).markdown, icon=":material/info:")


def show_file() -> None:
    """Choose and check a file; drawn again every second, so that it is checked again when it is saved."""
    content = choose_file()
    if content is None:
        st.session_state.pop(CHECKED, None)
        st.info(
            "Choose the file with your network. Each function is checked on its own, so that one mistake does not hide "
            "another; what is missing is skipped.",
            icon=":material/arrow_upward:",
        )
        return
    with errors_shown():
        show_check(content)


with page(__file__):
    st.title("Your code")
    st.markdown(
        "Write the network yourself, in NumPy. Here each step is checked against the reference, and mistakes are named."
    )
    show_starter()
    if reason := why_no_code():
        st.info(UntrustedText(reason).markdown, icon=":material/lock:")
    else:
        fragment(show_file, run_every=WATCH_SECONDS)()
        st.caption(describe_isolation())
        if CHECKED in st.session_state:
            show_training(*st.session_state[CHECKED])
        show_mistakes()
    code_behind(check)
