"""Your code: check an implementation of one's own, step by step, and see which mistake it makes."""

import streamlit as st

from mnist_core.assignment.background import Check
from mnist_core.assignment.check import Report, check
from mnist_core.assignment.contract import LEVELS, STEPS, WHOLE
from mnist_core.assignment.report import line_of, summary
from mnist_core.assignment.sandbox import describe_isolation
from mnist_core.assignment.source import MAX_BYTES, Content
from mnist_core.assignment.starter import starter_file
from mnist_core.errors import counted
from mnist_core.untrusted import UntrustedText
from pages.components.assignment.checked import NotSettled, read_settled, show_failure
from pages.components.assignment.permission import why_no_code
from pages.components.assignment.steps import HELP_LEVELS, show_steps
from pages.components.assignment.train import edit_training, show_mistakes, show_pair, show_training
from pages.components.code import code_behind
from pages.components.data import why_no_folder
from pages.components.errors import EXPECTED, callback, fragment, show_error
from pages.components.router import page
from pages.components.state import OneOf, remembered

WATCH_SECONDS = 1.0
PATH, UPLOAD = "A file on this computer, watched", "Upload"
# In the session: the check of the file as it is now, the last one that came to an end, which is drawn, and its file;
# and the file that was uploaded.
CHECK, SHOWN, CHOSEN, UPLOADED = "check", "check_shown", "check_chosen", "code_uploaded"
PARTS = len(STEPS) + len(WHOLE)


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


def choose_file() -> str | Content | None:
    """Let a person choose a file: by its path, if this is their own computer, or by upload."""
    ways = [UPLOAD] if why_no_folder() else [PATH, UPLOAD]
    way = remembered("code_way", ways[0], url="from", parse=OneOf(tuple(ways)))
    if len(ways) > 1:
        st.segmented_control("Where it is", ways, required=True, label_visibility="collapsed", **way.widget)
    if way.value == PATH:
        path = remembered("code_path", "")  # never in the address: a link must not run a file
        st.text_input("Path of your file", placeholder="/home/me/my_network.py", **path.widget)
        return path.value.strip() or None
    return upload_file()


def upload_file() -> Content | None:
    """Let a person upload a file. It is kept until they remove it: an uploader forgets its file on a page switch."""
    megabytes = max(1, MAX_BYTES // 1_000_000)
    in_field = st.file_uploader(
        "Your file (.py or .ipynb)", type=["py", "ipynb"], max_upload_size=megabytes,
        key="code_upload", on_change=callback(_keep_upload),
    )  # fmt: skip
    kept: Content | None = st.session_state.get(UPLOADED)
    if kept and not in_field:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/draft: {UntrustedText(kept.name)}", width="content")
            st.button("Remove", icon=":material/close:", type="tertiary", on_click=callback(_remove_upload))
    return kept


def _keep_upload() -> None:
    file = st.session_state["code_upload"]
    st.session_state[UPLOADED] = Content(file.name, file.getvalue()) if file else None


def _remove_upload() -> None:
    st.session_state.pop(UPLOADED, None)


def watch(chosen: str | Content) -> None:
    """Look at the file every second, and check it when it has changed; the page is drawn again only then."""
    under_way: Check | None = st.session_state.get(CHECK)
    try:
        content = read_settled(chosen) if isinstance(chosen, str) else chosen
    except NotSettled:
        if under_way is None:
            st.caption(":material/hourglass_top: The file is being saved …")
            return
        content = under_way.content
    except EXPECTED as error:
        show_error(error)
        _say_what_is_shown()
        return
    if under_way is None or under_way.content != content:
        if under_way:
            under_way.stop()
        under_way = st.session_state[CHECK] = Check(content)
    _show_progress(under_way, isinstance(chosen, str))


def _show_progress(current: Check, watched: bool) -> None:
    shown: Check | None = st.session_state.get(SHOWN)
    if current.report:
        if shown is not current:
            st.session_state[SHOWN] = current
            st.rerun()
        again = "it is checked again when you save it" if watched else "upload it again after a change"
        st.caption(f":material/visibility: Checked; {again}.")
    elif current.error:
        show_failure(current.error)
        _say_what_is_shown()
    elif ahead := current.ahead:
        st.caption(
            f":material/hourglass_top: Two files are checked at a time on this server: {counted(ahead, 'file')} "
            f"{'is' if ahead == 1 else 'are'} ahead of yours."
        )
    else:
        done = len(current.findings)
        st.caption(f":material/progress_activity: Checking {UntrustedText(current.content.name)} … {done} of {PARTS}")
        if not shown:
            for finding in current.findings:
                st.markdown(UntrustedText(line_of(finding)).markdown)


def _say_what_is_shown() -> None:
    if SHOWN in st.session_state:
        st.caption("The report below is from the last check.")


def show_report(report: Report) -> None:
    """Draw what was found."""
    show_summary(report)
    show_steps(report)
    if report.output.strip():
        with st.expander("What it printed", icon=":material/terminal:", key="printed"):
            st.code(UntrustedText(report.output).plain, language=None, height=200)


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


def check_and_train() -> None:
    """The page, where code may be run."""
    chosen = choose_file()
    name = chosen.name if isinstance(chosen, Content) else chosen
    if st.session_state.get(CHOSEN) != name:
        st.session_state[CHOSEN] = name
        forget()
    if chosen is None:
        st.info(
            "Choose the file with your network. Each function is checked on its own, so that one mistake does not hide "
            "another; what is missing is skipped.",
            icon=":material/arrow_upward:",
        )
    else:
        fragment(watch, run_every=WATCH_SECONDS)(chosen)
    st.caption(f":material/shield: {describe_isolation()}")
    shown: Check | None = st.session_state.get(SHOWN)
    if shown and shown.report:
        fragment(show_report)(shown.report)
    st.header("Training")
    config = edit_training()
    left, right = st.columns(2, gap="large")
    with left:
        if shown and shown.report:
            show_training(shown.content, shown.report, config)
        else:
            st.subheader("Your code")
            st.caption("Choose your file above first.")
    with right:
        show_mistakes(config)
    show_pair()


def forget() -> None:
    """Forget the file that was chosen before."""
    st.session_state.pop(SHOWN, None)
    st.session_state.pop(HELP_LEVELS, None)
    if under_way := st.session_state.pop(CHECK, None):
        under_way.stop()


with page(__file__):
    st.title("Your code")
    st.markdown(
        "Write the network yourself, in NumPy. Here each step is checked against the reference, and mistakes are named."
    )
    show_starter()
    if reason := why_no_code():
        st.info(reason, icon=":material/lock:")
    else:
        check_and_train()
    code_behind(check)
