"""A run with corrected labels: it trains and is tested on them, and they travel with it."""

import io
import json
import zipfile

import numpy as np
import pytest

from mnist_core.cli import main
from mnist_core.data.corrected.corrections import Corrections, decide
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import CorrectionsError, RunError
from mnist_core.evaluation.predict import evaluate
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from tests.helpers import work, write_config

CONFIG = TrainingConfig(epochs=2, hidden_layers=(4,), batch_size=8)


@pytest.fixture(scope="module")
def data(tiny_folder):
    return load_dataset("full", tiny_folder(train=40))


@pytest.fixture(scope="module")
def corrections(data):
    new = (data.train_labels.astype(int) + 1) % data.num_classes
    train = decide(data, "train", [(0, int(new[0])), (3, None), (5, int(data.train_labels[5]))])
    test = decide(data, "test", [(0, None), (1, int(data.test_labels[1] + 1) % data.num_classes)])
    return train.merge(test)[0]


@pytest.fixture(scope="module")
def run(data, corrections, tmp_path_factory):
    run = create_run(CONFIG, data, tmp_path_factory.mktemp("runs"), corrections=corrections)
    assert work(run).returncode == 0
    return run.refresh()


def test_it_is_trained_and_tested_on_the_corrected_labels(run, data, corrections):
    assert run.corrections() == corrections
    corrected = run.load_dataset()
    np.testing.assert_array_equal(corrected.train_labels, corrections.apply(data).train_labels)
    assert run.load_dataset() is not run.load_dataset(original=True)
    np.testing.assert_array_equal(run.load_dataset(original=True).test_labels, data.test_labels)
    result = evaluate(run.load_network(), corrected.test_images, corrected.test_labels)
    assert run.status.test_accuracy == pytest.approx(result.accuracy)
    assert len(result.labels) == len(data.test_labels) - 1
    assert json.loads((run.path / "config.json").read_text())["corrections"] == corrections.sha256


def test_without_corrections_the_file_is_that_of_older_versions(data, tmp_path):
    run = create_run(CONFIG, data, tmp_path)
    assert list(json.loads((run.path / "config.json").read_text())) == ["created", "training", "dataset"]
    assert not (run.path / "corrections.csv").exists()
    assert (run.corrections(), run.corrections_sha256, run.load_dataset().corrections) == (None, None, None)


def test_data_that_are_corrected_already_give_a_run_its_corrections(data, corrections, tmp_path):
    assert create_run(CONFIG, corrections.apply(data), tmp_path).corrections() == corrections
    assert create_run(CONFIG, DatasetReference.of(data), tmp_path, corrections=corrections).corrections() == corrections


def test_corrections_of_other_data_make_no_run(corrections, tiny_folder, tmp_path):
    with pytest.raises(CorrectionsError, match="do not fit"):
        create_run(CONFIG, load_dataset("full", tiny_folder(train=41, seed=9)), tmp_path, corrections=corrections)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "problem"), [(None, "is missing"), (b"split\n", "changed or damaged")])
def test_a_file_that_is_gone_or_changed_is_said(data, corrections, tmp_path, content, problem):
    run = create_run(CONFIG, data, tmp_path, corrections=corrections)
    if content is None:
        (run.path / "corrections.csv").unlink()
    else:
        (run.path / "corrections.csv").write_bytes(content)
    assert run.refresh().problem is None
    for read in (run.load_dataset, run.corrections):
        with pytest.raises(CorrectionsError, match=rf"corrections\.csv.*{problem}.*Put the original file back"):
            read()
    with pytest.raises(RunError, match="damaged"):
        import_run(export_run(run), tmp_path / "there")


def test_a_checksum_that_is_none_is_refused(run, tmp_path, data):
    odd = create_run(CONFIG, data, tmp_path)
    write_config(odd, {**json.loads((odd.path / "config.json").read_text()), "corrections": "../x"})
    assert "corrections is '../x'" in odd.refresh().problem


def test_they_travel_with_the_run(run, corrections, tmp_path):
    there = import_run(export_run(run), tmp_path)
    assert there.corrections() == corrections
    assert there.corrections_sha256 == corrections.sha256


def test_corrections_that_a_run_does_not_know_stay_out(run, data, tmp_path):
    plain = create_run(CONFIG, data, tmp_path)
    packed = io.BytesIO(export_run(plain))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(f"{plain.id}/corrections.csv", "anything")
    there = import_run(packed.getvalue(), tmp_path)
    assert there.corrections() is None
    assert not (there.path / "corrections.csv").exists()


def test_evaluate_says_both_accuracies(run, data, corrections, capsys):
    network, corrected = run.load_network(), corrections.apply(data)
    on_original = evaluate(network, data.test_images, data.test_labels)
    on_corrected = evaluate(network, corrected.test_images, corrected.test_labels)
    for options in ([], ["--data-dir", data.data_dir]):
        assert main(["evaluate", run.id, "--runs-dir", str(run.path.parent), *options]) == 0
        printed = capsys.readouterr().out
        assert f"accuracy   {on_corrected.accuracy:.2%} on corrected labels" in printed
        assert f"           {on_original.accuracy:.2%} on original labels" in printed
        assert "1 test label changed, 1 test image left out" in printed
    assert main(["evaluate", run.id, "--runs-dir", str(run.path.parent), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["accuracy"] == on_corrected.accuracy
    assert report["corrections"] == corrections.sha256
    assert report["original_labels"]["accuracy"] == on_original.accuracy
    assert report["original_labels"]["images"] == len(data.test_labels)


def test_train_takes_a_file(data, corrections, tmp_path, capsys):
    path = tmp_path / "mine.csv"
    corrections.write(path)
    words = ["train", "--data-dir", data.data_dir, "--runs-dir", str(tmp_path / "runs"), "--epochs", "1"]
    assert main([*words, "--hidden-layers", "4", "--corrections", str(path)]) == 0
    assert "5 decisions on labels: 1 training label changed, 1 training image left out" in capsys.readouterr().out
    (folder,) = [path for path in (tmp_path / "runs").iterdir() if not path.name.startswith(".")]
    assert Corrections.read(folder / "corrections.csv") == corrections
    assert main([*words, "--corrections", str(tmp_path / "none.csv")]) == 1
    assert "found no such file" in capsys.readouterr().err
