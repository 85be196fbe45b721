"""A page of every Streamlit element that interprets Markdown, with hostile text; a test serves it.

Each element shows all texts in one line; a paragraph, a label and a cell, which read the begin of a line each in a way
of its own, also show each text by itself.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from mnist_core.untrusted import UntrustedText
from tests.hostile_text import HOSTILE

LABELLED: dict[str, Callable[..., object]] = {
    "button": st.button,
    "toggle": st.toggle,
    "checkbox": st.checkbox,
    "slider": st.slider,
    "number": st.number_input,
    "text_input": st.text_input,
    "text_area": st.text_area,
    "file": st.file_uploader,
    "selectbox": partial(st.selectbox, options=["a"]),
    "multiselect": partial(st.multiselect, options=["a"]),
    "radio": partial(st.radio, options=["a"]),
    "pills": partial(st.pills, options=["a"]),
    "segmented": partial(st.segmented_control, options=["a"]),
    "download": partial(st.download_button, data=b"x"),
}
SHOWN: dict[str, Callable[[Any], object]] = {
    "markdown": st.markdown,
    "caption": st.caption,
    "error": st.error,
    "warning": st.warning,
    "info": st.info,
    "success": st.success,
    "title": partial(st.title, anchor=False),
    "subheader": partial(st.subheader, anchor=False),
    "metric": lambda text: st.metric(text, text, text),
    "expander": lambda text: st.expander(text).text("x"),
    "tab": lambda text: st.tabs([text])[0].text("x"),
    "popover": st.popover,
    "progress": partial(st.progress, 0.5),
    "page_link": lambda text: st.page_link("http://localhost/", label=text),
    "picture": lambda text: st.image(b"<svg xmlns='http://www.w3.org/2000/svg'/>".decode(), caption=text),
    "table": lambda text: st.table({text: [text]}),
    "radio_option": lambda text: st.radio("x", [text], key=f"radio {text}"),
    "pills_option": lambda text: st.pills("x", [text], key=f"pills {text}"),
    "bold": lambda text: st.markdown(f"**{text}** · x"),
    "code": lambda text: st.markdown(f"{text} · {text.code if isinstance(text, UntrustedText) else ''}"),
    "badge": lambda text: st.markdown(f":gray-badge[{text}]"),
    "beside_emoji": lambda text: st.markdown(f"12:30:45 {text}: $x$ :smile:"),
}


def draw(name: str, text: UntrustedText | str, key: str) -> None:
    """Draw one element in a container with a key, by which the test finds it."""
    with st.container(key=f"shown-{name}-{key}"):
        if name in SHOWN:
            SHOWN[name](text if name == "code" else f"{text}")
        else:
            LABELLED[name](f"{text}", key=f"{key} {name}")


for element in (*SHOWN, *LABELLED):
    draw(element, "*as it is*", "raw")
    draw(element, UntrustedText(" · ".join(HOSTILE.values())), "all")
for element in ("markdown", "button", "table", "code"):
    for kind, hostile in HOSTILE.items():
        draw(element, UntrustedText(hostile), kind)
st.toast(f"{UntrustedText(HOSTILE['link'])}", duration="infinite")
st.button("Help", help=f"{UntrustedText(HOSTILE['link'])}")


@st.dialog(f"{UntrustedText(HOSTILE['link'])}")
def show_dialog() -> None:
    """Draw a dialog with a hostile title."""
    st.text("in the dialog")


if st.button("Open dialog"):
    show_dialog()
st.text("The end")
