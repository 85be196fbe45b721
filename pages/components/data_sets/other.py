"""Data as people have it: a path or an upload, what was found, what becomes of it, and only then taken."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from mnist_core.data.files_seen import stamp
from mnist_core.data.formats.look import Found, look
from mnist_core.data.formats.source import Source
from mnist_core.data.paths import absolute
from mnist_core.data.preparing.prepare import Choices, Unlabelled, prepare, suggest
from mnist_core.data.preparing.prepared import is_plain, open_dataset, open_source, save_prepared
from mnist_core.data.uploaded_data import MOST_FILES, keep_upload
from mnist_core.errors import DatasetError
from mnist_core.untrusted import UntrustedText
from pages.components.data import Choice, choose, own_digits_dir, uploads_dir, why_no_folder
from pages.components.data_sets.choices import edit_choices, show_preview
from pages.components.data_sets.found import show_found
from pages.components.data_sets.unlabelled import show_unlabelled
from pages.components.errors import fragment
from pages.components.state import OneOf, remembered

UPLOAD, PATH = "Upload", "A path on this computer"
MEGABYTES = 100
READ = "data_that_was_read"


@fragment
def show_other_data() -> None:
    """Draw the way from files to a data set in use; its errors end it, and not the page."""
    path = _pick_path()
    if path is None:
        return
    mark = stamp(path)
    with st.spinner("Looking at the files …"):
        found = _look(str(path), mark)
    show_found(found)
    if found.format is None:
        return
    source = _read(path, mark)
    if source is not None:
        _offer(path, mark, source)


def _pick_path() -> Path | None:
    """Draw an upload field, or a field for a path where visitors may choose one."""
    reason = why_no_folder()
    way = remembered("other_data_from", UPLOAD, parse=OneOf((UPLOAD, PATH)))
    if reason:
        st.caption(UntrustedText(reason).markdown)
    else:
        st.segmented_control("Files from", [UPLOAD, PATH], required=True, **way.widget)
    if not reason and way.value == PATH:
        typed = remembered("other_data_path", "")
        st.text_input(
            "File or folder",
            placeholder="~/Downloads/digits.zip",
            help="IDX files under any name, CSV, npz, parquet, MATLAB, a folder of pictures for each class, or a zip "
            "file of any of them.",
            **typed.widget,
        )
        return absolute(typed.value.strip()) if typed.value.strip() else None
    files = st.file_uploader(
        f"Files, together at most {MEGABYTES} MB",
        accept_multiple_files=True,
        max_upload_size=MEGABYTES,
        key="uploaded_data",
        help="A zip file of anything below; IDX files under any name; CSV with the label first or named; npz; parquet; "
        f"MATLAB. Up to {MOST_FILES} files that belong together.",
    )
    if not files:
        return None
    if sum(file.size for file in files) > MEGABYTES * 1_000_000:
        raise DatasetError(
            f"Found {sum(file.size for file in files):,} bytes, but expected at most {MEGABYTES} MB: upload fewer "
            "files, or let the command line read them with `mnist data PATH`."
        )
    return keep_upload({file.name: file.getvalue() for file in files}, uploads_dir().absolute())


@st.cache_data(max_entries=16, show_spinner=False)
def _look(path: str, mark: str) -> Found:
    return look(path)


@st.cache_resource(max_entries=2, show_spinner=False)
def _shelf(path: str, mark: str) -> dict[str, Any]:
    """Hold what was read of a path; of the last two paths of all sessions, because it may be large."""
    return {}


def _read(path: Path, mark: str) -> Source | None:
    """Read the files with progress when a person asks for it; None before."""
    shelf = _shelf(str(path), mark)
    asked = st.session_state.get(READ) == (str(path), mark)
    if "source" in shelf and asked:
        return shelf["source"]
    place = st.empty()
    if not asked and not place.button("Read these files", type="primary", icon=":material/play_arrow:"):
        return None
    st.session_state[READ] = (str(path), mark)
    bar = place.progress(0.0, "Reading …")
    source = open_source(path, lambda share, text: _advance(bar, share, text))
    place.empty()
    shelf["source"] = source
    return source


def _advance(bar: Any, share: float, text: str) -> None:
    bar.progress(min(max(share, 0.0), 1.0), UntrustedText(text).markdown)


def _offer(path: Path, mark: str, source: Source) -> None:
    """Draw the choices with their preview, and the button that takes the data."""
    suggested, sentences = suggest(source)
    plain = is_plain(path)
    start = replace(suggested, invert=False, transpose=False) if plain else suggested
    if plain and start != suggested:
        sentences = (*sentences, "Four files as MNIST's are taken as they are unless you choose below.")
    for sentence in (*source.notes, *sentences):
        st.markdown(f":material/arrow_right: {UntrustedText(sentence)}")
    choices = edit_choices(source, start, mark[:12])
    show_preview(source, choices)
    unlabelled = all(split.labels is None for split in source.splits.values())
    if unlabelled:
        made = prepare(source, choices)
        if isinstance(made, Unlabelled):
            show_unlabelled(made)
        return
    if st.button(
        "Take it",
        type="primary",
        icon=":material/check:",
        help="Use this data in this session. The files are not changed.",
    ):
        with st.spinner("Preparing the data set …"):
            _take(path, source, None if choices == start else choices)
        st.session_state.pop(READ, None)
        st.toast("The data is in use.", icon=":material/check:")
        st.rerun()


def _take(path: Path, source: Source, choices: Choices | None) -> None:
    """Use the data as suggested from where they are, or as chosen from a file of their own."""
    upload = uploads_dir().absolute() in path.parents
    if choices is None and not upload:
        open_dataset(path)  # says why not, before anything changes
        choose(Choice("full", str(path)))
    else:
        made = prepare(source, choices) if choices else open_dataset(path)
        choose(Choice("full", str(save_prepared(made, own_digits_dir()))))
