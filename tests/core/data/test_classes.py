"""Names of classes for people: distinct, one line, and no wider than their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.classes import Classes, display_width, padded, shorten
from mnist_core.untrusted import UntrustedText

NAMES = st.lists(st.one_of(st.text(max_size=80), st.sampled_from(["", " ", "a", "い", "0", "1 (1)"])), max_size=12)


def classes(*names):
    return Classes(tuple(map(UntrustedText, names)))


@given(NAMES, st.integers(1, 20))
def test_any_names_become_distinct_lines_that_are_never_empty(names, width):
    found = classes(*names)
    for shown in ([name.plain for name in found], found.plain(width)):
        assert len(set(shown)) == len(names)
        assert all(name and len(name.splitlines()) == 1 for name in shown)


@given(st.text(max_size=40), st.integers(1, 20))
def test_a_name_is_cut_only_if_it_is_wider_than_its_place(text, width):
    cut = shorten(text, width)
    assert display_width(cut) <= width
    assert cut == text or (display_width(text) > width and text.startswith(cut[:-1]))
    assert display_width(padded(cut, width)) == width


@pytest.mark.parametrize(
    ("names", "noun", "short"),
    [
        (list("0123456789"), "digit", True),
        (list("012345678"), "image", True),
        (list("いろはにほへとちりぬ"), "image", True),
        (["Trouser", "Coat"], "image", False),
    ],
)
def test_the_noun_follows_the_names(names, noun, short):
    assert (classes(*names).noun, classes(*names).are_short) == (noun, short)


def test_classes_without_a_name_have_their_number():
    found = Classes.of(tuple(map(UntrustedText, ["Coat", ""])), 3)
    assert [name.plain for name in found] == ["Coat", "1", "2"]
    assert found.listed([0, 2]).plain == "Coat, 2"
    assert Classes.of((), 20).listed().plain.endswith("11 and 8 more")


def test_an_arrow_points_to_the_prediction_in_any_script():
    found = classes("Ankle boot", "ألف", "باء")
    assert found.arrow(0, 0, width=6) == "Ankle… → Ankle…"
    assert found.arrow(1, 2) == "\u2068ألف\u2069 → \u2068باء\u2069"
