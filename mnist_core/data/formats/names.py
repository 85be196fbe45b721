"""What the name of a file says: training or test, images or labels, and which files belong together.

People rename: ``train-images-idx3-ubyte (1).gz``, ``emnist-letters-test-labels-idx1-ubyte``, ``X_train.npy``. A name
only suggests; the content decides.
"""

import re

from mnist_core.data.formats.source import TEST, TRAIN

VALIDATION, IMAGES, LABELS = "validation", "images", "labels"

PACKED_SUFFIXES = (".gz", ".gzip", ".bz2", ".xz", ".zip", ".z")

SUFFIXES = (".csv", ".tsv", ".txt", ".npz", ".npy", ".parquet", ".mat", ".idx", ".data", ".bin")

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trn", "tra"), TRAIN),
    **dict.fromkeys(("test", "testing", "testset", "t10k", "tst", "tes", "test10k", "test50k", "test60k"), TEST),
    **dict.fromkeys(("val", "valid", "validation", "dev", "validate"), VALIDATION),
}

ROLE_WORDS = {
    **dict.fromkeys(("x", "image", "images", "img", "imgs", "pixels", "features", "inputs", "pictures"), IMAGES),
    **dict.fromkeys(("y", "label", "labels", "target", "targets", "class", "lbl", "category", "digit"), LABELS),
    "data": IMAGES,
}

WEAK = ("x", "y", "class", "category", "digit")
"""Words that count only if no clearer one is there."""

FILLERS = frozenset(("idx", "idx1", "idx2", "idx3", "idx4", "ubyte", "int", "of"))
"""Words in names that say neither which data set nor which part of it."""

KNOWN_SETS = {
    "": "MNIST or a relative of it",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "fashion": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "k49": "Kuzushiji-49",
    "qmnist": "QMNIST",
    "emnist-letters": "EMNIST letters",
    "emnist-digits": "EMNIST digits",
    "emnist-balanced": "EMNIST balanced",
    "emnist-byclass": "EMNIST ByClass",
    "emnist-bymerge": "EMNIST ByMerge",
    "emnist-mnist": "EMNIST MNIST",
}

_COPY = re.compile(r"\s*(?:\(\d+\)|[-–] ?copy(?: \(\d+\))?|_copy)\s*$", re.I)


def plain_name(name: str) -> str:
    """The last part of a name in lower case, without what packing, a browser and a format add to it.

    >>> plain_name("raw/Train-Images.idx3-ubyte (1).gz.gz")
    'train-images.idx3-ubyte'
    """
    name = re.sub(r"([a-z])([A-Z])(?![A-Z])", r"\1-\2", name.split("/")[-1].strip()).lower()
    while True:
        shorter = _COPY.sub("", name)
        shorter = next((shorter.removesuffix(end) for end in PACKED_SUFFIXES if shorter.endswith(end)), shorter)
        if shorter == name:
            break
        name = shorter
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def words(name: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words("emnist-letters-train-images-idx3-ubyte.gz")
    ['emnist', 'letters', 'train', 'images', 'idx3', 'ubyte']
    """
    return [word for word in re.split(r"[^\w]+|_", plain_name(name)) if word]


def split_of(name: str) -> str | None:
    """The split that a name or the folders before it speak of: "train", "test", "validation" or None."""
    for part in reversed(name.split("/")):
        found = {SPLIT_WORDS[word] for word in words(part) if word in SPLIT_WORDS}
        if len(found) == 1:
            return found.pop()
    return None


def role_of(name: str) -> str | None:
    """Whether a name speaks of "images" or of "labels"; None if of neither or both."""
    spoken = [word for word in words(name) if word in ROLE_WORDS]
    for weak in ((*WEAK, "data"), ("data",), ()):  # clear words first
        found = {ROLE_WORDS[word] for word in spoken if word not in weak}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def set_of(name: str) -> str:
    """What is left of a name without split, role and numbers of parts: files of one data set have it in common.

    >>> set_of("emnist-letters-train-images-idx3-ubyte.gz"), set_of("t10k-labels.idx1-ubyte"), set_of("mnist_test.csv")
    ('emnist-letters', '', 'mnist')
    """
    dull = [*SPLIT_WORDS, *ROLE_WORDS, *FILLERS]
    return "-".join(word for word in words(name) if word not in dull and not re.fullmatch(r"\d{4,}", word))


def is_transposed(name: str) -> bool:
    """Whether a name says that rows and columns of the images are swapped, as in all files of EMNIST."""
    return set_of(name).startswith("emnist")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts numbers in names by their value: "2.png" before "10.png"."""
    return tuple(
        (0, int(part), part) if part.isdecimal() and len(part) <= 18 else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    )
