"""Router of the dashboard: `streamlit run app.py`."""

from pages.components.router import enter

enter().run()
