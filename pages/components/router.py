"""The pages of the dashboard, and the way to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from mnist_core.errors import MnistError
from pages.components.data import show_status
from pages.components.runs.delete import forget_deleted

PAGES = Path(__file__).resolve().parent.parent
ICON = PAGES.parent / ".streamlit" / "icon.svg"


def navigation() -> st.Page:
    """Draw the navigation and return the page that the address asks for."""
    return st.navigation(
        {
            "": [st.Page(PAGES / "overview.py", title="Overview", icon=":material/home:", default=True)],
            "Data": [
                st.Page(PAGES / "dataset.py", title="Dataset", icon=":material/grid_view:", url_path="dataset"),
                st.Page(
                    PAGES / "preprocessing.py", title="Preprocessing", icon=":material/tune:", url_path="preprocessing"
                ),
            ],
            "Learn": [
                st.Page(
                    PAGES / "step_by_step.py", title="Step by step", icon=":material/school:", url_path="step_by_step"
                ),
            ],
            "Network": [
                st.Page(PAGES / "training.py", title="Training", icon=":material/monitoring:", url_path="training"),
                st.Page(PAGES / "runs.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
                st.Page(
                    PAGES / "evaluation.py", title="Evaluation", icon=":material/fact_check:", url_path="evaluation"
                ),
                st.Page(PAGES / "inside.py", title="Inside", icon=":material/neurology:", url_path="inside"),
                st.Page(PAGES / "label_issues.py", title="Label issues", icon=":material/rule:", url_path="suspects"),
            ],
            "Your digits": [
                st.Page(PAGES / "draw.py", title="Draw", icon=":material/draw:", url_path="draw"),
                st.Page(PAGES / "upload.py", title="Upload", icon=":material/upload:", url_path="upload"),
            ],
        }
    )


def enter() -> st.Page:
    """Configure and draw what all pages share, and return the page that the address asks for."""
    st.set_page_config(page_title="MNIST in NumPy", page_icon=str(ICON), layout="wide")
    st.session_state["entered"] = True
    return navigation()


@contextmanager
def page(can_undo: bool = False) -> Iterator[None]:
    """Draw a page, with the data in use in the sidebar; an error that is meant for people ends it with its sentence.

    Until ``st.navigation`` ran for the first time in a server, Streamlit takes each file of ``pages/`` for a page of its
    own and runs it without ``app.py``. The first visitor of a fresh server may come here that way, and is sent around.

    Parameters
    ----------
    can_undo : bool
        Whether this page can bring back the runs that this session deleted; on any other one, they are gone for good.
    """
    if not st.session_state.get("entered"):
        enter()
        st.rerun()
    if not can_undo:
        forget_deleted()
    with st.sidebar:
        show_status()
    try:
        yield
    except MnistError as error:
        st.error(str(error), icon=":material/error:")
