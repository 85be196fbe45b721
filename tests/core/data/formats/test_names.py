"""IDX files under the names that people give them, and files that name the classes."""

import gzip
import shutil

import numpy as np
import pytest

from mnist_core.data.files_seen import stamp
from mnist_core.data.formats.class_names import read_class_names
from mnist_core.data.formats.look import look, read_source
from mnist_core.errors import DatasetError
from tests.core.data.formats import writers
from tests.core.data.formats.test_same_arrays import assert_source_is

TEST = (("train", "train"), ("test", "test"))

NAMED = {
    "dot": {"name": "{}-{}.idx{}-ubyte{}", "suffix": ""},
    "nested folders": {"name": "{0}-{1}-idx{2}-ubyte/{0}-{1}-idx{2}-ubyte{3}", "suffix": ""},
    "torchvision": {"name": "MNIST/raw/{}-{}-idx{}-ubyte{}"},
    "upper case": {"name": "{}-{}-IDX{}-UBYTE{}", "splits": (("train", "TRAIN"), ("test", "T10K"))},
    "test for t10k": {"splits": TEST},
    "copies": {"name": "{}-{}-idx{}-ubyte (1){}"},
    "twice": {"suffix": ".gz.gz"},
    "bzip2": {"suffix": ".bz2"},
    "xz": {"suffix": ".xz"},
    "a folder a split": {"name": "{}/{}-idx{}-ubyte{}"},
    "a long prefix": {"name": "my ![x](y) data-{}-{}-idx{}-ubyte{}"},
    "a prefix": {"name": "emnist-letters-{}-{}-idx{}-ubyte{}", "splits": TEST},
}


@pytest.mark.parametrize("case", NAMED)
def test_idx_files_are_found_under_other_names_in_a_folder_a_zip_or_one_for_all(arrays, tmp_path, case):
    folder = writers.idx(arrays, tmp_path / "data", **NAMED[case])
    one = next(file for file in sorted(folder.rglob("*")) if file.is_file() and "label" in file.name.lower())
    for path in (folder, writers.zipped(folder, tmp_path / "data.zip"), *([one] if case != "a folder a split" else [])):
        source = read_source(path)
        assert_source_is(source, arrays)
        assert source.transposed is (True if case == "a prefix" else None)
        found = look(path)
        assert (found.format, found.problem, len(found.files)) == ("IDX", None, 4)
        assert {file.role for file in found.files} >= {"training images", "test labels"}
    (note,) = source.notes or ("",)
    assert ("compressed 2 times" in note) == (case == "twice")


def test_the_guess_names_a_known_set(arrays, tmp_path):
    writers.idx(arrays, tmp_path, **NAMED["a prefix"])
    expected = "emnist-letters-train-images-idx3-ubyte.gz is EMNIST letters: read it as such?"
    assert look(tmp_path).guess == expected


def test_a_suffix_that_lies_is_said_and_variants_of_a_file_are_not_parts_of_their_own(arrays, tmp_path):
    writers.idx(arrays, tmp_path, suffix="")
    for path in list(tmp_path.iterdir()):
        shutil.copy(path, tmp_path / f"{path.name}.gz")
    source = read_source(tmp_path)
    assert_source_is(source, arrays)
    assert source.notes == ("t10k-images-idx3-ubyte.gz and 3 more: not compressed, read as it is.",)


def test_several_data_sets_are_a_choice_and_one_file_or_a_path_in_a_zip_makes_it(arrays, tmp_path):
    folder = tmp_path / "gzip"
    arrays = {split: (images, labels + 1) for split, (images, labels) in arrays.items()}
    for name in ("digits", "letters"):
        writers.idx(arrays, folder, f"emnist-{name}-{{}}-{{}}-idx{{}}-ubyte{{}}", splits=TEST)
    mapping = "\n".join(f"{n} {64 + n} {96 + n}" for n in range(1, 27))
    (folder / "emnist-letters-mapping.txt").write_text(mapping)
    archive = writers.zipped(folder, tmp_path / "gzip.zip")
    for path in (folder, archive):
        with pytest.raises(DatasetError, match=r"found 2 data sets \(EMNIST digits, EMNIST letters\)"):
            read_source(path)
        assert look(path).problem
    name = "emnist-letters-test-labels-idx1-ubyte.gz"
    for path in (folder / name, archive / "data" / name):
        source = read_source(path)
        assert_source_is(source, arrays)
        assert (source.class_names[0], len(source.class_names), source.first_label) == ("Aa", 26, 1)


def test_qmnist_keeps_what_is_known_of_each_digit(arrays, tmp_path):
    for split, (images, labels) in arrays.items():
        wide = np.zeros((len(labels), 8), np.int32)
        wide[:, 0], wide[:, 2] = labels, 2100 + np.arange(len(labels))
        (tmp_path / f"qmnist-{split}-images-idx3-ubyte").write_bytes(writers.idx_bytes(images))
        (tmp_path / f"qmnist-{split}-labels-idx2-int.gz").write_bytes(gzip.compress(writers.idx_bytes(wide)))
    source = read_source(tmp_path)
    assert_source_is(source, arrays)
    assert source.splits["test"].extra["writer"].tolist() == [2100, 2101, 2102, 2103, 2104]


def test_files_that_hold_the_other_thing_are_taken_for_what_they_hold(arrays, tmp_path):
    writers.idx(arrays, tmp_path, suffix="")
    names = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    (tmp_path / names[0]).rename(tmp_path / "x")
    (tmp_path / names[1]).rename(tmp_path / names[0])
    (tmp_path / "x").rename(tmp_path / names[1])
    source = read_source(tmp_path)
    assert_source_is(source, arrays)
    assert any("holds labels, although it is called images" in note for note in source.notes)


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("0 48\n1 49\n2 65", ("0", "1", "A"), 0),
        ("T-shirt\nTrouser\n", ("T-shirt", "Trouser"), 0),
        ("0: T-shirt\n1: Ankle boot", ("T-shirt", "Ankle boot"), 0),
        ("index,codepoint,char\n0,U+304A,お\n1,U+304D,き", ("お", "き"), 0),
        ("\ufeff2,b\n1,a", ("a", "b"), 1),
    ],
)
def test_names_of_classes_come_from_a_file(text, names, first):
    assert read_class_names(text.encode(), "classes.txt") == (names, first)


@pytest.mark.parametrize("text", ["", "1 65\n3 67", "0 48\n0 49"])
def test_names_that_leave_labels_out_are_refused(text):
    with pytest.raises(DatasetError, match=r"classes\.txt: found"):
        read_class_names(text.encode(), "classes.txt")


def test_names_that_do_not_fit_the_labels_are_left_out_with_a_note(arrays, tmp_path):
    writers.npz(arrays, tmp_path)
    for text, note in (("a\nb\n", "names the labels 0 to 1"), ("1 65\n9 66", "It is left out")):
        (tmp_path / "classes.txt").write_text(text)
        source = read_source(tmp_path)
        assert source.class_names is None
        assert any(note in sentence for sentence in source.notes)
    (tmp_path / "classes.txt").write_text("\n".join("abcdefghij"))
    assert read_source(tmp_path).class_names == tuple("abcdefghij")


def test_checksum_and_stamp_change_with_the_content_alone(arrays, tmp_path):
    path = writers.npz(arrays, tmp_path)
    before, stamped = read_source(path).checksum, stamp(path)
    assert (read_source(tmp_path).checksum, stamp(path)) == (before, stamped)
    writers.npz({**arrays, "test": arrays["train"]}, tmp_path)
    assert read_source(path).checksum != before
    assert stamp(path) != stamped
