"""Class: grade the implementations of a class, and see what the class finds hard."""

import streamlit as st

from mnist_core.assignment.background import Grading, Order, start_grading
from mnist_core.assignment.cases import SEEDS
from mnist_core.assignment.grades import summarize
from mnist_core.assignment.grading import grade
from mnist_core.assignment.rubric import Rubric, read_rubric
from mnist_core.assignment.sandbox import describe_isolation
from mnist_core.assignment.similarity import similar_pairs
from mnist_core.errors import AssignmentError, counted
from mnist_core.untrusted import UntrustedText
from pages.components.assignment.checked import show_failure, typed_path
from pages.components.assignment.class_report import offer_table, show_grades, show_pairs, show_student, show_summary
from pages.components.assignment.permission import why_no_code
from pages.components.code import code_behind
from pages.components.data import why_no_folder
from pages.components.errors import callback, fragment
from pages.components.hosts import REACHED
from pages.components.router import page
from pages.components.state import NumberIn, Remembered, remembered

REFRESH_SECONDS = 1.0
MOST_JOBS = 16
GRADING = "grading"
NO_FOLDER = (
    f"{REACHED} its visitors can't choose a folder. Grade on your own computer: on this page there, or with mnist "
    "grade FOLDER"
)


def choose() -> None:
    """Let a person choose the folder and how it is graded, and begin."""
    folder = remembered("class_folder", "")
    st.text_input("Folder of the submissions", placeholder="/home/me/submissions", **folder.widget)
    with st.expander("Points and hidden inputs", icon=":material/tune:"):
        rubric = remembered("class_rubric", "")
        st.text_input(
            "Rubric, a TOML file (optional)", placeholder="/home/me/rubric.toml",
            help="The points of each step: lines such as `softmax = 2` below a line `[points]`.", **rubric.widget,
        )  # fmt: skip
        seed = remembered("class_seed", 0, parse=NumberIn(*SEEDS))
        st.number_input(
            "Seed of the hidden inputs", *SEEDS,
            help="0 gives those of *Your code* and mnist check, which students have seen, or the seed of the rubric.",
            **seed.widget,
        )  # fmt: skip
        jobs = remembered("class_jobs", 2, url="jobs", parse=NumberIn(1, MOST_JOBS))
        st.number_input("Files checked at a time", 1, MOST_JOBS, **jobs.widget)
    grading = current()
    st.button(
        "Grade", type="primary", icon=":material/grading:", on_click=callback(_begin),
        args=(folder, rubric, seed, jobs), disabled=bool(grading and grading.active),
    )  # fmt: skip


def current() -> Grading | None:
    """The grading that this session looks at, if it started one."""
    return st.session_state.get(GRADING)


def _begin(folder: Remembered, rubric: Remembered, seed: Remembered, jobs: Remembered) -> None:
    st.session_state.pop(GRADING, None)
    if not folder.value.strip():
        raise AssignmentError("Enter the folder of the submissions first: it holds one file or folder per student.")
    rules = read_rubric(typed_path(rubric.value)) if rubric.value.strip() else Rubric()
    inputs = int(seed.value) or rules.seed
    st.session_state[GRADING] = start_grading(Order(typed_path(folder.value), rules, inputs, int(jobs.value)))


def watch(grading: Grading) -> None:
    """Redraw the progress and the rows that are known, and the whole page once all are graded."""
    if not grading.active:
        st.rerun()
    grades = grading.grades
    done = len(grades) / max(grading.students, 1)
    st.progress(min(done, 1.0), f"{len(grades)} of {counted(grading.students, 'student')} graded")
    st.button("Stop", icon=":material/stop:", on_click=callback(grading.stop))
    if grades:
        show_grades(grades)


def show_result(grading: Grading) -> None:
    """Draw what was found, also where grading was stopped or failed."""
    grades = grading.grades
    if grading.error:
        show_failure(grading.error)
    elif not grading.complete:
        st.info(
            f"{len(grades)} of {counted(grading.students, 'student')} are graded; Grade goes on from there.",
            icon=":material/pause:",
        )
    if not grades:
        return
    st.caption(f"Graded in {UntrustedText(str(grading.order.folder)).code}, seed {grading.order.seed}.")
    show_grades(grades)
    offer_table(grades)
    with st.expander("One student, step by step", icon=":material/person_search:"):
        show_student(grades)
    show_summary(grades)
    if grading.pairs is not None:
        show_pairs(grading.pairs)


with page(__file__):
    st.title("Class")
    st.markdown(
        "Grade the networks that a class wrote: points for each step, mistakes by name, what most of them find hard."
    )
    if reason := why_no_code() or (NO_FOLDER if why_no_folder() else None):
        st.info(reason, icon=":material/lock:")
    else:
        choose()
        grading = current()
        if grading is None:
            st.info(
                "The folder holds one .py or .ipynb file per student, or one folder per student with such a file, "
                "named after the student. Grades are kept there, so grading again checks only new or changed files.",
                icon=":material/arrow_upward:",
            )
        elif grading.active:
            fragment(watch, run_every=REFRESH_SECONDS)(grading)
        else:
            show_result(grading)
        st.caption(describe_isolation())
    code_behind(grade, summarize, similar_pairs)
