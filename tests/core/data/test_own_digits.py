"""A person's own digits become a folder that can be chosen as data."""

import errno
import io
import os
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.data import idx
from mnist_core.data.dataset import load_dataset
from mnist_core.data.own_digits import add_to_training, pack_digits
from mnist_core.errors import DatasetError
from mnist_core.untrusted import UntrustedText


@pytest.mark.parametrize("count", [2, 4, 5, 12])
def test_the_folder_can_be_loaded(tmp_path, count):
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    labels = np.arange(count) % 10
    with zipfile.ZipFile(io.BytesIO(pack_digits(images, labels))) as archive:
        archive.extractall(tmp_path)
    data = load_dataset("full", tmp_path)
    assert len(data.train_labels) + len(data.test_labels) == count
    assert len(data.test_labels) == max(count // 5, 1)
    back = np.concatenate([data.train_images, data.test_images])
    order = np.argsort([np.flatnonzero((images == image).all(axis=(1, 2)))[0] for image in back])
    np.testing.assert_array_equal(back[order], images)
    np.testing.assert_array_equal(np.concatenate([data.train_labels, data.test_labels])[order], labels)


def test_one_digit_is_too_few():
    with pytest.raises(DatasetError, match="Found 1 image, but expected at least 2"):
        pack_digits(np.zeros((1, 28, 28), np.uint8), np.array([3]))


def test_digits_join_the_training_set_and_the_test_set_stays(tmp_path):
    sample = load_dataset("sample")
    images, labels = sample.test_images[:3], sample.test_labels[:3].astype(int)
    folder = add_to_training(sample, images, labels, tmp_path)
    joined = load_dataset("full", folder)
    np.testing.assert_array_equal(joined.train_images[:5000], sample.train_images)
    np.testing.assert_array_equal(joined.train_images[5000:], images)
    assert joined.train_labels[5000:].tolist() == labels.tolist()
    np.testing.assert_array_equal(joined.test_images, sample.test_images)
    assert add_to_training(sample, images, labels, tmp_path) == folder
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert add_to_training(sample, images, labels + 1, tmp_path) != folder


NAMES = st.one_of(st.text(max_size=90), st.sampled_from(["#1", "7", "1 65", "い", ","]))


@settings(max_examples=10)
@given(st.lists(NAMES, min_size=3, max_size=3))
def test_what_joins_keeps_the_names_of_the_classes(tiny_folder, names):
    data = replace(load_dataset("full", tiny_folder()), given_names=tuple(map(UntrustedText, names)))
    with tempfile.TemporaryDirectory() as folder:
        joined = add_to_training(data, data.test_images[:1], data.test_labels[:1], Path(folder))
        with zipfile.ZipFile(io.BytesIO(pack_digits(data.train_images, data.train_labels, data.classes))) as packed:
            packed.extractall(Path(folder, "zip"))
        for path in (joined, Path(folder, "zip")):
            assert load_dataset("full", path).classes.plain(70) == data.classes.plain(70)


def test_digits_of_another_size_do_not_join(tmp_path):
    with pytest.raises(DatasetError, match="Found images of 5x4 pixels, but the data in use has images of 28x28"):
        add_to_training(load_dataset("sample"), np.zeros((1, 5, 4), np.uint8), np.array([1]), tmp_path)


@pytest.mark.parametrize("failing", ["write_idx", "Path.rename", "mkdtemp"])
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch, failing):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    where = {"write_idx": (idx, "write_atomically"), "Path.rename": (Path, "rename"), "mkdtemp": (tempfile, "mkdtemp")}
    monkeypatch.setattr(*where[failing], full)
    sample = load_dataset("sample")
    with pytest.raises(DatasetError, match=r"Can't write to .*No space left on device\): free some space"):
        add_to_training(sample, sample.test_images[:1], sample.test_labels[:1], tmp_path)
    assert list(tmp_path.iterdir()) == []
    if failing != "Path.rename":
        with pytest.raises(DatasetError, match=r"Can't write to .*No space left on device\): free some space"):
            pack_digits(sample.test_images[:2], sample.test_labels[:2])


def test_drafts_of_killed_processes_are_swept(tmp_path):
    for name, age in ((".draft-old", 2 * 3600), (".draft-young", 1)):
        (tmp_path / name / "whole").mkdir(parents=True)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    (tmp_path / ".draft-gone").symlink_to("nowhere")  # another session was faster
    sample = load_dataset("sample")
    folder = add_to_training(sample, sample.test_images[:1], sample.test_labels[:1], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, ".draft-young", ".draft-gone"}


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    sample = load_dataset("sample")
    with pytest.raises(DatasetError, match="Can't write to"):
        add_to_training(sample, sample.test_images[:1], sample.test_labels[:1], tmp_path / "file" / "data")
