"""Where training stands between two epochs."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mnist_core.errors import ConfigError
from mnist_core.nn.network import Network
from mnist_core.nn.optimizers import OPTIMIZERS, SGD
from mnist_core.training.config import TrainingConfig


class Best(NamedTuple):
    """The model with the lowest validation loss so far."""

    epoch: int
    val_loss: float
    parameters: np.ndarray


@dataclass
class TrainingState:
    """What training continues from, besides the parameters; all random numbers come from the seed and the epoch.

    Attributes
    ----------
    optimizer : SGD
        The optimizer, with its state.
    epoch : int
        Number of epochs trained so far.
    best : Best or None
        The best model so far, for early stopping.
    """

    optimizer: SGD
    epoch: int = 0
    best: Best | None = None

    @classmethod
    def start(cls, config: TrainingConfig, network: Network) -> "TrainingState":
        """State before the first epoch."""
        make = OPTIMIZERS[config.optimizer]
        size, weights = network.num_parameters, network.num_weights
        return cls(make(size, weights, network.dtype, config.momentum, config.weight_decay))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Copy everything by name, as in ``checkpoint.npz``."""
        arrays = {"epoch": np.array(self.epoch), "steps": np.array(self.optimizer.steps)}
        arrays |= {f"optimizer.{name}": array.copy() for name, array in self.optimizer.state.items()}
        if self.best:
            arrays |= {f"best.{name}": np.array(value) for name, value in self.best._asdict().items()}
        return arrays

    @classmethod
    def from_arrays(cls, config: TrainingConfig, network: Network, arrays: dict[str, np.ndarray]) -> "TrainingState":
        """Invert :meth:`to_arrays`; other names in ``arrays`` are ignored.

        Raises
        ------
        ConfigError
            If an array is missing, or has a different shape than the parameters.
        """
        state = cls.start(config, network)
        try:
            state.epoch, state.optimizer.steps = int(arrays["epoch"]), int(arrays["steps"])
            for name, array in state.optimizer.state.items():
                array[:] = arrays[f"optimizer.{name}"]
            if "best.epoch" in arrays:
                parameters = np.empty_like(network.parameters)
                parameters[:] = arrays["best.parameters"]
                state.best = Best(int(arrays["best.epoch"]), float(arrays["best.val_loss"]), parameters)
        except (KeyError, ValueError) as error:
            raise ConfigError(f"The training state is incomplete ({error}): start a new run.") from error
        return state

    def stops_early(self, patience: int) -> bool:
        """Whether the validation loss has not improved for ``patience`` epochs."""
        return bool(patience and self.best and self.epoch - self.best.epoch >= patience)
