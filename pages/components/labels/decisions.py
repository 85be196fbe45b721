"""Decisions on labels, written at once to the one file of their data set, which all sessions share."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from mnist_core.data.corrected.corrections import MAX_WHO, NAMES, Correction, Corrections
from mnist_core.data.corrected.corrections import decide as make_decision
from mnist_core.data.corrected.shared_corrections import change_file
from mnist_core.data.dataset import Dataset
from mnist_core.errors import CorrectionsError
from mnist_core.runs.desk_file import desk_file
from mnist_core.untrusted import UntrustedText
from pages.components.state import Remembered, remembered

MOST_UNDOABLE = 1000


class Made(NamedTuple):
    """A decision of this session, and the one that it replaced."""

    path: Path
    decision: Correction
    before: Correction | None


def decisions_on(dataset: Dataset) -> Corrections:
    """All decisions on a data set so far, of whomever.

    Raises
    ------
    CorrectionsError
        If their file can't be read.
    """
    path = desk_file(dataset)
    try:
        found = path.stat()
    except FileNotFoundError:
        return Corrections()
    return _read(path, found.st_mtime_ns, found.st_size, found.st_ino)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: Path, written: int, size: int, number: int) -> Corrections:
    return Corrections.read(path)


def _parse_name(text: str) -> str:
    if len(text) > MAX_WHO:
        raise ValueError(f"expected a name of at most {MAX_WHO} characters")
    return text


def name_of_decider() -> Remembered:
    """Name under which this session decides; it is in the address, so that a reload keeps it."""
    return remembered("desk_who", "", url="who", parse=_parse_name)


def decide(
    dataset: Dataset, split: str, index: int, new: int | None, who: UntrustedText, made: list[Made]
) -> tuple[Correction, Corrections]:
    """Decide on the label of an image, None to leave the image out; an earlier decision on it is replaced.

    Neither this nor :func:`undo` asks Streamlit for anything, since each such question may end the run of a script.

    Parameters
    ----------
    dataset : Dataset
    split, index
        The image.
    new : int or None
    who : UntrustedText
    made : list of Made
        The decisions of this session, which gets one more.

    Returns
    -------
    Correction
        The decision.
    Corrections
        All decisions as they are now.
    """
    (decision,) = make_decision(dataset, split, [(index, new)], who, time.time())
    before: list[Correction | None] = []

    def change(known: Corrections) -> Corrections:
        before.append(known.get(split, index))
        return known.adding(decision)

    path = desk_file(dataset)
    known = change_file(path, change)
    made.append(Made(path, decision, before[-1]))
    del made[:-MOST_UNDOABLE]
    return decision, known


def undo(dataset: Dataset, split: str, who: UntrustedText, made: list[Made]) -> Correction | None:
    """Take the latest decision of this session on a split back; after a reload, the latest one of the same name.

    Returns
    -------
    Correction or None
        The decision that was taken back; None if there is none.

    Raises
    ------
    CorrectionsError
        If somebody else has decided on its image since.
    """
    path = desk_file(dataset)
    own = [each for each in made if each.path == path and each.decision.split == split]
    latest = own[-1] if own else _latest_of(path, split, who)
    if latest is None:
        return None
    if own:
        made.remove(latest)
    change_file(path, _taking_back(latest))
    return latest.decision


def _latest_of(path: Path, split: str, who: UntrustedText) -> Made | None:
    name = " ".join(who.plain.split())  # as corrections have it
    known = Corrections.read(path) if path.exists() else Corrections()
    own = [one for one in known if one.split == split and one.who.plain == name]
    return Made(path, max(own, key=lambda one: one.when), None) if own else None


def _taking_back(made: Made) -> Callable[[Corrections], Corrections]:
    split, index = made.decision.place

    def change(known: Corrections) -> Corrections:
        found = known.get(split, index)
        if found != made.decision:
            raise CorrectionsError(
                f"Somebody else has decided on {NAMES[split]} image {index:,} since: nothing is undone. Look at the "
                "image again."
            )
        return known.adding(made.before) if made.before else known.without(split, index)

    return change


def merge_into(dataset: Dataset, others: Corrections) -> int:
    """Join decisions of a file with those on the data set; return on how many images they differed.

    Raises
    ------
    CorrectionsError
        If they are no decisions on this data set.
    """
    others.check(dataset)
    differing: list[int] = []

    def change(known: Corrections) -> Corrections:
        merged, conflicts = known.merge(others)
        merged.check(dataset)
        differing.append(len(conflicts))
        return merged

    change_file(desk_file(dataset), change)
    return differing[-1]
