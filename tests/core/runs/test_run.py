"""The run folder: created whole, listed whatever is in it, and told dead from alive."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest

from mnist_core import disk
from mnist_core.data.dataset import load_dataset
from mnist_core.disk import write_atomically
from mnist_core.errors import DatasetError, RunError
from mnist_core.nn.network import Network
from mnist_core.runs import names
from mnist_core.runs import run as runs
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import write_json, write_npz
from mnist_core.runs.run import create_run, find_run, list_runs, read_run
from mnist_core.runs.schema import MAX_BYTES
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from mnist_core.training.state import TrainingState
from mnist_core.untrusted import UntrustedText
from tests.helpers import full_disk

REFERENCE = DatasetReference(UntrustedText("somewhere"), "sample", None, {"file": "abc"})


@pytest.fixture
def run(tmp_path):
    return create_run(TrainingConfig(epochs=3), REFERENCE, tmp_path)


def set_status(run, **changes):
    write_json(run.path / "status.json", asdict(Status(**changes)))


def test_a_new_run_is_queued_and_reads_as_it_was_written(run, tmp_path):
    assert run.status.state == "queued"
    assert run.config == TrainingConfig(epochs=3)
    assert run.dataset == REFERENCE
    assert run.problem is None
    assert list_runs(tmp_path) == [run]
    assert sorted(path.name for path in run.path.iterdir()) == ["config.json", "status.json"]


def test_runs_are_listed_newest_first_and_found_by_name(tmp_path):
    made = [create_run(TrainingConfig(), REFERENCE, tmp_path) for _ in range(5)]
    for age, run in enumerate(made):
        content = json.loads((run.path / "config.json").read_text())
        write_json(run.path / "config.json", {**content, "created": 1000.0 - age})
    assert [run.id for run in list_runs(tmp_path)] == [run.id for run in made]
    assert find_run("latest", tmp_path).id == made[0].id
    assert find_run(made[3].id, tmp_path).id == made[3].id
    with pytest.raises(RunError, match=r"5 runs in .* begin with '2'"):
        find_run("2", tmp_path)
    with pytest.raises(RunError, match=r"No run 'x' in .*: the latest ones are"):
        find_run("x", tmp_path)


def test_no_runs(tmp_path):
    assert list_runs(tmp_path / "nowhere") == []
    with pytest.raises(RunError, match="there are no runs yet"):
        find_run("latest", tmp_path)


def test_the_folder_can_be_chosen_by_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path / "mine"))
    assert create_run(TrainingConfig(), REFERENCE).path.parent == tmp_path / "mine"


@pytest.mark.parametrize("name", ["config.json", "status.json"])
@pytest.mark.parametrize(
    "content",
    [
        None, b"", b"{", b"[1]", b"null", b"3", b"\xff\xfe\x00", b"[" * 100_000, b'{"state": 1, "nonsense": 2}',
        b'{"training": {"epochs": -1}}',
    ],
    ids=lambda content: repr(content)[:20],
)  # fmt: skip
def test_a_damaged_run_is_listed_with_the_reason(run, tmp_path, name, content):
    if content is None:
        (run.path / name).unlink()
    else:
        (run.path / name).write_bytes(content)
    (listed,) = list_runs(tmp_path)
    assert listed.id == run.id
    assert listed.status.state == "damaged"
    assert listed.problem.startswith(name)
    assert listed.problem.endswith("file back.")
    with pytest.raises(RunError, match="is damaged"):
        find_run(run.id, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"Can't create a run in .*file.*MNIST_RUNS_DIR"):
        create_run(TrainingConfig(), REFERENCE, tmp_path / "file")


def test_metrics_leave_out_a_line_that_is_still_being_written(run):
    assert run.metrics() == []
    header = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
    (run.path / "metrics.csv").write_text(header + "1,0.5,0.9,nan,nan,0.1,2\n2,0.4,0.")
    (row,) = run.metrics()
    assert (row.epoch, row.train_loss, row.train_accuracy, row.seconds) == (1, 0.5, 0.9, 2.0)


def test_a_run_without_a_sign_of_life_and_without_a_worker_is_interrupted(run):
    set_status(run, state="running", heartbeat=time.time())
    assert read_run(run.path).status.state == "running"
    set_status(run, state="running", heartbeat=time.time() - 60)
    assert read_run(run.path).status.state == "interrupted"
    set_status(run, state="finished", heartbeat=time.time() - 60)
    assert read_run(run.path).status.state == "finished"


def test_a_busy_worker_that_holds_its_lock_is_running(run):
    set_status(run, state="running", heartbeat=time.time() - 60)
    hold = (
        "import sys\nfrom pathlib import Path\nfrom mnist_core.runs.files import worker_lock\n"
        "with worker_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout.readline() == "held\n"
        assert read_run(run.path).status.state == "running"
        worker.kill()
    assert read_run(run.path).status.state == "interrupted"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "status.json"
    write_json(path, {"a": 1})

    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_locked_for_a_moment_is_tried_again(tmp_path, monkeypatch):
    tries = []
    monkeypatch.setattr(disk.time, "sleep", tries.append)
    monkeypatch.setattr(disk.sys, "platform", "win32")

    def action():
        if len(tries) < 3:
            raise PermissionError
        return "done"

    assert disk.retry_while_locked(action) == "done"
    assert len(tries) == 3


def test_models_round_trip_and_bad_ones_are_named(tmp_path):
    run = create_run(TrainingConfig(hidden_layers=(4,)), REFERENCE, tmp_path)
    with pytest.raises(RunError, match="has no model"):
        run.load_network()
    network = Network((6, 4, 2))
    path = run.path / "model.npz"
    write_atomically(path, lambda file: np.savez(file, **network.to_arrays()))
    np.testing.assert_array_equal(run.load_network().weights[0], network.weights[0])

    whole = path.read_bytes()
    for bad in (b"", b"nonsense", whole[: len(whole) // 2]):
        path.write_bytes(bad)
        with pytest.raises(RunError, match=r"model of run .* can't be read"):
            run.load_network()
    np.savez(path, W1=np.array([{}], dtype=object))
    with pytest.raises(RunError, match="holds a pickle"):
        run.load_network()


def test_a_prefix_finds_its_run(tmp_path):
    for name in ("20260101-000000-aaaa", "20260101-000000-bbbb", "20260202-000000-aaaa"):
        create_run(TrainingConfig(), REFERENCE, tmp_path).path.rename(tmp_path / name)
    assert find_run("202602", tmp_path).id == "20260202-000000-aaaa"
    assert find_run("20260101-000000-b", tmp_path).id == "20260101-000000-bbbb"
    with pytest.raises(RunError, match=r"2 runs in .* begin with '20260101'"):
        find_run("20260101", tmp_path)
    with pytest.raises(RunError, match="No run ''"):
        find_run("", tmp_path)


def test_an_id_that_is_a_prefix_of_another_one_is_still_found(tmp_path):
    for name in ("a", "ab"):
        create_run(TrainingConfig(), REFERENCE, tmp_path).path.rename(tmp_path / name)
    assert find_run("a", tmp_path).id == "a"


def test_the_same_id_drawn_twice_in_a_second_is_drawn_again(tmp_path, monkeypatch):
    """Two hex bytes are 65,536 ids a second: a sweep of 300 runs would meet one twice about every other time."""
    now = time.time()
    drawn = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(runs.time, "time", lambda: now)
    monkeypatch.setattr(names.secrets, "token_hex", lambda _: next(drawn))
    made = [create_run(TrainingConfig(), REFERENCE, tmp_path) for _ in range(2)]
    assert [run.id[-4:] for run in made] == ["aaaa", "bbbb"]
    assert len(list_runs(tmp_path)) == 2


def test_drafts_and_stray_files_are_not_runs(run, tmp_path):
    (tmp_path / ".20260101-000000-aaaa").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    assert [listed.id for listed in list_runs(tmp_path)] == [run.id]


def test_a_failed_creation_leaves_no_draft(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "write_record", full_disk)
    with pytest.raises(RunError, match="No space left on device"):
        create_run(TrainingConfig(), REFERENCE, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "running", "heartbeat": None},
        {"state": "running", "heartbeat": "noon"},
        {"state": "dancing"},
        {"state": None},
        {"state": ["running"]},
        {"state": "finished", "epoch": "three"},
        {"state": "finished", "test_accuracy": "high"},
        {"state": "finished", "test_accuracy": 1.5},
        {"epoch": 1.5},
        {"epoch": -1},
        {"more_epochs": 10**30},
        {"seconds": float("nan")},
        {"error": ["no", "text"]},
    ],
)
def test_a_status_with_a_value_that_makes_no_sense_is_damaged(run, tmp_path, changes):
    write_json(run.path / "status.json", {**asdict(Status()), **changes})
    (listed,) = list_runs(tmp_path)
    assert listed.status.state == "damaged"
    assert listed.problem.startswith("status.json")


@pytest.mark.parametrize("change", [{"created": None}, {"created": "nan"}, {"dataset": None}, {"training": [1]}])
def test_a_config_with_a_wrong_entry_is_damaged(run, tmp_path, change):
    content = json.loads((run.path / "config.json").read_text())
    write_json(run.path / "config.json", {**content, **change})
    (listed,) = list_runs(tmp_path)
    assert listed.status.state == "damaged"
    assert listed.problem.startswith("config.json")


@pytest.mark.parametrize("content", [b"header\na,b,c,d,e,f,g\n", b"header\n\xff\xff\n", b"header\n1.5,1,1,1,1,1,1\n"])
def test_damaged_metrics_of_an_ended_run_are_named_and_those_of_a_running_one_left_out(run, content):
    (run.path / "metrics.csv").write_bytes(content)
    assert (run.metrics(), run.metrics().left_out) == ([], 1)
    set_status(run, state="finished")
    run = run.refresh()
    with pytest.raises(RunError, match=r"The metrics of run .* can't be read \(metrics.csv"):
        run.metrics()


def test_rows_of_metrics_with_another_number_of_columns_are_left_out(run):
    (run.path / "metrics.csv").write_bytes(b"header\n1,0.5\n1,1,1,1,1,1,1,1,1\n")
    assert run.metrics() == []


def test_a_queued_run_that_no_worker_took_is_interrupted(run):
    set_status(run, state="queued", heartbeat=time.time() - 10)
    assert read_run(run.path).status.state == "queued"
    set_status(run, state="queued", heartbeat=time.time() - 31)
    assert read_run(run.path).status.state == "interrupted"


def test_looking_at_a_dead_run_does_not_change_its_status(run):
    set_status(run, state="running", heartbeat=1.0)
    before = (run.path / "status.json").read_bytes()
    assert [read_run(run.path).status.state for _ in range(2)] == ["interrupted"] * 2
    assert (run.path / "status.json").read_bytes() == before


def test_many_runs_are_all_listed(run, tmp_path):
    for number in range(299):
        shutil.copytree(run.path, tmp_path / f"20260101-000000-{number:04x}")
    (run.path / "config.json").unlink()
    listed = list_runs(tmp_path)
    assert len({one.id for one in listed}) == 300
    assert sum(one.problem is not None for one in listed) == 1


def test_a_data_set_is_loaded_once_or_not_at_all_to_check_a_model(tiny_folder, tmp_path, monkeypatch):
    dataset = load_dataset("full", tiny_folder(shape=(3, 2), classes=2))
    run = create_run(TrainingConfig(hidden_layers=(4,)), dataset, tmp_path)
    write_npz(run.path / "model.npz", Network((6, 4, 2)).to_arrays())
    loads, load = [], DatasetReference.load
    monkeypatch.setattr(DatasetReference, "load", lambda reference: loads.append(reference) or load(reference))
    network = run.load_network(dataset)
    assert loads == []
    assert run.image_shape(network) == run.image_shape(run.load_network()) == (3, 2)
    assert len(loads) == 1
    other = load_dataset("full", tiny_folder(shape=(3, 2), classes=3))
    with pytest.raises(RunError, match="tells 2 classes apart: the data of this run have 6 pixels and 3 classes"):
        run.load_network(other)


def test_arrays_beyond_what_a_run_may_write_are_not_read(run, monkeypatch):
    network = Network((784, 128, 64, 10))
    write_npz(run.path / "model.npz", network.to_arrays())
    Checkpoint.of(network, TrainingState.start(run.config, network)).write(run.path)
    for name, read in (("model.npz", run.load_network), ("checkpoint.npz", lambda: Checkpoint.read(run.path))):
        read()
        monkeypatch.setitem(MAX_BYTES, name, 1000)
        with pytest.raises(RunError, match="expected at most 1,000"):
            read()


def test_an_array_in_place_of_a_model_is_named(run):
    with (run.path / "model.npz").open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(RunError, match=r"model of run .* can't be read"):
        run.load_network()


def test_a_model_with_a_flipped_byte_is_read_or_named(run):
    path = run.path / "model.npz"
    np.savez(path, **Network((2, 1, 2)).to_arrays())
    whole, others = path.read_bytes(), set()
    for position in range(len(whole)):
        for flip in (1, 64, 255):
            damaged = bytearray(whole)
            damaged[position] ^= flip
            path.write_bytes(damaged)
            try:
                run.load_network()
            except RunError:
                continue
            except Exception as error:
                others.add(repr(error))
    assert others == set()


def test_a_run_on_the_former_sample_is_listed_and_says_that_its_data_are_gone(tmp_path):
    reference = DatasetReference(
        UntrustedText("MNIST (sample of 5,000)"), "sample", None, {"mnist_5k.csv.gz": "ab" * 32}
    )
    run = create_run(TrainingConfig(epochs=3), reference, tmp_path)
    set_status(run, state="finished", epoch=3, test_accuracy=0.934)
    (old,) = list_runs(tmp_path)
    assert old.problem is None
    assert (old.dataset, old.status.test_accuracy) == (reference, 0.934)
    with pytest.raises(DatasetError, match="former sample of 5,000 images, which this version no longer has"):
        old.dataset.load()
