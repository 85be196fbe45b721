"""Look at what a path holds, file by file, and read it as one source."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mnist_core.data.formats.choosing import choose, known_as
from mnist_core.data.formats.class_names import read_class_names, set_of_names
from mnist_core.data.formats.facts import Facts, facts_of, role_in
from mnist_core.data.formats.files import File
from mnist_core.data.formats.kinds import PICTURE, TEXT
from mnist_core.data.formats.names import IMAGES, is_transposed, role_of, set_of, split_of
from mnist_core.data.formats.reading import Reading
from mnist_core.data.formats.seen import NAMES, Seen, see
from mnist_core.data.formats.source import TRAIN, Progress, Source, Split
from mnist_core.data.formats.values import assemble
from mnist_core.data.paths import absolute
from mnist_core.errors import DatasetError, counted

DESCRIBED = 200
"""Files, and folders of pictures, that are described."""


@dataclass(frozen=True, kw_only=True)
class FoundFile(Facts):
    """One file, or the pictures of one folder; the text in it comes from outside.

    Parameters
    ----------
    name : str
        Below the path that was looked at.
    kind : str
        "IDX", "CSV", "picture" and so on; what it is in place of data: "HTML", "pickle", "LFS".
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Found:
    """What a path holds.

    Parameters
    ----------
    path : Path
        Absolute.
    format : str or None
        What it would be read as; None if it can't be read.
    files : tuple of FoundFile
    guess : str or None
        A sentence: what the files are, or nearly are.
    problem : str or None
        A sentence on why they are no data set.
    """

    path: Path
    format: str | None
    files: tuple[FoundFile, ...]
    guess: str | None
    problem: str | None


def look(path: str | os.PathLike[str]) -> Found:
    """Look at what a path holds, without reading all of it.

    Parameters
    ----------
    path : str or path-like
        A folder, a file, a zip file, or a path within a zip file.

    Raises
    ------
    DatasetError
        If there is nothing, or it can't be looked at.
    """
    path = absolute(path)
    seen = see(path)
    chosen: list[File] = []
    form, problem, guess = None, None, None
    try:
        form, chosen, notes = choose(path, seen)
    except DatasetError as error:
        problem = str(error)
    else:
        guess = _guess(chosen, form.name, notes)
    found = _found_files(seen, {file.name for file in chosen})
    if form and form.kind != PICTURE:
        problem = next((file.problem for file in found if file.problem and file.role), None)
    return Found(path, form.name if form and not problem else None, tuple(found), guess, problem)


def _guess(chosen: list[File], form: str, notes: list[str]) -> str:
    name = known_as(chosen)
    if name:
        first = min(chosen, key=lambda file: (split_of(file.name) != TRAIN, role_of(file.name) != IMAGES))
        sentence = f"{first.name} is {name}: read it as such?"
    else:
        files = chosen[0].name if len(chosen) == 1 else counted(len(chosen), "file")
        sentence = f"{files} can be read as {form}."
    return " ".join([sentence, *notes])


def _found_files(seen: Sequence[Seen], chosen: set[str]) -> list[FoundFile]:
    """Describe each file; pictures folder by folder."""
    found = []
    folders: dict[str, list[File]] = {}
    described = 0
    for one in seen:
        described += one.kind != PICTURE
        if described > DESCRIBED and one.kind != PICTURE:
            continue
        if one.kind == PICTURE and not one.problem:
            folders.setdefault(one.file.name.rpartition("/")[0], []).append(one.file)
        elif one.kind == NAMES:
            found.append(FoundFile(name=one.file.name, kind=one.kind, role="class names"))
        elif one.problem or one.kind == TEXT:
            found.append(FoundFile(name=one.file.name, kind=one.kind, problem=one.problem))
        else:
            found.append(_described(one.file.name, one.kind, [one.file], one.file.name in chosen))
    if described > DESCRIBED:
        name = f"{described - DESCRIBED:,} more"
        found.append(FoundFile(name=name, kind="unread", problem="There are too many to look at."))
    for folder, files in sorted(folders.items())[:DESCRIBED]:
        name = f"{folder or '.'} ({counted(len(files), 'picture')})"
        found.append(_described(name, PICTURE, files, files[0].name in chosen))
    return found


def _described(name: str, kind: str, files: list[File], used: bool) -> FoundFile:
    said = role_in(files[0].name)
    try:
        facts = facts_of(kind, files)
    except DatasetError as error:
        facts = Facts(problem=str(error))
    return FoundFile(name=name, kind=kind, **vars(replace(facts, role=(facts.role or said) if used else None)))


def read_source(path: str | os.PathLike[str], progress: Progress | None = None) -> Source:
    """Read the data set that a path holds, whatever its format.

    Parameters
    ----------
    path : str or path-like
        A folder, a file, a zip file, or a path within a zip file.
    progress : callable, optional
        Takes the share that is done, 0 to 1, and what is being done.

    Raises
    ------
    DatasetError
        If there is no data set, several, or one that can't be read; says what was found in its place.
    """
    path = absolute(path)
    seen = see(path)
    form, files, notes = choose(path, seen)
    own = "", set_of(files[0].name)
    names = [found.file for found in seen if found.kind == NAMES and set_of_names(found.file.name) in own][:1]
    reading = Reading([*files, *names], progress)
    contents = form.read(files, reading)
    splits, in_words = assemble(contents.parts, reading.notes)
    class_names, first_label = contents.class_names or in_words, contents.first_label
    if names and not class_names:
        class_names, first_label = _named(names[0], splits, reading)
    notes += [f"{found.problem} It is left out." for found in seen if found.problem and found.kind != TEXT][:5]
    return Source(
        path=path,
        format=form.name,
        splits=splits,
        class_names=class_names,
        checksum=reading.checksum,
        transposed=True if any(is_transposed(file.name) for file in files[:10]) else None,
        notes=(*notes, *reading.all_notes),
        first_label=first_label,
    )


def _named(file: File, splits: dict[str, Split], reading: Reading) -> tuple[tuple[str, ...] | None, int]:
    """The names of the classes in a file, and the label of the first; none if they are not those of the labels."""
    try:
        names, first = read_class_names(reading.whole(file), file.name)
    except DatasetError as error:
        reading.notes.append(f"{error} It is left out.")
        return None, 0
    labels = [split.labels for split in splits.values() if split.labels is not None]
    low, high = (min(map(np.min, labels)), max(map(np.max, labels))) if labels else (first, first)
    if low < first or high >= first + len(names):
        reading.notes.append(
            f"{file.name} names the labels {first} to {first + len(names) - 1}, but those of the images are {low} to "
            f"{high}: the names are left out."
        )
        return None, 0
    return names, first
