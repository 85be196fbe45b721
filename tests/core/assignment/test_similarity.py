"""Copied code is listed however it is renamed; code that was written apart is not."""

import ast
import random
import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.assignment.contract import LEVELS
from mnist_core.assignment.roster import read_roster
from mnist_core.assignment.similarity import ALIKE, fingerprint, similar_entries, similar_pairs
from mnist_core.assignment.starter import starter_file
from mnist_core.untrusted import UntrustedText
from tests.core.assignment.class_room import SIGMOID, SOLUTION, write_class
from tests.core.assignment.styles import STYLES


def alike(*texts):
    pairs = similar_pairs([(UntrustedText(str(number)), text) for number, text in enumerate(texts)])
    return [(pair.first.plain, pair.second.plain) for pair in pairs]


class Renamer(ast.NodeTransformer):
    """Give everything that a person named another name."""

    def __init__(self, tree):
        bound = {item.id for item in ast.walk(tree) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)}
        bound |= {item.arg for item in ast.walk(tree) if isinstance(item, ast.arg)} - {"self"}
        bound |= {item.name for item in ast.walk(tree) if isinstance(item, ast.FunctionDef)} - {"__init__"}
        bound |= {
            item.attr
            for item in ast.walk(tree)
            if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and item.value.id == "self"
        }
        self.names = {name: f"v{number}" for number, name in enumerate(sorted(bound))}

    def visit(self, node):
        for field in ("id", "arg", "name", "attr"):
            if field != "attr" or (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                if field == "attr" and node.value.id != "self":
                    continue
                if getattr(node, field, None) in self.names:
                    setattr(node, field, self.names[getattr(node, field)])
        return self.generic_visit(node)


def renamed(text):
    tree = ast.parse(text)
    return ast.unparse(Renamer(tree).visit(tree))


def reordered(text):
    """Functions, and methods of classes, in another order."""
    tree = ast.parse(text)
    for block in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        functions = [node for node in block.body if isinstance(node, ast.FunctionDef)]
        others = [node for node in block.body if not isinstance(node, ast.FunctionDef)]
        random.Random(1).shuffle(functions)
        block.body = others + functions
    return ast.unparse(tree)


def annotated(text):
    """Comments, docstrings, types, and a function of its own."""
    text = re.sub(r"(?m)^( *)(for .*|return .*)$", r"\1# what follows is clear\n\1\2", text)
    text = re.sub(
        r"(?m)^( *)def (\w+)\((.*)\):$",
        lambda match: f'{match[1]}def {match[2]}({match[3]}) -> "array":\n{match[1]}    """My {match[2]}."""',
        text,
    )
    return f"{text}\n\ndef hello(name):\n    print('hello', name)\n    return len(name) + 1\n"


CHANGES = {
    "the same": str,
    "renamed": renamed,
    "reordered": reordered,
    "annotated": annotated,
    "all of it": lambda text: annotated(reordered(renamed(text))),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("style", STYLES)
def test_a_copy_is_listed_however_it_is_changed(style, change):
    copy = CHANGES[change](STYLES[style])
    ast.parse(copy)
    assert alike(STYLES[style], copy) == [("0", "1")]


@pytest.mark.parametrize(("one", "other"), list(combinations(STYLES, 2)))
def test_what_was_written_apart_is_not_listed(one, other):
    assert alike(STYLES[one], STYLES[other]) == []


@pytest.mark.parametrize("level", LEVELS)
def test_what_the_starter_file_gives_is_not_counted(level):
    starter = starter_file(level)
    assert alike(starter, starter) == []
    assert alike(SOLUTION, SOLUTION) == []
    style = next(iter(STYLES))
    assert alike(starter + STYLES[style], starter + renamed(STYLES[style])) == [("0", "1")]


def test_too_little_code_is_not_compared():
    assert alike(SIGMOID, SIGMOID) == []
    assert alike("", "", "def f(:", "def f(:") == []


def test_the_most_alike_come_first_and_a_copy_of_a_part_is_listed():
    style = STYLES["a class"]
    half = ast.unparse(ast.parse(style)).partition("def predict")[0]
    pairs = similar_pairs([(UntrustedText(name), text) for name, text in {"a": style, "b": half, "c": style}.items()])
    assert {(pair.first.plain, pair.second.plain) for pair in pairs} == {("a", "b"), ("a", "c"), ("b", "c")}
    assert [pair.similarity for pair in pairs] == sorted((pair.similarity for pair in pairs), reverse=True)
    assert all(ALIKE <= pair.similarity <= 1 for pair in pairs)


def test_a_roster_is_compared_and_what_can_not_be_read_is_left_out(tmp_path):
    first, second = list(STYLES.values())[:2]
    folder = write_class(tmp_path, ada=first, bob=renamed(first), cleo=second, dan=b"\xff", eve="def f(:")
    (folder / "fay").mkdir()
    (pair,) = similar_entries(read_roster(folder))
    assert (pair.first.plain, pair.second.plain) == ("ada", "bob")


def test_a_deep_tree_is_no_surprise():
    long_sum = "def f(x):\n    return " + "+".join(["x"] * 3000) + "\n"
    deep = "def f(x):\n    return " + "(" * 3000 + ")" * 3000 + "\n"
    for text in (long_sum, deep, "\x00", "def f(x):\n" + "".join(f"{' ' * k}if x:\n" for k in range(1, 90))):
        assert isinstance(fingerprint(text), set)


@given(st.text(max_size=200))
def test_any_text_can_be_compared(text):
    assert similar_pairs([(UntrustedText("a"), text), (UntrustedText("b"), text)]) == []
