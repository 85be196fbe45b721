"""What training continues from: the parameters and the state of the training."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnist_core.data.npz import read_npz
from mnist_core.errors import RunError, reason_of
from mnist_core.nn.network import Network
from mnist_core.runs.files import write_npz
from mnist_core.runs.schema import MAX_BYTES
from mnist_core.training.config import TrainingConfig
from mnist_core.training.state import TrainingState


@dataclass(frozen=True)
class Checkpoint:
    """What training continues from after a complete epoch. Epoch 0 is the untrained network, without arrays.

    ``arrays`` are those of :meth:`Network.to_arrays`, ``state`` those of :meth:`TrainingState.to_arrays`.
    """

    epoch: int = 0
    arrays: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    state: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, network: Network, state: TrainingState) -> "Checkpoint":
        """Copy the parameters of a network and the state of its training."""
        arrays = {name: array.copy() for name, array in network.to_arrays().items()}
        return cls(state.epoch, arrays, state.to_arrays())

    def restore(self, config: TrainingConfig) -> tuple[Network, TrainingState]:
        """Make the network and the state of its training again."""
        network = Network.from_arrays(self.arrays)
        return network, TrainingState.from_arrays(config, network, self.state)

    @property
    def model_epoch(self) -> int:
        """The epoch that :meth:`model` is of."""
        return int(self.state.get("best.epoch", self.epoch))

    def model(self) -> Network:
        """Make the trained network: the best one so far with early stopping, otherwise the last one."""
        network = Network.from_arrays(self.arrays)
        network.parameters[:] = self.state.get("best.parameters", network.parameters)
        return network

    def write(self, folder: Path) -> None:
        """Write ``checkpoint.npz`` into a run folder, atomically."""
        content = {**self.arrays, "epoch": np.array(self.epoch), **self.state}
        write_npz(folder / "checkpoint.npz", content)

    @classmethod
    def from_arrays(cls, everything: dict[str, np.ndarray]) -> "Checkpoint":
        """Take the arrays of a file; ValueError or TypeError if some are missing or no numbers."""
        for name in ("activation", "epoch"):
            if name not in everything:
                raise ValueError(f"it has no array {name!r}")
        arrays = {name: array for name, array in everything.items() if re.fullmatch(r"[Wb]\d+|activation", name)}
        state = {name: array for name, array in everything.items() if name not in arrays}
        return cls(int(state["epoch"]), arrays, state)

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint":
        """Read the checkpoint of a run folder; the untrained one if the file is missing.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        path = folder / "checkpoint.npz"
        if not path.exists():
            return cls()
        try:
            return cls.from_arrays(read_npz(path, MAX_BYTES[path.name]))
        except (OSError, TypeError, ValueError) as error:
            raise RunError(
                f"The checkpoint of run {folder.name} can't be read ({path.name}: {reason_of(error)}): delete the file "
                "to train from the start again."
            ) from error
