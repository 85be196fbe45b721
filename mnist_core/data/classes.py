"""The classes of a data set as people read them: a name each, as long as the place for it allows."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import SupportsIndex

from mnist_core.untrusted import UntrustedText

LONGEST_NAME = 80
"""Characters of a name that are shown at most."""

LISTED = 12
"""Classes that a sentence names at most."""

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


@dataclass(frozen=True)
class Classes:
    """The names of classes 0, 1, ... for people: each one line, none empty, and no two alike.

    A name that is missing or empty is the number of its class; one that another class has as well gets it added.

    Parameters
    ----------
    names : tuple of UntrustedText
        As ``Dataset.class_names`` has them; a comparison of two objects compares these.
    """

    names: tuple[UntrustedText, ...]
    _names: tuple[UntrustedText, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines = [" ".join(name.plain.split()) or str(label) for label, name in enumerate(self.names)]
        lines = [line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…" for line in lines]
        object.__setattr__(self, "_names", tuple(map(UntrustedText, _distinct(lines))))

    @classmethod
    def of(cls, names: Sequence[UntrustedText], count: int) -> "Classes":
        """Name ``count`` classes, those beyond the names by their numbers."""
        numbers = (UntrustedText(str(label)) for label in range(len(names), count))
        return cls((*names[:count], *numbers))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[UntrustedText]:
        return iter(self._names)

    def __getitem__(self, label: SupportsIndex) -> UntrustedText:
        """Name of a class: as a string its Markdown, ``.plain`` elsewhere; see :class:`UntrustedText`."""
        return self._names[label]

    @property
    def noun(self) -> str:
        """What an image shows, in a word: "digit" if the classes are the ten digits, otherwise "image"."""
        return "digit" if len(self) == 10 and self.are_numbers else "image"

    @property
    def are_numbers(self) -> bool:
        """Whether each name is the number of its class."""
        return all(name.plain == str(label) for label, name in enumerate(self._names))

    @property
    def are_short(self) -> bool:
        """Whether all names are letters or numbers of up to three columns, for which there is room everywhere."""
        return self.widest <= 3

    @property
    def widest(self) -> int:
        """Columns of the widest name; see :func:`display_width`."""
        return max((display_width(name.plain) for name in self), default=1)

    def plain(self, width: int = LONGEST_NAME) -> list[str]:
        """All names, cut to so many columns and still distinct, for places that interpret nothing."""
        return list(_distinct([shorten(name.plain, width) for name in self]))

    def short(self, label: int, width: int) -> str:
        """One name cut to so many columns, for places that interpret nothing and set it beside other text."""
        return isolated(shorten(self[label].plain, width))

    def arrow(self, label: int, predicted: int, width: int = LONGEST_NAME) -> str:
        """Write "7 → 9", from the label of an image to what is predicted; read from left to right in any script."""
        return f"{self.short(label, width)} → {self.short(predicted, width)}"

    def listed(self, labels: Sequence[int] | None = None) -> UntrustedText:
        """List the names, or those of some classes, for a sentence: "Trouser, Coat and 3 more"."""
        chosen = range(len(self)) if labels is None else labels
        more = len(chosen) - LISTED
        named = ", ".join(self[label].plain for label in chosen[:LISTED])
        return UntrustedText(f"{named} and {more} more" if more > 0 else named)


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """Add the number of its class to each name that another class has, too."""
    count = Counter(names)
    taken = {name for name in names if count[name] == 1}
    for label, name in enumerate(names):
        if count[name] > 1:
            name = f"{name} ({label})"
            while name in taken:
                name += "'"
            taken.add(name)
        yield name


def display_width(text: str) -> int:
    """Columns that a text takes in a terminal: two for each Chinese or Japanese character, none for accents."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, width: int) -> str:
    """Cut a text to so many columns, with "…" in place of what is left out."""
    if display_width(text) <= width:
        return text
    kept, columns = "", 1  # of the dots
    for character in text:
        columns += _columns(character)
        if columns > width:
            break
        kept += character
    return f"{kept.rstrip()}…"


def padded(text: str, width: int) -> str:
    """Fill a text with spaces to so many columns."""
    return text + " " * (width - display_width(text))


def isolated(text: str) -> str:
    """Keep a name that is read from right to left from turning around the text on both sides of it."""
    right_to_left = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if right_to_left else text
