"""Data in any form are opened, kept, and found again by a run."""

import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data import dataset as data
from mnist_core.data.corrected.corrections import decide
from mnist_core.data.dataset import Dataset, find_full, load_dataset
from mnist_core.data.files_seen import files_seen
from mnist_core.data.preparing import prepared, prepared_file
from mnist_core.data.preparing.prepare import Choices, Unlabelled
from mnist_core.data.preparing.prepared import open_dataset, open_source, save_prepared
from mnist_core.errors import DatasetError
from mnist_core.runs.dataset_reference import DatasetReference

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
OLD = 1_700_000_000


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache instead of the user's."""
    monkeypatch.setattr(prepared, "cached_datasets", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def digits():
    sample = load_dataset("sample")
    return sample.train_images[:60], sample.train_labels[:60]


def write_csv(path, images, labels=None, when=OLD):
    rows = images.reshape(len(images), -1)
    names = [f"pixel{number}" for number in range(rows.shape[1])]
    if labels is not None:
        rows, names = np.column_stack([labels, rows]), ["label", *names]
    np.savetxt(path, rows, "%d", ",", header=",".join(names), comments="")
    os.utime(path, (when, when))
    return path


@pytest.fixture
def csv(tmp_path, digits):
    return write_csv(tmp_path / "digits.csv", *digits)


@pytest.fixture
def readings(monkeypatch):
    """How often a source is read."""
    paths, read = [], prepared.read_source

    def counted(path, progress=None):
        paths.append(path)
        return read(path, progress)

    monkeypatch.setattr(prepared, "read_source", counted)
    return paths


def same(one, other):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    return one.class_names == other.class_names and one.notes == other.notes and one.checksums == other.checksums


def test_a_file_is_read_once_and_then_taken_from_the_cache(csv, readings):
    first = open_dataset(csv)
    again = open_dataset(str(csv))
    assert len(readings) == 1 and same(first, again)
    assert (again.name.plain, again.source, again.data_dir) == ("digits", "full", str(csv))
    assert "held back for testing" in again.notes[0].plain and not again.train_images.flags.writeable
    choices = Choices(seed=1, invert=True)
    other = open_dataset(csv, choices)
    assert len(readings) == 2 and same(other, open_dataset(csv, choices)) and len(readings) == 2
    assert other.train_images.mean() > 128 > first.train_images.mean()


def test_what_changed_is_read_again_and_a_copy_is_known_by_its_content(csv, readings, digits, tmp_path):
    first = open_dataset(csv)
    images, labels = digits
    write_csv(csv, images[::-1], labels[::-1], OLD + 1)
    second = open_dataset(csv)
    assert len(readings) == 2 and first.checksums != second.checksums
    (tmp_path / "copy").mkdir()
    copy = write_csv(tmp_path / "copy" / "digits.csv", images, labels)
    entries = len(list(prepared.cached_datasets().glob("*.npz")))
    found = open_dataset(copy)
    assert len(readings) == 3 and found.checksums == first.checksums and found.data_dir == str(copy)
    assert len(list(prepared.cached_datasets().glob("*.npz"))) == entries == 2


def test_a_file_written_just_now_is_read_again_because_its_time_tells_nothing(csv, readings, digits):
    os.utime(csv)
    for count in (1, 2):
        open_dataset(csv)
        assert len(readings) == count


def test_files_in_a_folder_are_seen_one_by_one(tmp_path, readings, digits):
    folder = tmp_path / "many"
    folder.mkdir()
    images, labels = digits
    for part, name in enumerate(("train", "test")):
        write_csv(folder / f"{name}.csv", images[part::2], labels[part::2])
    assert not open_dataset(folder).notes
    seen = files_seen(folder)
    open_dataset(folder)
    assert len(readings) == 1 and files_seen(folder) == seen
    write_csv(folder / "test.csv", images[1::2], labels[1::2][::-1], OLD + 5)
    assert files_seen(folder) != seen
    open_dataset(folder)
    assert len(readings) == 2


@pytest.mark.parametrize("damage", [b"", b"no zip", None])
def test_a_damaged_or_unwritable_cache_costs_only_time(csv, readings, damage, cache):
    if damage is None:
        cache.write_bytes(b"a file in the place of the folder")
    first = open_dataset(csv)
    for entry in prepared.cached_datasets().glob("*.npz") if damage is not None else ():
        entry.write_bytes(damage)
    assert same(open_dataset(csv), first) and len(readings) == 2


def test_the_cache_keeps_within_its_limit(csv, monkeypatch):
    open_dataset(csv)
    (old,) = prepared.cached_datasets().glob("*.npz")
    os.utime(old, (OLD, OLD))
    leftover = prepared.cached_datasets() / ".x.tmp"
    leftover.touch()
    os.utime(leftover, (OLD, OLD))
    monkeypatch.setattr(prepared, "MAX_CACHE", 1000)
    open_dataset(csv, Choices(seed=1))
    (new,) = prepared.cached_datasets().glob("*.npz")
    assert new != old and not leftover.exists()


def test_images_without_labels_can_be_opened_but_not_loaded(tmp_path, digits, readings):
    path = write_csv(tmp_path / "test.csv", digits[0])
    for _ in range(2):
        opened = open_dataset(path)
        assert isinstance(opened, Unlabelled) and opened.name.plain == "test" and "no labels" in opened.notes[0].plain
        np.testing.assert_array_equal(opened.images, digits[0])
    assert len(readings) == 1
    with pytest.raises(DatasetError, match="60 images without labels"):
        load_dataset("full", path)
    kept = open_dataset(save_prepared(opened, tmp_path / "kept"))
    np.testing.assert_array_equal(kept.images, digits[0])


# A prepared data set as a file


def test_what_is_saved_is_a_data_set_as_it_was_and_a_run_finds_it(csv, tmp_path, readings):
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    made = open_dataset(csv, Choices(shape=(14, 14), class_names=names, seed=3))
    path = save_prepared(made, tmp_path / "kept")
    assert path == save_prepared(made, tmp_path / "kept") and path.parent == tmp_path / "kept"
    loaded = load_dataset("full", path)
    assert same(loaded, made) and loaded.name == made.name and loaded.data_dir == str(path)
    assert len(readings) == 1 and find_full(path) == path and len(files_seen(path)) == 1
    reference = DatasetReference.of(loaded)
    assert same(reference.load(), made) and reference.shape() == ((14, 14), 10)
    np.testing.assert_array_equal(open_dataset(path, Choices(invert=True)).train_images, 255 - made.train_images)
    assert list(open_source(path).splits) == ["train", "test"]


def test_a_run_notices_that_its_file_has_changed(csv, digits):
    reference = DatasetReference.of(load_dataset("full", csv))
    assert reference.data_dir == str(csv) and same(reference.load(), load_dataset("auto", csv))
    write_csv(csv, digits[0], digits[1][::-1], OLD + 9)
    with pytest.raises(DatasetError, match="are not those that this run was created with"):
        reference.load()


def test_a_column_that_belongs_to_the_images_is_kept(csv, tmp_path):
    made = open_dataset(csv)
    made = Dataset(
        **{name: getattr(made, name) for name in (*ARRAYS, "name", "source", "data_dir", "checksums")},
        extra={"train": {"writer": np.arange(len(made.train_images))}},
    )
    kept = load_dataset("full", save_prepared(made, tmp_path))
    np.testing.assert_array_equal(kept.extra["train"]["writer"], np.arange(len(made.train_images)))
    assert kept.known_of("train", 7).plain == "writer 7" and not kept.known_of("test", 0)
    corrected = decide(kept, "train", [(3, None)]).apply(kept)
    assert corrected.known_of("train", 3).plain == "writer 4"


def change(path, **arrays):
    with np.load(path) as content:
        kept = dict(content) | arrays
    np.savez(path, **{name: array for name, array in kept.items() if array is not None})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"train_images": np.zeros((3, 4), np.uint8)}, "expected images"),
        ({"test_labels": np.zeros(5, np.uint8)}, "5 labels"),
        ({"prepared": np.frombuffer(b"[" * 5000, np.uint8)}, "no prepared data set"),
        ({"prepared": np.frombuffer(b'{"name": 3}', np.uint8)}, "no prepared data set"),
        ({"prepared": np.frombuffer(b'{"name": "x", "class_names": ["a"]}', np.uint8)}, "1 class name"),
        ({"prepared": np.frombuffer(b'{"name": "x", "class_names": ["a", "a"]}', np.uint8)}, "'a' for classes 0 and 1"),
        ({"images": np.zeros((0, 2, 2), np.uint8)}, "no grey pictures"),
        ({"more": np.array(["x" * 40])}, "dtype <U40"),
    ],
)
def test_a_file_made_by_others_is_not_trusted(csv, tmp_path, arrays, words):
    path = save_prepared(open_dataset(csv), tmp_path)
    change(path, **arrays)
    with pytest.raises(DatasetError, match=words) as caught:
        load_dataset("full", path)
    assert "found" in str(caught.value) or "holds" in str(caught.value)


# Which path is a data set


def test_an_empty_path_is_refused_and_a_missing_one_is_named(tmp_path):
    with pytest.raises(DatasetError, match="empty path"):
        load_dataset("full", "")
    with pytest.raises(DatasetError, match="no such folder or file"):
        load_dataset("full", tmp_path / "nothing.csv")
    assert find_full(tmp_path / "nothing.csv") is None


def test_the_variable_may_name_a_file(csv, monkeypatch):
    monkeypatch.setenv(data.FOLDER_VARIABLE, str(csv))
    assert find_full() == csv and load_dataset().data_dir == str(csv)


def test_only_the_two_training_files_are_split_but_three_of_four_are_a_copy_that_is_not_whole(tiny_folder):
    folder = tiny_folder(train=30, test=6)
    labels = folder / f"{data.TEST_LABELS}.gz"
    labels.rename(folder / f"{data.TEST_LABELS} (1).gz")  # as browsers do
    assert len(load_dataset("full", folder).test_labels) == 6
    (folder / f"{data.TEST_LABELS} (1).gz").unlink()
    with pytest.raises(DatasetError, match=data.TEST_LABELS):
        load_dataset("full", folder)
    (folder / f"{data.TEST_IMAGES}.gz").unlink()
    made = load_dataset("full", folder)
    assert (len(made.train_images), len(made.test_images)) == (25, 5) and find_full(folder) == folder
    assert "held back" in made.notes[0].plain


def test_what_is_in_the_place_of_a_file_is_said(tiny_folder):
    folder = tiny_folder()
    (folder / f"{data.TEST_IMAGES}.gz").write_bytes(b"<!DOCTYPE html><html>404</html>")
    with pytest.raises(DatasetError, match=f"{folder.name}: {data.TEST_IMAGES}.gz: found an HTML page, but expected"):
        load_dataset("full", folder)


def test_a_folder_in_a_zip_file_is_a_path(tmp_path, digits):
    write_csv(tmp_path / "train.csv", *digits)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "train.csv", "one/train.csv")
        archive.write(tmp_path / "train.csv", "two/train.csv")
    path = tmp_path / "all.zip" / "one"
    assert len(load_dataset("full", path).train_images) == 50 and find_full(path) == path
    assert [name for name, *_ in files_seen(path)] == ["all.zip"]


def test_very_many_files_are_not_looked_at_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr("mnist_core.data.files_seen.MOST_SEEN", 20)
    for label in range(5):
        (tmp_path / "train" / str(label)).mkdir(parents=True)
        for number in range(30):
            (tmp_path / "train" / str(label) / f"{number}.png").touch()
    seen = files_seen(tmp_path)
    assert 7 <= len(seen) < 60 and seen == files_seen(tmp_path)
    time.sleep(0.01)
    Path(tmp_path, "train", "4", "30.png").touch()  # in a folder that comes last
    assert files_seen(tmp_path) != seen
    assert prepared_file.is_prepared(tmp_path) is False


def test_of_a_prepared_data_set_only_what_is_asked_for_changes(tmp_path, digits):
    images, labels = digits
    large = np.repeat(np.repeat(255 - images, 3, 1), 3, 2)
    some = labels != 0
    np.savez(tmp_path / "dark.npz", x=large[some], y=labels[some])
    choices = Choices((84, 84), invert=False, first_label=0)
    kept = save_prepared(open_dataset(tmp_path / "dark.npz", choices), tmp_path / "kept")
    again = open_dataset(kept, Choices(transpose=True))
    np.testing.assert_array_equal(again.train_images, load_dataset("full", kept).train_images.transpose(0, 2, 1))
    np.testing.assert_array_equal(again.train_labels, load_dataset("full", kept).train_labels)


def test_a_folder_of_nothing_but_a_prepared_file_is_that_file(tmp_path, csv):
    names = tuple("abcdefghij")
    save_prepared(open_dataset(csv, Choices(class_names=names)), tmp_path / "kept")
    kept = load_dataset("full", tmp_path / "kept")
    assert tuple(name.plain for name in kept.class_names) == names
    assert DatasetReference.of(kept).load().class_names == kept.class_names
