"""Router of the dashboard: `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from mnist_core.errors import MnistError
from pages.components.data import show_status
from pages.components.router import navigation

st.set_page_config(
    page_title="MNIST in NumPy", page_icon=str(Path(__file__).parent / ".streamlit" / "icon.svg"), layout="wide"
)
st.session_state["routed"] = True
page = navigation()
try:
    with st.sidebar:
        show_status()
    page.run()
except MnistError as error:
    st.error(str(error), icon=":material/error:")
