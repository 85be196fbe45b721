"""Results and an autograder for Gradescope (``results.json`` as its documentation publishes it)."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.grading import Grade
from mnist_core.assignment.rubric import Rubric

SETUP = """\
#!/usr/bin/env bash
# Runs once, when the image of the autograder is built; afterwards nothing is downloaded.
set -e
apt-get update && apt-get install -y python3 python3-pip python3-venv bubblewrap || true
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install /autograder/source/project
"""

RUN = """\
#!/usr/bin/env bash
cd /autograder
exec venv/bin/mnist grade submission --seed {seed} --rubric source/rubric.toml --gradescope results
"""


def results(grade: Grade) -> dict[str, Any]:
    """Content of ``results.json`` for one student."""
    tests = [
        {
            "name": name,
            "score": grade.scores[name],
            "max_score": _most(grade, name),
            "status": "passed" if grade.findings.get(name, "").startswith("correct") else "failed",
            "output": grade.findings.get(name, grade.problem),
            "visibility": "visible",
        }
        for name in grade.scores
        if name in (*STEPS, *WHOLE)
    ]
    return {
        "score": grade.points,
        "execution_time": round(grade.seconds),
        "output": grade.problem,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _most(grade: Grade, name: str) -> float:
    return grade.most[name]


def autograder_zip(project: Path, rubric: Rubric, seed: int) -> bytes:
    """Pack an autograder: the core of this project, the rubric, and the two scripts that Gradescope runs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("setup.sh", SETUP), ("run_autograder", RUN.format(seed=seed))):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
        points = "\n".join(f"{name} = {value:g}" for name, value in rubric.points.items())
        archive.writestr("rubric.toml", f"partial = {rubric.partial:g}\n[points]\n{points}\n")
        for path in sorted([*project.glob("*.toml"), project / "README.md", project / "LICENSE", *_core(project)]):
            archive.write(path, Path("project", path.relative_to(project)))
    return buffer.getvalue()


def _core(project: Path) -> list[Path]:
    return [path for path in (project / "mnist_core").rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def write_results(folder: Path, grades: list[Grade]) -> None:
    """Write a ``results.json`` for each student, in a folder each; for one student alone, in this folder."""
    for grade in grades:
        own = folder if len(grades) == 1 else folder / grade.student.replace("/", "_")
        own.mkdir(parents=True, exist_ok=True)
        (own / "results.json").write_text(json.dumps(results(grade), indent=1), encoding="utf-8")
