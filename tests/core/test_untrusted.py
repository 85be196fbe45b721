"""Text from outside is shown as it is: what `markdown` escapes is what Streamlit's Markdown would interpret."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mnist_core.untrusted import UntrustedText
from tests.hostile_text import HOSTILE

# Streamlit's frontend looks for these in the text that is left when escapes are undone (bundle StreamlitMarkdown of
# 1.67: mdast-util-gfm-autolink-literal, remark-emoji, and replacements of its own).
FOUND_IN_TEXT = (
    r"(?ia)(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)",
    r"([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)",
    r":\+1:|:-1:|:[\w-]+:",
    r":material[/_](\w+):",
    r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
)
ESCAPABLE = r"!-/:-@\[-`{-~"
MARKUP = st.text(alphabet="ahtps:/w.@m_-+><=~$*`[](){}!#&;\\ \n1", max_size=40)


def text_node(markdown):
    """What is left of Markdown when its escapes are undone."""
    return re.sub(rf"\\([{ESCAPABLE}])", r"\1", markdown)


def without_joiner(text):
    return text.replace("\N{WORD JOINER}", "")


@given(st.text() | MARKUP)
@example(":smile")
@example("http:")
@example(" \t\n")
def test_a_person_reads_the_same_text_and_streamlit_finds_nothing_in_it(text):
    assert_shown_as_it_is(text)


def assert_shown_as_it_is(text):
    untrusted = UntrustedText(text)
    shown = text_node(untrusted.markdown)
    assert without_joiner(shown) == without_joiner(" ".join(untrusted.plain.split()))
    assert "\n" not in untrusted.markdown
    untrusted.markdown.encode()
    for before, after in (("", ""), ("x ", " y"), ("", ": "), ("(", ")"), ("", ".")):
        for pattern in FOUND_IN_TEXT:
            assert not re.search(pattern, f"{before}{shown}{after}"), pattern


@given(st.text() | MARKUP)
def test_what_begins_markup_is_escaped(text):
    markdown = UntrustedText(text).markdown
    bare = re.sub(rf"\\[{ESCAPABLE}]", "", markdown)
    assert not re.search(r"[\\`*\[\]<&~$]", bare)
    assert not re.match(r"[-+#>=|]|\d+[.)]", markdown)
    assert not re.search(r":[A-Za-z]", re.sub(rf"\\[{ESCAPABLE}]", " ", markdown))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_it_is_safe_also_where_nobody_chose(text):
    assert_shown_as_it_is(text)
    untrusted = UntrustedText(text)
    assert f"{untrusted}" == str(untrusted) == untrusted.markdown
    assert not isinstance(untrusted, str)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\x00b\x1b[31mred\x07\x7f\x85", "ab[31mred"),
        ("run \u202egnp.exe\u2066 \u200fx\u061c", "run gnp.exe x"),
        ("\ud800 \udfff", "\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("👩‍👩‍👧 é 漢字", "👩‍👩‍👧 é 漢字"),
    ],
    ids=["control characters", "bidirectional controls", "lone surrogates", "lines", "other scripts"],
)
def test_plain_text_has_nothing_that_a_terminal_or_a_file_stumbles_over(text, plain):
    untrusted = UntrustedText(text)
    assert untrusted.plain == plain
    assert UntrustedText(plain) == untrusted
    untrusted.plain.encode()


def test_names_and_sentences_stay_readable_in_markdown():
    assert UntrustedText("MNIST (sample of 6,000)").markdown == "MNIST (sample of 6,000)"
    assert UntrustedText("my_digits-2 v1.5").markdown == "my_digits-2 v1.5"


@given(st.text() | MARKUP)
def test_code_holds_nothing_that_ends_it(text):
    untrusted = UntrustedText(text)
    fence = re.match("`+", untrusted.code).group()
    inside = untrusted.code.removeprefix(fence).removesuffix(fence)
    assert fence not in re.findall("`+", inside)
    assert inside.strip(" \N{WORD JOINER}") == " ".join(untrusted.plain.split()).strip("\N{WORD JOINER}")


def test_blank_text_does_not_turn_the_markup_around_it_into_a_rule():
    assert f"**{UntrustedText(' ')}**" != "****"


def test_texts_are_equal_sorted_and_hashed_by_what_they_say():
    a, b = UntrustedText("a"), UntrustedText("b")
    assert sorted([b, a]) == [a, b]
    assert {a, UntrustedText("a\x00")} == {a}
    assert a != "a"
    assert repr(a) == "UntrustedText('a')"
    assert (bool(UntrustedText("")), bool(a)) == (False, True)
