"""The description of a run: name, note, tags."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypedDict

from mnist_core.errors import RunError
from mnist_core.runs.schema import Damage, damage_of, read_record, write_record
from mnist_core.untrusted import UntrustedText

NOTHING = UntrustedText("")


class Description(TypedDict, total=False):
    """Content of ``about.json``."""

    name: UntrustedText
    note: UntrustedText
    tags: list[UntrustedText]


@dataclass(frozen=True)
class About:
    """The description of a run, the content of ``about.json``; it does not affect training.

    Parameters
    ----------
    name : UntrustedText
        At most ``MAX_NAME`` characters on one line; white space is normalized.
    note : UntrustedText
        At most ``MAX_NOTE`` characters.
    tags : sequence of UntrustedText
        At most ``MAX_TAGS``, each of at most ``MAX_TAG`` characters; empty and repeated ones are left out.
    damage : Damage or None
        Why the file can't be read; never written.

    Raises
    ------
    RunError
        Names a value that is too long, or says that there are too many tags.
    """

    MAX_NAME: ClassVar[int] = 80
    MAX_NOTE: ClassVar[int] = 2000
    MAX_TAGS: ClassVar[int] = 10
    MAX_TAG: ClassVar[int] = 30

    name: UntrustedText = NOTHING
    note: UntrustedText = NOTHING
    tags: tuple[UntrustedText, ...] = ()
    damage: Damage | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        name, note, tags = (_one_line(self.name), UntrustedText(self.note.plain.strip()), map(_one_line, self.tags))
        kept = tuple(dict.fromkeys(filter(None, tags)))
        for field_, value in (("name", name), ("note", note), ("tags", kept)):
            object.__setattr__(self, field_, value)
        lengths = [
            ("name", name, self.MAX_NAME),
            ("note", note, self.MAX_NOTE),
            *(("tag", tag, self.MAX_TAG) for tag in kept),
        ]
        for field_, text, longest in lengths:
            if len(text.plain) > longest:
                raise RunError(
                    f"The {field_} {text.plain[:20]!r}… has {len(text.plain):,} characters, "
                    f"expected at most {longest:,}: shorten it."
                )
        if len(kept) > self.MAX_TAGS:
            raise RunError(f"Found {len(kept)} tags, expected at most {self.MAX_TAGS}: leave some out.")

    @property
    def problem(self) -> str | None:
        """Why the file can't be read, and what to do."""
        return str(self.damage) if self.damage else None

    @classmethod
    def of(cls, name: str = "", note: str = "", tags: Sequence[str] = ()) -> "About":
        """Take what a person or a file wrote.

        Raises
        ------
        RunError
            Names a value that is too long or not text.
        """
        texts = (name, note, *tags) if isinstance(tags, list | tuple) else (None,)
        if not all(isinstance(text, str) for text in texts):
            raise RunError("The name, the note and each tag of a run must be text: write them again.")
        return cls(UntrustedText(name), UntrustedText(note), tuple(map(UntrustedText, tags)))

    @classmethod
    def read(cls, folder: Path) -> "About":
        """Read ``about.json`` of a run folder: empty if the file is missing, with its ``problem`` if it is damaged."""
        try:
            content = read_record(folder / "about.json", Description)
            return cls(content.get("name", NOTHING), content.get("note", NOTHING), tuple(content.get("tags", ())))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, RunError) as error:
            return cls(damage=damage_of("about.json", error, "Write name, tags and note again, or delete the file."))

    def write(self, folder: Path) -> None:
        """Write ``about.json`` into a run folder."""
        content = Description(name=self.name, note=self.note, tags=list(self.tags))
        write_record(folder / "about.json", content, Description)


def _one_line(text: UntrustedText) -> UntrustedText:
    return UntrustedText(" ".join(text.plain.split()))
