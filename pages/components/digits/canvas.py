"""What the browser sends of a drawing canvas, checked in one place before anything uses it."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mnist_core.errors import PictureError
from mnist_core.handwriting.reading import read_picture

MAX_BYTES = 500_000
"""Of the strokes as JSON, and of the picture; those of a digit have some thousands."""

ADVICE = "Clear the canvas and draw again."


class Drawing(NamedTuple):
    """A drawing as the browser sent it: its strokes, from which a canvas can start, and its picture as a file."""

    strokes: dict
    picture: bytes

    @property
    def ink(self) -> np.ndarray:
        """Ink on the canvas, uint8, shape (H, W), bright on black."""
        return read_picture(self.picture)


def receive(canvas: Callable[[], Any], known: Drawing | None = None) -> Drawing | None:
    """Draw a canvas, and return what is on it; None if nothing was drawn yet.

    Parameters
    ----------
    canvas : callable
        Draws the canvas, and returns a ``CanvasResult``. It fails if the browser sends something of another form.
    known : Drawing, optional
        A drawing that needs no check again.

    Raises
    ------
    PictureError
        If what the browser sends is no drawing, is damaged, or is too large.
    """
    try:
        result = canvas()
        strokes, picture = result.json_data, result.image_bytes
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PictureError(f"The browser sent something that is no drawing. {ADVICE}") from error
    if picture is None:
        return None
    if known and picture == known.picture:
        return known
    _check_strokes(strokes)
    _check_size("pixels", len(picture))
    drawing = Drawing(strokes, picture)
    if not drawing.ink.size:
        raise PictureError(f"The browser sent an empty picture. {ADVICE}")
    return drawing


def _check_strokes(strokes: object) -> None:
    objects = strokes.get("objects") if isinstance(strokes, dict) else None
    if not isinstance(objects, list) or not all(isinstance(stroke, dict) for stroke in objects):
        raise PictureError(f"The browser sent strokes of an unknown form, expected a list of objects. {ADVICE}")
    try:
        size = len(json.dumps(strokes))
    except (TypeError, ValueError, RecursionError) as error:
        raise PictureError(f"The browser sent strokes of an unknown form, expected JSON. {ADVICE}") from error
    _check_size("strokes", size)


def _check_size(of_what: str, size: int) -> None:
    if size > MAX_BYTES:
        raise PictureError(
            f"The {of_what} on the canvas take {size / 1e6:.1f} MB, expected at most {MAX_BYTES / 1e6:g} MB. {ADVICE}"
        )
