"""What a browser sends of the canvas: nothing of it takes the page down, or is kept."""

import base64
import io
import json
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnist_core.errors import PictureError
from pages.components.digits.canvas import MAX_BYTES, Drawing, receive
from tests.helpers import by_label, encode, texts
from tests.pages.test_draw_page import canvas, large  # noqa: F401  canvas is a fixture

STROKES = {"objects": [{"type": "Path"}]}
INK = np.pad(np.full((100, 40), 255, np.uint8), ((100, 120), (120, 160)))


class Result:
    """As ``streamlit_drawable_canvas.CanvasResult`` reads the picture; that one needs a server to be imported."""

    def __init__(self, json_data, url):
        self.json_data, self.url = json_data, url

    @property
    def image_bytes(self):
        if self.url is None:
            return None
        _, encoded = self.url.split(";base64,", 1)
        return base64.b64decode(encoded)


def sent(strokes, url):
    return lambda: Result(strokes, url)


def url_of(data, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def colored(ink):
    return encode(Image.fromarray(ink).convert("RGBA"))


def bomb(width, height):
    """A PNG file of a few kB that decodes to a huge picture."""

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_drawing_is_taken_as_it_is():
    drawing = receive(sent(STROKES, url_of(colored(INK))))
    np.testing.assert_array_equal(drawing.ink, INK)
    assert drawing.strokes == STROKES
    assert receive(sent(STROKES, url_of(colored(INK))), drawing) is drawing


def test_an_empty_canvas_is_black():
    assert not receive(sent({"objects": []}, url_of(colored(INK * 0)))).ink.any()


def test_a_canvas_that_nobody_touched_gives_nothing():
    assert receive(sent(None, None)) is None


GIF = io.BytesIO()
Image.fromarray(INK).save(GIF, "GIF")


@pytest.mark.parametrize(
    "url",
    [
        "", "x", 5, [], {}, "data:image/png;base64,", "data:image/png;base64,%%%", url_of(b""), url_of(b"text"),
        url_of(b"\x89PNG\r\n\x1a\n"), url_of(colored(INK)[:-30]), url_of(GIF.getvalue(), "gif"),
        url_of(bomb(25_000, 25_000)), url_of(bytes(MAX_BYTES + 1)),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_picture_that_is_none_is_refused_in_a_sentence(url):
    with pytest.raises(PictureError):
        receive(sent(STROKES, url))


DEEP = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "strokes",
    [
        None, 5, "x", [], {}, {"objects": None}, {"objects": "x"}, {"objects": {}}, {"objects": [1]},
        {"objects": [{"path": "x" * MAX_BYTES}]}, {"objects": [{"path": DEEP}]}, {"objects": [{"path": {1, 2}}]},
    ],
    ids=range(12),
)  # fmt: skip
def test_strokes_of_another_form_are_refused_in_a_sentence(strokes):
    with pytest.raises(PictureError):
        receive(sent(strokes, url_of(colored(INK))))


def test_a_canvas_that_fails_on_what_it_gets_is_refused_in_a_sentence():
    def fails():
        return [].get("drawing")

    with pytest.raises(PictureError):
        receive(fails)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["objects", "path"]) | st.text(), inner),
)


@given(JSON, st.none() | st.binary().map(url_of) | st.text())
def test_anything_is_a_drawing_or_a_sentence(strokes, url):
    try:
        drawing = receive(sent(strokes, url))
    except PictureError as error:
        assert str(error).endswith(".")
    else:
        assert drawing is None or isinstance(drawing, Drawing)
        json.dumps(drawing)


def test_a_broken_picture_leaves_the_page_and_the_drawing_before_it(open_page, finished, canvas, monkeypatch):  # noqa: F811
    canvas.ink = large(INK)
    app = open_page("draw")
    read = app.subheader[0].value
    broken = SimpleNamespace(image_bytes=b"GIF89a broken", json_data={"objects": []})
    monkeypatch.setattr("streamlit_drawable_canvas.st_canvas", lambda **_: broken)
    app.run()
    assert "a GIF file" in texts(app.error)
    assert app.subheader[0].value == read
    by_label(app.button, "Clear").click().run()
    assert "The canvas is empty" in texts(app.info)
