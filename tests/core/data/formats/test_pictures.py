"""Pictures in folders: splits, classes, sizes, colours, and those that are damaged."""

import zlib

import numpy as np
import pytest
from PIL import Image

from mnist_core.data.formats.look import look, read_source
from mnist_core.data.formats.pictures import layout_of, number_classes
from mnist_core.errors import DatasetError
from tests.core.data.formats import writers
from tests.core.data.formats.test_same_arrays import assert_source_is
from tests.helpers import encode


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train/3/1.png", "test/4/1.png"], [("train", "3"), ("test", "4")]),
        (["mnist_png/training/3/1.png", "mnist_png/testing/4/1.png"], [("train", "3"), ("test", "4")]),
        (["3/1.png", "4/1.png"], [("all", "3"), ("all", "4")]),
        (["plane/1.png", "train/1.png", "car/2.png"], [("all", "plane"), ("all", "train"), ("all", "car")]),
        (["train/3/1.png", "test/1.png"], [("train", "3"), ("test", "")]),
        (["train/3/1.png", "test/images/1.png"], [("train", "3"), ("test", "")]),
        (["1.png", "2.png"], [("all", ""), ("all", "")]),
        (["photos/1.png", "photos/2.png"], [("all", ""), ("all", "")]),
        (["5/1.png", "5/2.png"], [("all", "5"), ("all", "5")]),
        (["train/3/1.png", "val/3/1.png"], [("train", "3"), ("validation", "3")]),
    ],
)
def test_splits_and_classes_come_from_the_folders(names, expected):
    assert layout_of(names) == expected


def test_classes_called_by_numbers_are_labels_and_others_are_named():
    assert number_classes(["10", "2", ""]) == ([10, 2, -1], None)
    assert number_classes(["boot", "T-shirt", "boot"]) == ([0, 1, 0], ("boot", "T-shirt"))
    assert number_classes(["01", "1"])[1] == ("01", "1")
    assert number_classes(["9" * 5000, "1"])[1] == ("1", "9" * 5000)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "PPM"])
def test_other_kinds_of_pictures_give_the_same_arrays(arrays, tmp_path, kind):
    assert_source_is(read_source(writers.pictures(arrays, tmp_path, kind)), arrays)


@pytest.mark.parametrize(
    ("convert", "shape"),
    [
        (lambda picture: picture.convert("RGB"), (12, 6, 6)),  # grey saved in colour
        (lambda picture: picture.convert("RGBA"), (12, 6, 6)),
        (lambda picture: picture.convert("P"), (12, 6, 6)),
        (lambda picture: Image.fromarray(np.asarray(picture).astype(np.uint16) * 257), (12, 6, 6)),
        (lambda picture: Image.merge("RGB", [picture, picture, Image.new("L", (6, 6), 7)]), (12, 6, 6, 3)),
        (lambda picture: Image.merge("LA", [picture, picture]), (12, 6, 6, 4)),
    ],
)
def test_grey_stays_grey_and_colour_is_kept(arrays, tmp_path, convert, shape):
    images, labels = arrays["train"]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = tmp_path / str(label)
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.png").write_bytes(encode(convert(Image.fromarray(image))))
    found = read_source(tmp_path).splits["all"]
    assert found.images.shape == shape
    np.testing.assert_array_equal(found.images if len(shape) == 3 else found.images[..., 0], images)
    np.testing.assert_array_equal(found.labels, labels)


def test_pictures_of_several_sizes_are_scaled_to_the_commonest_and_damaged_ones_are_said(tmp_path):
    for folder, sizes in (("boot", [(8, 8), (8, 8), (16, 4), (600, 600)]), ("shirt", [(8, 8)])):
        (tmp_path / folder).mkdir()
        for number, size in enumerate(sizes):
            (tmp_path / folder / f"{number}.png").write_bytes(writers.picture_of(size, (200, 30, 30)))
    (tmp_path / "boot" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    source = read_source(tmp_path)
    assert source.class_names == ("boot", "shirt")
    assert source.splits["all"].images.shape == (5, 8, 8, 3)
    assert (source.splits["all"].images == (200, 30, 30)).all()
    assert "boot/x.png is a damaged or incomplete PNG picture: left out." in source.notes
    assert any("2 of 5 were scaled to 8x8" in note for note in source.notes)
    found = look(tmp_path)
    assert [file.name for file in found.files] == ["boot (5 pictures)", "shirt (1 picture)"]
    assert found.problem is None


def test_what_is_in_place_of_a_picture_is_named_and_the_rest_of_its_folder_is_described(tmp_path, monkeypatch):
    monkeypatch.setattr("mnist_core.data.formats.seen.MANY_PICTURES", 0)
    (tmp_path / "3").mkdir()
    for number in range(3):
        (tmp_path / "3" / f"{number}.png").write_bytes(writers.picture_of((8, 8), (200, 30, 30)))
    (tmp_path / "3" / "1.png").write_bytes(b"<html>404 not found")
    (found,) = look(tmp_path).files
    assert (found.problem, found.shape) == ("3/1.png is an HTML page, not a picture.", (3, 8, 8, 3))
    assert "3/1.png is an HTML page, not a picture: left out." in read_source(tmp_path).notes


def test_a_picture_of_too_many_pixels_is_never_decoded(tmp_path):
    bomb = bytearray(encode(np.zeros((2, 2), np.uint8)))
    bomb[16:24] = (50_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    (tmp_path / "1.png").write_bytes(bomb)
    with pytest.raises(DatasetError, match="has 50000x50000 pixels, more than"):
        read_source(tmp_path)


def test_validation_images_are_training_images_if_there_are_test_images(arrays, tmp_path):
    images, labels = arrays["train"]
    parts = {"train": (images[:8], labels[:8]), "val": (images[8:], labels[8:]), "test": arrays["test"]}
    source = read_source(writers.pictures(parts, tmp_path))
    assert {split: len(found.labels) for split, found in source.splits.items()} == {"train": 12, "test": 5}
    assert "validation" in source.notes[0]
