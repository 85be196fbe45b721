"""The image on the label desk and its keys: a button for each decision, which a key of the keyboard presses as well.

The browser keeps every press until the server has handled it, so that none is lost and none overtakes another; and a
press names the image that was on the screen, which this draws itself, so that no decision hits another one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.digits.grid import png_base64
from pages.components.errors import callback

KEY = "desk_keypad"
MOST_PRESSES = 200
LAST_NUMBER = 2**53

_KEYPAD = st.components.v2.component(
    "mnist_label_desk",
    html='<div class="desk-keypad" role="group" aria-label="Decide on the label"></div>',
    css="""
    .desk-keypad { display: grid; gap: 6px; font-family: var(--st-font); }
    .desk-keypad figure { margin: 0; }
    .desk-keypad img {
        height: 230px; max-width: 100%; object-fit: contain; image-rendering: pixelated; border-radius: 6px;
        background: #000; display: block;
    }
    .desk-keypad figcaption { font-size: 0.8rem; line-height: 1.4; color: var(--st-text-color); }
    .desk-keypad .row { display: grid; gap: 6px; grid-template-columns: repeat(5, minmax(0, 1fr)); }
    .desk-keypad .row.moves { grid-template-columns: repeat(3, minmax(0, 1fr)); }
    .desk-keypad button {
        font: inherit; font-size: 0.95rem; line-height: 1.25; padding: 6px 4px; min-height: 40px; cursor: pointer;
        color: var(--st-text-color); background: var(--st-background-color);
        border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
        overflow: hidden; text-overflow: ellipsis;
    }
    .desk-keypad button:hover, .desk-keypad button:focus-visible {
        border-color: var(--st-primary-color); color: var(--st-primary-color);
    }
    .desk-keypad button:active { background: var(--st-secondary-background-color); }
    .desk-keypad button[aria-pressed=true] {
        border-color: var(--st-primary-color); background: var(--st-primary-color); color: #fff;
    }
    .desk-keypad button.given { border-style: dashed; border-width: 2px; }
    .desk-keypad kbd {
        font: inherit; font-size: 0.72rem; opacity: 0.7; margin-left: 6px; padding: 0 4px;
        border: 1px solid currentColor; border-radius: 4px;
    }
    .desk-keypad .state { font-size: 0.8rem; min-height: 1.2em; color: var(--st-text-color); opacity: 0.75; }
    """,
    js="""
    const ACTIONS = {" ": "keep", "x": "drop", "u": "undo", "ArrowLeft": "previous", "ArrowRight": "next"};
    const TYPED = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";
    const ARROWS = "[role=radiogroup], [role=slider], [role=listbox], [role=grid], [role=tablist], [role=menu]";
    const PRESSED = "button, a, summary, input, [role=button], [role=radio], [role=tab], [role=option]";

    function button(text, key, action, press, pressed, title) {
        const made = document.createElement("button");
        made.type = "button";
        made.append(text);
        if (key) {
            const cap = document.createElement("kbd");
            cap.append(key);
            made.append(cap);
        }
        made.title = title;
        made.setAttribute("aria-label", title);
        if (pressed !== null) made.setAttribute("aria-pressed", pressed);
        made.onmousedown = event => event.preventDefault();  // the keys stay where they were
        made.onclick = () => press(action);
        return made;
    }

    export default function({ parentElement, data, setStateValue }) {
        const root = parentElement.querySelector(".desk-keypad");
        const desk = root.desk ??= { waiting: [], last: 0 };
        desk.waiting = desk.waiting.filter(each => each.n > data.handled);

        function press(action) {
            desk.last = Math.max(desk.last + 1, data.handled + 1, Date.now());  // grows, even if all else is forgotten
            desk.waiting.push({ n: desk.last, action, split: data.split, index: data.index });
            setStateValue("presses", desk.waiting.slice());
        }

        function keysAreOn(target) {
            return !(target.closest && (target.closest(TYPED) || target.closest("[role=dialog]")));
        }

        function onKey(event) {
            if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
            const target = document.activeElement || document.body;
            if (!keysAreOn(target)) {
                if (event.key === "Escape") target.blur();
                return;
            }
            const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
            const action = ACTIONS[key] ?? (data.classes.some(each => each.key === key) ? `class ${key}` : null);
            if (!action) return;
            if (key === " " && target.closest(PRESSED)) return;
            if (key.startsWith("Arrow") && target.closest(ARROWS)) return;
            event.preventDefault();
            press(action);
        }

        const state = document.createElement("div");
        state.className = "state";
        state.setAttribute("aria-live", "polite");
        function showState() {
            state.textContent = keysAreOn(document.activeElement || document.body)
                ? "The keys are on." : "The keys write into a field now: Esc brings them back.";
        }

        const classes = document.createElement("div");
        classes.className = "row";
        for (const each of data.classes) {
            const title = `${each.name}: the label is ${each.name}`;
            const made = button(each.name, each.key === each.name ? "" : each.key, `class ${each.label}`, press,
                data.decided === each.label, title);
            if (each.label === data.given) made.classList.add("given");
            classes.append(made);
        }
        const moves = document.createElement("div");
        moves.className = "row moves";
        moves.append(
            button("Keep", "space", "keep", press, data.kept, `Keep the label ${data.given_name}`),
            button("Leave out", "X", "drop", press, data.decided === "drop", "Leave the image out"),
            button("Undo", "U", "undo", press, null, "Take the latest decision back"),
            button("Back", "←", "previous", press, null, "Go to the image before"),
            button("Next", "→", "next", press, null, "Go to the next image"),
        );
        const figure = document.createElement("figure");
        const image = document.createElement("img");
        image.alt = data.name;
        image.src = `data:image/png;base64,${data.picture}`;
        const caption = document.createElement("figcaption");
        caption.append(data.name);
        figure.append(image, caption);
        root.replaceChildren(figure, classes, moves, state);
        showState();

        desk.onKey = onKey;
        desk.showState = showState;
        if (!desk.listens) listen(root, desk);
    }

    // Listens as long as the keypad is on the page, without a gap between two drawings.
    function listen(root, desk) {
        desk.listens = true;
        const heard = {
            keydown: event => desk.onKey(event), focusin: () => desk.showState(), focusout: () => desk.showState(),
        };
        for (const [name, react] of Object.entries(heard)) {
            document.addEventListener(name, function listener(event) {
                if (root.isConnected) return react(event);
                document.removeEventListener(name, listener);
            });
        }
    }
    """,
    isolate_styles=False,
)


class Press(NamedTuple):
    """A key or button that was pressed, and the image that was on the screen."""

    number: int
    action: str
    split: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here


def read_presses(sent: object, handled: int) -> list[Press]:
    """Read what the browser sent, which may be anything: the presses after number ``handled``, in their order."""
    presses = []
    for each in sent[:MOST_PRESSES] if isinstance(sent, list) else []:
        if not isinstance(each, dict):
            continue
        action, split = each.get("action"), each.get("split")
        number, index = _whole(each.get("n")), _whole(each.get("index"))
        if number is None or index is None or not isinstance(action, str) or not isinstance(split, str):
            continue
        if number > handled:
            presses.append(Press(number, action, split, index))
    return sorted(presses)


def _whole(value: object) -> int | None:
    """A number of JavaScript, which has one kind only and may arrive as a float."""
    if isinstance(value, int | float) and 0 <= value < LAST_NUMBER:
        return int(value)
    return None


def presses_after(handled: int) -> list[Press]:
    """The presses that the browser has sent so far and that are not handled yet, in their order."""
    try:
        sent = st.session_state[KEY]["presses"]
    except (KeyError, TypeError):
        return []
    return read_presses(sent, handled)


class Shown(NamedTuple):
    """The image on the screen."""

    picture: np.ndarray
    """uint8, shape (H, W)."""
    name: str
    split: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    given: int
    """Its label."""
    decided: int | str | None
    """What is decided of it: a class, or "drop"."""


def show_keypad(names: Sequence[str], shown: Shown, handled: int) -> None:
    """Draw the image and its keypad as one; presses are those of :func:`presses_after` when the page is drawn next.

    Parameters
    ----------
    names : sequence of str
        Of the classes; the first ten have the keys 0 to 9.
    shown : Shown
    handled : int
        Number of the latest press that was handled.
    """
    _KEYPAD(
        data={
            "classes": [
                {"label": label, "key": str(label) if label < 10 else "", "name": name}
                for label, name in enumerate(names)
            ],
            "picture": png_base64(shown.picture),
            "name": shown.name,
            "split": shown.split,
            "index": shown.index,
            "given": shown.given,
            "given_name": names[shown.given],
            "kept": shown.decided == shown.given,
            "decided": shown.decided,
            "handled": handled,
        },
        key=KEY,
        on_presses_change=callback(lambda: None),
    )
