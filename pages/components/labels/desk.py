"""The label desk: one image after the other, decided on with single keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from mnist_core.data.corrected.corrections import DROP, NAMES, Correction, Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.runs.run import Run
from mnist_core.untrusted import UntrustedText
from pages.components.digits.grid import digit_grid
from pages.components.digits.picker import SPLITS, split_arrays
from pages.components.errors import EXPECTED, show_error
from pages.components.labels.decisions import Made, decide, decisions_on, name_of_decider, undo
from pages.components.labels.evidence import AT_ONCE, rivals, show_means, show_neighbours, show_opinion
from pages.components.labels.keypad import Press, Shown, presses_after, show_keypad
from pages.components.labels.suspects import ANY, TITLES, Checked, chosen_labels, chosen_method, place_of
from pages.components.runs.picker import evaluation_of
from pages.components.state import NumberIn, OneOf, Remembered, remembered

ISSUES, DECIDED, EVERY = "Label issues", "Decided", "All images"
_CONTENT, _SITTING = "desk_content", "desk_sitting"


@dataclass
class Sitting:
    """What this session did at the desk.

    It is changed in place: whatever asks Streamlit for a value may end the run of the script, because the next press
    has come, and then what is done would not be marked as done.
    """

    handled: int = 0
    """Number of the latest press that was handled."""
    index: int | None = None
    """Image on the desk, which the address only follows: a request may carry an address of some keys ago."""
    said: str = ""
    """What the latest press did."""
    made: list[Made] = field(default_factory=list)


def sitting() -> Sitting:
    """The one of this session."""
    return st.session_state.setdefault(_SITTING, Sitting())


@dataclass(frozen=True, eq=False)
class Desk:
    """What lies on the desk."""

    run: Run
    dataset: Dataset
    """With its original labels."""
    split: str
    """As named in ``SPLITS``."""
    queue: np.ndarray
    """Positions of the images in the split, in the order to decide on."""
    found: Checked | None
    """The label check of the run, if it is finished."""

    @property
    def part(self) -> str:
        """The split, as corrections name it."""
        return SPLITS[self.split]

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        return [name.plain for name in self.dataset.class_names]

    @property
    def labels(self) -> np.ndarray:
        """The original labels of the split."""
        return split_arrays(self.dataset, self.split)[1]


def chosen_list() -> Remembered:
    """Which images to decide on."""
    return remembered("desk_list", ISSUES, url="list", parse=OneOf((ISSUES, DECIDED, EVERY)))


def chosen_image(split_size: int) -> Remembered:
    """Position of the image on the desk in its split; None as long as nobody chose one."""
    return remembered("desk_image", None, url="image", parse=NumberIn(0, split_size - 1))


def open_list(split_size: int) -> None:
    """Lay the label issues on the desk, which is drawn next: the first one that nobody decided on."""
    open_at(None, split_size)


def open_at(index: int | None, split_size: int) -> None:
    """Lay an image of the label issues on the desk, which is drawn next."""
    chosen_list().set(ISSUES)
    chosen_image(split_size).set(index)
    st.session_state.pop(_CONTENT, None)
    sitting().index, sitting().said = index, ""


def queue_of(dataset: Dataset, split: str, found: Checked | None, known: Corrections) -> np.ndarray:
    """Positions of the images in the chosen list, in the order to decide on."""
    chosen = chosen_list().value
    if chosen == DECIDED:
        return np.array([one.index for one in known if one.split == SPLITS[split]], int)
    if chosen == EVERY:
        return np.arange(len(split_arrays(dataset, split)[1]))
    if found is None:
        return np.empty(0, int)
    label, suggested = (value.value for value in chosen_labels(dataset.num_classes))
    key = TITLES[chosen_method().value]
    return found.original[found.issues[key].index[found.positions(key, label, suggested)]]


def show_desk(desk: Desk) -> None:
    """Draw the image to decide on, the keys, and what speaks for and against its label."""
    known = decisions_on(desk.dataset)
    index = _image_on(desk, known)
    label, decision = int(desk.labels[index]), known.get(desk.part, index)
    probabilities, unseen = _opinion(desk, index)
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        _show_progress(desk, known, index)
        st.markdown(_headline(desk, index, decision))
        picture = split_arrays(desk.dataset, desk.split)[0][index]
        decided = None if decision is None else DROP if decision.new is None else decision.new
        shown = Shown(picture, f"{desk.split.removesuffix(' set')} image {index:,}", desk.part, index, label, decided)
        show_keypad(desk.names, shown, sitting().handled)
        if said := sitting().said:
            st.caption(said)
    with right:
        opinion, means = st.columns([2.2, 1])
        with opinion:
            show_opinion(probabilities, label, desk.dataset.classes, unseen)
        with means:
            show_means(desk.dataset, rivals(probabilities, label), desk.names)
        ahead = _after(desk.queue, index)[:AT_ONCE]
        show_neighbours(desk.dataset, desk.split, index, ahead.tolist(), known, desk.names)


def _image_on(desk: Desk, known: Corrections) -> int:
    """The image on the desk; the first one to decide on if none is chosen, or the list has changed."""
    image, now = chosen_image(len(desk.labels)), sitting()
    labels = [value.value for value in chosen_labels(desk.dataset.num_classes)]
    content = f"{desk.run.id} {desk.split} {chosen_list().value} {chosen_method().value} {labels}"
    changed = st.session_state.get(_CONTENT, content) != content
    chosen = None if changed else image.value if now.index is None else now.index
    if chosen is None:
        chosen, now.said = next_to_decide(desk, known, None), ""
    now.index = chosen
    st.session_state[_CONTENT] = content
    if image.value != now.index:
        image.set(now.index)
    return now.index


def _opinion(desk: Desk, index: int) -> tuple[np.ndarray | None, bool]:
    """Probabilities of the image's classes, and whether the network that gives them never saw its label."""
    if desk.found and (probabilities := desk.found.opinion(index)) is not None:
        return probabilities, True
    if (desk.run.path / "model.npz").exists():
        corrections = desk.run.corrections() or Corrections()
        place = place_of(index, corrections.positions(desk.dataset, desk.part))
        if place is not None:
            return evaluation_of(desk.run, desk.split).probabilities[place], desk.split == "test set"
    return None, False


def _show_progress(desk: Desk, known: Corrections, index: int) -> None:
    done = int(np.isin(_decided_on(desk, known), desk.queue).sum())
    place = np.flatnonzero(desk.queue == index)
    where = f"number {place[0] + 1:,} of {len(desk.queue):,}" if len(place) else "not in this list"
    st.progress(done / len(desk.queue), f"{where}{in_filters(desk)} · {done:,} decided")


def in_filters(desk: Desk) -> str:
    """Say which labels the list is confined to on the page Label issues, as `` (given 4, suggested 9)``; or ""."""
    if chosen_list().value != ISSUES:
        return ""
    chosen = zip(("given", "suggested"), chosen_labels(desk.dataset.num_classes), strict=True)
    said = [f"{word} {UntrustedText(desk.names[int(each.value)])}" for word, each in chosen if each.value != ANY]
    return f" ({', '.join(said)})" if said else ""


def _headline(desk: Desk, index: int, decision: Correction | None) -> str:
    name = UntrustedText(desk.names[int(desk.labels[index])])
    text = f"Given label **{name}**"
    if decision is None:
        return f"{text}: what do you see?"
    by = f" by {decision.who}" if decision.who else ""
    return f"{text} · decided{by}: **{_verdict(desk.names, decision)}**"


def _verdict(names: Sequence[str], decision: Correction) -> str:
    if decision.new is None:
        return "leave out"
    return str(UntrustedText(names[decision.new])) if decision.changes else "keep"


def _after(queue: np.ndarray, index: int | None) -> np.ndarray:
    """The images after this one, then those before it; all if it is not in the list."""
    place = np.flatnonzero(queue == index)
    return np.concatenate([queue[place[0] + 1 :], queue[: place[0]]]) if len(place) else queue


def next_to_decide(desk: Desk, known: Corrections, index: int | None) -> int:
    """The next image that nobody decided on; without one, this one, or the first one if there is none yet."""
    rest = _after(desk.queue, index)
    undecided = rest[~np.isin(rest, _decided_on(desk, known))]
    if len(undecided):
        return int(undecided[0])
    return int(desk.queue[0]) if index is None else index


def _decided_on(desk: Desk, known: Corrections) -> list[int]:
    return [one.index for one in known if one.split == desk.part]


def handle_presses(desk: Desk) -> None:
    """Do what the keys say that were pressed since the desk was drawn; an error ends those that were sent with it."""
    now = sitting()
    who = UntrustedText(name_of_decider().value)
    now.index = chosen_image(len(desk.labels)).value if now.index is None else now.index
    presses = presses_after(now.handled)
    for press in presses:
        try:
            act(desk, press, who, now)
            now.handled = press.number
        except EXPECTED as error:
            now.handled = presses[-1].number
            show_error(error)
            break


def act(desk: Desk, press: Press, who: UntrustedText, now: Sitting) -> None:
    """Do what a key says."""
    if press.action in ("previous", "next"):
        now.index = _neighbour_in(desk.queue, now.index, -1 if press.action == "previous" else 1)
        now.said = ""
    elif press.action == "undo":
        taken = undo(desk.dataset, desk.part, who, now.made)
        if taken is None:
            now.said = "There is no decision of yours to undo."
        else:
            now.index = taken.index
            now.said = f"Undone: {_sentence(desk, taken)}"
    else:
        _decide(desk, press, who, now)


def _decide(desk: Desk, press: Press, who: UntrustedText, now: Sitting) -> None:
    """Decide on the image that was on the screen when the key was pressed."""
    split = next((title for title, part in SPLITS.items() if part == press.split), None)
    labels = split_arrays(desk.dataset, split)[1] if split else ()
    if press.index >= len(labels):
        return  # no image of this data set
    kind, _, number = press.action.partition(" ")
    if kind == "keep":
        new: int | None = int(labels[press.index])
    elif kind == DROP:
        new = None
    elif kind == "class" and number.isdecimal() and int(number[:6]) < desk.dataset.num_classes:
        new = int(number[:6])
    else:
        return
    decision, known = decide(desk.dataset, press.split, press.index, new, who, now.made)
    now.said = f"{_sentence(desk, decision)} U takes it back."
    if (press.split, press.index) == (desk.part, now.index):
        now.index = next_to_decide(desk, known, now.index)


def _sentence(desk: Desk, decision: Correction) -> str:
    given = UntrustedText(desk.names[decision.old])
    verdict = _verdict(desk.names, decision)
    change = f"{given} → {verdict}" if decision.changes else f"{given} is kept"
    return f"{NAMES[decision.split].capitalize()} image {decision.index:,}: {change}."


def _neighbour_in(queue: np.ndarray, index: int | None, step: int) -> int | None:
    place = np.flatnonzero(queue == index)
    if not len(place):
        return int(queue[0]) if len(queue) else index
    return int(queue[min(max(place[0] + step, 0), len(queue) - 1)])


def show_decisions(desk: Desk, known: Corrections) -> None:
    """Draw the images that were decided on, the latest first."""
    latest = sorted(known, key=lambda one: -one.when)[:60]
    if not latest:
        st.caption("None yet.")
        return
    images = [split_arrays(desk.dataset, _title(one.split))[0][one.index] for one in latest]
    digit_grid(
        np.stack(images),
        [f"{desk.names[one.old]} → {_plain_verdict(desk.names, one)}" for one in latest],
        [
            f"{NAMES[one.split]} image {one.index:,}: {desk.names[one.old]} → {_plain_verdict(desk.names, one)}"
            f"{f', decided by {one.who.plain}' if one.who else ''}"
            for one in latest
        ],
    )
    if len(known) > len(latest):
        st.caption(f"The latest {len(latest)} of {counted(len(known), 'decision')}.")


def _title(part: str) -> str:
    return next(title for title, name in SPLITS.items() if name == part)


def _plain_verdict(names: Sequence[str], decision: Correction) -> str:
    return "left out" if decision.new is None else names[decision.new] if decision.changes else "kept"
