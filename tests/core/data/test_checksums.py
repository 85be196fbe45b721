"""Data is recognized by its content, not by how its files are named and compressed."""

import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.data.checksums import FILE_NAMES, MNIST_SHA256, content_checksum, same_content
from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import DTYPES, write_idx
from mnist_core.errors import DatasetError
from mnist_core.runs.dataset_reference import DatasetReference


def gunzip(folder, rename=lambda name: name):
    for path in list(folder.glob("*.gz")):
        (folder / rename(path.stem)).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def recorded_by_an_older_version(dataset):
    """Reference that holds checksums of the files as they were."""
    return replace(DatasetReference.of(dataset), checksums=dataset.file_checksums)


@pytest.mark.parametrize("dtype", [dtype.newbyteorder("=") for dtype in DTYPES.values()], ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)], ids=str)
def test_the_checksum_of_an_array_is_that_of_its_unpacked_file(tmp_path, dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    write_idx(tmp_path / "array", array)
    assert content_checksum(array) == hashlib.sha256((tmp_path / "array").read_bytes()).hexdigest()
    assert content_checksum(np.array(array, order="F")) == content_checksum(array)


@pytest.mark.parametrize("rename", [str, lambda name: name.replace("-idx", ".idx")], ids=["dash", "dot"])
def test_unpacking_renaming_or_packing_the_files_again_leaves_the_data_the_same(tiny_folder, rename):
    folder = tiny_folder(suffix=".gz")
    reference = DatasetReference.of(load_dataset("full", folder))
    gunzip(folder, rename)
    assert reference.load().checksums == reference.checksums
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        path.unlink()
    assert reference.load().checksums == reference.checksums


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_run_of_an_older_version_finds_the_same_files(tiny_folder, suffix):
    dataset = load_dataset("full", tiny_folder(suffix=suffix))
    assert recorded_by_an_older_version(dataset).load().checksums == dataset.checksums


def test_a_run_of_an_older_version_on_unpacked_files_finds_them_packed(tiny_folder):
    folder = tiny_folder(suffix="")
    reference = recorded_by_an_older_version(load_dataset("full", folder))
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert reference.load().data_dir == str(folder)


def test_a_run_of_an_older_version_on_packed_files_says_to_pack_them_again(tiny_folder):
    folder = tiny_folder(suffix=".gz")
    reference = recorded_by_an_older_version(load_dataset("full", folder))
    gunzip(folder)
    with pytest.raises(DatasetError, match="put the original files back, compressed as they were, or start a new run"):
        reference.load()


def test_a_run_of_an_older_version_on_mnist_finds_it_unpacked():
    packed = {name: checksum for name, checksum in MNIST_SHA256.items() if name.endswith(".gz")}
    unpacked = {name: MNIST_SHA256[name] for name in FILE_NAMES}
    assert same_content(packed, unpacked) and same_content(unpacked, packed)
    assert not same_content(packed, {**unpacked, FILE_NAMES[0]: MNIST_SHA256[FILE_NAMES[1]]})
    exchanged = {
        name.replace("train", "x").replace("t10k", "train").replace("x", "t10k"): packed[name] for name in packed
    }
    assert not same_content(exchanged, unpacked)


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_changed_value_is_other_data(tiny_folder, name):
    folder = tiny_folder(suffix="")
    dataset = load_dataset("full", folder)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    for reference in (DatasetReference.of(dataset), recorded_by_an_older_version(dataset)):
        with pytest.raises(DatasetError, match="not those that this run was created with"):
            reference.load()


def test_data_that_moved_is_found_where_the_variable_points(tiny_folder, monkeypatch, tmp_path):
    folder = tiny_folder()
    reference = DatasetReference.of(load_dataset("full", folder))
    folder.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("MNIST_DATA_DIR", str(tiny_folder(seed=1)))
    with pytest.raises(DatasetError, match=f"{folder}: found no such folder"):
        reference.load()
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "elsewhere"))
    assert reference.load().data_dir == str(tmp_path / "elsewhere")


def test_the_default_folder_is_no_substitute_for_other_data(tiny_folder, monkeypatch):
    folder = tiny_folder()
    reference = DatasetReference.of(load_dataset("full", folder))
    monkeypatch.setenv("MNIST_DATA_DIR", str(tiny_folder(seed=1)))
    assert reference.load().data_dir == str(folder)


def test_two_references_compare_by_content(tiny_folder):
    dataset = load_dataset("full", tiny_folder(suffix=""))
    older, newer = recorded_by_an_older_version(dataset), DatasetReference.of(dataset)
    assert older.has_content(newer.checksums) and newer.has_content(older.checksums)
    assert not newer.has_content(load_dataset("sample").checksums)
