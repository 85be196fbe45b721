"""The data set in use, loaded once for all sessions."""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from mnist_core.data.checks import DataWarning, dataset_warnings
from mnist_core.data.dataset import Dataset, find_full, load_dataset
from mnist_core.data.files_seen import files_seen
from mnist_core.data.published.catalogue import NAMED
from mnist_core.data.published.named import find_named, load_named
from mnist_core.errors import DatasetError
from mnist_core.runs.run import default_runs_dir
from mnist_core.untrusted import UntrustedText
from pages.components.hosts import REACHED, serves_others
from pages.components.state import Remembered, remembered

FOLDERS_ARE_OFF = (
    f"{REACHED} its visitors can't choose a folder: whoever runs it names one in the environment variable "
    "MNIST_DATA_DIR and starts it again."
)


@dataclass(frozen=True)
class Choice:
    """What this session chose: a source as :func:`load_dataset` takes it, or a name of ``NAMED``; a path or None."""

    source: str = "auto"
    folder: str | None = None

    def __str__(self) -> str:
        return self.folder or self.source


def own_digits_dir() -> Path:
    """Folder of the data sets that visitors make of their own digits."""
    return default_runs_dir() / ".data"


def uploads_dir() -> Path:
    """Folder of the files that visitors upload as data; beside that of their data sets, which an address may name."""
    return default_runs_dir() / ".uploads"


def why_no_folder() -> str | None:
    """Say why visitors can't choose a folder, if they can't: each answer would tell them which folders exist."""
    return FOLDERS_ARE_OFF if serves_others() else None


def _check(choice: Choice) -> Choice:
    folder = choice.folder and Path(os.path.normpath(choice.folder))
    if folder and folder.parent != own_digits_dir() and (reason := why_no_folder()):
        raise DatasetError(reason)
    return choice


def _parse_choice(text: str) -> Choice:
    try:
        return _check(Choice(text) if text in ("auto", "sample", *NAMED) else Choice("full", text))
    except DatasetError as error:
        raise ValueError(f"expected auto, sample or one of {', '.join(NAMED)}. {error}") from error


def _choice() -> Remembered:
    return remembered("data", Choice(), url="data", parse=_parse_choice)


def current_choice() -> Choice:
    """Choice of this session, also in the address as ``?data=``; automatic until it makes one."""
    return _choice().value


def choose(choice: Choice) -> None:
    """Use other data in this session; a choice that can't be loaded raises DatasetError and changes nothing."""
    load(_check(choice))
    _choice().set(choice)


def current_dataset() -> Dataset:
    """Data set in use in this session, its arrays shared and read-only.

    Raises
    ------
    DatasetError
        If it can't be loaded.
    """
    return load(current_choice())


def show_data_warnings() -> None:
    """Say how the data set in use was prepared, and what is odd about it, if anything is."""
    choice = current_choice()
    dataset, warnings = _load(choice, fingerprint(choice))
    if dataset.notes:
        steps = "\n".join(f"- {sentence}" for sentence in dataset.notes)
        st.info(f"**How these data were prepared**\n\n{steps}", icon=":material/build:")
    for warning in warnings:
        st.warning(f"**{UntrustedText(warning.found)}** {warning.meaning} {warning.advice}", icon=":material/warning:")


def load(choice: Choice) -> Dataset:
    """Load a data set, or take it from the cache as long as the files behind it are the same."""
    dataset, _ = _load(choice, fingerprint(choice))
    return dataset


def fingerprint(choice: Choice | None) -> tuple:
    """What changes when the files behind a choice do, for caches; nothing without a choice."""
    if choice is None:
        return ()
    if choice.source in NAMED:
        folder = find_named(NAMED[choice.source])
    else:
        folder = None if choice.source == "sample" else find_full(choice.folder)
    if folder is None:
        return (os.environ.get("MNIST_DATA_DIR"),)
    return (str(folder), *files_seen(folder))


@st.cache_resource(max_entries=4, show_spinner="Reading the data set …")
def _load(choice: Choice, fingerprint: tuple) -> tuple[Dataset, tuple[DataWarning, ...]]:
    named = choice.source in NAMED
    dataset = load_named(choice.source) if named else load_dataset(choice.source, choice.folder)
    return dataset, dataset_warnings(dataset)


def show_status() -> None:
    """Name the data set in use; for the sidebar."""
    try:
        dataset = current_dataset()
    except DatasetError:
        st.markdown(":red-badge[:material/error: no data set]")
        st.caption("See the Overview page for the reason, and to choose other data.")
        return
    icon, color = (":material/science:", "orange") if dataset.source == "sample" else (":material/database:", "green")
    st.markdown(f":{color}-badge[{icon} {dataset.name}]")  # st.badge would escape brackets a second time: a link again
    st.caption(f"{len(dataset.train_labels):,} training and {len(dataset.test_labels):,} test images")
