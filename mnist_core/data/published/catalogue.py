"""The data sets that are known by name: where they are published, what they hold, and whose they are, in one table.

A SHA-256 stands here only if it was computed from the file itself. Of the others the size is about what it is, and the
table says so: :mod:`.download` takes them over https alone, and what arrived is shown as unverified.
Fashion-MNIST was checked in two packings: Zalando's repository publishes the labels, and Debian's package
``dataset-fashion-mnist`` the same compressed data without the name in the gzip header; with it, the files have the MD5
that Zalando publishes. Either way the content, unpacked, is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase, digits

from mnist_core.data.checksums import MNIST_SHA256, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from mnist_core.errors import DatasetError, did_you_mean

Files = dict[str, tuple[int, str | None]]
"""Size in bytes and SHA-256 (hexadecimal) of each file that is fetched, by name. Without SHA-256, the size is about."""

SAMPLE_NAME = "sample"
"""Names the sample that comes with the project wherever a data set is named."""

FASHION_SHA256 = {
    TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of the unpacked content, computed from the files of Debian's package."""


@dataclass(frozen=True)
class NamedSet:
    """A published data set.

    Parameters
    ----------
    name, title : str
        In addresses and on the command line, and for people.
    about : str
        What the images show, in a few words.
    train, test : int
        Number of images of each split.
    mirrors : tuple of str
        Folders that serve the files, in the order in which they are tried.
    files : dict
        What is fetched, see ``Files``.
    licence, citation : str
    class_names : tuple of str
        The name of each class from 0 on, as Dataset has them; empty for the ten digits.
    content : dict of str to str
        SHA-256 of each of the four files unpacked, as ``Dataset.checksums`` has them; empty where nobody computed it.
    member : str
        Of sets that are published otherwise than as MNIST is: what the names of its files begin with.
    transposed : bool
        Whether the published images have rows and columns exchanged.
    first_label : int
        The published label of class 0.
    elsewhere : tuple of str
        Folders where a package of an operating system puts the files.
    """

    name: str
    title: str
    about: str
    train: int
    test: int
    mirrors: tuple[str, ...]
    files: Files
    licence: str
    citation: str
    class_names: tuple[str, ...] = ()
    content: Mapping[str, str] = field(default_factory=dict)
    member: str = ""
    transposed: bool = False
    first_label: int = 0
    elsewhere: tuple[str, ...] = ()

    @property
    def full_title(self) -> str:
        """What a data set with this content is called: of MNIST, the project has a sample as well."""
        return f"{self.title} (full)" if self.name == "mnist" else self.title

    @property
    def size(self) -> int:
        """Bytes to fetch; about, unless :attr:`verified`."""
        return sum(size for size, _ in self.files.values())

    @property
    def verified(self) -> bool:
        """Whether the SHA-256 of each file is known, so that what arrives is what was published."""
        return all(sha256 for _, sha256 in self.files.values())

    @property
    def size_in_words(self) -> str:
        """ "31 MB", or "about 31 MB" where the size is not known exactly."""
        megabytes = self.size / 1e6
        return f"{'' if self.verified else 'about '}{megabytes:.{1 if megabytes < 20 and self.verified else 0}f} MB"


def _four(sizes: tuple[int, int, int, int], checksums: tuple[str | None, ...] = (None,) * 4) -> Files:
    names = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    return {f"{name}.gz": found for name, found in zip(names, zip(sizes, checksums, strict=True), strict=True)}


MNIST = NamedSet(
    "mnist",
    "MNIST",
    "handwritten digits",
    60_000,
    10_000,
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    _four(
        (9_912_422, 28_881, 1_648_877, 4_542),
        tuple(MNIST_SHA256[f"{name}.gz"] for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)),
    ),
    "CC BY-SA 3.0",
    "Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits.",
    content={name: MNIST_SHA256[name] for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)},
)

FASHION = NamedSet(
    "fashion-mnist",
    "Fashion-MNIST",
    "clothes from a shop",
    60_000,
    10_000,
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    _four(
        (26_421_880, 29_515, 4_422_102, 5_148),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    "MIT",
    "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning "
    "algorithms. arXiv:1708.07747, 2017.",
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    FASHION_SHA256,
    elsewhere=("/usr/share/datasets/fashion-mnist",),
)

KMNIST = NamedSet(
    "kmnist",
    "KMNIST",
    "hiragana in cursive script",
    60_000,
    10_000,
    ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    _four((18_000_000, 30_000, 3_000_000, 5_000)),
    "CC BY-SA 4.0",
    "“KMNIST Dataset” (created by CODH), adapted from “Kuzushiji Dataset” (created by NIJL and others), "
    "doi:10.20676/00000341. T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha: Deep learning for "
    "classical Japanese literature. arXiv:1812.01718, 2018.",
    tuple("おきすつなはまやれを"),
)

QMNIST = NamedSet(
    "qmnist",
    "QMNIST",
    "MNIST's digits again, with all 60,000 test digits",
    60_000,
    60_000,
    ("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
    {
        "qmnist-train-images-idx3-ubyte.gz": (10_000_000, None),
        "qmnist-train-labels-idx2-int.gz": (
            463_024,
            "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
        ),
        "qmnist-test-images-idx3-ubyte.gz": (10_000_000, None),
        "qmnist-test-labels-idx2-int.gz": (
            526_800,
            "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
        ),
    },
    "BSD 3-clause",
    "C. Yadav, L. Bottou: Cold case: the lost MNIST digits. arXiv:1905.10498, 2019.",
    member="qmnist",
)

EMNIST_ZIP = "gzip.zip"
"""One file with all splits of EMNIST."""


def _emnist(part: str, about: str, train: int, test: int, class_names: tuple[str, ...], first_label: int) -> NamedSet:
    return NamedSet(
        f"emnist-{part}",
        f"EMNIST {part}",
        about,
        train,
        test,
        ("https://biometrics.nist.gov/cs_links/EMNIST/", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"),
        {EMNIST_ZIP: (562_000_000, None)},
        "not stated",
        "Made from NIST Special Database 19. G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: an extension of "
        "MNIST to handwritten letters. arXiv:1702.05373, 2017.",
        class_names,
        member=f"emnist-{part}",
        transposed=True,
        first_label=first_label,
    )


EMNIST = (
    _emnist("digits", "280,000 handwritten digits", 240_000, 40_000, (), 0),
    _emnist(
        "letters", "handwritten letters, upper and lower case as one class", 124_800, 20_800, tuple(ascii_uppercase), 1
    ),
    _emnist(
        "balanced", "digits and letters, as many of each", 112_800, 18_800,
        (*digits, *ascii_uppercase, *"abdefghnqrt"), 0,
    ),
)  # fmt: skip

NAMED = {known.name: known for known in (MNIST, FASHION, KMNIST, QMNIST, *EMNIST)}
"""All of them, by name."""


PUBLISHED = frozenset(
    sha256
    for known in NAMED.values()
    for sha256 in (*known.content.values(), *(sha256 for _, sha256 in known.files.values()))
    if sha256
)
"""SHA-256 of every file that could be verified, packed and unpacked."""


def find_name(name: str) -> NamedSet:
    """Find a data set by its name, in upper or lower case.

    Raises
    ------
    DatasetError
        If there is no such name.
    """
    found = NAMED.get(name.lower())
    if found is None:
        guess = did_you_mean(name, NAMED)
        raise DatasetError(f"No data set is named {name[:80]!r}; expected one of {', '.join(NAMED)}.{guess}")
    return found


def known_content(checksums: Mapping[str, str]) -> NamedSet | None:
    """Return the data set that has this content, by ``Dataset.checksums``; None for any other one."""
    return next((known for known in NAMED.values() if known.content and dict(known.content) == dict(checksums)), None)


def set_of_folder(folder: Path, cache: Path) -> NamedSet | None:
    """Return the data set whose place in the cache a folder is; its content was not compared with anything."""
    return next((known for known in NAMED.values() if known != MNIST and folder == cache / known.name), None)
