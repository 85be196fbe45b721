"""What a path holds, file by file: each is opened and called by its kind, before any is read."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from mnist_core.data.formats.class_names import names_classes, set_of_names
from mnist_core.data.formats.csv import NotImagesError, layout_of
from mnist_core.data.formats.files import File, file_at, files_below
from mnist_core.data.formats.kinds import (
    CSV,
    HEAD,
    NUMPY,
    PICTURE,
    PICTURE_SUFFIXES,
    REFUSED,
    TEXT,
    ZIP,
    kind_of,
)
from mnist_core.data.formats.names import role_of, set_of, split_of
from mnist_core.data.formats.reading import reading
from mnist_core.data.formats.zip import members, zip_at
from mnist_core.data.packed import unpacked
from mnist_core.errors import DatasetError, did_you_mean, reason_of

NAMES = "class names"
"""The kind of a file that names the classes."""

MANY_PICTURES = 100
"""Pictures from which on they are believed to be some, by their suffix, until they are read."""

MAX_OPENED = 2000
"""Other files that are opened to see what they are."""

MAX_ZIPS = 20


@dataclass(frozen=True, eq=False)
class Seen:
    """A file, what it is, and why it isn't read.

    Parameters
    ----------
    file : File
    kind : str
        As in ``kinds``.
    problem : str or None
        A sentence.
    members : sequence of File
        Of a zip file.
    """

    file: File
    kind: str
    problem: str | None = None
    members: Sequence[File] = ()


def see(path: Path) -> list[Seen]:
    """Look at every file that belongs to a path: a folder, a zip file, a part of either, or a file and its companions.

    Raises
    ------
    DatasetError
        If there is nothing at the path, or it can't be looked at.
    """
    seen = _opened(list_files(path))
    unfolded = []
    for found in seen:
        if found.kind != ZIP or found.problem:
            unfolded.append(found)
        else:
            within = "" if len(seen) == 1 and path.is_file() else f"{found.file.name}/"
            unfolded += _opened([replace(file, name=within + file.name) for file in found.members])
    return unfolded


def list_files(path: Path) -> Sequence[File]:
    """List the files that belong to a path; a zip file itself is unfolded only if it was chosen."""
    try:
        kind = path.stat().st_mode
    except OSError as error:
        if (inside := _inside_zip(path)) is not None:
            return inside
        raise _explain_nothing(path, error) from error
    if stat.S_ISDIR(kind):
        return files_below(path)
    if not stat.S_ISREG(kind):
        raise DatasetError(f"{path}: found a device or pipe, but expected a folder or file. Choose another path.")
    try:
        return _with_companions(file_at(str(path.resolve()), path.name, path.stat()), path)
    except OSError as error:
        raise _explain_nothing(path, error) from error


def _explain_nothing(path: Path, error: OSError) -> DatasetError:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        return DatasetError(
            f"{path}: can't be read ({reason_of(error)}), but a data set was expected there. "
            f"Check the path and its permissions."
        )
    try:
        guess = did_you_mean(path.name, sorted(os.listdir(path.parent))[:1000])  # noqa: PTH208
    except OSError:
        guess = ""
    return DatasetError(f"{path}: found nothing there, but expected a folder or file. Check the path.{guess}")


def _inside_zip(path: Path) -> list[File] | None:
    """List what a path names within a zip file: a folder in it, or a file and its companions."""
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None or not zip_at(archive):
        return None
    inner = path.relative_to(archive).as_posix()
    listed = members(archive, archive.name)
    below = [file for file in listed if file.name.startswith(f"{inner}/")]
    if below:
        return below
    chosen = next((file for file in listed if file.name == inner), None)
    return None if chosen is None else [file for file in listed if _belong(file.name, chosen.name)]


def _with_companions(file: File, path: Path) -> Sequence[File]:
    """Add the files beside a chosen one that belong to its data set, if its name says that it is a part of one."""
    name = file.short
    if split_of(name) is None and role_of(name) is None:
        return [file]
    folder, depth = path.parent, 1
    if set_of(folder.name) == set_of(name) and role_of(folder.name) and role_of(folder.name) == role_of(name):
        folder, depth = folder.parent, 2  # a folder of the same name, as zips unpack
    try:
        others = [other for other in files_below(folder, depth) if other.location != file.location]
    except DatasetError:  # more files than can be listed
        return [file]
    return [file, *(other for other in others if _belong(other.name, name) and not other.problem)]


def _belong(name: str, chosen: str) -> bool:
    """Tell whether two files are of one data set, by their names."""
    if names_classes(name, 0):
        return set_of_names(name) in ("", set_of(chosen))
    if set_of(name) != set_of(chosen):
        return False
    here = PurePosixPath(name).parent, PurePosixPath(chosen).parent
    same_folder = here[0] == here[1] or role_of(here[0].name) is not None or here[0].name == ""
    return same_folder and (split_of(name) is not None or role_of(name) is not None)


def _opened(files: Sequence[File]) -> list[Seen]:
    """Look at the first bytes of files; of very many only at the suffix."""
    pictures = sum(file.name.lower().endswith(PICTURE_SUFFIXES) for file in files)
    opened = zips = 0
    seen = []
    for file in files:
        if file.problem:
            seen.append(Seen(file, "unread", f"{file.name} {file.problem}."))
        elif pictures > MANY_PICTURES and file.name.lower().endswith(PICTURE_SUFFIXES):
            seen.append(Seen(file, PICTURE))
        elif opened < MAX_OPENED:
            opened += 1
            found = _look(file)
            zips += found.kind == ZIP
            seen.append(found if zips <= MAX_ZIPS else Seen(file, ZIP, f"{file.name} is one zip file too many."))
        else:
            seen.append(Seen(file, "unread", f"{file.name} wasn't looked at: there are too many files."))
    return seen


def _look(file: File) -> Seen:
    try:
        with reading(file), file.open() as raw:
            content, layers = unpacked(raw, HEAD)
    except DatasetError as error:
        return Seen(file, "damaged", str(error))
    kind = kind_of(content.head, file.name)
    if names_classes(file.name, file.size) and kind in (CSV, TEXT):
        return Seen(file, NAMES)
    if kind == ZIP:
        return _look_in_zip(file, layers)
    if kind in REFUSED:
        return Seen(file, kind, refusal(file.name, kind))
    if kind == CSV and b"\n" in content.head:
        try:
            layout_of(content.head[: content.head.rindex(b"\n") + 1], file.name)
        except NotImagesError as error:
            return Seen(file, TEXT, str(error))
    if kind == PICTURE and not file.name.lower().endswith(PICTURE_SUFFIXES):
        return Seen(file, kind, refusal(file.name, kind, "a picture in place of data"))
    return Seen(file, kind)


def refusal(name: str, kind: str, what: str | None = None) -> str:
    """Say that a file isn't data: what it is, and what to do."""
    refused = REFUSED.get(kind)
    advice = refused.advice if refused else "Download the data itself, or give the picture its suffix, such as .png."
    return f"{name}: found {what or (refused.what if refused else kind)}, but expected data. {advice}"


def _look_in_zip(file: File, layers: tuple[str, ...]) -> Seen:
    """Tell a zip file of files from what is a zip file as well: .npz, PyTorch's files, workbooks."""
    if layers:
        return Seen(file, "packed zip", refusal(file.name, "packed zip"))
    if file.location is None:
        if file.name.lower().endswith(".npz"):
            return Seen(file, NUMPY)
        return Seen(file, ZIP, f"{file.name} is a zip file in a zip file. Unpack the outer one, and choose the folder.")
    try:
        listed = members(Path(file.location), file.name)
    except DatasetError as error:
        return Seen(file, ZIP, str(error))
    if listed and all(member.name.endswith(".npy") for member in listed):
        return Seen(file, NUMPY)
    for end, kind in (("/data.pkl", "PyTorch"), ("[Content_Types].xml", "Excel")):
        if any(member.name.endswith(end) for member in listed):
            return Seen(file, kind, refusal(file.name, kind))
    return Seen(file, ZIP, members=listed)
