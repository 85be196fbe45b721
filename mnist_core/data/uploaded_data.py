"""Files that a browser sent, kept for as long as it takes to look at them and to prepare a data set of them."""

import contextlib
import hashlib
import re
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mnist_core.disk import write_atomically
from mnist_core.errors import DatasetError, advice_on, reason_of

MOST_FILES = 20
"""Files of one data set that are taken from a browser; more than that come in a zip file."""

KEPT_SECONDS, KEPT_BYTES = 24 * 3600.0, 1_000_000_000
"""How long uploads are kept, and how many bytes of all together; the oldest ones go first."""

LONGEST_NAME = 100


def keep_upload(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write uploaded files into a folder of their own.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by name, both from outside; names keep what tells formats apart, and lose what leads out of the folder.
    folder : Path
        Of all uploads; created if necessary. What is old in it is deleted.

    Returns
    -------
    Path
        The file, or the folder of several ones; the same for the same files.

    Raises
    ------
    DatasetError
        If there are none or too many, two have the same name, or the folder can't be written.
    """
    if not 0 < len(files) <= MOST_FILES:
        raise DatasetError(f"Found {len(files)} files, but expected 1 to {MOST_FILES}: put them into one zip file.")
    contents = {safe_name(name): content for name, content in files.items()}
    if len(contents) < len(files):
        raise DatasetError("Found two files of the same name, but expected different ones: put them into one zip file.")
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\n{len(contents[name])}\n".encode())
        digest.update(contents[name])
    target = folder / digest.hexdigest()[:20]
    try:
        _remove_old(folder, KEPT_BYTES - sum(map(len, contents.values())))
        target.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            if not (target / name).is_file():
                write_atomically(target / name, partial(_write, content))
    except OSError as error:
        raise DatasetError(f"Can't write to {folder} ({reason_of(error)}): {advice_on(error)}.") from error
    return target / next(iter(contents)) if len(contents) == 1 else target


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def safe_name(name: str) -> str:
    """Return a name that stays in its folder: letters, digits, dots and dashes of the last part, not hidden."""
    kept = re.sub(r"[^\w.() -]+", "-", re.split(r"[/\\]", name)[-1]).strip(". -")
    return kept[-LONGEST_NAME:].lstrip(". -") or "data"


def _remove_old(folder: Path, room: int) -> None:
    """Delete uploads that are old, and the oldest ones until the others fit."""
    uploads = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # another session may delete it
            size = sum(file.stat().st_size for file in path.iterdir())
            uploads.append((path.stat().st_mtime, size, path))
    total = 0
    for written, size, path in sorted(uploads, reverse=True):
        total += size
        if time.time() - written > KEPT_SECONDS or total > room:
            shutil.rmtree(path, ignore_errors=True)
