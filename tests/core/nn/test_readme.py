"""The reading order covers the room, and names only what exists."""

import re
from pathlib import Path

import mnist_core.nn
from mnist_core.nn.network import Network

ROOM = Path(mnist_core.nn.__file__).parent


def test_the_readme_lists_every_file_once_and_no_other():
    linked = re.findall(r"\]\((\w+\.py)\)", (ROOM / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(path.name for path in ROOM.glob("*.py") if path.name != "__init__.py")


def test_the_methods_it_names_exist():
    names = re.findall(r"`Network\.(\w+)`", (ROOM / "README.md").read_text(encoding="utf-8"))
    assert names and all(callable(getattr(Network, name)) for name in names)
