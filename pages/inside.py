"""Inside."""

import streamlit as st

from pages.components.router import page

with page():
    st.title("Inside")
