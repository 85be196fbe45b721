"""What a check says of one step."""

from dataclasses import dataclass, field
from typing import Any, Literal

from mnist_core.assignment.compare import as_array
from mnist_core.assignment.reference import Array

State = Literal["correct", "wrong", "missing", "skipped"]

MAX_SHOWN = 10_000
"""Entries of an array that a finding keeps."""


@dataclass(frozen=True)
class Numbers:
    """A result beside the expected one."""

    name: str
    found: Array
    expected: Array

    @classmethod
    def of(cls, name: str, value: Any, expected: Any) -> "Numbers | None":
        """Keep two results, if both are numbers and not too many."""
        found, right = as_array(value), as_array(expected)
        if found is None or right is None or max(found.size, right.size) > MAX_SHOWN:
            return None
        return cls(name, found, right)


@dataclass(frozen=True)
class Finding:
    """The result of one step, or of one check of the whole."""

    step: str
    state: State
    mistake: str | None = None
    """Id in the catalogue; two that combine are joined by ``+``. None if no mistake fits."""
    sentence: str = ""
    """What was found."""
    effect: str = ""
    """What that does to training."""
    hint: str = ""
    formula: str = ""
    code: str = ""
    where: str = ""
    """The first case that fails, in words."""
    line: int | None = None
    """Line of the submission's text that it is about."""
    numbers: Numbers | None = field(default=None, compare=False)
    seconds: float = field(default=0.0, compare=False)

    def hints(self, level: int) -> list[tuple[str, str]]:
        """Titles and texts of the help at a level: 0 the result alone, then hint, formula, and code."""
        parts = (("Hint", self.hint), ("Formula", self.formula), ("Code", self.code))
        return [(title, text) for title, text in parts[:level] if text]
