"""Arrays with names, as .npz and .mat files hold them: which are images, which labels, of which split."""

from collections.abc import Mapping

import numpy as np

from mnist_core.data.formats.names import IMAGES, LABELS, role_of, split_of
from mnist_core.data.formats.source import ALL
from mnist_core.data.formats.values import Part, decoded
from mnist_core.errors import DatasetError, times

NAME_ARRAYS = ("class_names", "classes", "names", "label_names", "target_names", "given_names")

FEWEST_PIXELS = 16
"""Columns from which on an array without a telling name is taken for images: 4x4 pixels."""

EXTRAS = {"writer": "writer", "writers": "writer"}


def pair(arrays: Mapping[str, np.ndarray], notes: list[str]) -> tuple[list[Part], tuple[str, ...] | None]:
    """Find images and labels among arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Names are those of the file and of the array within it, with "/" between: "mnist.npz/x_train", or
        "kmnist-train-imgs.npz/arr_0". What the array is called counts more than what the file is called.
    notes : list of str
        Takes a sentence for each array that is left out, and where images and labels have each other's names.

    Returns
    -------
    tuple of list of Part, and tuple of str or None
        The parts, and the names of the classes if there is an array of them.

    Raises
    ------
    DatasetError
        If there are no images, or several arrays could be them.
    """
    images: dict[str, str] = {}
    labels: dict[str, str] = {}
    rest: dict[str, str] = {}
    class_names = None
    exchanged = _exchanged(arrays, notes)
    for name, array in arrays.items():
        short = name.split("/")[-1].lower()
        if array.ndim == 1 and array.dtype.kind in "US" and short in NAME_ARRAYS:
            class_names = tuple(map(str, array if array.dtype.kind == "U" else decoded(array)))
            continue
        kind, split = exchanged.get(name) or _role(name, array), split_of(name) or ALL
        chosen = {IMAGES: images, LABELS: labels}.get(kind or "", rest)
        if chosen is rest:
            rest[name] = split
        elif split in chosen:
            raise DatasetError(
                f"{name}: found an array of {times(array.shape)}, which could be {kind}, as could {chosen[split]}; "
                f"expected one of them. Leave one out, or name them x_train, y_train, x_test and y_test."
            )
        else:
            chosen[split] = name
    if not images:
        raise DatasetError(_explain_no_images(arrays))
    parts = [
        Part(name, split, arrays[name], arrays[labels[split]] if split in labels else None)
        for split, name in sorted(images.items())
    ]
    _keep_extras(parts, rest, arrays, notes)
    notes += [
        f"{labels[split]} holds labels whose images are missing: left out." for split in set(labels) - set(images)
    ]
    return parts, class_names


def _exchanged(arrays: Mapping[str, np.ndarray], notes: list[str]) -> dict[str, str]:
    """What arrays are that have each other's names: a number an image under the images' name, images under the labels'.

    Otherwise a split would be left out, and the other one be all there is.
    """
    found: dict[str, str] = {}
    said = {(split_of(name) or ALL, _said(name)): name for name in arrays}
    for split in sorted({split for split, _ in said}):
        x, y = said.get((split, IMAGES)), said.get((split, LABELS))
        if x is None or y is None or any(_role(name, arrays[name]) == IMAGES for name in (x, y)):
            continue
        if _are_numbers(arrays[x]) and arrays[x].ndim == 1 and _may_be_images(arrays[y]):
            found |= {x: LABELS, y: IMAGES}
            notes.append(f"{x} holds labels, and {y} their images: each is taken for what it holds.")
    return found


def _keep_extras(parts: list[Part], rest: dict[str, str], arrays: Mapping[str, np.ndarray], notes: list[str]) -> None:
    """Keep arrays of one number an image with the images; say which arrays are left out."""
    by_split = {part.split: part for part in parts}
    for name, split in rest.items():
        part, array = by_split.get(split), arrays[name]
        if part and array.dtype.kind in "iu" and array.size == len(part.images) == max(array.shape, default=0):
            short = name.split("/")[-1]
            part.extra[EXTRAS.get(short, short)] = array.reshape(-1)
        elif array.ndim:
            notes.append(f"{name}, {times(array.shape)} {array.dtype}, is neither images nor labels: left out.")


def _role(name: str, array: np.ndarray) -> str | None:
    """Images or labels; None for neither. The name decides only where the shape allows both."""
    said = _said(name)
    if array.ndim >= 3:
        return IMAGES if _are_numbers(array) and said != LABELS else None
    if array.ndim == 2 and _are_numbers(array) and (said == IMAGES or (said is None and _may_be_images(array))):
        return IMAGES
    plain = array.ndim in (1, 2) and array.dtype.kind in "buifUS"
    return LABELS if plain and (said == LABELS or (said is None and _is_unnamed(name))) else None


def _said(name: str) -> str | None:
    """Images or labels, by the name alone."""
    *_, file, short = ("", *name.split("/"))
    return role_of(short) or (role_of(file) if _is_unnamed(name) else None)


def _is_unnamed(name: str) -> bool:
    return name.split("/")[-1].startswith("arr_")  # np.savez(path, x, y)


def _are_numbers(array: np.ndarray) -> bool:
    return array.dtype.kind in "buif"


def _may_be_images(array: np.ndarray) -> bool:
    return _are_numbers(array) and (array.ndim >= 3 or (array.ndim == 2 and array.shape[1] >= FEWEST_PIXELS))


def _explain_no_images(arrays: Mapping[str, np.ndarray]) -> str:
    found = [f"{name.split('/')[-1]} ({times(array.shape)} {array.dtype})" for name, array in arrays.items()]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    file = next(iter(arrays), "the file").rsplit("/", 1)[0]
    return (
        f"{file}: found {', '.join(found[:5]) or 'no arrays'}{more}, but expected images: an array of count x height x "
        f"width, or of a row of pixels each, named x, images or data. Rename the array, or choose another file."
    )
