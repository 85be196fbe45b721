"""Damage is noticed: the files of a run that has ended carry checksums, and a model is compared with its run."""

import io
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import DatasetError, MnistError, RunError
from mnist_core.jobs import job
from mnist_core.jobs.label_check import read_probabilities, read_progress
from mnist_core.jobs.start import resume_run, start_run
from mnist_core.nn.network import Network
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import sha256, write_json, write_npz
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import RESULTS, create_run, find_run, list_runs, read_run
from mnist_core.training.config import TrainingConfig
from tests.core.jobs.test_label_check import work as check_labels
from tests.helpers import wait, without_checksums, work

CONFIG = TrainingConfig(epochs=40, hidden_layers=(5, 4), activation="relu", validation_fraction=0.2, patience=40)


@pytest.fixture(scope="module")
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=60))


@pytest.fixture(scope="module")
def original(dataset, tmp_path_factory):
    return wait(start_run(CONFIG, dataset, tmp_path_factory.mktemp("original")))


@pytest.fixture
def run(original, tmp_path):
    """A finished run, to be damaged."""
    return read_run(shutil.copytree(original.path, tmp_path / original.id))


def read_everything(run):
    """Read all of a run as the app and the command line do."""
    run = find_run(run.id, run.path.parent)
    checkpoint = Checkpoint.read(run.path)
    run.check_files()
    network, state = checkpoint.restore(run.config)
    return run.metrics(), run.steps(), run.layers(), run.histograms(), run.load_network(), network, state


def flip(content, position):
    damaged = bytearray(content)
    damaged[position // 8] ^= 1 << position % 8
    return bytes(damaged)


def test_a_run_that_has_ended_carries_checksums_of_all_its_files(run):
    assert run.status.checksums == {name: sha256(run.path / name) for name in ("config.json", *RESULTS)}
    assert run.unverified is None
    read_everything(run)


@pytest.mark.parametrize("name", ["config.json", *RESULTS])
def test_a_flipped_bit_in_any_file_is_noticed(run, name):
    content = (run.path / name).read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.choice(8 * len(content), 60, replace=False):
        (run.path / name).write_bytes(flip(content, int(position)))
        with pytest.raises(RunError, match=name.replace(".", r"\.")):
            read_everything(run)
    (run.path / name).write_bytes(content)
    read_everything(run)


def test_1500_flipped_bits_in_the_arrays_are_refused_without_checksums_too(run):
    """The zip file has a checksum of each array."""
    path = without_checksums(run).path / "model.npz"
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        end_of_arrays = archive.start_dir
        first = archive.infolist()[1].header_offset + 30
    arrays = range(8 * first, 8 * end_of_arrays)
    expected = run.load_network().parameters
    refused = 0
    for position in np.random.default_rng(0).choice(arrays, 1500, replace=False):
        path.write_bytes(flip(content, int(position)))
        try:
            np.testing.assert_array_equal(run.load_network().parameters, expected)
        except RunError:
            refused += 1
    assert refused > 1200  # the others are in what the directory repeats


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 11])
@pytest.mark.parametrize("name", ["model.npz", "checkpoint.npz"])
def test_no_flipped_bit_of_the_directory_gives_another_network(run, name, every):
    """Of 3,152 flips 17 gave a network of fewer layers: a longer comment swallows the entries that follow."""
    path = without_checksums(run).path / name
    content = path.read_bytes()
    read = {
        "model.npz": lambda: run.load_network().parameters,
        "checkpoint.npz": lambda: Checkpoint.read(run.path).restore(run.config)[0].parameters,
    }[name]
    expected, refused = read(), 0
    with zipfile.ZipFile(path) as archive:
        directory = range(8 * archive.start_dir, 8 * len(content))
    tried = directory[::every]
    for position in tried:
        path.write_bytes(flip(content, position))
        try:
            np.testing.assert_array_equal(read(), expected)
        except MnistError:
            refused += 1
    assert refused > len(tried) / 4


def test_entries_swallowed_by_a_comment_are_missed(run):
    """The entry of b1 gets a comment as long as the entries of the layers that follow."""
    path = without_checksums(run).path / "model.npz"
    content = bytearray(path.read_bytes())
    entries = [found.start() for found in re.finditer(rb"PK\x01\x02", content)]
    end = content.index(b"PK\5\6")
    content[entries[2] + 32 : entries[2] + 34] = (end - entries[3]).to_bytes(2, "little")
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["activation.npy", "W1.npy", "b1.npy"]
    with pytest.raises(RunError, match="its list of files has a comment, which NumPy does not write"):
        run.load_network()
    count = 3
    content[entries[2] + 32 : entries[2] + 34] = bytes(2)
    content[entries[3] : end] = b""
    content[-10:-6] = (entries[3] - entries[0]).to_bytes(4, "little")
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == count
    with pytest.raises(RunError, match=r"it lists 3 of \d files"):
        run.load_network()


def test_an_older_run_without_checksums_is_read_and_says_so(run):
    old = without_checksums(run)
    assert (old.problem, old.status.checksums) == (None, {})
    assert "without checksums: damage to its files may go unnoticed" in old.unverified
    read_everything(old)


OTHERS = {
    "fewer layers": lambda: Network((20, 5, 3), "relu"),
    "other widths": lambda: Network((20, 4, 5, 3), "relu"),
    "another activation": lambda: Network((20, 5, 4, 3), "tanh"),
    "more pixels": lambda: Network((21, 5, 4, 3), "relu"),
    "fewer classes": lambda: Network((20, 5, 4, 2), "relu"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_model_of_another_network_is_refused(run, other):
    write_npz(run.path / "model.npz", OTHERS[other]().to_arrays())
    with pytest.raises(RunError, match=r"model\.npz: it was changed or damaged"):
        run.load_network()
    old = without_checksums(run)
    with pytest.raises(RunError, match=r"it is another network|the data of this run have 20 pixels and 3 classes"):
        old.load_network()


def test_a_model_without_its_data_is_compared_with_the_settings_only(run, tmp_path):
    old = without_checksums(run)
    old = replace(old, origin=(old.config, replace(old.dataset, data_dir=str(tmp_path / "gone"))))
    write_npz(run.path / "model.npz", Network((30, 5, 4, 7), "relu").to_arrays())
    assert old.load_network().layer_sizes == (30, 5, 4, 7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_is_not_finite_is_refused(run, value):
    network = run.load_network()
    network.parameters[3] = value
    old = without_checksums(run)
    write_npz(run.path / "model.npz", network.to_arrays())
    with pytest.raises(RunError, match="weights or biases that are not finite"):
        old.load_network()


def test_what_is_checked_is_what_was_read(run, monkeypatch):
    """A file that another process replaces is read once, so that no checksum is one of other content."""
    opened = []
    original = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *rest, **more: opened.append(path) or original(path, *rest, **more))
    run.refresh()
    for rows in (run.metrics, run.steps, run.layers, run.histograms):
        rows()
    names = ("config.json", "metrics.csv", "steps.csv", "layers.csv", "histograms.csv")
    assert [opened.count(run.path / name) for name in names] == [1] * len(names)


def test_a_changed_config_says_how_to_keep_the_change(run):
    config = json.loads((run.path / "config.json").read_text())
    config["training"]["learning_rate"] = 0.25
    write_json(run.path / "config.json", config)
    (damaged,) = list_runs(run.path.parent)
    assert damaged.status.state == "damaged"
    assert damaged.problem.startswith("config.json")
    assert "take its checksum out of status.json" in damaged.problem
    status = json.loads((run.path / "status.json").read_text())
    del status["checksums"]["config.json"]
    write_json(run.path / "status.json", status)
    assert run.refresh().config.learning_rate == 0.25


@pytest.mark.parametrize("name", RESULTS)
def test_a_damaged_run_is_not_trained_on(run, name):
    content = (run.path / name).read_bytes()
    (run.path / name).write_bytes(content[:-1] + b"?")
    with pytest.raises(RunError, match=rf"{name} of run .* can't be used .* put the original file back, or delete it"):
        resume_run(run, 2)
    assert run.refresh().status == run.status


def test_a_run_that_trains_on_is_not_taken_for_damaged(run, monkeypatch):
    """A page may hold the run as it was before."""
    seen = run
    resume_run(run, 2)
    assert wait(run.refresh()).status.checksums != seen.status.checksums
    assert len(seen.metrics()) == 42
    seen.load_network()
    monkeypatch.setattr(job, "start_process", lambda *_: None)
    assert resume_run(run.refresh(), 1).metrics() == seen.metrics()


def test_an_import_keeps_the_checksums_and_refuses_a_damaged_run(run, tmp_path):
    there = import_run(export_run(run), tmp_path / "there")
    assert set(there.status.checksums) == {"config.json", *RESULTS}
    read_everything(there)
    table = (run.path / "metrics.csv").read_text()
    (run.path / "metrics.csv").write_text(table.replace("1", "2", 1))
    with pytest.raises(RunError, match=r"The run in the zip is damaged .*metrics\.csv"):
        import_run(export_run(run), tmp_path / "elsewhere")


def test_an_import_looks_at_no_folder_that_the_zip_names(run, tmp_path, monkeypatch):
    asked = []

    def load(reference):
        asked.append(reference.data_dir)
        raise DatasetError("it is gone")

    monkeypatch.setattr(DatasetReference, "load", load)
    with zipfile.ZipFile(io.BytesIO(export_run(run))) as archive:
        assert run.dataset.data_dir in archive.read(f"{run.id}/config.json").decode()
    import_run(export_run(run), tmp_path / "there")
    assert set(asked) == {None}


def test_damaged_probabilities_of_a_label_check_are_noticed(dataset, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    assert check_labels(run).returncode == 0
    assert list(read_progress(run).checksums) == ["cross_validation.npz", "cross_validation_test.npz"]
    path = run.path / "cross_validation.npz"
    with np.load(path) as content:
        write_npz(path, {**content, "probabilities": content["probabilities"][::-1]})
    with pytest.raises(RunError, match=r"can't be read \(cross_validation\.npz: it was changed or damaged"):
        read_probabilities(run)


def test_a_failed_run_carries_checksums_too(dataset, tmp_path):
    run = create_run(replace(CONFIG, learning_rate=1e5), dataset, tmp_path)
    assert work(run).returncode == 1
    run = run.refresh()
    assert run.status.state == "failed"
    assert {"config.json", "metrics.csv"} <= set(run.status.checksums)
    run.check_files()


def test_the_state_says_which_epoch_the_model_is_of(run, dataset, tmp_path):
    assert run.status.epoch > run.status.model_epoch >= 1, "chosen such that early stopping restores an earlier epoch"
    best = min(run.metrics(), key=lambda row: row.val_loss)
    assert run.status.model_epoch == model_epoch(run) == best.epoch
    old = without_checksums(run)
    assert old.status.model_epoch is None
    assert model_epoch(old) == best.epoch, "an older run: from its metrics"

    plain = create_run(replace(CONFIG, patience=0), dataset, tmp_path / "plain")
    assert work(plain).returncode == 0
    assert plain.refresh().status.model_epoch == 40
