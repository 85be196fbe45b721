"""Texts that Streamlit's Markdown would show as something else; a stranger may put each into a file or an address."""

import json
import re
from pathlib import Path

from mnist_core.training.config import TrainingConfig

LISTENER = "http://127.0.0.1:9/picture"
"""Nobody listens there: it only matters whether a browser asks."""

HOSTILE = {
    "emphasis": "**bold** __bold__ *italic* _italic_ ~~struck~~ `code` snake_case _x_y",
    "image": f"![x]({LISTENER})",
    "link": "1) [Sign in again](http://evil.example) <http://evil.example> [r]: http://evil.example [^1]",
    "bare link": "see http://evil.example/a_b?c=d, HTTPS://evil.example; (www.evil.example) WWW.evil.example www.",
    "mail": "a.b+c@evil.example mailto:a@evil.example xmpp:a@evil.example @evil.example",
    "html": f'<img src="{LISTENER}"> <script>alert(1)</script> <b>x</b> <!-- x --> &lt;b&gt; &#35;',
    "icon": ":material/home: :material_home: :streamlit: :smile: :+1: a:smile:b: 12:30:45",
    "half an emoji": "x:smile",
    "first half of an emoji": ":smile",
    "end of an address": "x www",
    "colour": ":red[red] :blue-background[x] :green-badge[x] :small[x] :color[x]{foreground=red} ::x[y] :::x",
    "formula": "$x^2$ $$y$$ costs $5 and $6",
    "arrows": "a -> b <- c <-> d -- e >= f <= g ~= h",
    "one arrow": "->",
    "heading": "# heading",
    "line under a heading": "===",
    "rule": "---",
    "list": "- point",
    "plus": "+ point",
    "star": "* point",
    "number": "1. point",
    "large number": "123456789) point",
    "quote": "> quote",
    "table": "| a | b |",
    "backslash": r"\*x\* \\ \[x\](http://evil.example) C:\new\[x]",
    "lines": "first\n\n# second\n===\n\n    code\n\n- point\r\n| a |\n|---|",
    "harmless": "Größe 漢字 half-time 50 % (a, b) 3 > 2; it's 1.5",
}
"""Name of the kind of harm, and a text that does it."""


def hostile_parts(listener: str) -> dict[str, str]:
    """Kinds of markup, each with a word of its own, so that what became of it is found; images ask the listener."""
    return {
        "strong": "**zqstrong**",
        "image": f"![zqimage]({listener}/i)",
        "link": "[zqlink](http://zq.example)",
        "address": "http://zq.example www.zq.example zq@zq.example",
        "html": f"<img src={listener}/h> <b>zqhtml</b>",
        "rest": "`zqcode` ~~zqstruck~~ :red[zqred] $zqx^2$ :material/home: :smile:",
    }


FOUND_IN_PAGE = """() => [
    ...document.querySelectorAll('a[href*="zq.example"], img[src*="127.0.0.1"], img[alt*="zq"], [src*="zq"]'),
    ...[...document.querySelectorAll('strong, b, em, del, code, .katex, [class*=stMarkdownColored], h1, li')]
        .filter(node => /^\\s*(zq\\w+|zqx2.*)\\s*$/.test(node.textContent)),
    ...[...document.querySelectorAll('[data-testid=stMarkdownContainer] [aria-label="home icon"]')]
        .filter(node => node.closest('p, label')?.textContent.includes('zqred')),
].map(node => node.outerHTML.slice(0, 200))"""
"""JavaScript that finds what a browser made of these parts; a page that shows them as they are has none."""

UNESCAPED = re.compile(
    r"(?<!\\)(?:\*\*zqstrong|\[zq|<b>zq|<img|~~zq|`zq|:red\[zq|\$zq|:smile|:material/home)|http://zq|www\.zq|zq@zq"
)
"""What would be markup in a text for Streamlit's Markdown, outside of code."""


def address_names() -> list[str]:
    """Names of everything that an address can say to a page, as the code of the pages has them."""
    pages = Path(__file__).resolve().parent.parent / "pages"
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(pages.rglob("*.py")))
    gallery = (pages / "components" / "digits" / "gallery.py").read_text(encoding="utf-8")
    named = re.findall(r'\burl="(\w+)"', code) + re.findall(r'"\w+": \("(\w+)", ', gallery)
    return sorted({*named, *(setting.url for setting in TrainingConfig.settings().values())})


def plant(run: Path, listener: str) -> None:
    """Write hostile text into every field of a run folder that is text."""
    parts = hostile_parts(listener)
    everything = " ".join(parts.values())
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config["dataset"]["name"] = f"{parts['image']} {parts['address']} {parts['html']}"
    config["dataset"]["class_names"] = [*parts.values(), "www.zq.example", "# zqhash", "=zq", "\u202ezq"]
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    about = {"name": f"{parts['strong']} {parts['image']}", "note": everything, "tags": [parts["link"], ":red[zqred]"]}
    (run / "about.json").write_text(json.dumps(about), encoding="utf-8")
    state = json.loads((run / "status.json").read_text(encoding="utf-8")) | {"error": everything}
    state.get("checksums", {}).pop("config.json", None)  # a hostile person would write the one that fits
    (run / "status.json").write_text(json.dumps(state), encoding="utf-8")


FOLDER_NAME = "**zqstrong** [zqlink](zq.example) www.zq.example zq@zq.example <b>zqhtml<b> `zqcode` :red[zqred] $zqx^2$"
