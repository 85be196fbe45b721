"""Data sets by name: the table, what is fetched without a known SHA-256, and what is turned into MNIST's form."""

import gzip
import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core.cli import main
from mnist_core.data import dataset
from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx
from mnist_core.data.published import catalogue, named
from mnist_core.data.published.catalogue import EMNIST, FASHION, FASHION_SHA256, KMNIST, MNIST, NAMED, QMNIST
from mnist_core.data.published.download import ARRIVED, LEFTOVER_PREFIX, read_arrived
from mnist_core.data.published.named import HERE, MISSING, UNVERIFIED, download_named, load_named, open_data, state_of
from mnist_core.errors import DatasetError, DownloadError
from tests.core.data.mirrors import cut_off_without_length, endless, good

DEBIAN = Path(FASHION.elsewhere[0])

PATIENT = (10.0, 10.0)
"""No mirror is silent in these tests, but the machine may be busy."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and nothing of a data set anywhere else."""
    monkeypatch.delenv("MNIST_DATA_DIR", raising=False)
    for module in (dataset, named):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def packed(array, name="array.gz"):
    """The bytes of an array as a compressed IDX file."""
    path = Path(named.cache_dir().parent, name)
    write_idx(path, array)
    return path.read_bytes()


def images_and_labels(count, classes=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(count, 6, 6), dtype=np.uint8), np.arange(count) % classes


@pytest.fixture
def small_kmnist():
    """Contents of a mirror of KMNIST, which is published as MNIST is and has no SHA-256 here."""
    arrays = [*images_and_labels(40), *images_and_labels(20, seed=1)]
    return {name: packed(array.astype(np.uint8)) for name, array in zip(KMNIST.files, arrays, strict=True)}


def fetch(known, mirror, **options):
    return download_named(known, mirrors=[mirror.url], timeout=PATIENT, **options)


def sized(known, contents):
    """The same data set with the sizes of the files of a test."""
    sizes = {name: (len(contents[name]), sha256) for name, (_, sha256) in known.files.items()}
    return replace(known, files=sizes)


@pytest.mark.parametrize("known", NAMED.values(), ids=NAMED)
def test_the_table_is_whole_and_what_cannot_be_verified_is_fetched_over_https_only(known):
    assert known.verified or all(mirror.startswith("https://") for mirror in known.mirrors)
    assert all(mirror.endswith("/") for mirror in known.mirrors)
    assert all(sha256 is None or len(bytes.fromhex(sha256)) == 32 for _, sha256 in known.files.values())
    assert bool(known.content) == known.verified
    assert len(set(known.class_names)) == len(known.class_names) <= 47
    assert known.licence and known.citation and known.about and 0 < known.size < 600_000_000
    assert known.size_in_words.startswith("about") != known.verified


# Without a SHA-256


def test_an_unverified_set_is_fetched_once_and_named_so(serve, small_kmnist, cache):
    mirror = serve(good, small_kmnist)
    known = sized(KMNIST, small_kmnist)
    assert state_of(KMNIST) == MISSING
    folder = fetch(known, mirror)
    assert folder == cache / "kmnist"
    assert read_arrived(folder) == {name: hashlib.sha256(body).hexdigest() for name, body in small_kmnist.items()}
    assert state_of(KMNIST) == UNVERIFIED
    loaded = load_named("KMNIST")
    assert loaded.name.plain == "KMNIST (unverified)"
    assert [name.plain for name in loaded.class_names] == list("おきすつなはまやれを")
    assert load_dataset("full", folder).given_names == loaded.given_names  # as a run loads it
    mirror.requests.clear()
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(packed(np.zeros(20, np.uint8)))
    fetch(known, mirror)
    assert mirror.requests == ["t10k-labels-idx1-ubyte.gz"]
    assert not list(folder.glob(f"{LEFTOVER_PREFIX}*"))


def redirect(handler, content):
    handler.send_response(302)
    handler.send_header("Location", "http://mirror.example/kmnist/")
    handler.end_headers()


def login_page(handler, content):
    good(handler, b"<html>Please log in to this network</html>")


def two_parts_of_three(handler, content):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: 2 * len(content) // 3])


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (redirect, "answers without https, and the file has no published SHA-256"),
        (login_page, "sent what is no IDX file (magic number 0x3c68746d)"),
        (two_parts_of_three, "broke off"),
        (cut_off_without_length, "sent what is no IDX file (corrupt gzip data"),
        (endless, "bytes that are twice its size"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_mirror_may_send_instead_is_refused(serve, small_kmnist, cache, behave, reason):
    with pytest.raises(DownloadError, match="could not be downloaded") as caught:
        fetch(sized(KMNIST, small_kmnist), serve(behave, small_kmnist))
    assert reason in str(caught.value)
    assert list((cache / "kmnist").iterdir()) == []


def test_no_request_leaves_without_https(small_kmnist):
    with pytest.raises(DownloadError, match=r"mirror\.example answers without https"):
        download_named(sized(KMNIST, small_kmnist), mirrors=["http://mirror.example/"], timeout=PATIENT)


# Published otherwise than MNIST is


def test_qmnist_becomes_four_files_and_keeps_who_wrote_each_digit(serve, cache):
    arrays, contents = {}, {}
    for split, count in (("train", 30), ("test", 20)):
        images, labels = images_and_labels(count, seed=count)
        extended = np.stack([labels, *(np.arange(count) + column for column in range(7))], 1).astype(np.int32)
        arrays[split] = images, labels
        contents[f"qmnist-{split}-images-idx3-ubyte.gz"] = packed(images)
        contents[f"qmnist-{split}-labels-idx2-int.gz"] = packed(extended)
    files = {name: (len(body), None) for name, body in contents.items()}
    known, mirror = replace(QMNIST, train=30, test=20, files=files), serve(good, contents)
    folder = fetch(known, mirror)
    loaded = load_named("qmnist")
    assert (loaded.name.plain, loaded.noun) == ("QMNIST (unverified)", "digit")
    for split, (images, labels) in arrays.items():
        np.testing.assert_array_equal(getattr(loaded, f"{split}_images"), images)
        np.testing.assert_array_equal(getattr(loaded, f"{split}_labels"), labels)
        kept = f"qmnist-{split}-labels-idx2-int.gz"
        assert (folder / kept).read_bytes() == contents[kept]
        np.testing.assert_array_equal(loaded.extra[split]["writer"], np.arange(len(labels)) + 1)
    assert set(contents) < set(read_arrived(folder))
    mirror.requests.clear()
    assert fetch(known, mirror) == folder
    assert mirror.requests == []


@pytest.fixture
def small_emnist():
    """The zip of EMNIST in small, the arrays as they should be loaded, and the table entries that fit it."""
    arrays, buffer = {}, io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for number, part in enumerate(EMNIST):
            classes = len(part.class_names) or 10
            for split, count in (("train", 2 * classes), ("test", classes)):
                images, labels = images_and_labels(count, classes, seed=number)
                arrays[part.name, split] = images, labels
                name = f"gzip/{part.name}-{split}"
                target.writestr(f"{name}-images-idx3-ubyte.gz", packed(images.transpose(0, 2, 1)))
                target.writestr(f"{name}-labels-idx1-ubyte.gz", packed((labels + part.first_label).astype(np.uint8)))
    files = {"gzip.zip": (len(buffer.getvalue()), None)}
    parts = tuple(
        replace(part, files=files, train=2 * (len(part.class_names) or 10), test=len(part.class_names) or 10)
        for part in EMNIST
    )
    return buffer.getvalue(), arrays, parts


def test_one_zip_gives_every_set_of_emnist_upright_and_from_class_0(serve, small_emnist, monkeypatch, cache):
    body, arrays, parts = small_emnist
    monkeypatch.setattr(named, "EMNIST", parts)
    mirror = serve(good, {"gzip.zip": body})
    fetch(parts[1], mirror)
    assert {path.name for path in cache.iterdir() if path.is_dir()} == {part.name for part in parts}
    for part in parts:
        loaded = load_named(part.name)
        assert loaded.num_classes == (len(part.class_names) or 10)
        for split in ("train", "test"):
            images, labels = arrays[part.name, split]
            np.testing.assert_array_equal(getattr(loaded, f"{split}_images"), images)
            np.testing.assert_array_equal(getattr(loaded, f"{split}_labels"), labels)
        assert "gzip.zip" in read_arrived(cache / part.name)
    assert load_named("emnist-letters").class_names[25].plain == "Z"
    assert load_named("emnist-balanced").class_names[46].plain == "t"
    fetch(parts[0], mirror)
    assert mirror.requests == ["gzip.zip"]


def test_a_zip_of_something_else_is_a_sentence_and_is_fetched_again(serve, small_emnist, cache):
    body, _, parts = small_emnist
    with pytest.raises(DownloadError, match="What arrived is not EMNIST letters: found 52x6x6 pixels"):
        fetch(replace(parts[1], train=7), serve(good, {"gzip.zip": body}))
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as target:
        target.writestr("readme.txt", "nothing")
    mirror = serve(good, {"gzip.zip": other.getvalue()})
    with pytest.raises(DownloadError, match="There is no item named 'gzip/emnist-digits-train-images"):
        fetch(replace(parts[0], files={"gzip.zip": (len(other.getvalue()), None)}), mirror)
    assert mirror.requests == ["gzip.zip"]


# By name


def test_what_a_person_names_is_a_name_a_path_or_a_sentence(tiny_folder, monkeypatch, cache):
    folder = tiny_folder()
    assert open_data(str(folder)).data_dir == str(folder)
    assert open_data("sample").source == "sample"
    with pytest.raises(DatasetError, match=r"KMNIST is not here: .*about 21 MB with `mnist download kmnist`"):
        open_data("KMNIST")
    with pytest.raises(DatasetError, match="Did you mean kmnist"):
        open_data("kmist")
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    assert state_of(MNIST) == MISSING  # that folder holds something else


def test_files_in_the_place_of_a_published_set_are_compared_with_it(tiny_folder, monkeypatch, cache):
    folder = tiny_folder()
    labels = dataset.load_dataset("full", folder).checksums["t10k-labels-idx1-ubyte"]
    known = replace(MNIST, content={**MNIST.content, "t10k-labels-idx1-ubyte": labels})
    monkeypatch.setitem(catalogue.NAMED, "mnist", known)
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    with pytest.raises(DatasetError, match="not those published as MNIST: their SHA-256 differs"):
        load_named("mnist")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_debians_fashion_mnist_is_the_published_one_and_has_its_names():
    for name, expected in FASHION_SHA256.items():
        body = (DEBIAN / f"{name}.gz").read_bytes()
        assert hashlib.sha256(gzip.decompress(body)).hexdigest() == expected
        named_in_header = body[:3] + b"\x08" + body[4:10] + name.encode() + b"\0" + body[10:]
        assert len(named_in_header) == FASHION.files[f"{name}.gz"][0]
    assert state_of(FASHION) == HERE
    loaded = load_named("fashion-mnist")
    assert (loaded.name.plain, loaded.noun) == ("Fashion-MNIST", "image")
    assert loaded.class_names[loaded.train_labels[0]].plain == "Ankle boot"


def test_the_command_line_fetches_by_name_and_shows_what_arrived(serve, small_kmnist, cache, monkeypatch, capsys):
    known = replace(sized(KMNIST, small_kmnist), mirrors=(serve(good, small_kmnist).url,))
    monkeypatch.setitem(catalogue.NAMED, "kmnist", known)
    assert main(["download", "kmnist"]) == 0
    out, err = capsys.readouterr()
    assert "note: KMNIST has no SHA-256 that could be checked here" in err
    assert (cache / "kmnist" / ARRIVED).read_text(encoding="utf-8") in out
    assert f"KMNIST is in {cache / 'kmnist'}" in out and "CC BY-SA 4.0" in out
    assert main(["download", "--list"]) == 0
    assert "unverified" in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("kmnist"))
