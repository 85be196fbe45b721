"""Pictures in folders: a folder a class, below a folder for each split or without one; in a zip file as well."""

import io
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile

from mnist_core.data.formats.files import File
from mnist_core.data.formats.kinds import HEAD, REFUSED, kind_of, picture_kind
from mnist_core.data.formats.names import SPLIT_WORDS, natural
from mnist_core.data.formats.reading import Reading
from mnist_core.data.formats.source import ALL
from mnist_core.data.formats.values import Contents, Part
from mnist_core.data.idx import MAX_BYTES
from mnist_core.errors import DatasetError, counted, times

READERS: dict[str, type[ImageFile]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "PPM": PpmImageFile,
}

MAX_PICTURE = 20_000_000
"""Bytes of one file."""

MAX_PIXELS = 25_000_000
"""Pixels of one picture, which its header says before anything is decoded."""

MAX_DECODED = 20_000_000_000
"""Pixels of all pictures together, before they are shrunk: they take minutes."""

LARGE_SIDE = 256
"""Pixels: larger pictures are shrunk as they are read."""

NUMBERED_CLASSES = 256
"""Folders called by numbers below are the labels; others are names of classes."""

NO_CLASSES = ("images", "image", "imgs", "img", "pictures", "pics", "png", "jpg", "data")
"""Names of folders of pictures of any class."""

DAMAGED_SHARE = 0.01
"""Share of damaged pictures that are left out with a note; of more, something else is wrong."""


class DamagedPictureError(ValueError):
    """A picture can't be read; the message is a clause that follows its name."""


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read the pictures of all files: in each split in the order of their names, then of their classes.

    Folders that are called by numbers are the labels; the names of others are those of the classes.
    """
    layout = layout_of([file.name for file in files])
    labels, class_names = number_classes([name for _, name in layout])
    order = sorted(range(len(files)), key=lambda n: (layout[n][0], natural(files[n].short), labels[n], files[n].name))
    images: list[np.ndarray] = []
    kept: list[int] = []
    damaged: list[str] = []
    held = decoded = 0
    for number in order:
        file = files[number]
        try:
            pixels, size = read_picture(reading.small(file) if file.size <= MAX_PICTURE else b"")
        except DamagedPictureError as error:
            damaged.append(f"{file.name} {error}")
            _check_damaged(damaged, len(files))
            continue
        held, decoded = held + pixels.nbytes, decoded + size
        if held > MAX_BYTES or decoded > MAX_DECODED:
            raise DatasetError(
                f"{file.name}: found pictures of more than {MAX_BYTES:,} pixels up to this one, but expected at most "
                f"that many. Shrink them, for example to 28x28, or choose a part of them."
            )
        images.append(pixels)
        kept.append(number)
    if damaged:
        others = f", and {counted(len(damaged) - 1, 'further picture')} can't be read" if len(damaged) > 1 else ""
        reading.notes.append(f"{damaged[0]}{others}: left out.")
    if not images:
        raise DatasetError(f"{damaged[0]}, and there is no other picture. Choose other pictures.")
    joined = of_one_size(images, reading.notes)
    return Contents(_by_split(joined, kept, layout, labels, files), class_names)


def _check_damaged(damaged: list[str], total: int) -> None:
    if len(damaged) > max(1, DAMAGED_SHARE * total) and len(damaged) > 20:
        raise DatasetError(
            f"{damaged[0]}, nor can {counted(len(damaged) - 1, 'other picture')}; expected pictures that can be read. "
            f"Copy or download them again."
        )


def _by_split(
    images: np.ndarray, kept: list[int], layout: list[tuple[str, str]], labels: list[int], files: Sequence[File]
) -> list[Part]:
    parts = []
    splits = np.array([layout[number][0] for number in kept])
    classes = np.array([labels[number] for number in kept])
    for split in dict.fromkeys(splits.tolist()):
        here = splits == split
        known = bool((classes[here] >= 0).all())
        whole = len(splits) == int(here.sum())
        name = str(PurePosixPath(files[kept[int(here.argmax())]].name).parent)
        parts.append(Part(name, split, images if whole else images[here], classes[here] if known else None))
    return parts


def layout_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Split and class of each picture, from the folders that it is in; no class is "".

    The first level at which every folder is called after a split is that of the splits; the last folder is the class.
    """
    parents = [name.split("/")[:-1] for name in names]
    depth = min(map(len, parents), default=0)
    level = next((at for at in range(depth) if all(parts[at].lower() in SPLIT_WORDS for parts in parents)), None)
    last = {parts[-1] if parts else "" for parts in parents}
    one_folder = level is None and len(last) == 1 and not last.copy().pop().isdecimal()
    found = []
    for parts in parents:
        split = ALL if level is None else SPLIT_WORDS[parts[level].lower()]
        below = parts if level is None else parts[level + 1 :]
        no_class = one_folder or not below or below[-1].lower() in NO_CLASSES
        found.append((split, "" if no_class else below[-1]))
    return found


def number_classes(names: Sequence[str]) -> tuple[list[int], tuple[str, ...] | None]:
    """Label of each picture, -1 without a class, and the names of the classes, unless they are the labels."""
    different = sorted({name for name in names if name}, key=natural)
    numbered = all(name.isdecimal() and len(name) < 10 and int(name) < NUMBERED_CLASSES for name in different)
    if numbered and len({int(name) for name in different}) == len(different):
        return [int(name) if name else -1 for name in names], None
    numbers = {name: number for number, name in enumerate(different)}
    return [numbers.get(name, -1) for name in names], tuple(different)


def read_picture(content: bytes) -> tuple[np.ndarray, int]:
    """Read one picture as it is: grey (H, W), colour (H, W, 3), or with transparency (H, W, 4).

    Parameters
    ----------
    content : bytes
        Of the file; the kind is found by its first bytes. Neither size nor content is trusted.

    Returns
    -------
    tuple of ndarray of uint8, and int
        The pixels, and how many there were before a large picture was shrunk.

    Raises
    ------
    DamagedPictureError
        If it is no picture, damaged or too large.
    """
    kind = picture_kind(content[:64])
    if kind is None:
        raise DamagedPictureError(_what_is(content))
    try:
        with warnings.catch_warnings(action="ignore"):  # of damaged metadata
            picture = READERS[kind](io.BytesIO(content))
            size = picture.width * picture.height
            if size > MAX_PIXELS:
                raise DamagedPictureError(f"has {times(picture.size)} pixels, more than {MAX_PIXELS:,}")
            return _pixels(picture), size
    except DamagedPictureError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError) as error:
        raise DamagedPictureError(f"is a damaged or incomplete {kind} picture") from error
    except (struct.error, zlib.error, OverflowError, NotImplementedError, AttributeError, RuntimeError) as error:
        raise DamagedPictureError(f"is a damaged or incomplete {kind} picture") from error


def _what_is(content: bytes) -> str:
    """Say what is in place of a picture."""
    if not content:
        return "is empty, or larger than 20 MB"
    refused = REFUSED.get(kind_of(content[:HEAD], ""))
    what = refused.what if refused else "a file of another kind"
    return f"is {what}" + ", not a picture" * ("picture" not in what)


def _pixels(picture: Image.Image) -> np.ndarray:
    if picture.mode == "L" and max(picture.size) <= LARGE_SIDE and picture.format != "JPEG":
        return np.asarray(picture) if "transparency" not in picture.info else np.asarray(picture.convert("RGBA"))
    upright: Image.Image = picture
    if picture.format == "JPEG":
        picture.draft(picture.mode, (LARGE_SIDE, LARGE_SIDE))
        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits a pixel
        upright = Image.fromarray((np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    alpha = "A" in upright.getbands() or "transparency" in upright.info
    grey = upright.mode in ("1", "L") and not alpha
    converted = upright.convert("L" if grey else "RGBA" if alpha else "RGB")
    if max(converted.size) > LARGE_SIDE:
        converted.thumbnail((LARGE_SIDE, LARGE_SIDE), Image.Resampling.BOX)
    return np.asarray(converted)


def of_one_size(images: list[np.ndarray], notes: list[str]) -> np.ndarray:
    """Make one array: of the commonest size, and in colour if one is."""
    sizes = Counter(image.shape[:2] for image in images)
    size, count = sizes.most_common(1)[0]
    channels = max(image.shape[2] if image.ndim == 3 else 1 for image in images)
    if len(images) * size[0] * size[1] * channels > MAX_BYTES:
        raise DatasetError(
            f"Found {len(images):,} pictures of {times(size)}, but expected at most {MAX_BYTES:,} pixels in all. "
            f"Shrink them, for example to 28x28."
        )
    if len(sizes) > 1:
        notes.append(
            f"The pictures have {len(sizes):,} sizes: {len(images) - count:,} of {len(images):,} were scaled to "
            f"{times(size)}, the commonest, with their proportions kept."
        )
    joined = np.empty((len(images), *size, channels), np.uint8)
    for number, image in enumerate(images):
        fitted = image if image.shape[:2] == size else _fitted(image, size)
        joined[number] = _with_channels(fitted, channels)
    return without_needless_channels(joined)


def _fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale a picture into a size, with its proportions kept, on the colour of its edge."""
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    factor = min(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (max(1, min(limit, round(side * factor))) for side, limit in zip(image.shape, size, strict=False))
    scaled = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
    fitted = np.empty((*size, *image.shape[2:]), np.uint8)
    fitted[:] = np.median(edge, axis=0)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    fitted[top : top + height, left : left + width] = scaled
    return fitted


def _with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.shape[2] == channels:
        return image
    colours = image if image.shape[2] >= 3 else np.repeat(image, 3, axis=2)
    return colours if channels == 3 else np.dstack([colours, np.full(image.shape[:2], 255, np.uint8)])


def without_needless_channels(images: np.ndarray) -> np.ndarray:
    """Grey images saved in colour are grey, and opaque ones have no transparency.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, C), C of 1, 3 or 4

    Returns
    -------
    ndarray of uint8, shape (N, H, W), or (N, H, W, 3) or (N, H, W, 4) if colour or transparency is used
    """
    if images.shape[3] == 4 and (images[..., 3] == 255).all():
        images = images[..., :3]
    if images.shape[3] == 3 and (images[..., 0] == images[..., 1]).all() and (images[..., 0] == images[..., 2]).all():
        images = images[..., :1]
    return np.ascontiguousarray(images[..., 0] if images.shape[3] == 1 else images)
