"""Histograms of weights and activations: counted correctly, recorded by the worker, small, and resumed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.dataset import load_dataset
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.errors import RunError
from mnist_core.jobs.job import Job
from mnist_core.jobs.recorder import Recorder
from mnist_core.jobs.start import TRAINING, resume_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.run import create_run
from mnist_core.runs.schema import write_record
from mnist_core.runs.status import Status
from mnist_core.runs.tables import HISTOGRAMS, Bounds
from mnist_core.training import layer_histograms as histograms
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_histograms import BINS, COLUMNS, Histogram, is_due, layer_histograms, on_common_bins
from mnist_core.training.loop import build_network
from tests.helpers import wait, work

CONFIG = TrainingConfig(epochs=6, hidden_layers=(8, 6), batch_size=4)


@pytest.fixture(scope="module")
def dataset(tiny_folder):
    return load_dataset("full", tiny_folder(train=60))


def test_counts_are_those_of_numpy(dataset):
    network = build_network(CONFIG, dataset)
    rows = layer_histograms(network, dataset, 3)
    assert [(row.epoch, row.layer, row.kind) for row in rows] == [
        (3, layer, kind) for layer in (1, 2, 3) for kind in ("weight", "activation")
    ]
    activations = network.forward_pass(flatten(normalize(dataset.train_images))).activations[1:]
    for row in rows:
        values = (network.weights if row.kind == "weight" else activations)[row.layer - 1]
        counts, edges = np.histogram(values.astype(np.float64), BINS)
        assert row.counts == tuple(counts)
        assert (row.low, row.high) == (edges[0], edges[-1])


def test_rows_of_the_table_can_be_read_again(dataset, tmp_path):
    rows = layer_histograms(build_network(CONFIG, dataset), dataset, 3)
    HISTOGRAMS.rewrite(tmp_path, rows)
    again = HISTOGRAMS.read(tmp_path, Bounds(3, 3), whole=True)
    assert len(COLUMNS) == 37
    for read, row in zip(again, rows, strict=True):
        assert read[:3] == row[:3] and read.counts == row.counts
        assert read[3:5] == pytest.approx(row[3:5], rel=1e-5)


@pytest.mark.parametrize("value", [0.0, -3.5, 1e6, 1e30])
def test_layers_of_equal_values_are_counted(dataset, value, tmp_path):
    network = build_network(CONFIG, dataset)
    network.weights[0][:] = value
    row = layer_histograms(network, dataset, 0)[0]
    HISTOGRAMS.rewrite(tmp_path, [row])
    (read,) = HISTOGRAMS.read(tmp_path, Bounds(), whole=True)
    assert read.low < row.low + (row.high - row.low) / 2 < row.high
    assert sum(row.counts) == network.weights[0].size


def test_a_large_layer_is_counted_in_part(dataset, monkeypatch):
    monkeypatch.setattr(histograms, "COUNTED", 50)
    row = layer_histograms(build_network(CONFIG, dataset), dataset, 0)[0]
    assert 40 <= sum(row.counts) <= 50


@given(st.integers(1, 10_000))
def test_few_epochs_are_recorded_however_many_are_trained(epochs):
    last, described = None, 0
    for epoch in range(epochs + 1):
        if is_due(epoch, last):
            last, described = epoch, described + 1
    assert min(epochs, 40) <= described <= 300
    assert last >= epochs * 0.97


def test_common_bins_hold_the_same_fractions():
    narrow = Histogram(0, 1, "weight", -1.0, 1.0, (10,) * BINS)
    wide = Histogram(1, 1, "weight", -2.0, 2.0, (0,) * 16 + (5,) * 16)
    empty = Histogram(2, 1, "weight", -0.5, 0.5, (0,) * BINS)
    edges, fractions = on_common_bins([narrow, wide, empty], 8)
    np.testing.assert_allclose(edges, np.linspace(-2, 2, 9))
    np.testing.assert_allclose(fractions[0], [0, 0, 0.25, 0.25, 0.25, 0.25, 0, 0])
    np.testing.assert_allclose(fractions[1], [0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25])
    np.testing.assert_allclose(fractions[2], 0)


def test_the_worker_records_the_first_and_the_last_epoch(dataset, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    assert run.histograms() == []
    assert work(run).returncode == 0
    rows = run.histograms()
    assert (rows[0].epoch, rows[-1].epoch) == (0, 6)
    for recorded, network in (
        (rows[:6], build_network(CONFIG, dataset)),
        (rows[-6:], Checkpoint.read(run.path).model()),
    ):
        for row, expected in zip(recorded, layer_histograms(network, dataset, recorded[0].epoch), strict=True):
            assert row[:3] == expected[:3] and row.counts == expected.counts
    assert len({(row.epoch, row.layer, row.kind) for row in rows}) == len(rows)


def test_a_resumed_run_continues_after_its_checkpoint(dataset, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    assert work(run).returncode == 0
    before = (run.path / "histograms.csv").read_text()
    late = before.splitlines()[-1].replace("6,", "9,", 1)
    (run.path / "histograms.csv").write_text(f"{before}{late}\n{late[:20]}")  # a worker that died after its checkpoint
    write_record(run.path / "status.json", replace(run.refresh().status, checksums={}))
    run = wait(resume_run(run.refresh(), 4))
    rows = run.histograms()
    epochs = [row.epoch for row in rows]
    assert epochs == sorted(epochs) and epochs[-1] == 10
    assert len({row[:3] for row in rows}) == len(rows)
    assert (run.path / "histograms.csv").read_text().startswith(before)


def test_the_file_stays_small_in_the_longest_run_of_the_deepest_network(dataset, tmp_path):
    config = replace(CONFIG, epochs=10_000, hidden_layers=(100,) * 10)
    run, network = create_run(config, dataset, tmp_path), build_network(config, dataset)
    with Recorder(Job(TRAINING, run, run.status), Checkpoint()) as recorder:
        recorder._write_histograms(network, 0, dataset)
    written = (run.path / "histograms.csv").stat().st_size
    described, last = 0, None
    for epoch in range(10_001):
        if is_due(epoch, last):
            described, last = described + 1, epoch
    assert described * written < 1_000_000


def test_a_damaged_table_is_named_in_a_sentence(dataset, tmp_path):
    run = create_run(CONFIG, dataset, tmp_path)
    row = Histogram(0, 1, "weight", 0.0, 1.0, (1,) * BINS).to_row().replace("1,1,1", "1,x,1", 1)
    (run.path / "histograms.csv").write_text(f"{','.join(COLUMNS)}\n{row}\n")
    write_record(run.path / "status.json", Status("finished"))
    with pytest.raises(RunError, match=r"can't be read \(histograms\.csv"):
        run.refresh().histograms()
