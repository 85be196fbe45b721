"""The pages of the dashboard, and the way to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.components.data import show_status
from pages.components.errors import errors_shown
from pages.components.runs.delete import forget_deleted
from pages.components.state import enter_page

FOLDER = Path(__file__).resolve().parent.parent
ICON = FOLDER.parent / ".streamlit" / "icon.svg"


class PageInfo(NamedTuple):
    """A page: its section, its file in ``pages/``, its title and icon, and what a person finds there."""

    section: str
    file: str
    title: str
    icon: str
    sentence: str

    @property
    def path(self) -> str:
        """Where ``st.page_link`` and ``st.switch_page`` look for it."""
        return f"pages/{self.file}.py"

    @property
    def url_path(self) -> str:
        """Its place in the address: the name of its file, which a fresh server knows before ``app.py`` has run."""
        return "" if self is PAGES[0] else self.file


PAGES = (
    PageInfo("", "overview", "Overview", ":material/home:", "What this is, and where to begin"),
    PageInfo("Data", "dataset", "Dataset", ":material/grid_view:", "Shapes, random samples, class balance, raw pixels"),
    PageInfo(
        "Data", "preprocessing", "Preprocessing", ":material/tune:", "Normalize, flatten, one-hot: before and after"
    ),
    PageInfo(
        "Learn", "step_by_step", "Step by step", ":material/school:", "Train on one mini-batch, with every number"
    ),
    PageInfo(
        "Learn", "your_code", "Your code", ":material/code_blocks:", "Write the network yourself; mistakes are named"
    ),
    PageInfo("Learn", "class_grades", "Class", ":material/groups:", "Grade a class, and see what it finds hard"),
    PageInfo("Network", "training", "Training", ":material/monitoring:", "Move the sliders, watch the loss fall live"),
    PageInfo("Network", "runs", "Runs", ":material/table_rows:", "Compare runs: curves, settings, McNemar's test"),
    PageInfo("Network", "evaluation", "Evaluation", ":material/fact_check:", "Click a confusion to see its images"),
    PageInfo("Network", "inside", "Inside", ":material/neurology:", "Weights as images, an image on its way through"),
    PageInfo("Network", "label_issues", "Label issues", ":material/rule:", "Labels that the network contradicts"),
    PageInfo("Network", "label_desk", "Label desk", ":material/edit_note:", "Correct labels with single keys"),
    PageInfo("Network", "label_noise", "Noise laboratory", ":material/science:", "Flip labels, find them again"),
    PageInfo("Your handwriting", "draw", "Draw", ":material/draw:", "Draw something and let a network read it"),
    PageInfo("Your handwriting", "upload", "Upload", ":material/upload:", "Let a network read a photo"),
)
"""All pages in the order of the navigation; the first one is what the bare address shows."""

FORMER_ADDRESSES = {"suspects": "label_issues"}
"""Where old links lead now."""


def page_info(file: str) -> PageInfo:
    """Find the page with this file name."""
    return next(page for page in PAGES if page.file == file)


def navigation() -> st.Page:
    """Draw the navigation and return the page that the address asks for."""
    sections: dict[str, list[st.Page]] = {}
    for info in PAGES:
        file = FOLDER / f"{info.file}.py"
        page = st.Page(file, title=info.title, icon=info.icon, url_path=info.url_path, default=info is PAGES[0])
        sections.setdefault(info.section, []).append(page)
    return st.navigation(sections, expanded=True)


def enter() -> st.Page:
    """Configure and draw what all pages share, and return the page that the address asks for."""
    st.set_page_config(page_title="MNIST in NumPy", page_icon=str(ICON), layout="wide")
    st.session_state["entered"] = True
    return navigation()


@contextmanager
def page(file: str, can_undo: bool = False) -> Iterator[None]:
    """Draw a page, with the data set in the sidebar; an MnistError ends it with its sentence.

    Until ``st.navigation`` has run once in a server, Streamlit takes each file of ``pages/`` for a page and runs it
    without ``app.py``. The first visitor of a fresh server may come here that way, and is sent to ``app.py``.

    Parameters
    ----------
    file : str
        The page's ``__file__``.
    can_undo : bool
        Whether this page can restore the runs that this session deleted; any other page removes them for good.
    """
    if not st.session_state.get("entered"):
        enter()
        st.rerun()
    enter_page(file)
    if not can_undo:
        forget_deleted()
    with st.sidebar:
        show_status()
    with errors_shown():
        yield
