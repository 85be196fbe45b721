"""What isn't data is called by its name, with what to do; what is damaged says so; nothing is followed."""

import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from mnist_core.data.formats import zip as zip_files
from mnist_core.data.formats.files import file_at
from mnist_core.data.formats.look import look, read_source
from mnist_core.errors import DatasetError
from tests.core.data.formats import writers
from tests.helpers import encode

IMAGES = "train-images-idx3-ubyte.gz"


def zip_of(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


REFUSED = {
    "HTML": (b"<!DOCTYPE html>\n<html>404", "found an HTML page, .* open the address in a browser"),
    "HTML in gzip": (gzip.compress(b"\n <html><body>403"), "found an HTML page"),
    "XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied", "found an XML page"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "found a Git LFS pointer.*git lfs pull"),
    "pickle": (pickle.dumps([1, 2]), r"found a pickle.*numpy\.savez"),
    "PyTorch": (zip_of(model__data__pkl=b"x").replace(b"data/pkl", b"data.pkl"), "found a PyTorch file.*numpy.savez"),
    "workbook": (zip_of(**{"[Content_Types].xml": b"<x/>"}), "found an Excel workbook.*as CSV"),
    "picture": (encode(np.zeros((5, 4), np.uint8)), "found a picture in place of data"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(600), "found an HDF5 file"),
    "MATLAB 7.3": (b"MATLAB 7.3 MAT-file" + bytes(600), r"found a MATLAB 7\.3 file.*-v7"),
    "tar": (bytes(257) + b"ustar" + bytes(300), "found a tar archive.*tar xf"),
    "zip in gzip": (gzip.compress(zip_of(a=b"b")), "found a compressed zip file"),
    "empty": (b"", "found an empty file"),
    "binary": (b"\x01\x02\x03\x04" * 9, "found a file of an unknown kind"),
    "ARFF": (b"% MNIST\n@RELATION mnist_784\n@DATA\n0,0,0,0,5\n", "found an ARFF file.*as CSV"),
    "prose": (b"Images, labels and what they are for.\n", "text.*but expected"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_data_is_called_by_its_name(arrays, tmp_path, case):
    content, message = REFUSED[case]
    alone, among = tmp_path / "alone", writers.idx(arrays, tmp_path / "whole")
    alone.mkdir()
    for folder in (alone, among):
        (folder / IMAGES).write_bytes(content)
        for path in (folder, folder / IMAGES):
            with pytest.raises(DatasetError, match=message):
                read_source(path)
            assert look(path).problem


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_a_truncated_download_says_how_much_is_missing(tmp_path, suffix):
    images = np.random.default_rng(0).integers(0, 256, (100, 10, 10), np.uint8)
    content = writers.packed(writers.idx_bytes(images), suffix)
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=r"expected 10,016: [\d,]+, or (49|5\d)%, are missing"):
        read_source(path)
    assert "are missing" in look(path).problem


@pytest.mark.parametrize("name", ["CSV", "NumPy", "pictures", "parquet", "MATLAB", "zip"])
def test_other_formats_cut_off_are_refused_or_said(arrays, tmp_path, name):
    write = {"CSV": writers.csv, "NumPy": writers.npz, "parquet": writers.parquet, "MATLAB": writers.mat}
    folder = tmp_path / "data"
    folder.mkdir()
    if name == "pictures":
        writers.pictures(arrays, folder)
        for path in folder.rglob("*.png"):
            path.write_bytes(path.read_bytes()[:60])
    elif name == "zip":
        path = writers.zipped(writers.pictures(arrays, folder), tmp_path / "data.zip")
        folder = path
    else:
        write[name](arrays, folder)
    if name != "pictures":
        path = folder if folder.is_file() else sorted(folder.iterdir())[-1]
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match=r"damaged|incomplete|ends early|expected 37|missing"):
        read_source(folder)


def test_links_out_of_the_folder_pipes_and_devices_are_not_read(arrays, tmp_path):
    folder = writers.idx(arrays, tmp_path / "data")
    os.mkfifo(folder / "pipe")
    elsewhere = tmp_path / IMAGES
    (folder / IMAGES).rename(elsewhere)
    (folder / IMAGES).symlink_to(elsewhere)
    with pytest.raises(DatasetError, match="is a link to another folder"):
        read_source(folder)
    problems = {file.name: file.problem for file in look(folder).files}
    assert problems["pipe"] == "pipe is a device or pipe, not a file."
    (folder / IMAGES).unlink()
    elsewhere.rename(folder / "real")
    (folder / IMAGES).symlink_to("real")
    assert read_source(folder).splits.keys() == {"train", "test"}
    with pytest.raises(DatasetError, match="device or pipe"):
        read_source(folder / "pipe")


@pytest.mark.parametrize(("path", "message"), [("", "path is empty"), ("/nowhere/mnits", "found nothing there")])
def test_a_path_to_nothing_is_refused(path, message):
    with pytest.raises(DatasetError, match=message):
        look(path)


def test_a_mistyped_path_gets_a_guess(tmp_path):
    (tmp_path / "mnist").mkdir()
    with pytest.raises(DatasetError, match="Did you mean mnist"):
        read_source(tmp_path / "mnits")


def test_a_zip_file_is_refused_by_how_many_files_it_lists_and_never_unpacked_beyond_what_it_says(tmp_path, monkeypatch):
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of(**{f"{n}.png": b"x" for n in range(20)}))
    monkeypatch.setattr(zip_files, "MAX_FILES", 10)
    with pytest.raises(DatasetError, match="found a zip file of 20 files, but expected at most 10"):
        read_source(path)


def test_a_file_without_a_name_in_a_zip_file_is_left_out(arrays, tmp_path):
    path = writers.zipped(writers.pictures(arrays, tmp_path / "pictures"), tmp_path / "data.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x", b"x")
        archive.infolist()[-1].filename = ""
    assert look(path).format == "pictures"


def test_names_in_a_zip_file_lead_nowhere_and_encrypted_members_are_said(arrays, tmp_path):
    path = tmp_path / "data.zip"
    images = encode(arrays["train"][0][0])
    path.write_bytes(zip_of(**{"../../3/1.png": images, "/4/2.png": images, "C:\\5\\3.png": images}))
    assert read_source(path).splits["all"].labels.tolist() == [3, 4, 5]
    content = bytearray(zip_of(**{"3/1.png": images}))
    for start in (content.index(b"PK\3\4") + 6, content.index(b"PK\1\2") + 8):
        content[start] |= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="is encrypted"):
        read_source(path)


@pytest.mark.parametrize(
    ("name", "start", "message"),
    [
        ("train-images-idx3-ubyte.gz", writers.idx_bytes(np.zeros((2, 2, 2), np.uint8)), "further bytes"),
        ("train.csv.gz", b"1,2,3,4,5\n" * 9000, "a line of more than"),
        ("x_train.npy", writers.npy_bytes(np.zeros((2, 2, 2), np.uint8)), "declares 8 bytes and has"),
    ],
)
def test_what_unpacks_to_far_more_than_it_says_is_stopped(tmp_path, name, start, message):
    (tmp_path / name).write_bytes(gzip.compress(start) + gzip.compress(bytes(6_000_000), 1))
    with pytest.raises(DatasetError, match=message):
        read_source(tmp_path / name)


def test_a_file_that_changes_into_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("1,2,3,4,5\n")
    file = file_at(str(path), path.name, path.stat())
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match="regular"):
        file.open()


def test_arrays_that_are_packed_as_no_images_are_take_no_memory(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((13_000, 28, 28), np.uint8), y=np.zeros(13_000, np.uint8))
    with pytest.raises(DatasetError, match=r"bomb\.npz: holds 10,2.*, expected at most 10,000,000\. Save"):
        read_source(tmp_path / "bomb.npz")
