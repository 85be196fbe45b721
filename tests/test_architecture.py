"""Imports lead down only, and the code keeps the project's own rules."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = (
    ("mnist_core.untrusted",),
    ("mnist_core.errors", "mnist_core.disk"),
    ("mnist_core.data", "mnist_core.handwriting"),
    ("mnist_core.nn",),
    ("mnist_core.evaluation",),
    ("mnist_core.training", "mnist_core.inspection"),
    ("mnist_core.models",),
    ("mnist_core.runs",),
    ("mnist_core.jobs",),
    ("mnist_core.assignment", "mnist_core.sweeps"),
    ("mnist_core.commands",),
    ("mnist_core.cli",),
    ("mnist_core.__main__",),
    ("pages.components",),
    ("pages",),
    ("app",),
)
"""Rooms from the ground up. A room imports only rooms below it; rooms on one floor don't know one another."""
LONGEST_FUNCTION, LONGEST_FILE = 60, 500


def sources(root: Path, *folders: str) -> list[Path]:
    """All Python files of some folders, at any depth."""
    return [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]


FILES = [ROOT / "app.py", *sources(ROOT, "pages", "mnist_core")]
EVERY_FILE = [*FILES, *sources(ROOT, "tests", "tools", "benchmarks", "examples")]


def module_name(path: Path, root: Path = ROOT) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str | None:
    """The room that a module of ours belongs to; None for a foreign one."""
    fitting = [name for floor in FLOORS for name in floor if module == name or module.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)


def height(name: str) -> int:
    """Floor of a room, counted from the ground."""
    return next(number for number, floor in enumerate(FLOORS) if name in floor)


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def upward_imports(path: Path, root: Path = ROOT) -> list[str]:
    """A sentence for each import of a file that does not lead down."""
    module = module_name(path, root)
    own = room(module)
    if own is None:
        return [] if module == "mnist_core" else [f"{module} lies in no room: name its room in FLOORS"]
    found = []
    for name in imported(path):
        other = room(name)
        if other in (None, own):
            continue
        if height(other) == height(own):
            found.append(f"{module} imports {name}, from {other} beside it")
        elif height(other) > height(own):
            found.append(f"{module} imports {name}, from {other} above it")
    return found


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_lead_down(path):
    assert upward_imports(path) == []


WRONG_IMPORTS = {
    "mnist_core/data/idx.py": ("from mnist_core.nn.network import Network", "from mnist_core.nn above it"),
    "mnist_core/data/deeper/idx.py": ("import mnist_core.handwriting.ink", "from mnist_core.handwriting beside it"),
    "mnist_core/training/loop.py": ("from mnist_core.inspection import pca", "from mnist_core.inspection beside it"),
    "mnist_core/nn/network.py": ("def f():\n    from mnist_core.runs import run", "from mnist_core.runs above it"),
    "mnist_core/jobs/start.py": ("from pages.components.state import remembered", "from pages.components above it"),
    "pages/components/data.py": ("from pages.overview import page", "from pages above it"),
    "mnist_core/stray.py": ("import os", "lies in no room"),
}


@pytest.mark.parametrize("name", WRONG_IMPORTS)
def test_the_check_finds_one_wrong_import(name, tmp_path):
    source, complaint = WRONG_IMPORTS[name]
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert sources(tmp_path, "mnist_core", "pages") == [path]
    (found,) = upward_imports(path, tmp_path)
    assert complaint in found
    assert module_name(path, tmp_path) in found


def test_the_check_sees_every_room():
    assert {room(module_name(path)) for path in FILES} - {None} >= {
        f"mnist_core.{path.name}" for path in (ROOT / "mnist_core").iterdir() if (path / "__init__.py").exists()
    }


PACKAGES = [path for path in FILES if path.name == "__init__.py"]


@pytest.mark.parametrize("path", PACKAGES, ids=module_name)
def test_a_package_states_its_rule_and_holds_no_code(path):
    (rule,) = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(rule, ast.Expr), f"{module_name(path)}: its __init__.py holds code"
    assert len(rule.value.value.split()) >= 6, f"{module_name(path)}: {rule.value.value!r} is no rule"


def test_every_folder_of_the_core_is_a_package_and_on_its_map():
    folders = {path.parent for path in sources(ROOT, "mnist_core")} - {ROOT / "mnist_core"}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []
    rooms = {folder.name for folder in folders if folder.parent == ROOT / "mnist_core"}
    listed = re.findall(r"^- :mod:`(\w+)`", (ROOT / "mnist_core" / "__init__.py").read_text(encoding="utf-8"), re.M)
    floors = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    assert set(listed) == rooms | {"cli", "errors", "untrusted", "disk"}
    heights = [floors[f"mnist_core.{name}"] for name in listed]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_the_core_imports_no_dashboard_and_no_file_streamlit_s_internals(path):
    for name in imported(path):
        if module_name(path).startswith("mnist_core"):
            assert name.split(".")[0] not in {"streamlit", "matplotlib", "pandas", "altair"}, name
        if name.startswith("streamlit."):
            assert not any(part.startswith("_") or part in {"runtime", "elements"} for part in name.split(".")), name


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_functions_fit_on_a_screen_and_say_what_they_do(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.name} has no docstring"
    public = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]
    for node in public:
        assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno - len((ast.get_docstring(node) or "").splitlines())
            assert length <= LONGEST_FUNCTION, f"{path.name}: {node.name} has {length} lines"


THIRD_PARTY = {
    "mnist_core": {"numpy", "scipy", "pooch", "requests", "urllib3", "filelock", "msgspec", "tqdm", "PIL"}
    | {"onnx", "safetensors", "pyarrow"},
    "app": {"streamlit"},
    "pages": {"numpy", "streamlit", "matplotlib", "pandas", "altair", "PIL", "streamlit_drawable_canvas"},
}
"""Packages that each part may use; onnx, safetensors and pyarrow are optional."""


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_only_known_packages_are_imported_and_by_their_full_names(path):
    part = module_name(path).split(".")[0]
    known = THIRD_PARTY[part] | {"mnist_core", "pages"} | set(sys.stdlib_module_names)
    assert {name.split(".")[0] for name in imported(path)} <= known
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    assert not [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level], "relative import"


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=module_name)
def test_pages_do_not_import_one_another(path):
    assert not [name for name in imported(path) if room(name) == "pages"]


@pytest.mark.parametrize("path", EVERY_FILE, ids=module_name)
def test_files_are_short(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_FILE


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_nothing_private_of_streamlit_is_reached_through_its_name(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
            assert not node.attr.startswith("_"), f"{path.name}:{node.lineno} uses st.{node.attr}"
            assert node.attr not in {"runtime", "elements"}, f"{path.name}:{node.lineno} uses st.{node.attr}"
