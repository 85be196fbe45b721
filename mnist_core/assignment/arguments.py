"""Which argument of a learner's function is which: by their names, as far as these are plain."""

from mnist_core.assignment.contract import STEPS

SYNONYMS: dict[str, tuple[str, ...]] = {
    "x": ("x", "xs", "image", "images", "input", "inputs", "data", "batch", "x_batch", "x_train", "input_data", "a0"),
    "y": (
        "y", "ys", "t", "target", "targets", "label", "labels", "y_true", "true", "truth", "y_batch", "y_train",
        "y_one_hot", "one_hot_y", "y_onehot", "actual", "expected", "ground_truth",
    ),
    "probabilities": (
        "probabilities", "probs", "prob", "p", "y_hat", "yhat", "y_pred", "pred", "preds", "prediction", "predictions",
        "predicted", "output", "outputs", "a", "al", "a2", "a3", "out",
    ),
    "parameters": ("parameters", "params", "param", "weights", "model", "network", "net", "theta", "layers"),
    "gradients": ("gradients", "gradient", "grads", "grad", "derivatives", "nabla"),
    "learning_rate": ("learning_rate", "lr", "alpha", "eta", "rate", "step_size"),
    "predicted": (
        "predicted", "prediction", "predictions", "pred", "preds", "y_pred", "y_hat", "yhat", "p", "output", "outputs",
    ),
    "labels": (
        "labels", "label", "y", "ys", "y_true", "true", "truth", "target", "targets", "t", "actual", "expected",
        "y_test",
    ),
    "num_classes": ("num_classes", "n_classes", "nb_classes", "classes", "k", "c", "n", "num_labels", "depth"),
    "layer_sizes": ("layer_sizes", "sizes", "layers", "layer_dims", "dims", "architecture"),
    "seed": ("seed", "random_seed", "random_state", "rng_seed"),
    "epochs": ("epochs", "epoch", "num_epochs", "n_epochs", "iterations", "num_iterations", "iters"),
    "batch_size": ("batch_size", "batch", "bs", "mini_batch_size", "minibatch_size", "m"),
}  # fmt: skip
"""Other names of the arguments of the contract."""

KEPT = {
    "cache", "caches", "memory", "zs", "activations", "acts", "hidden", "z1", "a1", "z2", "z", "store", "states",
    "layer_outputs", "forward_cache", "intermediate",
}  # fmt: skip
"""Names of what a forward pass keeps for the way back."""


def roles_of(step: str, count: int) -> tuple[str, ...]:
    """Arguments of the contract, of which a function is given so many: a method has no parameters among them."""
    whole = tuple(name.strip() for name in STEPS[step].signature.split(","))
    if count >= len(whole):
        return whole
    without = tuple(name for name in whole if name != "parameters")
    return without if count == len(without) else whole[:count]


def wanted(step: str, count: int) -> str:
    """The function as the contract has it; a method's without parameters."""
    whole = roles_of(step, 99)
    roles = roles_of(step, count)
    return f"{step}({', '.join(whole if whole[: len(roles)] == roles else roles)})"


def order_of(step: str, names: tuple[str, ...], count: int) -> tuple[int, ...]:
    """Positions, among the arguments of the contract, of those that a function wants, in its own order.

    Parameters
    ----------
    step : str
    names : tuple of str
        Positional arguments of the function.
    count : int
        How many arguments the contract gives.

    Returns
    -------
    tuple of int
        That of the contract, unless the names say plainly that it is another one, or that it wants fewer.
    """
    roles = roles_of(step, count)
    found: list[int] = []
    for name in names[:count]:
        fitting = [k for k, role in enumerate(roles) if name.lower() in SYNONYMS.get(role, ()) and k not in found]
        if len(fitting) != 1:
            return tuple(range(count))
        found.append(fitting[0])
    return tuple(found)
