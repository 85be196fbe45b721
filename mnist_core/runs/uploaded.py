"""Keep an uploaded model as a run."""

import time
from pathlib import Path

from mnist_core.data.dataset import Dataset
from mnist_core.evaluation.predict import evaluate
from mnist_core.models.reading import check_fits
from mnist_core.nn.network import Network
from mnist_core.runs.about import About
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.files import checksums_of, write_npz
from mnist_core.runs.run import RESULTS, Run, create_run
from mnist_core.runs.schema import write_record
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from mnist_core.training.state import TrainingState


def keep_as_run(network: Network, dataset: Dataset, name: str, runs_dir: Path | None = None) -> Run:
    """Make a complete run, or none, of a network that was trained elsewhere, to use it as any other run.

    It counts as one finished epoch, without curves; more epochs continue with plain gradient descent.

    Parameters
    ----------
    network : Network
    dataset : Dataset
        What it is tested on, and trained on further.
    name : str
        Of the file that it came in.
    runs_dir : Path, optional

    Raises
    ------
    ModelError
        If it does not fit the data.
    ConfigError
        If it has more layers, or larger ones, than a run may have.
    RunError
        If the run folder can't be written.
    """
    check_fits(network, dataset, name)
    hidden = network.layer_sizes[1:-1]
    config = TrainingConfig(epochs=1, hidden_layers=hidden, activation=network.activation)
    result = evaluate(network, dataset.test_images, dataset.test_labels)
    checkpoint = Checkpoint.of(network, TrainingState(TrainingState.start(config, network).optimizer, epoch=1))
    note = "Not trained here: it has no curves, and of its settings only the layers and the activation are known."
    about = About.of(name[: About.MAX_NAME], note, ("uploaded",))

    def complete(folder: Path) -> None:
        checkpoint.write(folder)
        write_npz(folder / "model.npz", network.to_arrays())
        about.write(folder)
        status = Status(
            "finished",
            epoch=1,
            model_epoch=1,
            test_accuracy=result.accuracy,
            test_loss=result.loss,
            heartbeat=time.time(),
            checksums=checksums_of(folder, ("config.json", *RESULTS)),
        )
        write_record(folder / "status.json", status)

    return create_run(config, dataset, runs_dir, complete)
