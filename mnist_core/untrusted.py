"""Text that a file, an address or a person wrote, as a type of its own."""

import re
from functools import total_ordering

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls reorder what stands beside them
    "\ufeff\ufff9-\ufffb]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARKUP = re.compile(
    r"[\\`*\[\]<&~$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # not within a word, where it is no emphasis
    r"|:(?=\S)"  # directives
    r"|^[-+#>=|]"  # what begins a line: lists, headings, quotes, the rule below a heading, tables
)
_NUMBERED = re.compile(r"^(\d+)([.)])")
# Streamlit looks for these in the text that is left when escapes are undone; a character of no width breaks them.
_FOUND_IN_TEXT = re.compile(
    r"(?i)(?<=http)(?=s?:)|(?<=www)(?=\.|$)|(?=@)"  # links
    r"|(?<=:)(?=[\w+/-]+(?::|$))"  # :smile: and :material/home:, also if the text around closes it
    r"|(?<!\S)(?=(?:<->|->|<-|--|>=|<=|~=)(?!\S))"  # arrows and dashes
)
_WORD_JOINER = "\u2060"
_FORMULA = re.compile(r"""(^|[\n\t;,|"])(\s*)(?=[=+\-@＝＋－＠])""")


def no_formula(text: str) -> str:
    """Put an apostrophe before what a spreadsheet computes, at the start of a cell or of what it takes for one."""
    return _FORMULA.sub(r"\1\2'", text)


@total_ordering
class UntrustedText:
    """Text from outside; not a `str`, so that the type checker refuses it where text of this program is expected.

    As a string, also within an f-string, it is the Markdown that shows it as it is: forgetting to choose is safe.

    Parameters
    ----------
    text : str
        Anything. Control characters but tab and line feed, and bidirectional controls, are dropped; a lone surrogate,
        which no page and no file can encode, becomes U+FFFD.
    """

    __slots__ = ("plain",)

    plain: str
    """For places that interpret nothing: the terminal, a cell, a form field, a chart, a file."""

    def __init__(self, text: str) -> None:
        self.plain = _CONTROLS.sub("", _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text))

    @property
    def markdown(self) -> str:
        """Escaped for Streamlit's Markdown: no markup, HTML, link, icon, formula or line break comes of it.

        Not for ``st.badge``, which escapes brackets once more and so frees them: write ``:blue-badge[...]`` instead.
        Not for options of ``st.selectbox`` and ``st.multiselect``, cells of ``st.dataframe`` and values of fields,
        which interpret nothing.
        """
        line = _FOUND_IN_TEXT.sub(_WORD_JOINER, self._line)
        return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", line)) or _WORD_JOINER

    @property
    def code(self) -> str:
        """The same for names of files and ids: the Markdown that shows it as code."""
        line = self._line.replace(":material/", f":{_WORD_JOINER}material/") or _WORD_JOINER
        fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
        space = " " if "`" in (line[0], line[-1]) else ""
        return f"{fence}{space}{line}{space}{fence}"

    @property
    def _line(self) -> str:
        return " ".join(self.plain.split())

    def __str__(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return f"UntrustedText({self.plain!r})"

    def __bool__(self) -> bool:
        return bool(self.plain)

    def __eq__(self, other: object) -> bool:
        return self.plain == other.plain if isinstance(other, UntrustedText) else NotImplemented

    def __lt__(self, other: "UntrustedText") -> bool:
        return self.plain < other.plain

    def __hash__(self) -> int:
        return hash(self.plain)


def plain_text(value: object) -> str:
    """Turn text from outside into what JSON can hold: the hook for values that an encoder does not know.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if isinstance(value, UntrustedText):
        return value.plain
    raise TypeError(f"{value!r} can't be written as JSON")
