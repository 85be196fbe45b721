"""The pages of the dashboard, and the way to them."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parent.parent


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
            "Network": [
                st.Page(PAGES / "training.py", title="Training", icon=":material/monitoring:", url_path="training"),
                st.Page(
                    PAGES / "evaluation.py", title="Evaluation", icon=":material/fact_check:", url_path="evaluation"
                ),
            ],
        }
    )


def enter_through_router() -> None:
    """Let a page run inside ``app.py`` only.

    Until ``st.navigation`` ran for the first time in a server, Streamlit takes each file of ``pages/`` for an app page of
    its own. So the first visitor of a fresh server, if the address is that of a page, would see the page bare:
    call the navigation then, and start again.
    """
    if not st.session_state.get("routed"):
        st.session_state["routed"] = True
        navigation()
        st.rerun()
