"""Decisions of people about labels, as a file beside the data: the images and labels themselves never change.

A file of corrections is CSV with a line for each image that somebody decided on::

    split,index,image_sha256,old,new,who,when,why
    train,59915,6c0f…,4,7,Ada,2026-11-25T18:12:10.000+00:00,has a bar

``index`` counts from 0 in the original split, ``image_sha256`` is that of the grey values row by row, ``new`` is a
class or ``drop``, and equals ``old`` if the label was found correct. Text that a spreadsheet could take for a formula
begins with an apostrophe.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_core.data.corrected.corrections_csv import (
    CHOOSE,
    COLUMNS,
    from_iso,
    guarded,
    read_table,
    to_iso,
    to_table,
    unguarded,
)
from mnist_core.data.dataset import Dataset
from mnist_core.disk import read_bounded, write_atomically
from mnist_core.errors import CorrectionsError, advice_on, counted, reason_of
from mnist_core.untrusted import UntrustedText

NAMES = {"train": "training", "test": "test"}

SPLITS = tuple(NAMES)

DROP = "drop"
"""In the column ``new``: leave the image out."""

MAX_BYTES = 30_000_000
"""Bytes of the largest file that is read."""

MAX_DECISIONS = 200_000

MAX_WHO, MAX_WHY = 100, 500
"""Characters."""

MAX_INDEX, MAX_LABEL = 10**9, 10**5

_SHA256 = re.compile("[0-9a-f]{64}")

_text = lru_cache(maxsize=1024)(UntrustedText)
"""The same few people and reasons stand in thousands of lines."""

LAST_TIME = 2.0**33
"""In the year 2242, in seconds since 1970."""

EXPECTED = {
    "split": f"one of {', '.join(SPLITS)}",
    "index": "the position of an image, from 0 on",
    "image_sha256": "64 hexadecimal digits",
    "old": "a class, from 0 on",
    "new": f"a class, from 0 on, or {DROP}",
    "who": f"a name of at most {MAX_WHO} characters",
    "when": "a date and time such as 2026-11-25T18:12:10+00:00",
    "why": f"a text of at most {MAX_WHY} characters",
}
"""What each column may hold, for messages."""


@dataclass(frozen=True)
class Correction:
    """What a person decided about the label of one image.

    Parameters
    ----------
    split : {"train", "test"}
    index : int
        Position in the original split.
    image_sha256 : str
        SHA-256 of the grey values of the image, row by row; see :func:`image_sha256`.
    old : int
        The label in the original data.
    new : int or None
        The label as decided: ``old`` itself if it was found correct, None to leave the image out.
    who : UntrustedText
    when : float
        Seconds since 1970, kept to the millisecond.
    why : UntrustedText
        As ``who`` on one line, so that a file has a line for each decision.
    """

    split: str
    index: int
    image_sha256: str
    old: int
    new: int | None
    who: UntrustedText = UntrustedText("")
    when: float = 0.0
    why: UntrustedText = UntrustedText("")

    def __post_init__(self) -> None:
        fits = (
            self.split in SPLITS,
            0 <= self.index < MAX_INDEX,
            _SHA256.fullmatch(self.image_sha256),
            0 <= self.old < MAX_LABEL,
            self.new is None or 0 <= self.new < MAX_LABEL,
            len(self.who.plain) <= MAX_WHO,
            0 <= self.when <= LAST_TIME,
            len(self.why.plain) <= MAX_WHY,
        )
        if not all(fits):
            name = next(name for name, fit in zip(COLUMNS, fits, strict=True) if not fit)
            value = getattr(self, name)
            raise _unfit(name, value.plain if isinstance(value, UntrustedText) else str(value))
        for name, text in (("who", self.who.plain), ("why", self.why.plain)):
            if (line := " ".join(text.split())) != text:
                object.__setattr__(self, name, UntrustedText(line))
        object.__setattr__(self, "when", round(self.when, 3))

    @property
    def place(self) -> tuple[str, int]:
        """Split and index: which image it is about."""
        return self.split, self.index

    @property
    def changes(self) -> bool:
        """Whether the label was not found correct."""
        return self.new != self.old

    @property
    def _order(self) -> tuple[float, str, int, str, int, str]:
        """Later is greater; of two at the same time, everybody takes the same one."""
        new = -1 if self.new is None else self.new
        return self.when, self.who.plain, new, self.why.plain, self.old, self.image_sha256


class Conflict(NamedTuple):
    """Two files decided differently on one image."""

    kept: Correction
    """The later one."""
    overruled: Correction


@dataclass(frozen=True)
class Corrections:
    """Decisions on images, at most one for each, in the order of split and index.

    Parameters
    ----------
    decisions : iterable of Correction
        Of several on one image the latest counts.
    """

    decisions: tuple[Correction, ...] = ()

    def __post_init__(self) -> None:
        latest: dict[tuple[str, int], Correction] = {}
        for one in self.decisions:
            known = latest.setdefault(one.place, one)
            if known is not one:
                _check_same_image(known, one)
                latest[one.place] = max(known, one, key=lambda decision: decision._order)
        if len(latest) > MAX_DECISIONS:
            raise CorrectionsError(
                f"Found {len(latest):,} decisions, but expected at most {MAX_DECISIONS:,}: decide on fewer images."
            )
        ordered = sorted(latest.values(), key=lambda one: (SPLITS.index(one.split), one.index))
        object.__setattr__(self, "decisions", tuple(ordered))

    def __len__(self) -> int:
        return len(self.decisions)

    def __iter__(self) -> Iterator[Correction]:
        return iter(self.decisions)

    @property
    def description(self) -> str:
        """How many decisions there are, and what they do to each split, in one line."""
        parts = []
        for split in SPLITS:
            own = [one for one in self.decisions if one.split == split]
            if changed := [one for one in own if one.changes]:
                dropped = sum(one.new is None for one in changed)
                parts.append(
                    f"{counted(len(changed) - dropped, f'{NAMES[split]} label')} changed, "
                    f"{counted(dropped, f'{NAMES[split]} image')} left out"
                )
        return f"{counted(len(self), 'decision')} on labels: {', '.join(parts) or 'none changes anything'}"

    def changes(self, split: str) -> bool:
        """Whether the labels or images of a split become others."""
        return any(one.changes for one in self.decisions if one.split == split)

    def get(self, split: str, index: int) -> Correction | None:
        """The decision on an image, if there is one."""
        return self._by_place.get((split, index))

    @cached_property
    def _by_place(self) -> dict[tuple[str, int], Correction]:
        return {one.place: one for one in self.decisions}

    @cached_property
    def content(self) -> bytes:
        """The file, as :meth:`write` writes it: the same decisions give the same bytes."""
        return to_table(
            (one.split, one.index, one.image_sha256, one.old, DROP if one.new is None else one.new,
             guarded(one.who.plain), to_iso(one.when), guarded(one.why.plain))
            for one in self.decisions
        )  # fmt: skip

    @cached_property
    def sha256(self) -> str:
        """Checksum of :attr:`content`, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def parse(cls, content: bytes, name: str) -> "Corrections":
        """Read the content of a file of corrections; a semicolon or a tab may separate the columns, too.

        Parameters
        ----------
        content : bytes
        name : str
            Of the file, for messages.

        Raises
        ------
        CorrectionsError
            Names the line, what was found and what was expected.
        """
        if len(content) > MAX_BYTES:
            raise CorrectionsError(f"{name}: {_size(content)}. {CHOOSE}")
        try:
            return cls(tuple(_decisions(read_table(content, MAX_DECISIONS), name)))
        except ValueError as error:
            raise CorrectionsError(f"{name}: {error}. {CHOOSE}") from error

    @classmethod
    def read(cls, path: Path) -> "Corrections":
        """Read a file of corrections.

        Raises
        ------
        CorrectionsError
            If it can't be read, or holds anything else.
        """
        try:
            content = read_bounded(path, MAX_BYTES)
        except FileNotFoundError as error:
            raise CorrectionsError(f"{path}: found no such file. {CHOOSE}") from error
        except OSError as error:
            raise CorrectionsError(f"{path}: can't be read ({reason_of(error)}). Check its permissions.") from error
        except ValueError as error:
            raise CorrectionsError(f"{path}: {error}. {CHOOSE}") from error
        return cls.parse(content, str(path))

    def write(self, path: Path) -> None:
        """Write a file of corrections, whole or not at all.

        Raises
        ------
        CorrectionsError
            If it can't be written, or would be too large to be read again.
        """
        if len(self.content) > MAX_BYTES:
            raise CorrectionsError(f"Can't write {path}: {_size(self.content)}. Decide on fewer images.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda file: file.write(self.content))
        except OSError as error:
            raise CorrectionsError(f"Can't write {path} ({reason_of(error)}): {advice_on(error)}.") from error

    def adding(self, *decisions: Correction) -> "Corrections":
        """These decisions and further ones, which replace those on the same images, whatever the clocks say."""
        decided = {one.place for one in decisions}
        return Corrections((*(one for one in self.decisions if one.place not in decided), *decisions))

    def without(self, split: str, index: int) -> "Corrections":
        """These decisions but the one on an image."""
        return Corrections(tuple(one for one in self.decisions if one.place != (split, index)))

    def merge(self, other: "Corrections") -> "tuple[Corrections, tuple[Conflict, ...]]":
        """Join the decisions of two people: of two on one image the later counts, in whatever order they are joined.

        Returns
        -------
        Corrections
        tuple of Conflict
            The images on which they differ.

        Raises
        ------
        CorrectionsError
            If they are about different images.
        """
        merged = Corrections((*self.decisions, *other.decisions))
        conflicts = tuple(
            Conflict(*sorted((mine, theirs), key=lambda one: one._order, reverse=True))
            for mine, theirs in in_common(self, other)
            if mine.new != theirs.new
        )
        return merged, conflicts

    def check(self, dataset: Dataset) -> None:
        """Check that these are decisions on the images of a data set.

        Raises
        ------
        CorrectionsError
            Says which image is another one, has another label than the corrected one, or would get a class that the
            data set does not have; or that a split would lose all of its images.
        """
        if dataset.corrections is not None:
            raise CorrectionsError(
                f"{dataset.name.plain} is corrected already: merge both corrections, and correct the original data."
            )
        for split in SPLITS:
            images, labels = arrays_of(dataset, split)
            own = [one for one in self.decisions if one.split == split]
            for one in own:
                if problem := _misfit(one, images, labels, dataset.num_classes):
                    raise CorrectionsError(
                        f"The corrections do not fit {dataset.name.plain}: {NAMES[split]} image {one.index:,} "
                        f"{problem}. Use them with the data that they were made for."
                    )
            if own and all(one.new is None for one in own) and len(own) == len(labels):
                raise CorrectionsError(
                    f"The corrections leave out all {counted(len(own), f'{NAMES[split]} image')}, but expected at "
                    "least one to stay: take some decisions back."
                )

    def apply(self, dataset: Dataset) -> Dataset:
        """Make a data set with the decided labels, and without the images to leave out.

        It has the classes, name and checksums of the original one.

        Raises
        ------
        CorrectionsError
            As :meth:`check` does.
        """
        self.check(dataset)
        arrays: dict[str, Any] = {}
        extra = dict(dataset.extra)
        for split in SPLITS:
            images, labels = arrays_of(dataset, split)
            labels = labels.copy()
            own = [one for one in self.decisions if one.split == split and one.changes]
            for one in own:
                labels[one.index] = one.old if one.new is None else one.new
            if any(one.new is None for one in own):
                kept = self.positions(dataset, split)
                images, labels = images[kept], labels[kept]
                if split in extra:
                    extra[split] = {name: column[kept] for name, column in extra[split].items()}
            arrays |= {f"{split}_images": images, f"{split}_labels": labels}
        corrected = replace(dataset, **arrays, extra=extra, corrections=self)
        if corrected.num_classes < dataset.num_classes:  # the last class lost its images
            corrected = replace(corrected, given_names=dataset.class_names)
        return corrected

    def positions(self, dataset: Dataset, split: str) -> np.ndarray:
        """Positions in the original split of the images that stay.

        Parameters
        ----------
        dataset : Dataset
            The original one.
        split : {"train", "test"}

        Returns
        -------
        ndarray of int, shape (N,), ascending
        """
        dropped = [one.index for one in self.decisions if one.split == split and one.new is None]
        return np.delete(np.arange(len(arrays_of(dataset, split)[1])), dropped)


def decide(
    dataset: Dataset,
    split: str,
    decisions: Iterable[tuple[int, int | None]],
    who: UntrustedText = UntrustedText(""),
    when: float = 0.0,
    why: UntrustedText = UntrustedText(""),
) -> Corrections:
    """Make corrections of positions in the original split and new labels, None to leave the image out.

    Raises
    ------
    CorrectionsError
        If a class or a position is none of the data set.
    """
    images, labels = arrays_of(dataset, split)
    made = Corrections(
        tuple(
            Correction(split, int(index), image_sha256(images[index]), int(labels[index]), new, who, when, why)
            for index, new in decisions
        )
    )
    made.check(dataset)
    return made


def in_common(first: Corrections, second: Corrections) -> list[tuple[Correction, Correction]]:
    """Both decisions on each image that both decided on.

    Raises
    ------
    CorrectionsError
        If they are about different images.
    """
    pairs = [(one, other) for one in first if (other := second.get(*one.place))]
    for pair in pairs:
        _check_same_image(*pair)
    return pairs


def arrays_of(dataset: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the split "train" or "test"."""
    if split == "train":
        return dataset.train_images, dataset.train_labels
    return dataset.test_images, dataset.test_labels


def image_sha256(image: np.ndarray) -> str:
    """SHA-256 of the grey values of an image, row by row, in hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(image, np.uint8).tobytes()).hexdigest()


def _unfit(name: str, found: str) -> ValueError:
    found = UntrustedText(found).plain
    return ValueError(f"{name} is {found[:40] + '…' * (len(found) > 40)!r}: expected {EXPECTED[name]}")


def _size(content: bytes) -> str:
    return f"it has {len(content) / 1e6:,.1f} MB, expected at most {MAX_BYTES / 1e6:,.1f}"


def _check_same_image(one: Correction, other: Correction) -> None:
    if one.image_sha256 != other.image_sha256:
        raise CorrectionsError(
            f"Two decisions on {NAMES[one.split]} image {one.index:,} are about different images, as their SHA-256 "
            "shows: join only corrections of the same data."
        )


def _misfit(one: Correction, images: np.ndarray, labels: np.ndarray, classes: int) -> str | None:
    """Say what of the data a correction does not fit, in a clause whose subject is the image."""
    if one.index >= len(labels):
        return f"does not exist: there are {len(labels):,}"
    if image_sha256(images[one.index]) != one.image_sha256:
        return "is another one, as its SHA-256 shows"
    if labels[one.index] != one.old:
        return f"has the label {labels[one.index]}, but {one.old} was corrected"
    if one.new is not None and one.new >= classes:
        return f"would become class {one.new}, expected one of 0 to {classes - 1}"
    return None


def _decisions(rows: Iterable[tuple[int, dict[str, str]]], name: str) -> Iterator[Correction]:
    for line, cells in rows:
        try:
            yield _decision(cells)
        except ValueError as error:
            raise CorrectionsError(f"{name}, line {line:,}: {error}. Correct the line, or take it out.") from error


def _decision(cells: dict[str, str]) -> Correction:
    new = cells["new"].strip()
    try:
        when = from_iso(cells["when"])
    except (ValueError, OverflowError) as error:
        raise _unfit("when", cells["when"]) from error
    return Correction(
        cells["split"].strip(),
        _whole("index", cells["index"]),
        cells["image_sha256"].strip().lower(),
        _whole("old", cells["old"]),
        None if new == DROP else _whole("new", new),
        _text(unguarded(cells["who"])),
        when,
        _text(unguarded(cells["why"])),
    )


def _whole(name: str, cell: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", cell.strip()):
        raise _unfit(name, cell)
    return int(cell)
