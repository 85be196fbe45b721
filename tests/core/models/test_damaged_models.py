"""Damaged model files are noticed, and a model is kept as a run whole or not at all."""

import contextlib
import errno
import io
import json
import zipfile

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import ModelError, RunError
from mnist_core.models.formats import export, to_npz
from mnist_core.models.reading import read_model
from mnist_core.nn.network import Network
from mnist_core.runs import files
from mnist_core.runs.uploaded import keep_as_run


def network():
    return Network((20, 16, 8, 3), "relu", seed=1)


def safetensors(made):
    pytest.importorskip("safetensors")
    return export(made, (5, 4), "safetensors")


@pytest.mark.parametrize("failing", ["checkpoint", "model", "about", "status"])
def test_a_full_disk_while_a_model_is_kept_leaves_no_run(tmp_path, monkeypatch, failing):
    name = {"checkpoint": "checkpoint.npz", "model": "model.npz", "about": "about.json", "status": "status.json"}[
        failing
    ]
    write, times_written = files.write_atomically, []

    def write_until(path, content):
        times_written.append(path.name)
        if path.name == name and times_written.count(name) == (2 if failing == "status" else 1):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(files, "write_atomically", write_until)
    with pytest.raises(RunError, match=r"Can't .*No space left on device\): free some space"):
        keep_as_run(Network((784, 4, 10)), load_dataset("sample"), "mine.npz", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kept_model_carries_checksums(tmp_path):
    run = keep_as_run(Network((784, 4, 10)), load_dataset("sample"), "mine.npz", tmp_path)
    assert set(run.status.checksums) == {"config.json", "model.npz", "checkpoint.npz"}
    assert run.status.model_epoch == 1
    run.check_files()


def header_and_arrays(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def test_a_flipped_bit_in_a_safetensors_file_is_noticed():
    made = network()
    content = safetensors(made)
    expected, refused = read_model(content).parameters, 0
    for position in np.random.default_rng(0).choice(8 * len(content), 1500, replace=False):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        try:
            back = read_model(bytes(damaged))
        except ModelError:
            refused += 1
        else:
            np.testing.assert_array_equal(back.parameters, expected)
            assert (back.activation, back.layer_sizes) == (made.activation, made.layer_sizes)
    assert refused > 1400


def test_a_safetensors_file_of_an_older_version_has_no_checksum_and_is_read():
    made = network()
    header, arrays = header_and_arrays(safetensors(made))
    assert len(header["__metadata__"].pop("sha256")) == 64
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    back = read_model(len(text).to_bytes(8, "little") + text + arrays)
    np.testing.assert_array_equal(back.parameters, made.parameters)


def test_no_flipped_bit_in_the_directory_of_an_npz_file_gives_another_network():
    made = network()
    content = to_npz(made, (5, 4))
    start = zipfile.ZipFile(io.BytesIO(content)).start_dir
    for position in range(8 * start, 8 * len(content)):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        with contextlib.suppress(ModelError):
            back = read_model(bytes(damaged))
            np.testing.assert_array_equal(back.parameters, made.parameters)
            assert (back.activation, back.layer_sizes) == (made.activation, made.layer_sizes)
