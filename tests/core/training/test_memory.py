"""The memory of training is known from sizes alone, and what needs too much is refused before anything is made."""

import tracemalloc
from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core import cli
from mnist_core.data.dataset import Dataset, load_dataset
from mnist_core.errors import ConfigError, ModelError
from mnist_core.evaluation.predict import CHUNK, evaluate, images_at_once, predict
from mnist_core.models.formats import FORMATS, export, to_npz
from mnist_core.models.reading import MAX_BYTES, read_model
from mnist_core.nn.network import MAX_PARAMETERS, Network, num_parameters
from mnist_core.nn.optimizers import OPTIMIZERS
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import write_json
from mnist_core.runs.run import create_run, list_runs, read_run
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.layer_histograms import layer_histograms
from mnist_core.training.layer_statistics import layer_statistics
from mnist_core.training.loop import build_network, train
from mnist_core.training.memory import MAX_TRAINING_BYTES, DataSize, check_memory, training_bytes
from mnist_core.training.state import TrainingState
from mnist_core.untrusted import UntrustedText

HUGE = (10_000,) * 10


def random_data(images, side, classes=10):
    pixels = np.random.default_rng(0).integers(0, 256, (images, side, side), np.uint8)
    labels = (np.arange(images) % classes).astype(np.uint8)
    tested = slice(0, images // 6)
    return Dataset(pixels, labels, pixels[tested], labels[tested], UntrustedText("random"), "full", None, {})


def peak(function):
    """Return the largest memory that a function holds, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def train_as_a_worker(config, dataset, folder):
    """Do what allocates memory in the process that trains a run."""
    network = build_network(config, dataset)
    state, checkpoint = TrainingState.start(config, network), Checkpoint()
    for _ in train(config, dataset, network, state=state):
        checkpoint = Checkpoint.of(network, state)
        checkpoint.write(folder)
        layer_statistics(network, dataset, 1)
        layer_histograms(network, dataset, 1)
        to_npz(checkpoint.model(), dataset.image_shape)
    evaluate(checkpoint.model(), dataset.test_images, dataset.test_labels)


@pytest.mark.parametrize(
    ("size", "settings"),
    [
        ((20_000, 28), {}),
        ((600, 28), {"hidden_layers": (1500, 1500)}),
        ((600, 28), {"hidden_layers": (1500, 1500), "optimizer": "adamw", "learning_rate": 0.001}),
        (
            (600, 28),
            {"hidden_layers": (1500, 1500), "optimizer": "momentum", "patience": 3, "validation_fraction": 0.2},
        ),
        ((9000, 28), {"hidden_layers": (1000,), "batch_size": 8000, "dropout": 0.3}),
        ((4000, 28), {"batch_size": 4000, "elastic": 1.0}),
        ((500, 100), {"elastic": 1.0, "shift": 1.0}),
        ((8, 400), {"elastic": 1.0, "hidden_layers": ()}),
    ],
)
@pytest.mark.slow
def test_the_estimate_is_what_training_takes(size, settings, tmp_path):
    config, dataset = TrainingConfig(epochs=2, **{"learning_rate": 0.01, **settings}), random_data(*size)
    used = peak(lambda: train_as_a_worker(config, dataset, tmp_path))
    used += dataset.train_images.nbytes + dataset.test_images.nbytes
    estimate = sum(training_bytes(config, DataSize.of(dataset)).values())
    assert used < estimate + 1e6
    assert estimate < 1.6 * used


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_parameters_are_counted_without_making_them(sizes):
    network = Network(sizes)
    assert num_parameters(sizes) == network.num_parameters == sum(a.size for a in network.weights + network.biases)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"hidden_layers": HUGE}, r"784-10000-.*-10 \(908,040,010 parameters\) .* reduce hidden_layers \(10000-10000"),
        ({"hidden_layers": (10_000, 10_000)}, r"needs about 3\.\d GB .* reduce hidden_layers \(10000-10000\)"),
        ({"batch_size": 100_000, "hidden_layers": (6000,)}, r"reduce batch_size \(100,000\)\.$"),
        ({"batch_size": 50_000, "shift": 1.0}, r"reduce batch_size \(50,000\) or switch augmentation off\.$"),
    ],
)
def test_settings_that_need_too_much_are_refused_in_a_sentence_and_at_once(settings, advice):
    def refused():
        with pytest.raises(ConfigError, match=advice):
            check_memory(TrainingConfig(**settings))

    assert peak(refused) < 1e6


@given(
    st.lists(st.integers(1, 10_000), max_size=10),
    st.integers(1, 100_000),
    st.sampled_from(list(OPTIMIZERS)),
    st.sampled_from([0.0, 0.5]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_accepted_stays_below_the_limit(layers, batch_size, optimizer, dropout, stops_early, augmented):
    settings = {
        "hidden_layers": tuple(layers), "batch_size": batch_size, "optimizer": optimizer, "dropout": dropout,
        "validation_fraction": 0.1, "patience": int(stops_early), "rotation": 5.0 * augmented,
    }  # fmt: skip
    try:
        config = TrainingConfig(**settings)
        check_memory(config)
    except ConfigError as error:
        assert "GB of memory" in str(error)
        return
    assert sum(training_bytes(config).values()) <= MAX_TRAINING_BYTES
    assert num_parameters((784, *layers, 10)) <= MAX_PARAMETERS


@pytest.mark.parametrize("width", [16, 64, 128, 512])
def test_usual_settings_are_far_below_the_limit(width):
    for depth, batch_size in product((0, 2, 4), (1, 128, 1024)):
        layers = (width,) * depth
        parts = training_bytes(TrainingConfig(hidden_layers=layers, batch_size=batch_size, optimizer="adam"))
        assert sum(parts.values()) < MAX_TRAINING_BYTES / 3
    for preset in PRESETS.values():
        assert sum(training_bytes(preset.config).values()) < MAX_TRAINING_BYTES / 10


def test_slightly_too_much_is_not_written_as_the_limit():
    config = next(
        config
        for units in range(5000, 9000)
        if sum(training_bytes(config := TrainingConfig(hidden_layers=(units, units))).values()) > MAX_TRAINING_BYTES
    )
    with pytest.raises(ConfigError, match=r"about 2\.01 GB of memory, more than the 2 GB"):
        check_memory(config)


def test_the_data_count_too(tmp_path):
    large = DataSize(60_000, 500 * 500, 10)
    with pytest.raises(ConfigError, match=r"250000-128-64-10 .* use fewer or smaller images"):
        check_memory(TrainingConfig(), large)
    with pytest.raises(ConfigError, match=r"reduce hidden_layers \(2000\)"):
        check_memory(TrainingConfig(hidden_layers=(2000,)), DataSize(100, 500 * 500, 10))
    with pytest.raises(ConfigError, match=r"16000000-250 .* allowed: use smaller images\.$"):
        check_memory(TrainingConfig(hidden_layers=()), DataSize(10, 4000 * 4000, 250))
    pixels = np.broadcast_to(np.uint8(0), (60_000, 500, 500))  # takes no memory
    labels = (np.arange(60_000) % 10).astype(np.uint8)
    dataset = Dataset(pixels, labels, pixels, labels, UntrustedText("large"), "full", None, {})
    config = TrainingConfig()
    for start in (
        lambda: build_network(config, dataset),
        lambda: next(train(config, dataset, Network((250_000, 1, 10)))),
        lambda: create_run(config, dataset, tmp_path),
    ):
        with pytest.raises(ConfigError, match="use fewer or smaller images"):
            start()
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_refuses_them(capsys, tmp_path):
    layers = [str(units) for units in HUGE]
    assert cli.main(["train", "--source", "sample", "--hidden-layers", *layers, "--runs-dir", str(tmp_path)]) == 1
    assert "GB of memory, more than the 2 GB allowed: reduce hidden_layers" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_recorded_run_with_such_settings_is_read_but_not_trained(tmp_path):
    dataset = load_dataset("sample")
    run = create_run(TrainingConfig(), dataset, tmp_path)
    settings = {**TrainingConfig().to_dict(), "hidden_layers": list(HUGE)}
    write_json(run.path / "config.json", {"created": run.created, "training": settings, "dataset": asdict(run.dataset)})

    def used():
        (read,) = list_runs(tmp_path)
        assert read.check().config.hidden_layers == HUGE
        for start in (
            lambda: next(train(read.config, dataset)),
            lambda: create_run(read.config, read.dataset, tmp_path),
        ):
            with pytest.raises(ConfigError, match="reduce hidden_layers"):
                start()

    assert peak(used) < 3e6  # those parameters would take 3.6 GB
    assert list_runs(tmp_path) == [read_run(run.path)]


def test_a_network_is_refused_by_its_sizes_and_so_is_an_upload():
    with pytest.raises(ConfigError, match=r"has 908,040,010 parameters, expected at most 100,000,000"):
        Network((784, *HUGE, 10))
    small = Network((4, 3, 2)).to_arrays()
    wide = {**small, "W1": np.zeros((4, 20_000), np.float32), "b1": np.zeros(20_000, np.float32)}
    wide |= {"W2": np.zeros((20_000, 2), np.float32)}
    network = Network.from_arrays(wide)
    assert read_model(to_npz(network, (2, 2))).layer_sizes == (4, 20_000, 2)
    with pytest.raises(ModelError):
        read_model(b"PK\3\4" + bytes(100))


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_an_upload_takes_little_more_memory_than_its_size(kind):
    if FORMATS[kind].package:
        pytest.importorskip(FORMATS[kind].package)
    content = export(Network((784, 5000, 2000, 10)), (28, 28), kind)
    assert 5e7 < len(content) < MAX_BYTES
    assert peak(lambda: read_model(content)) < 3 * len(content)


def test_a_wide_network_is_fed_fewer_images_at_once():
    assert images_at_once((784, 128, 64, 10)) == images_at_once((784, 512, 512, 512, 512, 10)) == CHUNK
    network = Network((4, 200_000, 2))
    images = np.random.default_rng(0).integers(0, 256, (500, 2, 2), np.uint8)
    assert images_at_once(network.layer_sizes) == 83
    probabilities = []
    assert peak(lambda: probabilities.append(predict(network, images))) < 4e8
    np.testing.assert_allclose(probabilities[0][:90], predict(network, images[:90]), rtol=1e-4)
    assert images_at_once((1, 10**9, 1)) == 1
