"""Names of classes in the forms that people write them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.class_names import LONGEST_NAME, parse_class_names, read_class_names
from mnist_core.errors import DatasetError

NAMES = st.lists(
    st.text(st.characters(categories=("L",)), min_size=1, max_size=12), min_size=1, max_size=20, unique=True
)


@given(names=NAMES, first=st.integers(0, 30), form=st.sampled_from(["{name}", "{number} {name}", "{number},{name}"]))
def test_a_name_a_line_numbered_or_not(names, first, form):
    lines = [form.format(number=number, name=name) for number, name in enumerate(names, first)]
    text = "\r\n".join(["# a comment", "", *lines, ""])
    assert parse_class_names(text.encode("utf-8-sig"), "classes.txt") == tuple(names)


def test_numbered_lines_may_come_in_any_order_and_names_may_be_numbers():
    assert parse_class_names(b"2: boot\n0: top\n1: ankle boot\n", "labels.txt") == ("top", "ankle boot", "boot")
    assert parse_class_names("\n".join("0123456789").encode(), "classes.txt") == tuple("0123456789")


def test_a_mapping_of_emnist_gives_characters():
    letters = "\n".join(f"{1 + number} {65 + number} {97 + number}" for number in range(26))
    assert parse_class_names(letters.encode(), "mapping.txt")[:3] == ("Aa", "Bb", "Cc")
    assert parse_class_names(b"0 48\n1 49\n2 65\n3 97\n", "mapping.txt") == ("0", "1", "A", "a")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no line with a name"),
        (b"\xff\xfea", "no UTF-8"),
        (b"boot\nboot\n", "'boot' for classes 0 and 1"),
        (b"0 a\n2 b\n", "no name for class 1"),
        (b"0 48\n0 49\n", "2 lines for 1 classes"),
        (b"0 1114112\n1 65\n", "code point 1,114,112"),
        (b"x" * (LONGEST_NAME + 1), "81 characters"),
        ("\n".join(map(str, range(257))).encode(), "257 names"),
    ],
)
def test_what_is_no_list_of_names_is_refused_in_a_sentence(content, words):
    with pytest.raises(DatasetError, match=words) as caught:
        parse_class_names(content, "classes.txt")
    assert "classes.txt: found" in str(caught.value) and "expected a name a line" in str(caught.value)


def test_only_a_small_plain_file_is_read(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("kuzushi \u202e い\n", "utf-8")
    assert read_class_names(path) == ("kuzushi い",)
    path.write_bytes(b"x\n" * 60_000)
    os.mkfifo(tmp_path / "pipe")
    for wrong in (path, tmp_path / "pipe", tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetError):
            read_class_names(wrong)
