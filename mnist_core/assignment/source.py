"""Read a learner's file: its definitions alone, without running any of it."""

import ast
import builtins
import difflib
import io
import json
import re
import tokenize
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mnist_core.assignment.contract import STEPS
from mnist_core.disk import read_bounded
from mnist_core.errors import AssignmentError, reason_of
from mnist_core.untrusted import UntrustedText

MAX_BYTES = 1_000_000
PARSE_AGAIN = 20
SUFFIXES = (".py", ".ipynb")
_MAGIC = re.compile(r"^\s*[%!?]|\?\s*$")
_HARMLESS_CALLS = {
    "default_rng", "RandomState", "finfo", "float32", "float64", "int", "float", "tuple", "list", "dict", "range",
    "array", "zeros", "ones", "Path", "namedtuple", "TypeVar", "len", "seed",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a line of the text stands in the learner's file."""

    line: int
    cell: int | None = None

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}" if self.cell else f"line {self.line}"


@dataclass(frozen=True)
class Submission:
    """A learner's file, as far as it is run."""

    name: UntrustedText
    """Of the file."""
    text: str
    """The whole code; of a notebook, its code cells one below the other."""
    places: tuple[Place, ...]
    """Place of each line of ``text``."""
    definitions: str
    """What is run: ``text`` with every other line blank, so that line numbers stay."""
    functions: dict[str, str]
    """Name in the file of each step that was found: of a function, or of a method of ``network_class``."""
    network_class: str | None
    """The class whose methods the steps are, if it is written as a class."""
    methods: frozenset[str]
    """Names of the functions above that are methods of it."""
    arguments: dict[str, int]
    """Most positional arguments that the function of each step takes, without ``self``."""
    names: dict[str, tuple[str, ...]]
    """Names of these arguments."""
    required: dict[str, int]
    """How many of them have no default."""
    lines: dict[str, int]
    """First line of each step's function in ``text``, counted from 1."""
    left_out: frozenset[str]
    """Names that get their value from lines that were left out."""
    notes: tuple[str, ...]
    """What was left out, and which names may be meant."""
    spans: tuple[tuple[int, int], ...]
    """First and last line of each function and lambda in ``text``."""

    def place(self, line: int) -> Place:
        """Where a line of ``text`` stands in the file."""
        return self.places[min(max(line, 1), len(self.places)) - 1] if self.places else Place(line)

    def function_around(self, line: int) -> tuple[int, int]:
        """First and last line of the innermost function that a line is in; a few lines from it on if it is in none."""
        return max((span for span in self.spans if span[0] <= line <= span[1]), default=(line, line + 5))


class Content(NamedTuple):
    """A learner's file as it is."""

    name: str
    data: bytes


def read_content(path: Path) -> Content:
    """Read a ``.py`` file or an ``.ipynb`` notebook, without looking into it.

    Raises
    ------
    AssignmentError
        If it can't be read, is no plain file, is too large, or is no Python file by its name.
    """
    _suffix(path.name)
    try:
        return Content(path.name, read_bounded(path, MAX_BYTES))
    except (OSError, ValueError) as error:
        raise AssignmentError(f"{path.name} can't be read ({reason_of(error)}): use another file.") from error


def read_submission(path: Path) -> Submission:
    """Read and take apart a ``.py`` file or an ``.ipynb`` notebook.

    Raises
    ------
    AssignmentError
        If it can't be read, is too large, or is not Python.
    """
    return parse_submission(*read_content(path))


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise AssignmentError(f"{name} is no Python file: expected a name that ends with .py or .ipynb.")
    return suffix


def parse_submission(name: str, content: bytes) -> Submission:
    """Take apart the content of a file, see `read_submission`."""
    suffix = _suffix(name)
    text, places = _cells(name, content) if suffix == ".ipynb" else _script(name, content)
    try:
        tree = parse(text)
    except SyntaxError as error:
        line = error.lineno or 1
        place = places[min(line, len(places)) - 1] if places else Place(line)
        raise AssignmentError(f"{name} is not Python ({place}: {error.msg}): correct that line first.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise AssignmentError(f"{name} is not Python ({error}): write it again.") from error
    return _take_apart(name, text, places, tree)


def parse(text: str) -> ast.Module:
    """Parse Python as ``ast.parse`` does, also while another thread does so.

    Some versions of Python 3.11 and 3.12 then raise SystemError (https://github.com/python/cpython/issues/106905).
    """
    for _ in range(PARSE_AGAIN):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)


def _script(name: str, content: bytes) -> tuple[str, tuple[Place, ...]]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise AssignmentError(f"{name} can't be decoded ({error}): save it as UTF-8.") from error
    return text, tuple(Place(line) for line in range(1, text.count("\n") + 2))


def _cells(name: str, content: bytes) -> tuple[str, tuple[Place, ...]]:
    """Code of a notebook; a line of a magic command becomes blank, and so does a cell in another language."""
    try:
        cells = [
            "".join(cell["source"]) if isinstance(cell["source"], list) else str(cell["source"])
            for cell in json.loads(content)["cells"]
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AssignmentError(f"{name} is no notebook ({error!r}): save it in Jupyter again.") from error
    lines, places = [], []
    for number, cell in enumerate(cells, start=1):
        foreign = cell.lstrip().startswith("%%") and not cell.lstrip().startswith(("%%time", "%%capture"))
        for position, line in enumerate(cell.split("\n"), start=1):
            lines.append("" if foreign or _MAGIC.search(line) else line)
            places.append(Place(position, number))
    return "\n".join(lines), tuple(places)


def _take_apart(name: str, text: str, places: tuple[Place, ...], tree: ast.Module) -> Submission:
    kept = _definitions(tree.body)
    dropped = [node for node in tree.body if node not in kept and not _is_main_guard(node) and not _is_text(node)]
    renamed, notes = _names(kept)
    functions = {node.name: node for node in kept if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    lambdas = {
        target.id: node
        for node in kept
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda | ast.Attribute | ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    classes = [node for node in kept if isinstance(node, ast.ClassDef)]
    network = max(classes, key=lambda node: len(_steps_in(_methods(node), renamed)), default=None)
    methods = _methods(network) if network else {}
    if network is None or len(_steps_in(methods, renamed)) < 2:
        network, methods = None, {}
    found = {**_steps_in({**functions, **lambdas}, renamed), **_steps_in(methods, renamed)}
    nodes = {**functions, **lambdas, **methods}
    if network and "initialize" not in found:
        found["initialize"] = "__init__"
    if dropped:
        place = places[dropped[0].lineno - 1] if places else Place(dropped[0].lineno)
        notes.append(
            f"{place} runs when the file is imported: it was left out, and only the definitions were taken. Put it "
            'below `if __name__ == "__main__":`.'
        )
    notes += _proposals({**functions, **lambdas}, found)
    return Submission(
        name=UntrustedText(name),
        text=text,
        places=places,
        definitions=_only(text, kept),
        functions=found,
        network_class=network.name if network else None,
        methods=frozenset(own for own in found.values() if own in methods),
        arguments={step: _positional(nodes[own]) for step, own in found.items() if own in nodes},
        names={step: tuple(arg.arg for arg in _named(nodes[own])) for step, own in found.items() if own in nodes},
        required={step: _required(nodes[own]) for step, own in found.items() if own in nodes},
        lines={step: nodes[own].lineno for step, own in found.items() if own in nodes},
        left_out=frozenset(
            item.id
            for node in dropped
            for item in ast.walk(node)
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
        ),
        notes=tuple(notes),
        spans=tuple(
            (node.lineno, node.end_lineno or node.lineno)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ),
    )


def _definitions(body: list[ast.stmt]) -> list[ast.stmt]:
    """Definitions, imports and constants; no value that is computed from one that is left out."""
    kept: list[ast.stmt] = []
    known = set(dir(builtins))
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in body):
        return [node for node in body if _is_definition(node)]
    for node in body:
        used = set() if _in_function(node) else {item.id for item in _names_in(node) if isinstance(item.ctx, ast.Load)}
        if _is_definition(node) and known.issuperset(used):
            kept.append(node)
            known.update(_bound(node))
    return kept


def _names_in(node: ast.stmt) -> list[ast.Name]:
    return [item for item in ast.walk(node) if isinstance(item, ast.Name)]


def _in_function(node: ast.stmt) -> bool:
    """Whether names are looked up when it is called."""
    return not isinstance(node, ast.Assign | ast.AnnAssign) or any(
        isinstance(item, ast.Lambda | ast.comprehension) for item in ast.walk(node)
    )


def _bound(node: ast.stmt) -> list[str]:
    """Names that a definition, an import or an assignment binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    return [item.id for item in _names_in(node) if isinstance(item.ctx, ast.Store)]


def _is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return True
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        calls = (item for item in ast.walk(node.value) if isinstance(item, ast.Call) and not _in_lambda(node.value))
        return all(_last_name(call.func) in _HARMLESS_CALLS for call in calls)
    return False


def _in_lambda(node: ast.expr) -> bool:
    return isinstance(node, ast.Lambda)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(item, ast.Name) and item.id == "__name__" for item in ast.walk(node.test)
    )


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _methods(node: ast.ClassDef) -> dict[str, ast.stmt]:
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}


def _names(kept: list[ast.stmt]) -> tuple[dict[str, str], list[str]]:
    """Read ``NAMES = {"back_propagate": "backward"}``."""
    for node in kept:
        if isinstance(node, ast.Assign) and any(_last_name(target) == "NAMES" for target in node.targets):
            try:
                names = ast.literal_eval(node.value)
                known = {step: own for step, own in names.items() if step in STEPS and isinstance(own, str)}
                unknown = [str(step) for step in names if step not in known]
            except (ValueError, AttributeError):
                return {}, ['NAMES is not understood: write it as {"back_propagate": "backward"}.']
            notes = [f"NAMES has {', '.join(unknown)}, expected names of steps: {', '.join(STEPS)}."] if unknown else []
            return known, notes
    return {}, []


def _steps_in(names: dict[str, ast.stmt], renamed: dict[str, str]) -> dict[str, str]:
    """Find the steps among the functions of a file: by NAMES, by their own name, by an alias."""
    taken: dict[str, str] = {}
    for step in STEPS.values():
        candidates = (renamed[step.name],) if step.name in renamed else (step.name, *step.aliases)
        own = next((name for name in candidates if name in names), None) or next(
            (name for name in names if name.strip("_").lower() in candidates), None
        )
        if own and own not in taken.values():
            taken[step.name] = own
    return taken


def _proposals(names: dict[str, ast.stmt], found: dict[str, str]) -> list[str]:
    """Functions that may be a step under another name, ready to paste."""
    free = [name for name in names if name not in found.values() and not name.startswith("_")]
    proposed: dict[str, str] = {}
    for step in STEPS.values():
        if step.name not in found:
            close = difflib.get_close_matches(step.name, free, 1, 0.6)
            if close and close[0] not in proposed.values():
                proposed[step.name] = close[0]
    if not proposed:
        return []
    return [f"If {' and '.join(proposed.values())} is meant, write at the top: NAMES = {json.dumps(proposed)}"]


def _signature(node: ast.stmt) -> ast.arguments | None:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        return node.value.args
    return node.args if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _named(node: ast.stmt) -> list[ast.arg]:
    """Arguments with a name and a position, without ``self``."""
    arguments = _signature(node)
    named = [*arguments.posonlyargs, *arguments.args] if arguments else []
    return named[1:] if named and named[0].arg == "self" else named


def _positional(node: ast.stmt) -> int:
    arguments = _signature(node)
    return 99 if arguments is None or arguments.vararg else len(_named(node))


def _required(node: ast.stmt) -> int:
    arguments = _signature(node)
    return len(_named(node)) - len(arguments.defaults) if arguments else 0


def _only(text: str, kept: list[ast.stmt]) -> str:
    """Blank every line that belongs to none of the statements."""
    wanted: set[int] = set()
    for node in kept:
        first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
        wanted.update(range(first, (node.end_lineno or node.lineno) + 1))
    return "\n".join(line if number in wanted else "" for number, line in enumerate(text.split("\n"), start=1))
