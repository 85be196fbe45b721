"""Imports run one way, and the code keeps the project's own rules."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py")), *sorted((ROOT / "mnist_core").rglob("*.py"))]
LAYERS = ("mnist_core", "pages.components", "pages", "app")
LONGEST_FUNCTION = 60


def layer(module: str) -> int | None:
    """Height of a module of ours; None for a foreign one."""
    for height, name in enumerate(LAYERS):
        if module == name or module.startswith(f"{name}."):
            return height
    return None


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_run_one_way(path):
    own = layer(module_name(path))
    for name in imported(path):
        height = layer(name)
        assert height is None or height <= own, f"{module_name(path)} imports {name}"
        if own == 0:
            assert name.split(".")[0] not in {"streamlit", "matplotlib", "pandas", "altair"}, name
        if name.startswith("streamlit."):
            assert not any(part.startswith("_") or part in {"runtime", "elements"} for part in name.split(".")), name


def test_the_check_sees_imports():
    assert "mnist_core.config.TrainingConfig" in imported(ROOT / "mnist_core" / "runs.py")
    assert layer("pages.components.data") < layer("pages.overview") < layer("app")


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
    "mnist_core": {"numpy", "pooch", "requests", "urllib3", "filelock", "tqdm", "PIL", "onnx", "safetensors"},
    "app": {"streamlit"},
    "pages": {"numpy", "streamlit", "matplotlib", "pandas", "altair", "PIL", "streamlit_drawable_canvas"},
}
"""Packages that each part may use; requests and urllib3 come with pooch, Altair and PIL with Streamlit; onnx and safetensors
are optional."""


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_only_known_packages_are_imported_and_by_their_full_names(path):
    part = module_name(path).split(".")[0]
    known = THIRD_PARTY[part] | {"mnist_core", "pages"} | set(sys.stdlib_module_names)
    assert {name.split(".")[0] for name in imported(path)} <= known
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    assert not [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level], "relative import"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_pages_do_not_import_one_another(path):
    if layer(module_name(path)) == LAYERS.index("pages"):
        assert not [name for name in imported(path) if layer(name) == LAYERS.index("pages")]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_nothing_private_of_streamlit_is_reached_through_its_name(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
            assert not node.attr.startswith("_"), f"{path.name}:{node.lineno} uses st.{node.attr}"
            assert node.attr not in {"runtime", "elements"}, f"{path.name}:{node.lineno} uses st.{node.attr}"
