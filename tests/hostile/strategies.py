"""Hostile inputs: valid files with flipped, cut, spliced and exchanged parts, and what no program would write."""

import copy
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from hypothesis import strategies as st

TEXTS = (
    "", " ", "\0", "\n", "\ud800", "\udc00\ud800", "\u202e\u2066", "\u2028", "\ufeff", "\x1b[31m", "٣", "²", "é", "🀄",
    "![x](http://127.0.0.1:9/p)", "[a](http://127.0.0.1:9)", "<script>alert(1)</script>", ":material/home:", "$x$", "`",
    ":red[x]", "http://127.0.0.1:9", "../..", ".", "..", "a/b", "a\\b", "C:", "CON", "-", "--help", "%s%n", "{}", "{0}",
    "null", "nan", "inf", "-inf", "1e999", "-0", "1_000", "0x10", "a" * 300, "9" * 50, "9" * 5000, "x" * 140_000,
)  # fmt: skip
NUMBERS = (
    0, 1, -1, -3, 2, 255, 256, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**12 + 1, 10**18, 10**30, 10**400, -(10**400),
    0.5, -0.0, 5e-324, 1e-300, 1e11, 1e300, -1e300, 1.7e308, math.nan, math.inf, -math.inf,
)  # fmt: skip
LITERALS = ("1" + "0" * 5000, "[" * 2000, "[" * 2000 + "]" * 2000, '{"a":' * 2000, "1e400000", "-", "'a'", '"\\u0000"')
"""What `json.dumps` does not write, or not without harm."""

CELLS = (
    "nan", "inf", "-inf", "-1", "0", "0.5", "1e999", "1e-999", "9" * 50, "9" * 5000, "a" * 20, "a" * 140_000, "", " 1",
    "1 ", "1_0", "٣", "\0", '"', "'", "0x1", "1e400", "-5", "2", "10", "\ud800", "1;2", "1 2 3", " ".join("9" * 40),
    "1e12", "99999999999", "true", "None", "1.0",
)  # fmt: skip

texts = st.sampled_from(TEXTS) | st.text(st.characters(codec=None), max_size=12)
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats()
values = st.one_of(
    numbers, texts, st.none(), st.booleans(), st.just([]), st.just({}), st.lists(numbers | texts, max_size=3),
    st.dictionaries(texts, numbers | texts, max_size=2), st.sampled_from(LITERALS).map(lambda text: _Literal(text)),
)  # fmt: skip
places = st.integers(0, 10**6)


class _Literal(str):
    """JSON that is written as it is."""


def bytes_changed(originals: Iterable[bytes], most: int = 4) -> st.SearchStrategy[bytes]:
    """Valid files with up to ``most`` changes, and now and then bytes of no file at all."""
    changed = st.builds(
        _change_bytes, st.sampled_from(list(originals)), st.lists(byte_changes(), min_size=1, max_size=most)
    )
    return changed | changed | changed | st.binary(max_size=200)


def byte_changes() -> st.SearchStrategy[tuple[str, int, Any]]:
    """One change of a file: what, where, and how."""
    runs = st.sampled_from(
        [bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(8), b"\xff" * 8, b"PK\1\2"]
    )
    return st.one_of(
        st.tuples(st.just("flip"), places, st.integers(0, 7)),
        st.tuples(st.just("flip"), places, st.integers(0, 7)),
        st.tuples(st.just("overwrite"), places, runs | st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("insert"), places, runs | st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("remove"), places, st.integers(1, 64)),
        st.tuples(st.just("splice"), places, places),
        st.tuples(st.just("cut"), places, st.none()),
    )


def _change_bytes(original: bytes, changes: list[tuple[str, int, Any]]) -> bytes:
    data = bytearray(original)
    for what, place, how in changes:
        at = _position(place, len(data))
        match what:
            case "flip" if data:
                data[at] ^= 1 << how
            case "overwrite":
                data[at : at + len(how)] = how
            case "insert":
                data[at:at] = how
            case "remove":
                del data[at : at + how]
            case "splice":
                start = _position(how, len(data))
                data[at:at] = data[start : start + 256]
            case "cut":
                del data[at:]
    return bytes(data)


def _position(place: int, length: int) -> int:
    """A position in the file: half of all near its ends, where headers and directories are."""
    if length == 0:
        return 0
    near, far = place // 4 % min(length, 64), place // 4 % length
    return (far, near, length - 1 - near, far)[place % 4]


def json_changed(original: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A JSON object with other values, without some, with further ones; or changed as bytes."""
    paths = list(_paths(original))
    change = st.tuples(st.sampled_from(["set", "set", "set", "remove", "add"]), st.sampled_from(paths), texts, values)
    changed = st.builds(_change_json, st.just(original), st.lists(change, min_size=1, max_size=3))
    other = st.builds(_to_json, values)
    return changed | changed | changed | other | bytes_changed([json.dumps(original, indent=1).encode()])


def _paths(content: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    if path:
        yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))


def _change_json(original: dict[str, Any], changes: list[tuple[str, tuple[Any, ...], str, Any]]) -> bytes:
    content = copy.deepcopy(original)
    for what, path, name, value in changes:
        holder = content
        try:
            for key in path[:-1]:
                holder = holder[key]
            match what:
                case "set":
                    holder[path[-1]] = value
                case "remove":
                    del holder[path[-1]]
                case "add" if isinstance(holder, dict):
                    holder[name] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change removed it
    return _to_json(content)


def _to_json(content: Any) -> bytes:
    literals: list[str] = []

    def mark(value: Any) -> Any:
        if isinstance(value, _Literal):
            literals.append(value)
            return f"literal {len(literals) - 1} "
        if isinstance(value, dict):
            return {key: mark(part) for key, part in value.items()}
        return [mark(part) for part in value] if isinstance(value, list | tuple) else value

    text = json.dumps(mark(content))
    for number, literal in enumerate(literals):
        text = text.replace(f'"literal {number} "', literal)
    return text.encode("utf-8", "surrogatepass")


def table_changed(original: str) -> st.SearchStrategy[bytes]:
    """A table in CSV with other cells, without or with further rows; or changed as bytes."""
    cells = st.sampled_from(CELLS) | texts | numbers.map(written)
    change = st.one_of(
        st.tuples(st.just("cell"), places, st.tuples(places, cells)),
        st.tuples(st.just("cell"), places, st.tuples(places, cells)),
        st.tuples(st.just("remove"), places, st.none()),
        st.tuples(st.just("repeat"), places, st.sampled_from([2, 3, 50, 5000])),
        st.tuples(st.just("line"), places, cells),
        st.tuples(st.just("reverse"), places, st.none()),
    )
    changed = st.builds(_change_table, st.just(original), st.lists(change, min_size=1, max_size=3))
    return changed | changed | changed | bytes_changed([original.encode()])


def written(number: float) -> str:
    """A number as text; the largest ones have 401 digits."""
    return "1" + "0" * 400 if isinstance(number, int) and abs(number) > 10**300 else repr(number)


def _change_table(original: str, changes: list[tuple[str, int, Any]]) -> bytes:
    lines = original.splitlines()
    for what, place, how in changes:
        at = place % max(len(lines), 1)
        match what:
            case "cell" if lines:
                row = lines[at].split(",")
                row[how[0] % len(row)] = how[1]
                lines[at] = ",".join(row)
            case "remove" if lines:
                del lines[at]
            case "repeat" if lines:
                lines[at:at] = [lines[at]] * how
            case "line":
                lines.insert(at, how)
            case "reverse":
                lines[1:] = reversed(lines[1:])
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


DTYPES = ("f2", "f4", ">f4", "f8", ">f8", "i1", "i8", "u1", "c8", "?", "U1", "U40", "S3", "M8[s]", "V8", "f4,i4")


def arrays_changed(
    original: dict[str, np.ndarray], save: Callable[[dict[str, Any]], bytes]
) -> st.SearchStrategy[bytes]:
    """Arrays by name, some of another shape, type or value, missing or added, as ``save`` writes them; or as bytes."""
    names = st.sampled_from(sorted(original))
    shapes = st.sampled_from(["turn", "flat", "first", "none", "twice", "more"])
    other_names = st.sampled_from(["W9", "b9", "W1", "b1", "x", "W1.5", "activation", "epoch", "__metadata__"])
    change = st.one_of(
        st.tuples(st.just("value"), names, st.tuples(places, st.sampled_from(NUMBERS))),
        st.tuples(st.just("dtype"), names, st.sampled_from(DTYPES)),
        st.tuples(st.just("shape"), names, shapes),
        st.tuples(st.just("remove"), names, st.none()),
        st.tuples(st.just("rename"), names, other_names),
        st.tuples(st.just("text"), names, texts),
    )

    def build(changes: list[tuple[str, str, Any]]) -> bytes:
        return save(_change_arrays(original, changes))

    changed = st.builds(build, st.lists(change, min_size=1, max_size=3))
    return changed | changed | bytes_changed([save(original)])


def _change_arrays(original: dict[str, np.ndarray], changes: list[tuple[str, str, Any]]) -> dict[str, np.ndarray]:
    arrays = dict(original)
    for what, name, how in changes:
        if name not in arrays:
            continue
        array = arrays[name]
        try:
            match what:
                case "value" if array.size:
                    array = array.copy()
                    array.flat[how[0] % array.size] = how[1]
                case "dtype":
                    array = array.astype(how)
                case "shape":
                    array = _other_shape(array, how)
                case "text":
                    array = np.array(how)
            arrays[name] = array
            if what in ("remove", "rename"):
                del arrays[name]
            if what == "rename":
                arrays[how] = array
        except (ValueError, TypeError, OverflowError):
            continue  # NumPy does not convert it so
    return arrays


def _other_shape(array: np.ndarray, how: str) -> np.ndarray:
    match how:
        case "turn":
            return array.T
        case "flat":
            return array.ravel()
        case "first":
            return array[:1] if array.ndim else array
        case "none":
            return array[:0] if array.ndim else array
        case "twice":
            return np.concatenate([array, array]) if array.ndim else array
    return array[np.newaxis]


def to_npz(arrays: dict[str, Any]) -> bytes:
    """Write arrays as NumPy does."""
    file = io.BytesIO()
    np.savez(file, **{name: array for name, array in arrays.items() if name != "file"})
    return file.getvalue()


def packed(files: dict[str, bytes], folder: str, compress: bool = True) -> bytes:
    """A zip file of some files in one folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}{name}", content)
    return buffer.getvalue()
