"""What the project declares is what it uses: requirements, package data, and the command ``mnist`` in any folder."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GROUPS = PROJECT["optional-dependencies"]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "streamlit_drawable_canvas": "streamlit-drawable-canvas",
}
"""Packages whose import name differs from the name they are installed by."""
OURS = {"mnist_core", "pages", "tests", "tools", "examples", "benchmarks"}


def names(requirements):
    """Lower-case names of requirements such as ``"numpy>=2"``."""
    found = [re.match(r"[A-Za-z][A-Za-z0-9_.-]*", line) for line in requirements]
    return {match.group().lower() for match in found if match}


def imports(*folders, at_the_top=False):
    """Names, as installed, of the foreign packages that the files of these folders import."""
    packages = set()
    for folder in folders:
        for path in [ROOT / folder] if folder.endswith(".py") else (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in tree.body if at_the_top else ast.walk(tree):
                if isinstance(node, ast.Import):
                    packages |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    packages.add(node.module.split(".")[0])
                elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("importorskip"):
                    packages |= {name.value.split(".")[0] for name in node.args if isinstance(name, ast.Constant)}
    foreign = packages - OURS - set(sys.stdlib_module_names)
    return {DISTRIBUTIONS.get(package, package) for package in foreign}


DEPENDENCIES = names(PROJECT["dependencies"])
EXPORT, TESTS, BENCHMARKS = (names(GROUPS[group]) for group in ("export", "tests", "benchmarks"))
CI = names((ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_requirements_name_what_the_code_imports_and_nothing_else():
    assert imports("app.py", "pages", "mnist_core") == DEPENDENCIES | EXPORT
    assert imports("app.py", "pages", "mnist_core", at_the_top=True) <= DEPENDENCIES


@pytest.mark.parametrize(
    ("folder", "named"),
    [
        ("tests", DEPENDENCIES | EXPORT | TESTS | BENCHMARKS | CI),
        ("tools", DEPENDENCIES | CI),
        ("examples", {"numpy"}),
        ("benchmarks", DEPENDENCIES | BENCHMARKS),
    ],
)
def test_requirements_name_what_this_folder_imports(folder, named):
    assert imports(folder) <= named


def test_tests_import_at_the_top_only_what_the_readme_s_command_installs():
    assert imports("tests", at_the_top=True) <= DEPENDENCIES | TESTS


def test_requirements_install_the_project_itself():
    assert "--editable .[tests]" in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "--editable .[export,tests]" in (ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8").splitlines()


def test_the_command_mnist_leads_to_the_command_line():
    module, function = PROJECT["scripts"]["mnist"].split(":")
    assert getattr(import_module(module), function) is import_module("mnist_core.cli").main


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--editable"], []], ids=["editable", "wheel"])
def test_installed_mnist_trains_and_evaluates_in_any_folder(options, tmp_path):
    source, elsewhere, environment = tmp_path / "source", tmp_path / "elsewhere", tmp_path / "venv"
    elsewhere.mkdir()
    shutil.copytree(ROOT / "mnist_core", source / "mnist_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    venv.create(environment, with_pip=True)
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    install = [programs / "python", "-m", "pip", "install", "--quiet", "--no-deps", *options, source]
    subprocess.run(install, check=True, cwd=elsewhere)
    dependencies = sysconfig.get_path("purelib")  # of this environment: installing them again takes minutes
    hidden = {"PYTHONPATH": dependencies, "MNIST_RUNS_DIR": str(elsewhere / "runs")}

    def mnist(*arguments):
        done = subprocess.run(
            [programs / "mnist", *arguments],
            capture_output=True, text=True, cwd=elsewhere, env={**os.environ, **hidden}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert mnist("--help").startswith("usage: mnist ")
    assert "finished after 1 epoch," in mnist("train", "--source", "sample", "--epochs", "1", "--hidden-layers", "8")
    assert "1,000 test images" in mnist("evaluate", "latest")
