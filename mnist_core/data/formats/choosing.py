"""Which of the files seen are the data set: those of one format and one set, as many as belong together."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mnist_core.data.formats.files import File
from mnist_core.data.formats.idx import home as idx_home
from mnist_core.data.formats.kinds import IDX, PICTURE, TEXT
from mnist_core.data.formats.names import KNOWN_SETS, SPLIT_WORDS, role_of, set_of, split_of
from mnist_core.data.formats.seen import Seen
from mnist_core.data.formats.table import FORMATS, NAMES, Format
from mnist_core.errors import DatasetError, counted

SHOWN = 5
"""Names that a message lists."""

Key = tuple[str, str]
"""Folder and name of a set."""


def choose(path: Path, seen: Sequence[Seen]) -> tuple[Format, list[File], list[str]]:
    """Choose the files to read.

    Returns
    -------
    tuple of Format, list of File, and list of str
        The format, its files, and sentences about what is left out.

    Raises
    ------
    DatasetError
        If there is no data set, or several that are as good.
    """
    for form in FORMATS:
        files = [found.file for found in seen if found.kind == form.kind and not found.problem]
        if not files:
            continue
        chosen, left_out = _one_set(path, form, files)
        _check_whole(form.kind, chosen, seen)
        notes = [_left_out(left_out)] if left_out else []
        others = {found.kind for found in seen if not found.problem} - {form.kind}
        further = [other.name for other in FORMATS if other.kind in others]
        if further:
            notes.append(f"There are files of {' and '.join(further)} as well: left out.")
        return form, chosen, notes
    raise DatasetError(explain_nothing(path, seen))


def _check_whole(kind: str, chosen: Sequence[File], seen: Sequence[Seen]) -> None:
    """Refuse a data set of which a part is there but can't be read: without it, it would be another one."""
    if kind == PICTURE:
        return
    keys = {_key(file.name, kind) for file in chosen}
    parts = {(split_of(file.name), role_of(file.name)) for file in chosen}
    for found in seen:
        part = split_of(found.file.name), role_of(found.file.name)
        missing = part not in parts and _key(found.file.name, kind) in keys
        if missing and found.kind == TEXT and None not in part:
            raise DatasetError(f"{found.file.name}: found text, but expected data. Copy or download it again.")
        if missing and found.kind != TEXT and found.problem and part != (None, None):
            raise DatasetError(found.problem)


def _left_out(files: Sequence[File]) -> str:
    names = [file.name for file in files]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    verb = "belongs" if len(names) == 1 else "belong"
    return f"{', '.join(names[:SHOWN])}{more} {verb} to another data set: left out."


def _one_set(path: Path, form: Format, files: list[File]) -> tuple[list[File], list[File]]:
    """The files of the most complete set, and those of others."""
    if form.kind == PICTURE:
        return files, []
    sets: dict[Key, list[File]] = {}
    for file in files:
        sets.setdefault(_key(file.name, form.kind), []).append(file)
    scores = {key: _score(form.kind, some) for key, some in sets.items()}
    best = [key for key in sets if scores[key] == max(scores.values())]
    if len(best) > 1 or (form.kind == IDX and scores[best[0]] < 4):
        names = {name for _, name in sets}
        if len(names) == 1 and _score(form.kind, files) == len(files):  # a folder for each file
            return files, []
    if len(best) > 1:
        raise DatasetError(_explain_several(path, {key: sets[key] for key in best}))
    chosen = _preferred(sets[best[0]]) if form.kind == IDX else sets[best[0]]
    return chosen, [file for key, some in sets.items() if key != best[0] for file in some]


def _key(name: str, kind: str) -> Key:
    """The folder of a data set and its name: folders for a split don't count."""
    parts = PurePosixPath(idx_home(name) if kind == IDX else str(PurePosixPath(name).parent)).parts
    folders = [part for part in parts if part.lower() not in SPLIT_WORDS]
    return "/".join(folders), set_of(name)


def _score(kind: str, files: Sequence[File]) -> int:
    """How many different parts of a data set the files are, by their names."""
    if kind == IDX:
        return len({(split_of(file.name), role_of(file.name)) for file in files})
    return len({split_of(file.name) for file in files})


def _preferred(files: list[File]) -> list[File]:
    """Of variants of a file, plain and compressed, the first: as ``dataset.find_full``, what is compressed."""
    found: dict[tuple[str | None, ...], File] = {}
    for file in sorted(files, key=lambda file: (not file.name.lower().endswith(".gz"), len(file.name), file.name)):
        split, role = split_of(file.name), role_of(file.name)
        found.setdefault((split, role) if role else (split, file.name), file)
    return list(found.values())


def known_as(files: Sequence[File]) -> str | None:
    """What the names of files say the data set is, if it is a known one with a name of its own."""
    names = {set_of(file.name) for file in files[:SHOWN]}
    return KNOWN_SETS.get(names.pop()) if len(names) == 1 and "" not in names else None


def _explain_several(path: Path, sets: dict[Key, list[File]]) -> str:
    names = [KNOWN_SETS.get(name, name) if name else folder or "one without a name" for folder, name in sets]
    example = path / next(iter(sets.values()))[0].name
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"{path}: found {counted(len(names), 'data set')} ({', '.join(names[:SHOWN])}{more}), but expected one. "
        f"Choose the folder or a file of one of them, such as {example}."
    )


def explain_nothing(path: Path, seen: Sequence[Seen]) -> str:
    """Say what a path holds in place of data."""
    if not seen:
        return f"{path}: found no files, but expected a data set: {NAMES}. Choose another path."
    problems = [found.problem for found in seen if found.problem]
    if len(seen) == 1 or (problems and len(problems) == len(seen)):
        more = f" {counted(len(problems) - 1, 'other file')} can't be read either." if len(problems) > 1 else ""
        return f"{problems[0]}{more}" if problems else _explain_text(path, seen)
    return _explain_text(path, seen)


def _explain_text(path: Path, seen: Sequence[Seen]) -> str:
    names = [f"{found.file.name} ({'text' if found.kind == TEXT else found.kind})" for found in seen]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    problem = next((f" {found.problem}" for found in seen if found.problem), "")
    return f"{path}: found {', '.join(names[:SHOWN])}{more}, but expected a data set: {NAMES}.{problem}"
