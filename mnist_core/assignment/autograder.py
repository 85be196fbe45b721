"""An autograder that Gradescope runs: this project's core, a rubric, and the two scripts that Gradescope calls.

https://gradescope-autograders.readthedocs.io/en/latest/specs/ says where they lie: the archive is unpacked to
``/autograder/source``, ``run_autograder`` is copied to ``/autograder``, and a submission lies in
``/autograder/submission``.
"""

import io
import re
import tomllib
import zipfile
from pathlib import Path

from mnist_core.assignment.rubric import Rubric
from mnist_core.errors import AssignmentError

ONLY_FOR_PAGES = ("streamlit", "streamlit-drawable-canvas", "matplotlib", "altair", "pandas")
"""Packages of this project that the command line does without."""

SETUP = """\
#!/usr/bin/env bash
# Runs once, when Gradescope builds the image of the autograder. Afterwards nothing is downloaded.
set -e
apt-get update
for python in python3.13 python3.12 python3.11; do
    apt-get install -y "$python" "$python-venv" && break
done
"$python" -m venv /autograder/venv
/autograder/venv/bin/pip install -r /autograder/source/requirements.txt
"""

RUN = """\
#!/usr/bin/env bash
# Runs for each submission. Its code runs as a user of nobody's, who sees neither rubric nor seed, nor the results.
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p results
chmod 700 source submission results run_autograder
chmod 755 . venv  # so that this user can read Python
export PYTHONPATH="$PWD/source" PYTHONDONTWRITEBYTECODE=1
exec venv/bin/python -m mnist_core grade submission --single --rubric source/rubric.toml --gradescope results
"""


def autograder_zip(project: Path, rubric: Rubric) -> bytes:
    """Pack an autograder.

    Parameters
    ----------
    project : Path
        A checkout of this project.
    rubric : Rubric
        With the seed of the inputs that no student knows. It is in no command line, which every user can read.

    Returns
    -------
    bytes
        A ZIP archive: the same bytes for the same arguments.

    Raises
    ------
    AssignmentError
        If it is no checkout.
    """
    texts = {
        "setup.sh": SETUP,
        "run_autograder": RUN,
        "requirements.txt": "\n".join(requirements(project)) + "\n",
        "rubric.toml": to_toml(rubric),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in texts.items():
            _add(archive, name, text.encode(), executable=text.startswith("#!"))
        for path in _core(project):
            _add(archive, path.relative_to(project).as_posix(), path.read_bytes())
    return buffer.getvalue()


def requirements(project: Path) -> list[str]:
    """What grading needs of the packages that the project names."""
    try:
        content = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError as error:
        raise AssignmentError(
            f"An autograder is packed from a checkout of this project, and {project} is none: run `pip install -e .` "
            "in a checkout."
        ) from error
    named = {re.split(r"[<>=!~\[ ]", line)[0]: line for line in content["project"]["dependencies"]}
    return [line for name, line in named.items() if name not in ONLY_FOR_PAGES]


def to_toml(rubric: Rubric) -> str:
    """Write a rubric as `mnist_core.assignment.rubric.read_rubric` reads it."""
    points = "\n".join(f"{name} = {value!r}" for name, value in rubric.points.items())
    return f"partial = {rubric.partial!r}\nseed = {rubric.seed}\n\n[points]\n{points}\n"


def _core(project: Path) -> list[Path]:
    return sorted(
        path for path in (project / "mnist_core").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _add(archive: zipfile.ZipFile, name: str, content: bytes, executable: bool = False) -> None:
    entry = zipfile.ZipInfo(name)  # of 1980, so that the same content gives the same archive
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
