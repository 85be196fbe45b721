"""What became of a run, in sentences: how far it is, whether it has a model, and of which epoch."""

from mnist_core.errors import counted
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import Run
from mnist_core.runs.status import Status

MEASURED_SECONDS, MEASURED_FRACTION = 2.0, 0.05
"""Speed means something once training took this long, or did this fraction of its work."""


def fraction_done(status: Status, epochs: int) -> float:
    """Fraction of all epochs that are trained, the images of the current one included."""
    return (status.epoch + _part(status)) / epochs


def images_per_second(status: Status, epochs: int) -> float | None:
    """Mean speed of the whole training; None as long as too little is measured."""
    images = (status.epoch + _part(status)) * status.images_total
    enough = status.seconds >= MEASURED_SECONDS or fraction_done(status, epochs) >= MEASURED_FRACTION
    return images / status.seconds if enough and images and status.seconds else None


def seconds_left(status: Status, epochs: int) -> float | None:
    """Time that the rest of the epochs takes at the mean speed; None as long as it is unknown."""
    speed = images_per_second(status, epochs)
    return (1 - fraction_done(status, epochs)) * epochs * status.images_total / speed if speed else None


def _part(status: Status) -> float:
    return status.images_done / status.images_total if status.images_total else 0.0


def duration(seconds: float) -> str:
    """Write seconds as people say them, such as 45 s, 2 min 5 s or 1 h 20 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def other_epoch(run: Run) -> int | None:
    """Epoch that the model is of, if it is not the last one that was trained."""
    epoch = model_epoch(run)
    return None if epoch == run.status.epoch else epoch


def kept_epoch(run: Run) -> int | None:
    """Epoch that early stopping kept the model of, if it is not the last one that was trained."""
    return other_epoch(run) if run.config.patience else None


def epoch_of_model(run: Run) -> str:
    """A sentence on the epoch that the model is of; empty if it is the last one, as everybody expects."""
    epoch = other_epoch(run)
    if not epoch:
        return ""
    reason = "the last one saved" if run.status.active else "which has the lowest validation loss"
    return f"The model is the one after epoch {epoch:,} of {run.status.epoch:,}, {reason}."


def epochs_done(run: Run) -> str:
    """Trained and planned epochs, and that of the model if it is another one: 42 of 100 epochs, model of epoch 37."""
    epoch = other_epoch(run)
    return f"{run.status.epoch:,} of {counted(run.epochs, 'epoch')}" + (f", model of epoch {epoch:,}" if epoch else "")
