"""The dashboard: `streamlit run app.py` imports this file for the server, and runs it for every drawing."""

from typing import Any

import streamlit as st

from pages.components.addresses import Redirects
from pages.components.hosts import KnownHosts
from pages.components.router import FORMER_ADDRESSES, enter

if __name__ == "__main__":
    enter().run()
else:
    app: Any = st.App(__file__)  # under this name, and called like this, Streamlit looks for it
    app = KnownHosts(Redirects(app, FORMER_ADDRESSES))
