"""mnist data: what is found, what becomes of it, and how to have it otherwise."""

import json

import numpy as np
import pytest
from PIL import Image

from mnist_core.cli import main
from mnist_core.data.dataset import load_dataset
from mnist_core.data.idx import write_idx


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder of dark digits on light for each class, twice the size of MNIST's."""
    monkeypatch.chdir(tmp_path)
    sample = load_dataset("sample")
    for number, (image, label) in enumerate(zip(sample.test_images[:100], sample.test_labels, strict=False)):
        folder = tmp_path / "digits" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - np.repeat(np.repeat(image, 3, 0), 3, 1)).save(folder / f"{number:03}.png")
    return "digits"


def said(capsys, *arguments, code=0):
    assert main(["data", *map(str, arguments)]) == code
    return capsys.readouterr()


def test_what_is_found_and_what_becomes_of_it(pictures, capsys):
    printed = said(capsys, pictures)
    assert "digits: pictures" in printed.out.splitlines()[0]
    assert "84x84" in printed.out and "(10 pictures)" in printed.out
    assert "digits: 83 training and 17 test images of 28x28, 10 classes" in printed.out
    for sentence in ("scaled from 84x84 to 28x28", "dark on light", "16.7% of the 100", "(seed 695)"):
        assert sentence in printed.out
    assert "note: There are 83 training images of 10 classes." in printed.err


def test_choices_names_and_a_file_that_is_a_data_set(pictures, tmp_path, capsys):
    (tmp_path / "names.txt").write_text("\n".join(f"{number} name{number}" for number in range(10)))
    options = ("--no-invert", "--size", "14", "--classes", "names.txt", "--test-share", "0.2", "--seed", "1")
    printed = said(capsys, pictures, *options, "--transpose", "--save", "kept", "--json")
    found = json.loads(printed.out)
    assert found["format"] == "pictures" and len(found["files"]) == 10 and found["problem"] is None
    assert found["dataset"]["image_shape"] == [14, 14] and found["dataset"]["test_images"] == 20
    assert found["dataset"]["class_names"] == [f"name{number}" for number in range(10)]
    kept = load_dataset("full", found["saved"])
    assert kept.train_images.mean() > 128 and kept.checksums == found["dataset"]["checksums"]
    assert "saved  " in said(capsys, found["saved"], "--save", "again", "--invert").out


def test_four_files_are_used_as_they_are_and_what_could_be_done_is_offered(tmp_path, capsys):
    sample = load_dataset("sample")
    for split, name in (("train", "train"), ("test", "t10k")):
        images, labels = getattr(sample, f"{split}_images"), getattr(sample, f"{split}_labels")
        write_idx(tmp_path / f"{name}-images-idx3-ubyte", images[:200].transpose(0, 2, 1))
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte", labels[:200])
    printed = said(capsys, tmp_path)
    assert "lie on their side" in printed.err and "--save FOLDER" in printed.err
    found = json.loads(said(capsys, tmp_path, "--save", tmp_path / "kept", "--json").out)
    turned = load_dataset("full", found["saved"])
    np.testing.assert_array_equal(turned.train_images, sample.train_images[:200])


def test_what_can_not_be_read_is_listed_before_the_error(tmp_path, capsys):
    (tmp_path / "page.gz").write_bytes(b"<html>404</html>")
    printed = said(capsys, tmp_path, code=1)
    assert "page.gz" in printed.out and "HTML" in printed.out and printed.err.splitlines()[-1].startswith("error: ")
    printed = said(capsys, tmp_path, "--json", code=1)
    found = json.loads(printed.out)
    assert found["dataset"] is None and "HTML" in str(found["files"]) and found["problem"]
    assert said(capsys, tmp_path / "nothing", code=1).err.startswith("error: ")


def test_images_without_labels_are_shown(tmp_path, capsys):
    np.savez(tmp_path / "x.npz", images=load_dataset("sample").test_images[:40])
    assert "x: 40 images of 28x28 without labels" in said(capsys, tmp_path / "x.npz").out
    assert json.loads(said(capsys, tmp_path / "x.npz", "--json").out)["dataset"]["images"] == 40


@pytest.mark.parametrize("arguments", [["data", ""], ["data", "x", "--size", "big"], ["download", "--data-dir", " "]])
def test_wrong_usage_is_said(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "found " in capsys.readouterr().err
