"""The commands that use a model outside the dashboard: export and predict."""

import gzip
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core.cli import main
from mnist_core.data.classes import display_width
from mnist_core.data.dataset import load_dataset
from mnist_core.disk import write_atomically
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import find_digits
from mnist_core.models.formats import FORMATS
from mnist_core.models.reading import read_model
from mnist_core.nn.network import Network
from mnist_core.runs.run import create_run
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText


@pytest.fixture
def make_run(tiny_folder, tmp_path, monkeypatch):
    """A function that writes a run with a model, on data of this shape, into the runs folder."""
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)

    def make(shape=(6, 6), classes=3, names=()):
        dataset = load_dataset("full", tiny_folder(shape=shape, classes=classes))
        dataset = replace(dataset, given_names=tuple(map(UntrustedText, names)))
        run = create_run(TrainingConfig(hidden_layers=(8,), activation="relu"), dataset)
        network = Network((int(np.prod(shape)), 8, classes), "relu", seed=3)
        write_atomically(run.path / "model.npz", lambda file: np.savez(file, **network.to_arrays()))
        return run

    return make


@pytest.fixture
def pictures(tmp_path):
    """Two grey PNG files: 0.png white on black in the size of the digits, 1.png black on white and larger."""
    image = pytest.importorskip("PIL.Image")
    small = np.zeros((6, 6), np.uint8)
    small[1:5, 3] = 255
    large = np.full((40, 30), 255, np.uint8)
    large[5:35, 14:18] = 0
    for number, grey in enumerate((small, large)):
        image.fromarray(grey).save(tmp_path / f"{number}.png")
    return small, large


@pytest.mark.parametrize("kind", FORMATS)
def test_export_writes_the_file(kind, make_run, tmp_path, capsys):
    if FORMATS[kind].package:
        pytest.importorskip(FORMATS[kind].package)
    run = make_run()
    assert main(["export", "latest", "--format", kind]) == 0
    path = tmp_path / f"model_{run.id.replace('-', '_')}{FORMATS[kind].suffix}"
    assert capsys.readouterr().out == f"wrote {path.name} ({path.stat().st_size:,} bytes)\n"
    if kind in ("npz", "safetensors"):
        np.testing.assert_array_equal(read_model(path).parameters, run.load_network().parameters)


def test_export_to_a_file_or_a_folder_of_choice(make_run, tmp_path):
    run = make_run()
    (tmp_path / "out").mkdir()
    assert main(["export", run.id, "--format", "python", "--output", "out/mine.py"]) == 0
    assert main(["export", run.id, "--format", "npz", "--output", "out"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "mine.py",
        f"model_{run.id.replace('-', '_')}.npz",
    }


def test_export_says_why_it_failed(make_run, monkeypatch, capsys):
    run = make_run()
    assert main(["export", run.id, "--format", "npz", "--output", "nowhere/model.npz"]) == 1
    assert (
        f"Can't write {Path('nowhere', 'model.npz')} (No such file or directory): check that the folder "
        "still exists, or choose another place" in capsys.readouterr().err
    )
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", run.id, "--format", "onnx"]) == 1
    assert capsys.readouterr().err.endswith("pip install onnx\n")
    (run.path / "model.npz").unlink()
    assert main(["export", run.id, "--format", "npz"]) == 1
    assert "has no model" in capsys.readouterr().err


def test_predict_prints_a_line_an_image(make_run, pictures, capsys):
    small, large = pictures
    run = make_run()
    expected = predict(run.load_network(), np.stack([small, *find_digits(large, False, 6).images]))
    assert main(["predict", "latest", "0.png", "1.png"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, line, row in zip(("0.png", "1.png"), lines, expected, strict=True):
        second, first = np.argsort(row)[-2:]
        assert line == f"{name}   {first} ({row[first]:.1%})   runner-up {second} ({row[second]:.1%})"


def test_predict_as_json(make_run, pictures, capsys):
    small, _ = pictures
    run = make_run()
    assert main(["predict", run.id, "0.png", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    (row,) = predict(run.load_network(), small[np.newaxis])
    np.testing.assert_allclose(entry["probabilities"], row, rtol=1e-6)
    assert (entry["image"], entry["label"], entry["class_name"]) == ("0.png", row.argmax(), str(row.argmax()))
    assert entry["probability"] == max(entry["probabilities"])
    assert entry["runner_up"] == np.argsort(row)[-2]


NAMES = ("Ankle boot", "い", "a\x1b[31m b")
SHOWN = ("Ankle boot", "い", "a[31m b")


def test_commands_name_the_classes(make_run, pictures, capsys):
    small, _ = pictures
    run = make_run(names=NAMES)
    (row,) = predict(run.load_network(), small[np.newaxis])
    second, first = np.argsort(row)[-2:]
    assert main(["predict", "latest", "0.png"]) == 0
    assert capsys.readouterr().out.startswith(f"0.png   {SHOWN[first]} ({row[first]:.1%})   runner-up {SHOWN[second]} ")
    assert main(["predict", "latest", "0.png", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["class_name"], entry["runner_up_name"]) == (SHOWN[first], SHOWN[second])
    assert main(["evaluate", "latest"]) == 0
    table = capsys.readouterr().out.splitlines()
    head = next(n for n, line in enumerate(table) if line.startswith("class        precision"))
    rows = table[head + 1 : head + 4]
    assert [line.split("   ")[0].rstrip() for line in rows] == list(SHOWN)
    assert len({display_width(line[: line.index("0.") if "0." in line else 0]) for line in rows}) == 1
    assert main(["evaluate", "latest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["class_names"] == list(SHOWN)


def test_predict_with_a_single_class(make_run, pictures, capsys):
    make_run(classes=1)
    assert main(["predict", "latest", "0.png"]) == 0
    assert capsys.readouterr().out == "0.png   0 (100.0%)\n"


def test_predict_says_which_image_is_wrong(make_run, pictures, tmp_path, capsys):
    make_run()
    (tmp_path / "text.png").write_text("hello")
    assert main(["predict", "latest", "0.png", "text.png"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("0.png   ")
    assert printed.err.startswith("error: text.png: Found a text file, but expected a PNG, JPEG or WebP picture")
    assert main(["predict", "latest", "none.png"]) == 1
    assert capsys.readouterr().err == "error: none.png: there is no such file: check its name.\n"


def test_predict_says_what_a_file_is_that_is_neither_picture_nor_data(make_run, tmp_path, capsys):
    make_run()
    (tmp_path / "page.gz").write_bytes(gzip.compress(b"<!doctype html><html>404</html>"))
    (tmp_path / "cut.gz").write_bytes(
        gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 6, 0, 0, 0, 6]) + bytes(50))
    )
    (tmp_path / "empty.png").touch()
    assert main(["predict", "latest", "page.gz", "cut.gz", "empty.png"]) == 1
    page, cut, empty = capsys.readouterr().err.splitlines()
    assert page.startswith("error: page.gz: found an HTML page, but expected data.")
    assert cut.startswith("error: cut.gz: found 66 bytes of values and header, but expected 340")
    assert empty.startswith("error: empty.png: Found an empty file (0 bytes), but expected a PNG, JPEG or WebP picture")


@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_predict_reads_the_good_pictures_beside_the_bad_ones(json_option, make_run, pictures, tmp_path, capsys):
    make_run()
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes((tmp_path / "0.png").read_bytes()[:40])
    bad = ["none.png", "folder", "text.png", "empty.png", "cut.png", "0.png/inside", "a" * 300]
    if Path("/dev/zero").exists():
        bad.append("/dev/zero")
    assert main(["predict", "latest", "0.png", *bad, "1.png", "0.png", *json_option]) == 1
    printed = capsys.readouterr()
    if json_option:
        read = [entry["image"] for entry in json.loads(printed.out)]
    else:
        read = [line.split()[0] for line in printed.out.splitlines()]
    assert read == ["0.png", "1.png", "0.png"]
    problems = printed.err.splitlines()
    assert [line.partition(": ")[2].partition(": ")[0] for line in problems] == bad
    for line in problems:
        assert line.startswith("error: ")
        assert line.endswith(".")
        assert "Errno" not in line


def test_predict_when_no_picture_is_good(make_run, capsys):
    make_run()
    assert main(["predict", "latest", "none.png", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == []
    assert printed.err == "error: none.png: there is no such file: check its name.\n"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs files that can't be read")
def test_predict_of_a_picture_that_can_t_be_read(make_run, pictures, tmp_path, capsys):
    make_run()
    (tmp_path / "0.png").chmod(0)
    assert main(["predict", "latest", "0.png", "1.png"]) == 1
    assert "0.png: can't be read (Permission denied): check its permissions" in capsys.readouterr().err


def test_export_writes_into_a_pipe_in_place_of_replacing_it(make_run, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    make_run()
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        content = pool.submit((tmp_path / "pipe").read_bytes)
        assert main(["export", "latest", "--format", "npz", "--output", "pipe"]) == 0
        assert content.result(timeout=30).startswith(b"PK")
    assert (tmp_path / "pipe").is_fifo()


def test_predict_of_images_that_are_not_square(make_run, pictures, capsys):
    make_run(shape=(9, 4))
    assert main(["predict", "latest", "0.png"]) == 1
    assert "0.png: Found 6x6 pixels, but expected one image of 9x4, white on black" in capsys.readouterr().err


def test_predict_takes_images_of_the_data_set_as_they_are_and_fits_others(make_run, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    images = load_dataset("sample").test_images[:20]
    run = make_run(shape=(28, 28), classes=10)
    names = []
    for number, pixels in enumerate(images):
        for kind, grey in (("white", pixels), ("black", 255 - np.kron(pixels, np.ones((5, 5), np.uint8)))):
            names.append(f"{kind}{number}.png")
            image.fromarray(grey).save(names[-1])
    assert main(["predict", "latest", *names, "--json"]) == 0
    rows = np.array([entry["probabilities"] for entry in json.loads(capsys.readouterr().out)])
    expected = predict(run.load_network(), images)
    np.testing.assert_allclose(rows[::2], expected, rtol=1e-5)
    np.testing.assert_allclose(rows[1::2], expected, atol=0.1)


def test_predict_of_many_images_without_labels(make_run, tmp_path, capsys):
    images = load_dataset("sample").test_images[:20]
    run = make_run(shape=(28, 28), classes=10)
    np.savetxt("test.csv", 255 - images.reshape(20, -1), "%d", ",", header=",".join(map(str, range(784))), comments="")
    assert main(["predict", "latest", "test.csv", "--json"]) == 0
    printed = capsys.readouterr()
    entries = json.loads(printed.out)
    assert [entry["image"] for entry in entries] == [f"test.csv[{number}]" for number in range(20)]
    rows = [entry["probabilities"] for entry in entries]
    np.testing.assert_allclose(rows, predict(run.load_network(), images), rtol=1e-5)
    assert "dark on light" in printed.err and "no labels" not in printed.err
    np.savez("labelled.npz", x=images, y=np.arange(20) % 10)
    assert main(["predict", "latest", "labelled.npz", "test.csv"]) == 1
    printed = capsys.readouterr()
    assert "error: labelled.npz: found images with labels" in printed.err and "test.csv[19]" in printed.out


@pytest.mark.parametrize(("path", "code"), [("kaggle/test.csv", 0), ("kaggle", 0), ("kaggle/train.csv", 1)])
def test_predict_the_unlabelled_images_of_a_competition(path, code, make_run, tmp_path, capsys):
    sample = load_dataset("sample")
    dark = 255 - sample.test_images[:20].reshape(20, -1)
    (tmp_path / "kaggle").mkdir()
    names = ",".join(f"pixel{number}" for number in range(784))
    np.savetxt("kaggle/test.csv", dark[:5], "%d", ",", header=names, comments="")
    labelled = np.column_stack([sample.test_labels[:20], dark])
    np.savetxt("kaggle/train.csv", labelled, "%d", ",", header=f"label,{names}", comments="")
    run = make_run(shape=(28, 28), classes=10)
    assert main(["predict", "latest", path, "--json"]) == code
    printed = capsys.readouterr()
    rows = [entry["probabilities"] for entry in json.loads(printed.out)]
    if code:
        assert "train.csv: found images with labels" in printed.err and not rows
    else:  # turned as those with labels are
        np.testing.assert_allclose(rows, predict(run.load_network(), sample.test_images[:5]), rtol=1e-5)
        assert "dark on light" in printed.err and "held back" not in printed.err


def test_evaluate_says_how_other_data_were_prepared(make_run, tmp_path, capsys):
    sample = load_dataset("sample")
    make_run(shape=(28, 28), classes=10)
    np.savez("dark.npz", x=255 - sample.test_images[:60], y=sample.test_labels[:60])
    assert main(["evaluate", "latest", "--data", "./dark.npz"]) == 0
    said = capsys.readouterr().err
    assert "note: The images are dark on light" in said and "held back for testing" in said


def test_predict_of_an_empty_picture(make_run, tmp_path, capsys):
    pytest.importorskip("PIL.Image").fromarray(np.zeros((6, 6), np.uint8)).save(tmp_path / "blank.png")
    make_run()
    assert main(["predict", "latest", "blank.png"]) == 1
    assert capsys.readouterr().err.startswith("error: blank.png: ")


def test_wrong_usage_is_exit_code_2(capsys):
    for arguments in (["export", "latest"], ["export", "latest", "--format", "pickle"], ["predict", "latest"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert "usage:" in capsys.readouterr().err
