"""Texts that Streamlit's Markdown would show as something else; a stranger may put each into a file or an address."""

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
