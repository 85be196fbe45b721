"""The description of a run: name, note, tags."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mnist_core.errors import RunError
from mnist_core.runs.files import read_json


@dataclass(frozen=True)
class About:
    """The description of a run, the content of ``about.json``; it does not affect training.

    Parameters
    ----------
    name : str
        At most ``MAX_NAME`` characters on one line; white space is normalized.
    note : str
        At most ``MAX_NOTE`` characters.
    tags : sequence of str
        At most ``MAX_TAGS``, each of at most ``MAX_TAG`` characters; empty and repeated ones are left out.
    problem : str or None
        Why the file can't be read; never written.

    Raises
    ------
    RunError
        Names a value that is too long or not text.
    """

    MAX_NAME: ClassVar[int] = 80
    MAX_NOTE: ClassVar[int] = 2000
    MAX_TAGS: ClassVar[int] = 10
    MAX_TAG: ClassVar[int] = 30

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    problem: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        texts = (self.name, self.note, *self.tags) if isinstance(self.tags, list | tuple) else (None,)
        if not all(isinstance(text, str) for text in texts):
            raise RunError("The name, the note and each tag of a run must be text: write them again.")
        tags = tuple(dict.fromkeys(filter(None, (" ".join(tag.split()) for tag in self.tags))))
        object.__setattr__(self, "name", " ".join(self.name.split()))
        object.__setattr__(self, "note", self.note.strip())
        object.__setattr__(self, "tags", tags)
        lengths = [("name", self.name, self.MAX_NAME), ("note", self.note, self.MAX_NOTE)]
        for name, text, longest in [*lengths, *(("tag", tag, self.MAX_TAG) for tag in tags)]:
            if len(text) > longest:
                raise RunError(
                    f"The {name} {text[:20]!r}… has {len(text):,} characters, expected at most {longest:,}: shorten it."
                )
        if len(tags) > self.MAX_TAGS:
            raise RunError(f"Found {len(tags)} tags, expected at most {self.MAX_TAGS}: leave some out.")

    @classmethod
    def read(cls, folder: Path) -> "About":
        """Read ``about.json`` of a run folder: empty if the file is missing, with its ``problem`` if it is damaged."""
        try:
            content = read_json(folder / "about.json")
            return cls(**{name: content[name] for name in ("name", "note", "tags") if name in content})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, RecursionError, RunError) as error:
            return cls(
                problem=f"about.json can't be read ({error}) Write name, tags and note again, or delete the file."
            )
