"""The type checker refuses text from outside where text of this program is expected."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORGOTTEN = {
    "a button": "st.button(text)",
    "a heading": "st.subheader('x', help=text)",
    "a badge": "st.badge(text)",
    "joined": "' '.join([text])",
    "added": "'x' + text",
    "returned": "def name() -> str:\n    return text",
}


@pytest.mark.slow
def test_text_from_outside_does_not_pass_for_text(tmp_path):
    pytest.importorskip("mypy", reason="needs mypy: pip install -r .ci/requirements.txt")
    lines = ["import streamlit as st", "from mnist_core.untrusted import UntrustedText", "text = UntrustedText('x')"]
    for forgotten in FORGOTTEN.values():
        lines += forgotten.split("\n")
    page = tmp_path / "page.py"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(page)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout
    wrong = {int(line.split(":")[-3]) for line in found.splitlines() if ": error:" in line}
    assert len(wrong) == len(FORGOTTEN), found
