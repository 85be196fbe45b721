"""The run folder: created whole, listed whatever is in it, and told dead from alive."""

import json
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest

from mnist_core import runs
from mnist_core.errors import RunError
from mnist_core.network import Network
from mnist_core.runs import (
    DatasetReference,
    Status,
    create_run,
    find_run,
    list_runs,
    read_run,
    write_atomically,
    write_json,
)
from mnist_core.training import TrainingConfig

REFERENCE = DatasetReference("somewhere", "sample", None, {"file": "abc"})


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
    assert find_run(
        made[3].id[:-1] if sum(r.id.startswith(made[3].id[:-1]) for r in made) == 1 else made[3].id, tmp_path
    )
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
    "content", [None, "", "{", "[1]", '{"state": 1, "nonsense": 2}', '{"training": {"epochs": -1}}']
)
def test_a_damaged_run_is_listed_with_the_reason(run, tmp_path, name, content):
    if content is None:
        (run.path / name).unlink()
    else:
        (run.path / name).write_text(content)
    (listed,) = list_runs(tmp_path)
    assert listed.id == run.id
    assert listed.status.state == "damaged"
    assert name in listed.problem
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
        "import sys\nfrom pathlib import Path\nfrom mnist_core.runs import worker_lock\n"
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
    monkeypatch.setattr(runs.time, "sleep", tries.append)

    def action():
        if len(tries) < 3:
            raise PermissionError
        return "done"

    assert runs._retry_while_locked(action) == "done"
    assert len(tries) == 3


def test_models_round_trip_and_bad_ones_are_named(run):
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
    with pytest.raises(RunError, match="allow_pickle=False"):
        run.load_network()
