"""Names of classes that people give: from a file, and such that they can be told apart."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.preparing.class_names import LONGEST_NAME, checked_names, read_class_names, tidied
from mnist_core.errors import DatasetError


def test_names_a_line_numbered_and_as_a_mapping_are_read(tmp_path):
    path = tmp_path / "classes.txt"
    for text, expected in (
        ("Trouser\r\n\r\nAnkle boot \n", ("Trouser", "Ankle boot")),
        ("2: boot\n0: top\n1: い\n", ("top", "い", "boot")),
        ("1 65 97\n2 66 98\n", ("Aa", "Bb")),
        ("\ufeffkuzushi \u202e い\n", ("kuzushi い",)),
    ):
        path.write_text(text, "utf-8")
        assert read_class_names(path) == expected


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["boot", " boot"], "'boot' for classes 0 and 1"),
        (["a", "\x07"], "no name for class 1"),
        (["x" * (LONGEST_NAME + 1)], "81 characters"),
        (map(str, range(257)), "257 names"),
    ],
)
def test_names_that_can_not_be_told_apart_are_refused(names, words):
    with pytest.raises(DatasetError, match=words) as caught:
        checked_names(names, "classes.txt")
    assert "classes.txt: found" in str(caught.value) and "expected a name for each class" in str(caught.value)


@given(st.lists(st.text(max_size=100) | st.sampled_from(["boot", "boot ", "boot (1)", "boot (2)", ""]), max_size=12))
def test_names_of_a_source_are_made_such(names):
    made = tidied(names)
    assert len(made) == len(names) and checked_names(made, "source") == made
    assert tidied(made) == made


def test_only_a_small_plain_file_is_read(tmp_path):
    large, pipe = tmp_path / "large", tmp_path / "pipe"
    large.write_bytes(b"x\n" * 600_000)
    os.mkfifo(pipe)
    for wrong in (large, pipe, tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetError, match="found"):
            read_class_names(wrong)
