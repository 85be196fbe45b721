"""Tables of a run: bounded, read fast however large they are, damaged rows counted or named."""

import math
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from mnist_core.errors import RunError
from mnist_core.jobs import recorder
from mnist_core.jobs.start import resume_run
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import create_run
from mnist_core.runs.schema import write_record
from mnist_core.runs.status import Status
from mnist_core.runs.tables import HISTOGRAMS, LAYERS, METRICS, MOST_ROWS, STEPS, TABLES, Bounds, Step
from mnist_core.training.config import TrainingConfig
from mnist_core.training.layer_histograms import BINS, Histogram
from mnist_core.training.layer_statistics import LayerStatistics
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText
from tests.helpers import wait, work

REFERENCE = DatasetReference(UntrustedText("somewhere"), "sample", None, {"file": "abc"})
nan = math.nan
ROWS = {
    METRICS: [EpochMetrics(n, 0.5, 0.9, nan, nan, 0.1, 1.5) for n in (1, 2, 3)],
    STEPS: [Step(0.25, 2.5), Step(0.5, 2.25), Step(3.0, 1.0)],
    LAYERS: [LayerStatistics(n, layer, 1.0, 0.5, -0.5, 0.25, nan, nan) for n in (0, 1) for layer in (1, 2)],
    HISTOGRAMS: [Histogram(n, 1, kind, -1.5, 2.0, (3,) * BINS) for n in (0, 2) for kind in ("weight", "activation")],
}
BOUNDS = Bounds(3, 2)


@pytest.fixture
def run(tmp_path):
    return create_run(TrainingConfig(epochs=3, hidden_layers=(4,)), REFERENCE, tmp_path)


def ended(run, state="finished"):
    write_record(run.path / "status.json", Status(state, epoch=3, error=UntrustedText("It failed.")))
    return run.refresh()


def add(path, table, *lines):
    table.rewrite(path, ROWS[table])
    with (path / table.name).open("a") as file:
        file.writelines(lines)


def same(rows, others):
    return str(list(rows)) == str(list(others))  # nan is nan


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_read_as_they_were_written(tmp_path, table):
    assert table.read(tmp_path, BOUNDS, whole=True) == []
    table.rewrite(tmp_path, ROWS[table])
    for whole in (True, False):
        rows = table.read(tmp_path, BOUNDS, whole)
        assert same(rows, ROWS[table])
        assert rows.left_out == 0


BAD = {
    METRICS: [
        "-5,1,1,1,1,1,1", "nan,1,1,1,1,1,1", f"{10**400},1,1,1,1,1,1", "9" * 50 + ",1,1,1,1,1,1", "a" * 200,
        "a" * 200_000, "\x00",
        "4,1,1,1,1,1,1", "3,1,1,1,1,1,1", "0,1,1,1,1,1,1", "1.5,1,1,1,1,1,1", "3,nan,1,1,1,1,1", "3,1,1.5,1,1,1,1",
        "3,1,1,1,1,1,-1", "3,1,1,1,1,1,inf", "3,1,1", "3,1,1,1,1,1,1,1", "", "3,1,1,1,1,1,1e999", '"3",1,1,1,1,1,1',
    ],
    STEPS: ["nan,nan", "-1,1", "9,1", "0.1,1", "3,-1", "3,inf", "3", "3,x"],
    LAYERS: ["3,0,1,1,1,1,1,1", "3,3,1,1,1,1,1,1", "3,1,-1,1,1,1,1,1", "3,1,1,1,1,1,2,1", "0,1,1,1,1,1,1,1"],
    HISTOGRAMS: [
        f"3,1,weight,0,1,{'9' * 30}" + ",1" * 31, "3,1,weight,0,1,-1" + ",1" * 31, "3,1,bias,0,1,1" + ",1" * 31,
        "3,1,weight,nan,1,1" + ",1" * 31, "3,1,weight,2,1,1" + ",1" * 31, "3,9,weight,0,1,1" + ",1" * 31,
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "line"), [(table, line) for table in BAD for line in BAD[table]], ids=lambda x: str(x)[:20]
)
def test_a_damaged_row_is_left_out_and_counted_until_the_run_has_ended(run, table, line):
    add(run.path, table, f"{line}\n")
    rows = run.rows(table)
    assert same(rows, ROWS[table]) and rows.left_out == 1
    with pytest.raises(RunError, match=rf"The metrics of run .* can't be read \({table.name}: "):
        ended(run).rows(table)


@pytest.mark.parametrize("state", ["failed", "paused", "stopped"])
def test_only_a_worker_that_was_cut_off_may_leave_damaged_rows(run, state):
    add(run.path, METRICS, "3,1\n")
    if state == "failed":
        assert ended(run, state).metrics().left_out == 1
    else:
        with pytest.raises(RunError, match="a row has 2 values: expected 7"):
            ended(run, state).metrics()


def test_the_reason_names_the_value_and_what_is_expected(run):
    add(run.path, METRICS, "-5,1,1,1,1,1,1\n")
    with pytest.raises(RunError, match=r"\(metrics\.csv: epoch is '-5': expected a whole number of at least 1\)"):
        ended(run).metrics()
    add(run.path, METRICS, "3,1,1,1,1,1,1\n")
    with pytest.raises(RunError, match=r"a row of epoch 3 follows one of epoch 3"):
        ended(run).metrics()


@pytest.mark.parametrize(
    "content", [b"", b"epoch,loss", b"epoch,loss\n0.5,1", b"loss,epoch\n0.5,1\n", b"\xff\xff\n0.5,1\n"]
)
def test_a_header_or_an_end_that_is_damaged_is_named_once_the_run_has_ended(run, content):
    (run.path / "steps.csv").write_bytes(content)
    assert len(run.steps()) <= 1
    with pytest.raises(RunError, match=r"its (first line is not|last line has no end)"):
        ended(run).steps()


def test_the_lines_of_windows_are_read(run):
    (run.path / "steps.csv").write_bytes(b"epoch,loss\r\n0.5,1\r\n")
    assert ended(run).steps() == [Step(0.5, 1.0)]


def test_a_table_of_an_older_version_lacks_the_last_columns(run):
    lines = ["epoch,layer,weight_rms,gradient_rms,activation_mean,activation_std,flat", "1,1,1,1,1,1,0.5"]
    (run.path / "layers.csv").write_text("".join(f"{line}\n" for line in lines))
    (row,) = ended(run).layers()
    assert row.saturated == 0.5 and math.isnan(row.dead)


def test_numbers_that_are_not_finite_are_unknown_in_the_statistics_of_layers(run):
    (run.path / "layers.csv").write_text(f"{LAYERS.header}\n1,1,inf,-inf,nan,1,1,1\n")
    (row,) = ended(run).layers()
    assert all(map(math.isnan, row[2:5]))


def test_a_table_of_very_many_epochs_is_not_even_read(run):
    """1.5 million rows took 17 s."""
    (run.path / "metrics.csv").write_text(f"{METRICS.header}\n" + "1,1,1,1,1,1,1\n" * 1_500_000)
    for read in (run, ended(run)):
        with pytest.raises(RunError, match=r"metrics\.csv: it has 21\.0 MB, expected at most 1\.0"):
            read.metrics()
    (run.path / "metrics.csv").write_text(f"{METRICS.header}\n" + "1,1,1,1,1,1,1\n" * 10_000)
    with pytest.raises(RunError, match="it has 10,000 rows: expected at most one for each of 3 epochs"):
        run.metrics()


@pytest.mark.slow
def test_of_very_many_rows_some_are_read_with_the_first_and_the_last(run):
    lines = [f"{number / 500_000:.6f},{number}" for number in range(1_500_001)]
    (run.path / "steps.csv").write_text("".join(f"{line}\n" for line in ("epoch,loss", *lines)))
    rows = ended(run).steps()
    assert MOST_ROWS * 0.9 < len(rows) < MOST_ROWS * 1.1
    assert (rows[0].loss, rows[-1].loss) == (0, 1_500_000)
    gaps = [later.epoch - row.epoch for row, later in pairwise(rows)]
    assert max(gaps) < 3 * 3 / MOST_ROWS
    assert len(ended(run).rows(STEPS, every_row=True)) == 1_500_001


def test_of_very_many_rows_each_layer_has_its_share(run):
    lines = [f"{n / 10_000:.0f},{layer},1,1,1,1,1,1" for n in range(30_000) for layer in (1, 2)]
    (run.path / "layers.csv").write_text("".join(f"{line}\n" for line in (LAYERS.header, *lines)))
    rows = ended(run).layers()
    assert all(sum(row.layer == layer for row in rows) > MOST_ROWS / 4 for layer in (1, 2))


def test_the_longest_run_writes_tables_that_can_be_read():
    """Ten rows a second would be 8 million a week; the gaps grow with the epochs instead."""
    last = rows = 0
    for epoch in range(1, 100_001):
        if recorder.is_due(epoch, last, recorder.LAYERS_APART):
            last, rows = epoch, rows + 1
    assert rows < 6_000


def test_a_table_is_bounded_in_bytes(run):
    with (run.path / "layers.csv").open("w") as file:
        file.truncate(60_000_000)
    with pytest.raises(RunError, match=r"layers\.csv: it has 60\.0 MB, expected at most 50"):
        run.layers()


def test_an_import_with_too_many_or_damaged_rows_is_refused(run, tmp_path):
    for text, reason in (("1,1,1,1,1,1,1\n" * 110, "it has 110 rows"), ("x,1,1,1,1,1,1\n", "epoch is 'x'")):
        (run.path / "metrics.csv").write_text(f"{METRICS.header}\n{text}")
        with pytest.raises(RunError, match=rf"The run in the zip is damaged \(metrics\.csv: {reason}"):
            import_run(export_run(ended(run)), tmp_path / "there")


def test_a_run_that_was_exported_while_it_ran_ends_with_its_last_whole_row(run, tmp_path):
    add(run.path, STEPS, "3,0.")
    write_record(run.path / "status.json", Status("running", epoch=1, heartbeat=time.time()))
    there = import_run(export_run(run.refresh()), tmp_path / "there")
    assert there.status.state == "stopped"
    assert there.steps() == ROWS[STEPS]


def test_a_resumed_run_goes_on_without_damaged_rows(tiny_folder, tmp_path):
    from mnist_core.data.dataset import load_dataset

    config = TrainingConfig(epochs=2, hidden_layers=(4,))
    run = create_run(config, load_dataset("full", tiny_folder(train=60)), tmp_path)
    assert work(run).returncode == 0
    status = run.refresh().status
    for table, line in ((METRICS, "x,1\n"), (STEPS, "nan,nan\n"), (LAYERS, "a" * 200_000), (HISTOGRAMS, "\xff\n")):
        with (run.path / table.name).open("a") as file:
            file.write(line)
    write_record(run.path / "status.json", replace(status, state="running", heartbeat=1.0, checksums={}))
    run = wait(resume_run(run.refresh(), 1))
    assert (run.status.state, run.problem) == ("finished", None), run.status
    assert [row.epoch for row in run.metrics()] == [1, 2, 3]
    assert run.steps() and run.layers() and run.histograms()
