"""Published data sets by name, with one button each: use it, or fetch it first."""

import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.data.published import named
from mnist_core.data.published.catalogue import NAMED, NamedSet
from mnist_core.data.published.download import read_arrived
from mnist_core.data.published.named import HERE, MISSING, UNVERIFIED, folder_of, state_of
from mnist_core.errors import DatasetError
from mnist_core.untrusted import UntrustedText
from pages.components.data import Choice, choose, current_choice, current_dataset
from pages.components.errors import fragment, show_error
from pages.components.hosts import serves_others

LARGE = 100_000_000
"""Bytes from which on a data set is fetched only by whoever runs the server."""

BADGES = {
    HERE: ("green", ":material/verified:", "here, verified"),
    UNVERIFIED: ("orange", ":material/download_done:", "here, unverified"),
    MISSING: ("gray", ":material/cloud_download:", "not here"),
}

FIRST_NAMES = 12


@fragment
def show_named_sets() -> None:
    """Draw a row for each published data set."""
    st.markdown(
        "Published data sets in the form of MNIST. Several may be here at once; each run remembers its own. *Verified* "
        "means that the files have the SHA-256 that this project computed from the published ones. Where that was not "
        "possible they are fetched over https, and the SHA-256 of what arrived is shown."
    )
    for known in NAMED.values():
        with st.container(border=True):
            _show_row(known)


def _show_row(known: NamedSet) -> None:
    state = state_of(known)
    color, icon, text = BADGES[state]
    names = known.class_names or tuple("0123456789")
    listed = ", ".join(names[:FIRST_NAMES]) + (f" and {len(names) - FIRST_NAMES} more" * (len(names) > FIRST_NAMES))
    about, action = st.columns([3, 1], vertical_alignment="center")
    with about:
        st.markdown(f"**{known.title}** · {known.about} :{color}-badge[{icon} {text}]")
        st.caption(
            f"{known.train:,} training and {known.test:,} test images, {len(names)} classes: {listed}. "
            f"Licence: {known.licence}.{'' if known.verified else ' No SHA-256 to check it by.'}",
            help=f"To cite: {known.citation}",
        )
    with action:
        pressed = _show_button(known, state)
    if state == UNVERIFIED:
        _show_arrived(known)
    if pressed:
        _fetch(known)


def _show_button(known: NamedSet, state: str) -> bool:
    """Draw the one button of a row; tell whether it asks to fetch the data."""
    if state != MISSING:
        used = _is_used(known)
        if st.button(
            "In use" if used else "Use",
            key=f"use_{known.name}",
            disabled=used,
            icon=":material/check:" if used else ":material/database:",
            width="stretch",
        ):
            choose(Choice(known.name))
            st.rerun()
        return False
    size, large = known.size_in_words, known.size > LARGE
    pressed = st.button(
        f"Download {size}",
        key=f"fetch_{known.name}",
        disabled=large and serves_others(),
        icon=":material/download:",
        width="stretch",
    )
    if large and serves_others():
        st.caption(f"Whoever runs this server fetches it, with `mnist download {known.name}`.")
    elif large:
        st.caption("One file with all of EMNIST: this takes minutes.")
    return pressed


def _is_used(known: NamedSet) -> bool:
    if current_choice().source == known.name:
        return True
    try:
        dataset: Dataset = current_dataset()
    except DatasetError:
        return False
    return bool(known.content) and dataset.has_content(known.content)


def _show_arrived(known: NamedSet) -> None:
    arrived = read_arrived(folder_of(known))
    if arrived:
        with st.popover("SHA-256 of what arrived", icon=":material/fingerprint:", type="tertiary"):
            st.caption("Compare them with what the publisher or somebody you trust says.")
            lines = "\n".join(f"{sha256}  {name}" for name, sha256 in arrived.items())
            st.code(UntrustedText(lines).plain, language=None)


def _fetch(known: NamedSet) -> None:
    """Fetch a data set with progress, use it, and draw the page again; or say why not."""
    bar = st.progress(0.0, "Looking for a mirror …")

    def show(done: int, total: int, message: str) -> None:
        bar.progress(min(done / total, 1.0), f"{UntrustedText(message)}: {done / 1e6:.1f} of {known.size_in_words}")

    try:
        named.download_named(known, show)
        choose(Choice(known.name))
    except DatasetError as error:
        bar.empty()
        show_error(error)
        return
    st.toast(f"{known.title} is here and in use.", icon=":material/check:")
    st.rerun()
