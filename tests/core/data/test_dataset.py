"""Data sets: any folder of four IDX files, the full MNIST, the sample, and the choice between them."""

import gzip
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.data import dataset
from mnist_core.data.checksums import MNIST_SHA256
from mnist_core.data.dataset import FILE_NAMES, FOLDER_VARIABLE, cache_dir, class_means, find_full, load_dataset
from mnist_core.data.idx import read_idx, write_idx
from mnist_core.errors import DatasetError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILE_NAMES
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache folder instead of the user's, and no MNIST_DATA_DIR."""
    monkeypatch.delenv("MNIST_DATA_DIR", raising=False)
    monkeypatch.setattr(dataset, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def sample():
    return load_dataset("sample")


def refusal(*args) -> str:
    with pytest.raises(DatasetError) as caught:
        load_dataset(*args)
    return str(caught.value)


# Any folder of four IDX files


@settings(max_examples=30, deadline=None)
@given(
    classes=st.integers(1, 256),
    extra=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    shape=st.tuples(st.integers(1, 33), st.integers(1, 33)),
    suffix=st.sampled_from([".gz", ""]),
    seed=st.integers(0, 9),
)
def test_sizes_counts_and_classes_are_read_from_the_files(tiny_folder, classes, extra, shape, suffix, seed):
    train, test = classes + extra[0], 1 + extra[1]
    folder = tiny_folder(train, test, shape, classes, suffix, seed)
    data = load_dataset("full", folder)
    for array, name in zip(ARRAYS, (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), strict=True):
        assert getattr(data, array).dtype == np.uint8
        np.testing.assert_array_equal(getattr(data, array), read_idx(folder / f"{name}{suffix}"))
    assert data.train_images.shape == (train, *shape) and data.test_labels.shape == (test,)
    assert data.image_shape == shape
    assert data.num_classes == classes
    assert (data.name.plain, data.source, data.data_dir) == (folder.name, "full", str(folder))
    files = {f"{name}{suffix}": (folder / f"{name}{suffix}").read_bytes() for name in FILE_NAMES}
    assert data.file_checksums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    unpacked = {name: gzip.decompress(content) if suffix else content for name, content in files.items()}
    assert data.checksums == {
        name.removesuffix(".gz"): hashlib.sha256(content).hexdigest() for name, content in unpacked.items()
    }


def test_the_description_is_one_line_with_the_facts(tiny_folder):
    folder = tiny_folder(train=1234, test=7, shape=(8, 6), classes=4)
    data = load_dataset("full", folder)
    line = f"{folder.name}: 1,234 training and 7 test images of 8x6, 4 classes"
    assert data.description == line
    assert repr(data) == f"<Dataset {line}>"


def test_the_highest_label_of_either_split_counts(tiny_folder):
    folder = tiny_folder(train=3, test=3, classes=3)
    write_idx(folder / f"{TEST_LABELS}.gz", np.array([0, 9, 1], np.uint8))
    assert load_dataset("full", folder).num_classes == 10
    write_idx(folder / f"{TRAIN_LABELS}.gz", np.array([0, 11, 1], np.uint8))
    assert load_dataset("full", folder).num_classes == 12


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_labels_of_any_whole_type_become_uint8(tiny_folder, dtype):
    folder = tiny_folder(train=4)
    write_idx(folder / f"{TRAIN_LABELS}.gz", np.array([0, 1, 2, 127], dtype))
    labels = load_dataset("full", folder).train_labels
    assert labels.dtype == np.uint8 and labels.tolist() == [0, 1, 2, 127]


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("source", ["full", "sample"])
def test_arrays_are_read_only(tiny_folder, source, array):
    data = load_dataset(source, tiny_folder())
    with pytest.raises(ValueError, match="read-only"):
        getattr(data, array)[0] = 1


def test_a_dataset_leaves_the_arrays_of_its_maker_writable():
    images, labels = np.zeros((2, 3, 3), np.uint8), np.array([0, 1], np.uint8)
    data = dataset.Dataset(images, labels, images, labels, "mine", "full", None, {})
    images[0] = 7
    assert data.train_images[0, 0, 0] == 7
    assert not data.train_images.flags.writeable


def test_an_attribute_cannot_be_replaced(sample):
    with pytest.raises(AttributeError):
        sample.name = "another"


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("separator", ["-", "."])
def test_dash_or_dot_plain_or_gzip_are_found(tiny_folder, separator, suffix):
    folder = tiny_folder(suffix=suffix)
    for name in FILE_NAMES:
        path = folder / f"{name}{suffix}"
        path.rename(folder / path.name.replace("-idx", f"{separator}idx"))
    assert find_full(folder) == folder
    assert load_dataset("auto", folder).train_images.shape == (12, 5, 4)


def test_of_several_variants_the_documented_first_is_taken(tiny_folder):
    folder = tiny_folder(train=4, test=4, suffix=".gz")
    variants = [f"{TRAIN_LABELS}.gz", TRAIN_LABELS, "train-labels.idx1-ubyte.gz", "train-labels.idx1-ubyte"]
    for mark, name in enumerate(variants):
        write_idx(folder / name, np.full(4, mark, np.uint8))
    for mark, name in enumerate(variants):
        data = load_dataset("full", folder)
        assert data.train_labels.tolist() == [mark] * 4
        assert name in data.file_checksums
        assert data.overshadowed == tuple((name, other) for other in variants[mark + 1 :])
        (folder / name).unlink()
    assert find_full(folder) is None


def test_a_relative_folder_is_kept_as_an_absolute_one(tiny_folder, monkeypatch):
    folder = tiny_folder()
    monkeypatch.chdir(folder)
    data = load_dataset("full", ".")
    assert (data.data_dir, data.name.plain) == (str(folder), folder.name)


# What is refused

GREY = np.zeros((12, 5, 4), np.uint8)
BAD_FILES = {
    "an image too many": (TRAIN_IMAGES, np.zeros((13, 5, 4), np.uint8), ["13 images", "12 labels"]),
    "a label too many": (TEST_LABELS, np.zeros(7, np.uint8), ["6 images", "7 labels"]),
    "another size": (TEST_IMAGES, np.zeros((6, 4, 5), np.uint8), ["5x4", "4x5", "one size"]),
    "colour": (TRAIN_IMAGES, np.zeros((12, 5, 4, 3), np.uint8), ["12x5x4x3 uint8", "height x width"]),
    "flat images": (TEST_IMAGES, np.zeros((6, 20), np.uint8), ["6x20 uint8", "height x width"]),
    "a single pixel": (TEST_IMAGES, np.zeros((), np.uint8), ["a single value uint8"]),
    "floating images": (TRAIN_IMAGES, GREY.astype(np.float32), ["float32", "uint8"]),
    "signed images": (TRAIN_IMAGES, GREY.astype(np.int8), ["int8", "uint8"]),
    "no images": (TRAIN_IMAGES, np.zeros((0, 5, 4), np.uint8), ["0x5x4", "at least one image"]),
    "no pixels": (TEST_IMAGES, np.zeros((6, 0, 4), np.uint8), ["6x0x4", "at least one pixel"]),
    "no labels": (TEST_LABELS, np.zeros(0, np.uint8), ["6 images", "0 labels"]),
    "one-hot labels": (TRAIN_LABELS, np.zeros((12, 3), np.uint8), ["12x3", "one whole number"]),
    "floating labels": (TRAIN_LABELS, np.zeros(12, np.float32), ["float32", "one whole number"]),
    "a negative label": (TRAIN_LABELS, np.arange(-1, 11, dtype=np.int8), ["-1 to 10", "0 to 255", "12 classes"]),
    "a high label": (TEST_LABELS, np.arange(251, 257, dtype=np.int16), ["251 to 256", "0 to 255"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_do_not_fit_are_named_with_what_was_expected(tiny_folder, case):
    name, array, words = BAD_FILES[case]
    folder = tiny_folder()
    write_idx(folder / f"{name}.gz", array)
    message = refusal("full", folder)
    for word in (f"{name}.gz", str(folder), "found", "expected", *words):
        assert word in message
    assert message.endswith((" there.", "from 0.", "together."))


def test_images_and_labels_in_each_others_place_are_refused(tiny_folder):
    folder = tiny_folder()
    images, labels = folder / f"{TRAIN_IMAGES}.gz", folder / f"{TRAIN_LABELS}.gz"
    images.rename(folder / "aside")
    labels.rename(images)
    (folder / "aside").rename(labels)
    assert "expected images" in refusal("full", folder)


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_damaged_file_is_refused_by_name(tiny_folder, name):
    folder = tiny_folder()
    path = folder / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    assert path.name in refusal("auto", folder)


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_missing_file_is_named(tiny_folder, name):
    folder = tiny_folder()
    (folder / f"{name}.gz").unlink()
    for source in ("auto", "full"):
        message = refusal(source, folder)
        assert name in message and str(folder) in message
        assert not any(other in message for other in FILE_NAMES if other != name)
    assert find_full(folder) is None


def test_a_folder_named_like_a_file_is_not_one(tiny_folder):
    folder = tiny_folder()
    (folder / f"{TEST_IMAGES}.gz").unlink()
    (folder / f"{TEST_IMAGES}.gz").mkdir()
    assert f"found no {TEST_IMAGES}" in refusal("full", folder)
    assert find_full(folder) is None


def test_a_folder_that_cannot_be_read_is_refused(tmp_path):
    for path in (tmp_path / "missing", tmp_path / ("long" * 100)):
        message = refusal("auto", path)
        assert str(path) in message and "expected" in message


@pytest.mark.parametrize("source", ["", "Full", "mnist", None])
def test_an_unknown_source_is_refused_with_the_valid_ones(source):
    message = refusal(source)
    assert repr(source) in message
    assert "auto, full, sample" in message


# Which data set "auto" and "full" choose


def test_auto_is_the_sample_when_nothing_else_is_available(cache, monkeypatch):
    def no_network(*_):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", no_network)
    assert find_full() is None
    assert load_dataset().source == "sample"
    assert not cache.exists()


def test_auto_is_the_sample_when_a_download_is_not_complete(cache, tiny_folder):
    tiny_folder().rename(cache)
    (cache / f"{TEST_LABELS}.gz").unlink()
    assert find_full() is None
    assert load_dataset("auto").source == "sample"
    message = refusal("full")
    for word in (TEST_LABELS, str(cache), "python -m mnist_core download", "MNIST_DATA_DIR", "sample"):
        assert word in message


def test_auto_and_full_take_what_is_in_the_cache(cache, tiny_folder):
    tiny_folder().rename(cache)
    assert find_full() == cache
    for source in ("auto", "full"):
        data = load_dataset(source)
        assert (data.source, data.data_dir) == ("full", str(cache))


def test_full_without_a_file_says_how_to_get_them(cache):
    message = refusal("full")
    assert str(cache) in message and "no such folder" in message and "python -m mnist_core download" in message


def test_the_variable_goes_before_the_cache_and_the_argument_before_both(cache, tiny_folder, monkeypatch):
    tiny_folder().rename(cache)
    named, given_folder = tiny_folder(), tiny_folder()
    monkeypatch.setenv("MNIST_DATA_DIR", str(named))
    assert find_full() == named
    assert load_dataset().data_dir == str(named)
    assert find_full(given_folder) == given_folder
    assert load_dataset("auto", given_folder).data_dir == str(given_folder)
    assert load_dataset("sample").data_dir is None


@pytest.mark.parametrize("source", ["auto", "full"])
@pytest.mark.parametrize("state", ["missing", "empty", "incomplete"])
def test_a_named_folder_that_is_not_complete_is_never_replaced(cache, tiny_folder, monkeypatch, state, source):
    tiny_folder().rename(cache)
    folder = tiny_folder()
    for name in FILE_NAMES if state != "incomplete" else FILE_NAMES[1:]:
        (folder / f"{name}.gz").unlink()
    if state == "missing":
        folder.rmdir()
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    message = refusal(source)
    assert "MNIST_DATA_DIR" in message and str(folder) in message
    assert (TEST_LABELS if state != "missing" else "no such folder") in message
    assert "MNIST_DATA_DIR" not in refusal(source, folder)


def test_an_empty_variable_counts_as_unset(cache, monkeypatch):
    monkeypatch.setenv("MNIST_DATA_DIR", "")
    assert load_dataset().source == "sample"


def test_find_full_does_not_read_the_files(tmp_path):
    for name in FILE_NAMES:
        (tmp_path / name).write_bytes(b"no IDX file")
    assert find_full(tmp_path) == tmp_path


def test_the_cache_folder_is_the_users_and_the_projects():
    assert cache_dir().is_absolute()
    assert "mnist-numpy-dashboard" in cache_dir().parts


# The sample


def test_the_sample_is_5000_and_1000_balanced(sample):
    assert sample.train_images.shape == (5000, 28, 28) and sample.test_images.shape == (1000, 28, 28)
    assert {getattr(sample, array).dtype for array in ARRAYS} == {np.dtype(np.uint8)}
    assert np.bincount(sample.train_labels).tolist() == [500] * 10
    assert np.bincount(sample.test_labels).tolist() == [100] * 10
    assert (sample.name.plain, sample.source, sample.data_dir) == ("MNIST (sample of 6,000)", "sample", None)
    assert sample.num_classes == 10


def test_the_sample_is_small_and_referred_to_by_its_checksum(sample):
    assert dataset.SAMPLE.stat().st_size < 1_500_000
    assert sample.checksums == {"sample.npz": hashlib.sha256(dataset.SAMPLE.read_bytes()).hexdigest()}


def test_every_part_of_the_sample_has_every_class_in_proportion(sample):
    for labels in (sample.train_labels, sample.test_labels):
        for part in np.split(labels, 5):
            fractions = np.bincount(part, minlength=10) / len(part)
            assert fractions.min() > 0.05 and fractions.max() < 0.16


def test_the_sample_is_the_same_on_every_machine(sample):
    again = load_dataset("sample")
    for array in ARRAYS:
        np.testing.assert_array_equal(getattr(sample, array), getattr(again, array))
    digest = hashlib.sha256(b"".join(getattr(sample, array).tobytes() for array in ARRAYS)).hexdigest()
    assert digest.startswith("f40c0757cf24cf27")


@pytest.mark.parametrize("damage", [None, b"", b"no zip file", b"PK\3\4"])
def test_a_missing_or_damaged_sample_is_reported_in_a_sentence(damage, monkeypatch, tmp_path):
    monkeypatch.setattr(dataset, "SAMPLE", tmp_path / "sample.npz")
    if damage is not None:
        dataset.SAMPLE.write_bytes(damage)
    message = refusal("sample")
    assert "found no readable sample" in message and "Install the project again" in message


# The full MNIST


def test_the_full_mnist_is_recognised(full_data_dir):
    data = load_dataset("full", full_data_dir)
    assert data.description == "MNIST (full): 60,000 training and 10,000 test images of 28x28, 10 classes"
    assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.checksums == {name: MNIST_SHA256[name] for name in FILE_NAMES}
    assert data.file_checksums == {f"{name}.gz": MNIST_SHA256[f"{name}.gz"] for name in FILE_NAMES}


def test_the_full_mnist_is_recognised_unpacked(full_data_dir, tmp_path):
    for name in FILE_NAMES:
        (tmp_path / name).write_bytes(gzip.decompress((full_data_dir / f"{name}.gz").read_bytes()))
    data = load_dataset("full", tmp_path)
    assert data.name.plain == "MNIST (full)"
    assert data.checksums == {name: MNIST_SHA256[name] for name in FILE_NAMES}


def test_mnist_with_its_splits_exchanged_is_not_called_mnist(full_data_dir, tmp_path):
    for name in FILE_NAMES:
        other = name.replace("train", "T").replace("t10k", "train").replace("T", "t10k")
        (tmp_path / f"{name}.gz").symlink_to(full_data_dir / f"{other}.gz")
    data = load_dataset("full", tmp_path)
    assert len(data.train_images) == 10_000
    assert data.name.plain == tmp_path.name


def test_the_full_mnist_loads_within_600_ms(full_data_dir):
    begin = time.process_time()  # not the clock on the wall, which a busy computer slows down
    load_dataset("full", full_data_dir)
    assert time.process_time() - begin < 0.6


def test_the_sample_is_what_its_tool_makes_twice_the_same(full_data_dir, sample, tmp_path):
    tool = Path(__file__).parents[3] / "tools" / "make_sample.py"
    first, second = tmp_path / "1.npz", tmp_path / "2.npz"
    for target in (first, second):
        environment = {**os.environ, FOLDER_VARIABLE: str(full_data_dir)}
        subprocess.run([sys.executable, str(tool), str(target)], check=True, env=environment)
    assert first.read_bytes() == second.read_bytes()
    with np.load(first) as made:  # values, not bytes: builds of zlib compress differently
        for array in ARRAYS:
            np.testing.assert_array_equal(made[array], getattr(sample, array))


def test_the_sample_tests_on_the_test_set(full_data_dir, sample):
    full = load_dataset("full", full_data_dir)
    for split in ("train_images", "test_images"):
        images = {image.tobytes() for image in getattr(full, split)}
        assert all(image.tobytes() in images for image in getattr(sample, split))


# The mean image of each class


@given(count=st.integers(1, 60), classes=st.integers(1, 5), seed=st.integers(0, 1000))
def test_class_means_are_the_mean_of_each_class(count, classes, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 4, 3)).astype(np.uint8)
    labels = rng.integers(0, classes, count)
    means = class_means(images, labels, classes)
    for label in range(classes):
        expected = images[labels == label].mean(axis=0) if (labels == label).any() else np.zeros((4, 3))
        np.testing.assert_allclose(means[label], expected, rtol=1e-6)


def test_class_means_add_up_over_chunks(monkeypatch):
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2)
    labels = np.arange(10) % 3
    whole = class_means(images, labels, 3)
    monkeypatch.setattr(dataset, "CHUNK", 4)
    np.testing.assert_array_equal(class_means(images, labels, 3), whole)
