"""Mistakes in reading and preparing the data."""

import struct

import numpy as np

from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import raw_values

IMAGES = 3
"""Dimensions of a file of images."""


def _little_endian_sizes(content: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{content[3]}I", content, 4)


def _values_after(offset: int):  # type: ignore[no-untyped-def]
    """Read the file with a header of a fixed size: what is too long is cut, what is missing is wrapped."""

    def read(path):  # type: ignore[no-untyped-def]
        content = path.read_bytes()
        sizes = struct.unpack_from(f">{content[3]}I", content, 4)
        values = raw_values(content, offset, "u1")
        count = int(np.prod(sizes))
        whole = len(values) // int(np.prod(sizes[1:])) if len(values) < count else sizes[0]
        return values[: whole * int(np.prod(sizes[1:]))].reshape(whole, *sizes[1:])

    return read


def _whole_header_as_values(path):  # type: ignore[no-untyped-def]
    return raw_values(path.read_bytes(), 0, "u1")


def _flat(path):  # type: ignore[no-untyped-def]
    content = path.read_bytes()
    return raw_values(content, 4 + 4 * content[3], "u1")


def _transposed_images(path):  # type: ignore[no-untyped-def]
    content = path.read_bytes()
    sizes = struct.unpack_from(f">{content[3]}I", content, 4)
    values = raw_values(content, 4 + 4 * content[3], "u1").reshape(sizes)
    return values.swapaxes(1, 2) if values.ndim == 3 else values


MISTAKES = (
    Mistake(
        "idx-little-endian", "read_idx",
        "The sizes in the header are read with the low byte first; IDX files have the high byte first.",
        "Sizes come out as numbers in the hundreds of millions, so nothing can be read.",
        "MNIST's files come from computers with the other byte order: how does `struct` or `np.dtype` write that?",
        parts={"sizes": _little_endian_sizes},
    ),
    Mistake(
        "idx-offset-8-for-images", "read_idx",
        "The values of an image file are read from byte 8 on, where the numbers of rows and columns still stand.",
        "Every image is shifted by eight pixels, and the first ones begin with rows and columns.",
        "How many sizes are in the header of an image file, and how many in that of a label file?",
        wrong=_values_after(8),
    ),
    Mistake(
        "idx-offset-16-for-labels", "read_idx",
        "The values of a label file are read from byte 16 on, so the first eight labels are lost.",
        "Every label belongs to an image eight places earlier: accuracy stays at that of guessing.",
        "How many sizes are in the header of a label file?",
        wrong=_values_after(16),
    ),
    Mistake(
        "idx-header-kept", "read_idx",
        "The header is returned as if it were values.",
        "Images and labels are shifted against one another.",
        "How many bytes does the header have before the first value?",
        wrong=_whole_header_as_values,
    ),
    Mistake(
        "idx-signed", "read_idx",
        "The bytes are read as signed numbers, so that 128 ... 255 become -128 ... -1.",
        "The brightest pixels become the darkest ones.",
        "The values are unsigned bytes: which dtype is that?",
        parts={"dtype": lambda content: "i1"},
        variants=({"dtype": lambda content: "i1" if content[3] == IMAGES else "u1"},),
    ),
    Mistake(
        "idx-labels-signed", "read_idx",
        "The labels are read as signed numbers, so that 128 ... 255 become -128 ... -1.",
        "None with the labels 0 ... 9; with more classes some labels are negative, and count from the end.",
        "The values are unsigned bytes, in label files too: which dtype is that?",
        parts={"dtype": lambda content: "u1" if content[3] == IMAGES else "i1"},
    ),
    Mistake(
        "idx-flat", "read_idx",
        "The values are right, but in one row: they don't have the shape that the header gives.",
        "Later steps can't tell one image from the next.",
        "The header gives the number of images, rows and columns.",
        wrong=_flat,
    ),
    Mistake(
        "idx-transposed", "read_idx",
        "Rows and columns of the images are exchanged.",
        "Training works as well, but every digit lies on its side, and foreign digits are misread.",
        "Which of the two sizes comes first in the header?",
        wrong=_transposed_images,
    ),
    Mistake(
        "normalize-by-256", "normalize",
        "Pixels are divided by 256, so that white becomes 0.996.",
        "Hardly any; but no pixel reaches 1.",
        "What is the largest value of an unsigned byte?",
        wrong=lambda images: images / 256,
    ),
    Mistake(
        "normalize-missing", "normalize",
        "Pixels stay at 0 ... 255.",
        "Weighted inputs are 255 times as large: sigmoid units saturate, and their gradients vanish.",
        "Which range do the pixels have before, and which after?",
        wrong=lambda images: images,
    ),
    Mistake(
        "normalize-integer-division", "normalize",
        "Pixels are divided as integers: all but 255 become 0.",
        "Nearly all of each image is lost.",
        "`//` and a division in an integer dtype both drop the fraction.",
        wrong=lambda images: images // 255,
    ),
    Mistake(
        "normalize-uint8-kept", "normalize",
        "The quotient can't be written back into the array of the pixels, which is uint8 and holds no fractions.",
        "`images /= 255` raises an exception, as `out=images` does.",
        "Does the division make a new array, or write into the old one?",
    ),
    Mistake(
        "normalize-per-image", "normalize",
        "Each image is divided by its own largest pixel, not by 255.",
        "Faint images become as bright as the others; an image without ink divides by 0.",
        "All images are divided by the same number.",
        wrong=lambda images: images / images.reshape(len(images), -1).max(axis=1).reshape(-1, *[1] * (images.ndim - 1)),
    ),
    Mistake(
        "normalize-min-max", "normalize",
        "Images are scaled by the smallest and the largest pixel found, not by 0 and 255.",
        "Training and test images are scaled by different numbers.",
        "The range of the recipe depends on the dtype, not on the data.",
        wrong=lambda images: (images - images.min().astype(float)) / (float(images.max()) - float(images.min())),
    ),
    Mistake(
        "normalize-standardized", "normalize",
        "Images are brought to mean 0 and variance 1; the recipe scales them to 0 ... 1.",
        "Training works, often better; but the weights fit no network of the recipe.",
        "The recipe asks for the range 0 ... 1.",
        wrong=lambda images: (images - images.mean()) / images.std(),
    ),
    Mistake(
        "normalize-centred", "normalize",
        "Pixels are scaled to -1 ... 1; the recipe scales them to 0 ... 1.",
        "Training works; but the weights fit no network of the recipe.",
        "The recipe asks for the range 0 ... 1.",
        wrong=lambda images: images / 127.5 - 1,
    ),
    Mistake(
        "normalize-inverted", "normalize",
        "Black and white are exchanged: the background becomes 1.",
        "Training works more slowly, and foreign digits are misread.",
        "In MNIST ink is 255 and background 0.",
        wrong=lambda images: 1 - images / 255,
    ),
    Mistake(
        "one-hot-shifted", "one_hot",
        "The 1 stands one place too far to the right (label 9 goes to place 0 or is lost).",
        "The network learns to name every digit by its successor: accuracy near 0 % at the end.",
        "Labels begin at 0; so do the positions of an array.",
        wrong=lambda labels, num_classes: np.eye(num_classes)[(labels.astype(int) + 1) % num_classes],
    ),
    Mistake(
        "one-hot-shifted-left", "one_hot",
        "The 1 stands one place too far to the left, as if labels began at 1.",
        "The network learns to name every digit by its predecessor: accuracy near 0 % at the end.",
        "Labels begin at 0; so do the positions of an array.",
        wrong=lambda labels, num_classes: np.eye(num_classes)[labels.astype(int) - 1],
    ),
    Mistake(
        "one-hot-dtype", "one_hot",
        "The rows are of true and false, or of unsigned integers, where -1 becomes 255.",
        "`-y` and `y - 1` raise an exception or give large numbers, far from this line.",
        "Targets meet probabilities: which dtype can be subtracted from a float, and negated?",
    ),
    Mistake(
        "one-hot-columns-for-rows", "one_hot",
        "Classes stand in rows and images in columns, while the rest of the file has an image a row.",
        "Targets don't line up with predictions.",
        "Which axis counts the images?",
        wrong=lambda labels, num_classes: np.eye(num_classes)[labels].T,
    ),
    Mistake(
        "one-hot-of-largest-label", "one_hot",
        "The width is that of the largest label found, not the number of classes.",
        "A batch without the last class gets targets that are too narrow.",
        "The number of classes is an argument.",
        wrong=lambda labels, num_classes: np.eye(int(labels.max()) + 1)[labels],
    ),
    Mistake(
        "one-hot-ones", "one_hot",
        "All classes up to the label are set to 1.",
        "The targets of large digits contain those of the small ones.",
        "A row of a one-hot matrix sums to 1.",
        wrong=lambda labels, num_classes: (np.arange(num_classes) <= labels[:, None]).astype(float),
    ),
    Mistake(
        "one-hot-label-as-value", "one_hot",
        "The label itself stands at its place, not a 1.",
        "A 9 counts nine times, and a 0 not at all.",
        "A row of a one-hot matrix sums to 1.",
        wrong=lambda labels, num_classes: np.eye(num_classes)[labels] * labels[:, None],
    ),
    Mistake(
        "one-hot-zeros", "one_hot",
        "No 1 is written anywhere.",
        "The loss is 0 from the start, and nothing is learned.",
        "Print one row: where should the 1 be?",
        wrong=lambda labels, num_classes: np.zeros((len(labels), num_classes)),
    ),
    Mistake(
        "one-hot-column-for-all", "one_hot",
        "`y[:, labels] = 1` sets all of these columns in every row; one place a row is meant.",
        "Every image has every class as its target.",
        "Index rows and columns together, one pair an image.",
        wrong=lambda labels, num_classes: np.tile(
            np.isin(np.arange(num_classes), labels).astype(float), (len(labels), 1)
        ),
    ),
)  # fmt: skip
