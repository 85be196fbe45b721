"""What README and its companions tell a reader to do works: links, commands, the program."""

import re
import shlex
from pathlib import Path

import pytest

from mnist_core.cli import build_parser
from mnist_core.data.dataset import load_dataset

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "mnist_core").rglob("*.md"), *(ROOT / "docs").rglob("*.md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def heading_anchors(path):
    """Anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), f"{path.name} links to {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in heading_anchors(linked), f"{path.name} links to {target}"


def test_files_named_in_the_contributing_guide_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:mnist_core|pages|tests|tools)/[\w/.]+)`", text)
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_commands_of_the_readme_are_understood():
    commands = re.findall(r"^mnist (.+)$", README, re.M)
    assert len(commands) >= 8
    for command in commands:
        arguments = shlex.split(command, comments=True)
        if arguments != ["--help"]:
            build_parser().parse_args(arguments)


def test_the_program_of_the_readme_trains(capsys, monkeypatch):
    (program,) = re.findall(r"^```python\n(.+?)^```", README, re.M | re.S)
    sample = load_dataset("sample")
    monkeypatch.setattr("mnist_core.data.dataset.load_dataset", lambda: sample)
    exec(program, {})
    *epochs, accuracy = capsys.readouterr().out.splitlines()
    assert len(epochs) == 20
    assert float(accuracy) > 0.7
