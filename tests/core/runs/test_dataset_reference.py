"""A run finds its data again: where it was, where it moved, on another machine, and if an older version recorded it."""

import json
import shutil
from dataclasses import replace

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.fitting import MAX_CLASSES
from mnist_core.data.published import named
from mnist_core.data.published.catalogue import FASHION
from mnist_core.errors import DatasetError
from mnist_core.runs import dataset_reference
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import create_run, read_run
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data in the default folder."""
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "nowhere"))


def test_data_that_moved_is_found_in_the_further_folders(tiny_folder, tmp_path, nowhere):
    folder = tiny_folder()
    reference = DatasetReference.of(load_dataset("full", folder))
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(DatasetError, match=r"found no such folder.* If they moved, choose their new folder, or let"):
        reference.load()
    other = tiny_folder(seed=1)
    assert reference.load(elsewhere=[str(other), None, str(moved)]).data_dir == str(moved)
    shutil.copytree(other, folder)
    assert reference.load(elsewhere=[str(moved)]).data_dir == str(moved), "other data took its place"


def test_a_run_on_the_sample_looks_nowhere_else(tiny_folder, nowhere):
    reference = replace(DatasetReference.of(load_dataset("sample")), checksums={"sample.npz": "0" * 64})
    with pytest.raises(DatasetError, match="not those that this run was created with"):
        reference.load(elsewhere=[str(tiny_folder())])


@pytest.mark.parametrize("version", ["older", "newer"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_imported_run_finds_its_data_here(tiny_folder, tmp_path, nowhere, version, suffix):
    folder = tiny_folder(suffix=suffix)
    dataset = load_dataset("full", folder)
    run = create_run(TrainingConfig(), dataset, tmp_path / "there")
    if version == "older":
        content = json.loads((run.path / "config.json").read_text())
        content["dataset"]["checksums"] = dataset.file_checksums
        (run.path / "config.json").write_text(json.dumps(content))
    moved = folder.rename(tmp_path / "here")
    imported = import_run(export_run(run), tmp_path / "runs", [load_dataset("full", moved)])
    assert imported.dataset.data_dir == str(moved)
    assert imported.dataset.load().checksums == dataset.checksums


def test_a_run_knows_the_names_of_its_classes_without_its_data(tiny_folder, tmp_path, nowhere):
    folder = tiny_folder()
    plain = load_dataset("full", folder)
    named = replace(plain, given_names=tuple(UntrustedText("い" * 90 + str(k)) for k in range(plain.num_classes)))
    run = create_run(TrainingConfig(), named, tmp_path / "runs")
    assert run.dataset.load().classes == run.dataset.classes(plain.num_classes), "those of the run, not of the files"
    shutil.rmtree(folder)
    classes = read_run(run.path).dataset.classes(plain.num_classes + 1)
    assert [name.plain[:2] for name in classes] == ["いい"] * plain.num_classes + [str(plain.num_classes)]


def test_a_run_without_names_is_written_as_older_versions_read_it(tiny_folder, tmp_path):
    run = create_run(TrainingConfig(), load_dataset("full", tiny_folder()), tmp_path)
    assert "class_names" not in json.loads((run.path / "config.json").read_text())["dataset"]
    assert run.dataset.classes(3).are_numbers


def test_the_longest_names_of_the_most_classes_can_be_read_again(tiny_folder, tmp_path):
    named = replace(load_dataset("full", tiny_folder()), given_names=(UntrustedText("\U0001f45f" * 99),) * MAX_CLASSES)
    assert not create_run(TrainingConfig(), named, tmp_path).problem


def test_a_published_data_set_is_found_again_where_it_is_fetched_to(tiny_folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    fetched = load_dataset("full", tiny_folder().rename(tmp_path / "was here"))
    known = replace(FASHION, content=fetched.checksums, elsewhere=())
    monkeypatch.setattr(dataset_reference, "known_content", lambda checksums: known)
    monkeypatch.setattr(named, "cache_dir", lambda: cache)
    reference = DatasetReference.of(fetched)
    (tmp_path / "was here").rename(tmp_path / "gone")
    with pytest.raises(DatasetError, match="name it, or fetch Fashion-MNIST again with `mnist download fashion-mnist`"):
        reference.load()
    cache.mkdir()
    (tmp_path / "gone").rename(cache / "fashion-mnist")
    assert reference.load().checksums == fetched.checksums
