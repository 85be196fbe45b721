"""Exported models compute what the network computes, and only models come in."""

import ast
import base64
import contextlib
import importlib.util
import io
import json
import pickle
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.data.classes import Classes
from mnist_core.data.dataset import load_dataset
from mnist_core.errors import DatasetError, MissingPackageError, ModelError
from mnist_core.evaluation.predict import evaluate, predict
from mnist_core.jobs.start import resume_run
from mnist_core.models import formats as export_module
from mnist_core.models.formats import FORMATS, export, file_name, missing_package, to_npz
from mnist_core.models.reading import MAX_BYTES, check_fits, read_model
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.run import create_run
from mnist_core.runs.uploaded import keep_as_run
from mnist_core.training.loop import train
from mnist_core.training.state import TrainingState
from mnist_core.untrusted import UntrustedText
from tests.helpers import wait

SHAPE = (5, 4)
READABLE = ("npz", "safetensors")


def network(activation="sigmoid", sizes=(20, 16, 8, 3), seed=1, dtype=np.float32):
    """Random weights as large as training makes them, so that the probabilities are far from even."""
    made = Network(sizes, activation, seed, dtype)
    made.parameters *= 16 if activation == "sigmoid" else 4
    return made


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(40, *SHAPE), dtype=np.uint8)


def written(kind, made=None, shape=SHAPE):
    package = FORMATS[kind].package
    if package:
        pytest.importorskip(package)
    return export(made or network(), shape, kind)


def onnx_session(content):
    return pytest.importorskip("onnxruntime").InferenceSession(content, providers=["CPUExecutionProvider"])


def python_module(content, folder):
    path = folder / "model.py"
    path.write_bytes(content)
    spec = importlib.util.spec_from_file_location("exported_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("sizes", [(20, 16, 8, 3), (20, 3)], ids=["hidden", "no hidden"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", FORMATS)
def test_the_file_gives_the_probabilities_of_the_network(kind, activation, sizes, images, tmp_path):
    made = network(activation, sizes)
    content = written(kind, made)
    if kind == "onnx":
        (probabilities,) = onnx_session(content).run(["probabilities"], {"images": images})
    elif kind == "python":
        probabilities = python_module(content, tmp_path).predict(images)
    else:
        probabilities = predict(read_model(content), images)
    expected = made.feed_forward(images.reshape(40, 20) / np.float32(255))
    assert expected.max() > 0.8, "the check would see little"
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", READABLE)
def test_a_round_trip_changes_nothing(kind, activation, dtype, tmp_path):
    made = network(activation, dtype=dtype)
    path = tmp_path / f"model{FORMATS[kind].suffix}"
    path.write_bytes(written(kind, made))
    back = read_model(path)
    assert (back.layer_sizes, back.activation, back.dtype) == (made.layer_sizes, activation, dtype)
    np.testing.assert_array_equal(back.parameters, made.parameters)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.sampled_from(list(ACTIVATIONS)), st.integers(0, 99))
def test_any_network_survives_npz(sizes, activation, seed):
    made = network(activation, sizes, seed)
    back = read_model(to_npz(made, (1, sizes[0])))
    assert (back.layer_sizes, back.activation) == (tuple(sizes), activation)
    np.testing.assert_array_equal(back.parameters, made.parameters)


CLASSES = Classes(tuple(map(UntrustedText, ("Ankle boot", "い", '\'""" $x \\\n'))))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_file_names_the_classes(kind, images, tmp_path):
    if FORMATS[kind].package:
        pytest.importorskip(FORMATS[kind].package)
    content = export(network(), SHAPE, kind, CLASSES)
    if kind == "onnx":
        found = json.loads(onnx_session(content).get_modelmeta().custom_metadata_map["class_names"])
    elif kind == "python":
        found = python_module(content, tmp_path).CLASSES
    elif kind == "safetensors":
        found = json.loads(
            json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["class_names"]
        )
    else:
        found = np.load(io.BytesIO(content))["class_names"].tolist()
    assert found == CLASSES.plain()
    if kind in READABLE:
        assert read_model(content).layer_sizes == network().layer_sizes


def test_onnx_is_valid_and_takes_raw_images_of_any_number(images):
    onnx = pytest.importorskip("onnx")
    content = written("onnx")
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = onnx_session(content)
    (given_images,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (given_images.name, given_images.type, given_images.shape) == ("images", "tensor(uint8)", ["N", 5, 4])
    assert (probabilities.name, probabilities.type, probabilities.shape) == ("probabilities", "tensor(float)", ["N", 3])
    for count in (0, 1, 40):
        assert session.run(None, {"images": images[:count]})[0].shape == (count, 3)


def test_onnx_of_double_precision_agrees_as_well(images):
    made = network(dtype=np.float64)
    (probabilities,) = onnx_session(written("onnx", made)).run(None, {"images": images})
    np.testing.assert_allclose(probabilities, predict(made, images), rtol=0, atol=1e-5)


def test_the_python_file_runs_alone_with_numpy(images, tmp_path):
    made = network("tanh")
    content = written("python", made).decode()
    nodes = ast.walk(ast.parse(content))
    assert {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names} == {
        "base64", "io", "sys", "numpy",
    }  # fmt: skip
    assert len([line for line in content.split('PARAMETERS = """')[0].splitlines() if line]) < 45
    (tmp_path / "model.py").write_text(content)
    np.save(tmp_path / "images.npy", images)
    command = [sys.executable, "-I", "model.py", "images.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = predict(made, images)
    assert done.stdout.splitlines() == [f"image {n}: {p.argmax()} ({p.max():.1%})" for n, p in enumerate(expected)]
    usage = subprocess.run(command[:-1], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert usage.returncode == 1
    assert usage.stderr.startswith("usage: python model.py images.npy")


def test_the_python_file_says_what_it_expects(images, tmp_path):
    module = python_module(written("python"), tmp_path)
    assert "predict(images)    uint8 (N, 5, 4), white on black -> (N, 3)" in module.__doc__
    assert module.predict(images[:0]).shape == (0, 3)
    for wrong in (images / 255, images[0], images.transpose(0, 2, 1)):
        with pytest.raises(ValueError, match=r"expected uint8 \(N, 5, 4\)"):
            module.predict(wrong)


def test_each_python_activation_is_the_network_s():
    z = np.linspace(-50, 50, 101, dtype=np.float32)
    for activation in ACTIVATIONS.values():
        np.testing.assert_array_equal(eval(activation.python_source, {"np": np, "z": z}), activation.function(z))


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_a_missing_package_is_named(kind, monkeypatch):
    for module in (kind, f"{kind}.numpy"):
        monkeypatch.setitem(sys.modules, module, None)  # makes the import fail
    monkeypatch.setattr(export_module, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=f"pip install {kind}$"):
        export(network(), SHAPE, kind)
    assert missing_package(kind).endswith(f"pip install {kind}")
    assert missing_package("npz") is None
    assert missing_package("python") is None


def test_wrong_requests():
    with pytest.raises(ModelError, match=r"'pickle': expected one of npz, safetensors, onnx, python"):
        export(network(), SHAPE, "pickle")
    with pytest.raises(ModelError, match=r"reads 20 pixels, found images of 28x28"):
        export(network(), (28, 28), "npz")
    assert file_name("20260102-030405-ab12", "python") == "model_20260102_030405_ab12.py"
    assert file_name("mine (2) v1.0", "python").removesuffix(".py").isidentifier()


def test_the_image_shape_comes_from_the_data_or_is_square(tiny_folder, tmp_path, monkeypatch):
    from mnist_core.training.config import TrainingConfig

    run = create_run(TrainingConfig(), DatasetReference.of(load_dataset("full", tiny_folder())), tmp_path)
    assert run.image_shape(network()) == SHAPE

    def gone(self):
        raise DatasetError("it is gone")

    monkeypatch.setattr(DatasetReference, "shape", gone)
    assert run.image_shape(network(sizes=(25, 3))) == (5, 5)
    with pytest.raises(DatasetError, match="is no longer known: it is gone"):
        run.image_shape(network())


# What is refused


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def changed(**arrays):
    """The arrays of a network as npz, some of them replaced, or left out where the new one is None."""
    everything = {**network().to_arrays(), **arrays}
    return npz(**{name: array for name, array in everything.items() if array is not None})


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def npy_header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def safetensors(header, content=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def nan_bias():
    return np.array([0, np.nan, 0], np.float32)


REFUSED = {
    "a pickle": (pickle.dumps({"W1": 1}), "is a pickle .* runs code of whoever wrote it"),
    "a PyTorch file": (zipped([("archive/data.pkl", b"\x80\x02"), ("archive/data/0", b"")]), "is a pickle"),
    "an object array": (changed(b3=np.array([None], object)), "is a pickle"),
    "an empty file": (b"", "neither .*it is empty"),
    "text": (b"W1,b1\n0.5,0.5\n", r"neither an .npz nor a .safetensors file \(it begins with b'W1,b1"),
    "one array": (npy_header((3,)), "neither .*NUMPY"),
    "no array at all": (zipped([]) + b" " * 20, "neither"),
    "another zip file": (zipped([("readme.txt", b"hello")]), "is damaged"),
    "missing arrays": (changed(W2=None), "no model of this project"),
    "missing activation": (changed(activation=None), "no model of this project"),
    "unknown activation": (changed(activation=np.array("step")), "'step', expected one of sigmoid, tanh, relu"),
    "several activations": (changed(activation=np.array(["relu"] * 3)), "holds an array of dtype <U4"),
    "integers": (changed(b3=np.zeros(3, int)), "dtype int64 in 'b3.npy'"),
    "half precision": (changed(b3=np.zeros(3, np.float16)), "dtype float16, float32, expected float32 or float64"),
    "wrong bias": (changed(b3=np.zeros(4, np.float32)), "do not follow one another"),
    "wrong weights": (changed(W2=np.zeros((17, 8), np.float32)), "do not follow one another"),
    "weights of one dimension": (changed(W2=np.zeros(8, np.float32)), "expected two dimensions"),
    "no units": (npz(W1=np.zeros((20, 0), "f4"), b1=np.zeros(0, "f4"), activation=np.array("relu")), "1 or more"),
    "NaN": (changed(b3=nan_bias()), "not finite"),
    "infinity": (changed(b3=nan_bias() + np.inf), "not finite"),
    "many arrays": (npz(**{f"W{n}": np.zeros(1) for n in range(50)}), "holds more than 24 files"),
    "LZMA": (zipped([("W1.npy", npy_header((0,)))], zipfile.ZIP_LZMA), "compressed in a way"),
    "a header of nonsense": (zipped([("W1.npy", b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16)]), "is damaged"),
    "a huge shape": (zipped([("W1.npy", npy_header((10**6, 10**7)))]), "declares 40,000,000,000,000 bytes and has 0"),
    "a negative shape": (zipped([("W1.npy", npy_header((-1, -4)) + b"\0" * 8)]), "is damaged"),
    "a long safetensors header": (safetensors(b"{" + b" " * 70_000), "header of 70,001 bytes"),
    "a safetensors header of nonsense": (safetensors(b"{" * 30_000), "is damaged"),
    "a foreign safetensors file": (
        safetensors({f"layer{n}": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in range(9)}, b"\0" * 4),
        "found tensors layer0, layer1, layer2, layer3, ... and metadata none",
    ),
    "a huge safetensors shape": (
        safetensors({
            "__metadata__": {"activation": "relu"},
            "W1": {"dtype": "F32", "shape": [10**6, 10**7], "data_offsets": [0, 4 * 10**13]},
        }),
        "is damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_model_is_refused_in_a_sentence(what):
    content, sentence = REFUSED[what]
    if "safetensors" in what:
        pytest.importorskip("safetensors")
    with pytest.raises(ModelError, match=f"theirs.bin .*{sentence}") as caught:
        read_model(content, "theirs.bin")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ["model.pt", "MODEL.PKL", "a.pth", "b.joblib"])
def test_the_name_of_a_pickle_is_enough(name):
    with pytest.raises(ModelError, match=f"{name} is a pickle"):
        read_model(to_npz(network(), SHAPE), name)


def test_a_pickle_in_an_archive_is_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (type(tmp_path).touch, (tmp_path / "sprung",))

    content = changed(b3=np.array([Trap()], object))
    with pytest.raises(ModelError, match="is a pickle"):
        read_model(content)
    assert not (tmp_path / "sprung").exists()


def test_a_zip_bomb_is_not_unpacked():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("W1.npy", "w") as member:
        member.write(npy_header((15_000, 2000)))
        for _ in range(120):
            member.write(bytes(1_000_000))
    assert len(file.getvalue()) < 200_000
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"holds 120,000,128 bytes, expected at most 100,000,000"):
        read_model(file.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_the_shapes_of_two_arrays_do_not_make_a_huge_network():
    wide = np.zeros((1, 200_000), np.float32)
    content = npz(W1=wide, b1=wide[0], W2=wide, b2=wide[0], activation=np.array("relu"))
    with pytest.raises(ModelError, match="do not follow one another"):  # and not 200,000 x 200,000 weights
        read_model(content)


def test_a_large_file_is_not_even_read(tmp_path):
    path = tmp_path / "large.npz"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ModelError, match=r"large.npz holds 100,000,001 bytes, expected at most 100,000,000"):
        read_model(path)


@pytest.mark.parametrize("kind", READABLE)
def test_a_truncated_file_is_damaged(kind):
    content = written(kind)
    for length in {*range(12, len(content), 97), len(content) - 1}:
        with pytest.raises(ModelError, match=r"cut is damaged|cut is neither"):
            read_model(content[:length], "cut")


@pytest.mark.parametrize("kind", READABLE)
def test_a_flipped_byte_is_a_sentence_or_a_network(kind):
    content = bytearray(written(kind))
    for position in np.random.default_rng(0).integers(len(content), size=300):
        content[position] ^= 0x55
        with contextlib.suppress(ModelError):
            assert isinstance(read_model(bytes(content)), Network)
        content[position] ^= 0x55


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"\x10\0\0\0\0\0\0\0{"]))
def test_random_bytes_are_a_sentence(content, beginning):
    with pytest.raises(ModelError):
        read_model(beginning + content)


def test_a_safetensors_file_with_the_package_missing(monkeypatch):
    content = written("safetensors")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingPackageError, match="pip install safetensors"):
        read_model(content)


def test_big_endian_arrays_are_read():
    made = network()
    back = read_model(npz(**{k: a.astype(a.dtype.newbyteorder(">")) for k, a in made.to_arrays().items()}))
    assert back.dtype.isnative
    np.testing.assert_array_equal(back.parameters, made.parameters)


def test_a_model_has_to_fit_the_data(tiny_folder):
    data = load_dataset("full", tiny_folder())
    check_fits(network(), data)
    check_fits(network(sizes=(20, 5)), data)
    for sizes in ((16, 3), (20, 2)):
        with pytest.raises(ModelError, match=r"m.npz reads .* have 5x4 = 20 pixels and 3 classes: choose the data"):
            check_fits(network(sizes=sizes), data, "m.npz")


def test_the_parameters_of_the_python_file_are_those_of_the_network(tmp_path):
    made = network()
    module = python_module(written("python", made), tmp_path)
    with np.load(io.BytesIO(base64.b64decode(module.PARAMETERS))) as arrays:
        assert set(arrays) == set(made.to_arrays()) - {"activation"}
        np.testing.assert_array_equal(arrays["W2"], made.weights[1])


def test_a_model_kept_as_a_run_is_evaluated_trained_on_and_taken_along(tmp_path):
    sample = load_dataset("sample")
    network = Network((784, 12, 8, 10), "tanh", seed=3)
    run = keep_as_run(network, sample, "mine.npz", tmp_path)
    assert (run.status.state, run.status.epoch, run.epochs, run.stopped_early) == ("finished", 1, 1, False)
    assert run.about.name.plain == "mine.npz"
    assert ([tag.plain for tag in run.about.tags], run.metrics()) == (["uploaded"], [])
    np.testing.assert_array_equal(run.load_network().parameters, network.parameters)
    expected = evaluate(network, sample.test_images, sample.test_labels)
    assert (run.status.test_accuracy, run.status.test_loss) == (expected.accuracy, expected.loss)

    more = wait(resume_run(run, 2))
    again = Network.from_arrays(network.to_arrays())
    state = TrainingState.start(run.config, again)
    state.epoch = 1
    list(train(run.config, sample, again, state=state, more_epochs=2))
    assert [row.epoch for row in more.metrics()] == [2, 3]
    np.testing.assert_allclose(more.load_network().parameters, again.parameters, atol=1e-5)  # other BLAS threads
    assert import_run(export_run(more), tmp_path).load_network().layer_sizes == (784, 12, 8, 10)


def test_a_model_that_does_not_fit_leaves_no_run(tmp_path):
    with pytest.raises(ModelError, match=r"small\.npz reads 20 pixels"):
        keep_as_run(Network((20, 10)), load_dataset("sample"), "small.npz", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sizes", [(784, 5, 12), (784, 11), (784, 3, 3, 256)])
def test_a_model_that_knows_more_classes_than_the_data_can_be_trained_further(sizes, tmp_path):
    run = keep_as_run(Network(sizes), load_dataset("sample"), "larger.npz", tmp_path)
    run = wait(resume_run(run, 2))
    assert (run.status.state, run.status.epoch) == ("finished", 3)
    assert run.load_network().layer_sizes == sizes
    assert [row.epoch for row in run.metrics()] == [2, 3]
    assert len(run.layers()) >= len(sizes) - 1
