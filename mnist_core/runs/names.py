"""Names of run folders, which are the ids of runs."""

import hashlib
import os
import re
import secrets
from datetime import datetime
from pathlib import Path

SAFE_NAME = re.compile(r"(?!.*(?:www\.|\s_|_\s))[^\W_](?:[\w .+=()-]*[^\W_)]|[\w .+=()-]*\))?", re.IGNORECASE)
"""Names of run folders that no page, address or terminal takes for anything but a name."""

LONGEST_NAME = 100


def new_id(root: Path, created: float) -> str:
    """Make a run id: time to the second, and four random digits that no run of this second has."""
    while True:
        run_id = f"{datetime.fromtimestamp(created):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        if not (root / run_id).exists():
            return run_id


def is_safe(name: str) -> bool:
    """Tell whether no page, address or terminal takes a name of a run folder for anything but a name."""
    return len(name) <= LONGEST_NAME and SAFE_NAME.fullmatch(name) is not None


def folder_id(path: Path) -> str:
    """Id of a run: the name of its folder; or, if that is not safe, what is safe in it and a few digits of its own."""
    if is_safe(path.name.removeprefix(".")):  # that of a draft
        return path.name
    digits = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:6]
    return "-".join(["unnamed", *re.findall(r"[A-Za-z0-9]+", path.name)])[: LONGEST_NAME - 7] + f"-{digits}"
