"""CSV in all its forms, and arrays under the names that people give them."""

import gzip

import numpy as np
import pytest

from mnist_core.data.formats import csv, mat, parquet
from mnist_core.data.formats.look import look, read_source
from mnist_core.errors import DatasetError
from tests.core.data.formats import writers
from tests.core.data.formats.test_same_arrays import assert_source_is

CSV = {
    "without a header": {"header": False},
    "semicolons": {"separator": ";"},
    "tabs, of Windows": {"separator": "\t", "end": "\r\n"},
    "spaces": {"separator": " ", "header": False},
    "spaces after commas": {"separator": ", "},
    "of an old Mac": {"end": "\r"},
    "empty lines": {"end": "\n\n"},
    "0 to 1": {"scale": 255, "header": False},
}


@pytest.mark.parametrize("case", CSV)
def test_csv_is_read_in_all_its_forms(arrays, tmp_path, case):
    source = read_source(writers.csv(arrays, tmp_path, **CSV[case]))
    assert_source_is(source, arrays)
    assert source.notes == (("The pixels are 0 to 1: they were multiplied by 255.",) if "scale" in CSV[case] else ())


def rows(images):
    return [",".join(map(str, row)) for row in images.reshape(len(images), -1).tolist()]


def test_a_competition_gives_labelled_and_unlabelled_images(arrays, tmp_path):
    (train, labels), (test, _) = arrays["train"], arrays["test"]
    header = ",".join(f"pixel{n}" for n in range(36))
    lines = [f"{label},{row}" for label, row in zip(labels, rows(train), strict=True)]
    (tmp_path / "train.csv").write_text("\n".join([f"label,{header}", *lines]))
    (tmp_path / "test.csv.gz").write_bytes(gzip.compress("\n".join([header, *rows(test)]).encode()))
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    source = read_source(tmp_path / "train.csv")  # its companion comes along
    np.testing.assert_array_equal(source.splits["train"].labels, labels)
    np.testing.assert_array_equal(source.splits["test"].images, test)
    assert source.splits["test"].labels is None
    assert "found a table of 2 columns" in look(tmp_path).files[0].problem
    (tmp_path / "train.csv").unlink()
    assert [split.labels for split in read_source(tmp_path).splits.values()] == [None]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (",".join(["pixel"] * 36) + ",class", "{row},{label}"),  # OpenML: the label last, by its name
        (",label," + ",".join(["p"] * 36), "{number},{label},{row}"),  # pandas with its index
        ("id,label," + ",".join(["p"] * 36), "1000{number},{label},{row}"),
    ],
)
def test_columns_are_found_by_their_names(arrays, tmp_path, columns, row):
    images, labels = arrays["train"]
    cells = zip(rows(images), labels, strict=True)
    lines = [row.format(number=number, row=pixels, label=label) for number, (pixels, label) in enumerate(cells)]
    (tmp_path / "digits.csv").write_text("\n".join([columns, *lines]))
    assert_source_is(read_source(tmp_path), {"all": arrays["train"]})


def test_labels_may_be_words_and_blocks_and_lines_of_any_length(arrays, tmp_path, monkeypatch):
    images, labels = arrays["train"]
    names = np.array(list("0BCDEFGHIJ"))
    lines = [f'"{name}",{row}' for name, row in zip(names[labels], rows(images), strict=True)]
    (tmp_path / "letters.csv").write_text("\n".join(lines))
    whole = read_source(tmp_path)
    monkeypatch.setattr(csv, "BLOCK", 50)
    pieces = read_source(tmp_path)
    for source in (whole, pieces):
        assert [source.class_names[label] for label in source.splits["all"].labels] == names[labels].tolist()
        np.testing.assert_array_equal(source.splits["all"].images, images)


def test_the_label_is_in_the_last_column_if_the_first_never_changes(tmp_path):
    values = np.random.default_rng(0).integers(0, 17, (60, 64))
    values[:, 0] = 0
    labels = np.arange(60) % 10
    np.savetxt(tmp_path / "optdigits.tra", np.column_stack([values, labels]), "%d", ",")
    source = read_source(tmp_path / "optdigits.tra")
    assert source.splits["train"].labels.tolist() == labels.tolist()
    assert source.splits["train"].images.max() == 255
    assert [note[:20] for note in source.notes] == ["optdigits.tra has it", "The pixels are 0 to "]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4,5\n1,2,3,4\n", "found 4 values in line 2, but expected 5"),
        ("1,2,3,4,5\n1,2,x,4,5\n", "found 'x' in line 2, column 2"),
        ("1,2,3,4,5\n1,2,,4,5\n", "line 2"),
        ("1,2,3,4,900000\n", "found pixels from 2 to 900000"),
        ("1,2,3,4,-5\n", "found pixels from -5 to 4"),
        ("1,2,3,4,nan\n1,2,3,4,5\n", "no finite number"),
        ("1.5,2,3,4,5\n", "found the label"),
        ("label,a,b,c,d\n", "a table without rows|text"),
    ],
)
def test_a_table_that_makes_no_sense_says_where(tmp_path, text, message):
    (tmp_path / "digits.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_source(tmp_path)


def test_a_row_of_pixels_that_is_no_square_keeps_its_form(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 20), np.uint8), y=[0, 1, 2])
    source = read_source(tmp_path)
    assert source.splits["all"].images.shape == (3, 1, 20)
    assert "say how high and wide" in source.notes[0]


NAMED = {
    "images and labels": ("a.npz", {"images": "x", "labels": "y"}),
    "data and target": ("a.npz", {"data": "flat", "target": "y"}),
    "unnamed": ("a.npz", {"arr_0": "x", "arr_1": "y"}),
    "one-hot": ("a.npz", {"x": "x", "y": "hot"}),
    "channels first": ("a.npz", {"x": "first", "y": "column"}),
    "channels last, 0 to 1": ("a.npz", {"x": "float", "y": "y"}),
}


@pytest.mark.parametrize("case", NAMED)
def test_arrays_are_found_by_name_and_shape(arrays, tmp_path, case):
    images, labels = arrays["train"]
    forms = {
        "x": images,
        "flat": images.reshape(len(images), -1).astype(float),
        "first": images[:, np.newaxis],
        "float": (images / np.float32(255))[..., np.newaxis],
        "y": labels,
        "hot": np.eye(10, dtype=np.uint8)[labels],
        "column": labels[:, np.newaxis].astype(np.int16),
    }
    name, names = NAMED[case]
    np.savez(tmp_path / name, **{key: forms[form] for key, form in names.items()})
    assert_source_is(read_source(tmp_path), {"all": arrays["train"]})


def test_arrays_may_be_in_files_of_their_own_as_kmnist_s(arrays, tmp_path):
    classes = [f"{number},U+{ord(name):X},{name}" for number, name in enumerate("おきすつなはまやれを")]
    for split, (images, labels) in arrays.items():
        np.savez(tmp_path / f"kmnist-{split}-imgs.npz", images)
        np.savez(tmp_path / f"kmnist-{split}-labels.npz", labels.astype(np.uint8))
    (tmp_path / "kmnist_classmap.csv").write_text("index,codepoint,char\n" + "\n".join(classes))
    source = read_source(tmp_path / "kmnist-test-labels.npz")
    assert_source_is(source, arrays)
    assert source.class_names == tuple("おきすつなはまやれを")
    assert {file.role for file in look(tmp_path).files} == {
        "training images", "training labels", "test images", "test labels", "class names",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": np.array([{}, 1], dtype=object)}, "found arrays of Python objects, which are a pickle"),
        ({"x": np.zeros((3, 5, 5)), "images": np.zeros((3, 5, 5))}, "which could be images, as could"),
        ({"weights": np.zeros(5)}, r"found weights \(5 float64\), but expected images"),
        ({"x": np.zeros((3, 5, 5), np.uint8), "y": [0, 1]}, "found 3 images, but 2 labels"),
        ({"x": np.zeros((0, 5, 5), np.uint8)}, "expected at least one"),
        ({"x": np.zeros((3, 5, 5), np.complex64)}, "dtype complex64|but expected images"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(tmp_path, content, message):
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(DatasetError, match=message):
        read_source(tmp_path)


def test_parquet_files_are_read_in_a_process_of_their_own(arrays, tmp_path, parquet_in_this_process):
    pytest.importorskip("pyarrow")
    good = writers.parquet(arrays, tmp_path) / "test-00000-of-00001.parquet"
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(good.read_bytes()[:-9])
    parquet_in_this_process([good, damaged], False)
    assert parquet._result("good", tmp_path / f"{good.name}.npz")["labels"].tolist() == arrays["test"][1].tolist()
    with pytest.raises(DatasetError, match="found a damaged or incomplete parquet file"):
        parquet._result("damaged", tmp_path / f"{damaged.name}.npz")
    with pytest.raises(DatasetError, match="whose reader ended"):
        parquet._result("crashed", tmp_path / "nothing.npz")


@pytest.mark.parametrize(
    "columns",
    [
        {"image": [[list(range(n, n + 4)) for _ in range(4)] for n in range(3)], "label": ["b", "a", "b"]},
        {"pixels": [list(range(n, n + 16)) for n in range(3)], "label": ["b", "a", "b"]},
        {"label": ["b", "a", "b"], **{f"p{n}": [n, n, n] for n in range(16)}},
    ],
)
def test_parquet_tables_may_hold_pixels_as_lists_or_columns(tmp_path, columns):
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), tmp_path / "digits.parquet")
    split = read_source(tmp_path).splits["all"]
    assert split.images.shape == (3, 4, 4)
    assert split.labels.tolist() == [1, 0, 1]


def test_matlab_files_are_read_as_scipy_does(tmp_path):
    from scipy.io import loadmat, savemat

    rng = np.random.default_rng(0)
    saved = {
        f"a_{dtype}": (rng.random((3, 4, 2)) * 100).astype(dtype) for dtype in ("u1", "i2", "i4", "i8", "f4", "f8")
    }
    saved |= {"text": "boot", "within": {"one": np.arange(3.0), "two": {"three": np.ones((2, 2), np.uint8)}}}
    for compressed in (False, True):
        savemat(tmp_path / "a.mat", saved, do_compression=compressed)
        found = mat.read_arrays((tmp_path / "a.mat").read_bytes(), "a.mat")
        expected = loadmat(tmp_path / "a.mat")
        for name in saved.keys() - {"within"}:
            np.testing.assert_array_equal(found[name], expected[name])
        assert found["within/one"].tolist() == [[0, 1, 2]]
        assert found["within/two/three"].tolist() == [[1, 1], [1, 1]]


def test_matlab_s_order_of_axes_and_mapping_are_understood(arrays, tmp_path):
    from scipy.io import savemat

    images, labels = arrays["train"]
    mapping = np.array([[n, 65 + n] for n in range(10)], np.uint8)
    savemat(tmp_path / "digits.mat", {"X": np.moveaxis(images, 0, -1), "y": labels + 1, "mapping": mapping})
    source = read_source(tmp_path)
    np.testing.assert_array_equal(source.splits["all"].images, images)
    assert source.class_names == tuple("ABCDEFGHIJ")


def test_progress_rises_to_one(arrays, tmp_path):
    shares = []
    read_source(writers.idx(arrays, tmp_path), lambda share, doing: shares.append((share, doing)))
    assert shares[-1] == (1.0, "Reading train-labels-idx1-ubyte.gz")
    assert sorted(shares) == shares


@pytest.mark.parametrize("flat", [False, True])
def test_images_under_the_name_of_labels_are_no_reason_to_lose_a_split(flat, arrays, tmp_path):
    (train, labels), (test, test_labels) = arrays["train"], arrays["test"]
    rows = train.reshape(len(train), -1) if flat else train
    np.savez(tmp_path / "other.npz", x_train=labels, y_train=rows, x_test=test, y_test=test_labels)
    source = read_source(tmp_path / "other.npz")
    assert_source_is(source, arrays)
    assert source.notes == (
        "other.npz/x_train holds labels, and other.npz/y_train their images: each is taken for what it holds.",
    )


def test_images_of_two_scales_are_not_taken_for_one(tmp_path):
    images = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4) * 8
    np.savez(tmp_path / "mixed.npz", x_train=images, y_train=[0, 1], x_test=images / 255, y_test=[0, 1])
    with pytest.raises(DatasetError, match=r"x_test: found pixels up to 0\.9\d+, but up to 248 in other images"):
        read_source(tmp_path / "mixed.npz")


@pytest.mark.parametrize(("cell", "other"), [("", "3"), ("nan", "3"), ("", "cat"), ("NA", "3.0")])
def test_a_missing_label_is_no_class_of_its_own(cell, other, tmp_path):
    rows = ["label,a,b,c,d", f"{other},1,2,3,4", f"{cell},5,6,7,8"]
    (tmp_path / "some.csv").write_text("\n".join(rows))
    with pytest.raises(DatasetError, match="1 image without a label, the first at position 1, but others have one"):
        read_source(tmp_path / "some.csv")
    (tmp_path / "some.csv").write_text("\n".join([rows[0], rows[2], rows[2]]))
    assert read_source(tmp_path / "some.csv").splits["all"].labels is None


def test_one_pixel_above_a_byte_does_not_darken_all_others(tmp_path):
    (tmp_path / "some.csv").write_text("label,a,b,c,d\n1,0,255,300,4\n0,5,6,7,8")
    with pytest.raises(DatasetError, match="found pixels from 0 to 300, but expected 0 to 255"):
        read_source(tmp_path / "some.csv")
