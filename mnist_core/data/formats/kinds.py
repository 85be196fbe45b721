"""What a file is, by its first bytes; what isn't data is called by its name, with what to do about it."""

import re
from typing import NamedTuple

from mnist_core.data.idx import DTYPES
from mnist_core.data.npz import PICKLE_SUFFIXES
from mnist_core.data.packed import MAGIC

HEAD = 16384
"""First bytes that are looked at: of a CSV file of 28x28 pixels, the header and some rows."""

IDX, CSV, NUMPY, PICTURE, PARQUET, MAT, ZIP, TEXT = "IDX", "CSV", "NumPy", "picture", "parquet", "MATLAB", "zip", "text"

PICTURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"P5": "PPM",
    b"P6": "PPM",
}
"""First bytes of pictures, and the reader of Pillow's."""

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")

NEVER = "It isn't opened, because reading one runs code of whoever wrote it. Where it was made, save the arrays with "


class Refused(NamedTuple):
    """A file that isn't read: what it is, with its article, and what to do."""

    what: str
    advice: str


PAGE = "The download got a page in place of the data: open the address in a browser, and download the file itself."

REFUSED = {
    "empty": Refused("an empty file", "Copy or download it again."),
    "pickle": Refused("a pickle", f"{NEVER}numpy.savez, and choose the .npz file."),
    "PyTorch": Refused("a PyTorch file, which is a pickle", f"{NEVER}numpy.savez(path, x=images.numpy(), y=labels)."),
    "HTML": Refused("an HTML page", PAGE),
    "XML": Refused("an XML page", PAGE),
    "LFS": Refused("a Git LFS pointer", "It only names the file: fetch it with `git lfs pull`, then choose it again."),
    "annex": Refused("a git-annex pointer", "It only names the file: fetch it with `git annex get`."),
    "HDF5": Refused("an HDF5 file", "Save its arrays as .npz: numpy.savez(path, x=images, y=labels)."),
    "MATLAB 7.3": Refused("a MATLAB 7.3 file, which is HDF5", "Save it in MATLAB with save(name, '-v7')."),
    "tar": Refused("a tar archive", "Unpack it with `tar xf`, and choose the folder."),
    "RAR": Refused("a RAR archive", "Unpack it, and choose the folder."),
    "7z": Refused("a 7z archive", "Unpack it, and choose the folder."),
    "Excel": Refused("an Excel workbook", "Save the sheet as CSV, and choose that."),
    "PDF": Refused("a PDF document", "Save its pages as pictures."),
    "JSON": Refused("a JSON file", "Save the images as CSV or .npz."),
    "ARFF": Refused("an ARFF file", "Save it as CSV."),
    "Arrow": Refused("an Arrow file", "Save it as parquet: dataset.to_parquet(path)."),
    "WebP": Refused("a WebP picture", "Save the pictures as PNG."),
    "UTF-16": Refused("text in UTF-16", "Save it as UTF-8."),
    "packed zip": Refused("a compressed zip file", "Unpack it once, and choose the zip file in it."),
    "unknown": Refused("a file of an unknown kind", "Choose a file in one of the formats that are read."),
}

_STARTS = {
    b"\x93NUMPY": NUMPY,
    b"PAR1": PARQUET,
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"version https://git-lfs": "LFS",
    b"/annex/objects/": "annex",
    b"%PDF": "PDF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"ARROW1": "Arrow",
    b"MATLAB 7.3": "MATLAB 7.3",
    b"MATLAB ": MAT,
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,
}

_PAGES = {b"<!doctype html": "HTML", b"<html": "HTML", b"<head": "HTML", b"<body": "HTML", b"<": "XML"}


def kind_of(head: bytes, name: str) -> str:
    """Say what a file is: a kind that is read, or a key of ``REFUSED``.

    Parameters
    ----------
    head : bytes
        At least its first 512 bytes, unpacked.
    name : str
        Decides only where bytes can't: between the kinds of text, and for old pickles.
    """
    if not head:
        return "empty"
    if head[:2] == b"\0\0" and len(head) > 3 and head[2] in DTYPES and head[3] <= 64:
        return IDX
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if found := next((kind for start, kind in _STARTS.items() if head.startswith(start)), None):
        return found
    if head[257:262] == b"ustar":
        return "tar"
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "pickle"
    if head[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):  # a MATLAB file with another comment at its start
        return MAT
    if found := picture_kind(head):
        return PICTURE
    if any(head.startswith(magic) for magic in MAGIC):
        return "unknown"
    return _kind_of_text(head, name)


def picture_kind(head: bytes) -> str | None:
    """Name the format of a picture, as Pillow does; None if it is none."""
    found = next((kind for start, kind in PICTURES.items() if head.startswith(start)), None)
    if found == "PPM" and not head[2:3].isspace():
        return None
    if found == "BMP" and head[6:10] != b"\0\0\0\0":
        return None
    return found


def _kind_of_text(head: bytes, name: str) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if found := next((kind for page, kind in _PAGES.items() if start.startswith(page)), None):
        return found
    lower = name.lower()
    if lower.endswith(PICKLE_SUFFIXES):
        return "pickle"
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    if controls:
        return "unknown"
    if re.search(rb"(?im)^@relation\s", head):
        return "ARFF"
    if start[:1] in (b"{", b"["):
        return "JSON"
    return CSV if looks_like_table(head) else TEXT


def looks_like_table(head: bytes) -> bool:
    """Tell whether text is rows of many values: what isn't a number is the label or the header."""
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    if len(lines) == 1 and len(head) >= HEAD:
        return len(re.split(rb"[,;\t|]", lines[0])) > 100
    whole = lines[:-1] if len(lines) > 1 and not head.endswith((b"\n", b"\r")) else lines
    for line in [line for line in whole if line.strip()][-1:]:
        cells = re.split(rb"\s*[,;\t|]\s*| +", line.strip())
        numbers = sum(re.fullmatch(rb'\s*"?[-+]?[\d.]+(?:[eE][-+]?\d+)?"?\s*', cell) is not None for cell in cells)
        if len(cells) < 2 or numbers < max(2, 0.7 * len(cells)):
            return False
    return True
