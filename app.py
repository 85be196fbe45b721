"""Router of the dashboard: `streamlit run app.py`."""

import streamlit as st

from mnist_core.errors import MnistError
from pages.components.data import show_status

st.set_page_config(page_title="MNIST in NumPy", page_icon=":material/neurology:", layout="wide")

page = st.navigation(
    {
        "": [st.Page("pages/overview.py", title="Overview", icon=":material/home:", default=True)],
        "Data": [
            st.Page("pages/dataset.py", title="Dataset", icon=":material/grid_view:", url_path="dataset"),
            st.Page("pages/preprocessing.py", title="Preprocessing", icon=":material/tune:", url_path="preprocessing"),
        ],
        "Network": [
            st.Page("pages/training.py", title="Training", icon=":material/monitoring:", url_path="training"),
            st.Page("pages/evaluation.py", title="Evaluation", icon=":material/fact_check:", url_path="evaluation"),
        ],
    }
)
try:
    with st.sidebar:
        show_status()
    page.run()
except MnistError as error:
    st.error(str(error), icon=":material/error:")
