"""What a learner writes: the steps, their arguments, and the names under which they are recognized."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One function of the contract."""

    name: str
    signature: str
    """Arguments as in the starter file."""
    about: str
    """Docstring of the starter file: what goes in, what comes out."""
    formula: str
    code: str
    """Body of a correct function, without its first line."""
    aliases: tuple[str, ...] = ()
    """Other names that are plain enough to be taken for it."""
    level: int = 2
    """The lowest level of the starter file in which the learner writes it; below, it is given."""

    @property
    def source(self) -> str:
        """The correct function."""
        return f"def {self.name}({self.signature}):\n    {_quoted(self.about)}\n{_indented(self.code)}\n"


def _quoted(text: str) -> str:
    return f'"""{text}"""'


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in code.strip("\n").split("\n"))


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step(
            "read_idx", "path",
            "Read an IDX file; return uint8, shape (N, 28, 28) for images, (N,) for labels.",
            "bytes 0-3: 0, 0, type, number of dimensions; then each size as a 32-bit integer, high byte first; "
            "then the values",
            """\
with open(path, "rb") as file:
    content = file.read()
sizes = np.frombuffer(content, ">u4", count=content[3], offset=4)
return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes)""",
            ("load_idx", "read_idx_file", "load_idx_file", "parse_idx", "read_ubyte"),
        ),
        Step(
            "normalize", "images",
            "Scale pixels (N, H, W) or (N, pixels) from 0 ... 255 to 0 ... 1.",
            "x = pixel / 255",
            "return images / 255.0",
            ("normalise", "scale", "scale_pixels", "normalize_images", "preprocess"),
        ),
        Step(
            "one_hot", "labels, num_classes",
            "Turn labels (N,) into rows (N, num_classes) with a 1 at the place of the label.",
            "y[n, k] = 1 if k = label[n], otherwise 0",
            """\
rows = np.zeros((len(labels), num_classes))
rows[np.arange(len(labels)), labels] = 1
return rows""",
            ("onehot", "one_hot_encode", "one_hot_encoding", "to_one_hot", "to_categorical", "encode_labels"),
        ),
        Step(
            "sigmoid", "z",
            "The activation of the hidden layers, for each entry of z.",
            "sigmoid(z) = 1 / (1 + exp(-z))",
            """\
small = np.exp(-np.abs(z))
return np.where(z >= 0, 1 / (1 + small), small / (1 + small))""",
            ("logistic", "sigma", "sigm", "activation"),
        ),
        Step(
            "sigmoid_derivative", "z",
            "The slope of sigmoid at z.",
            "sigmoid'(z) = sigmoid(z) (1 - sigmoid(z))",
            """\
a = sigmoid(z)
return a * (1 - a)""",
            ("sigmoid_prime", "d_sigmoid", "dsigmoid", "sigmoid_deriv", "sigmoid_grad", "sigmoid_gradient",
             "derivative_sigmoid", "activation_derivative", "sigmoid_der"),
            level=1,
        ),
        Step(
            "softmax", "z",
            "Turn each row of z, shape (N, C), into probabilities that sum to 1.",
            "softmax(z)_k = exp(z_k - max z) / sum_j exp(z_j - max z)",
            """\
exp = np.exp(z - z.max(axis=1, keepdims=True))
return exp / exp.sum(axis=1, keepdims=True)""",
            ("soft_max", "stable_softmax"),
        ),
        Step(
            "initialize", "layer_sizes, seed",
            "Draw the first parameters: a list of (W, b), W of shape (in, out), b of shape (out,).",
            "W, b uniform in ±1/sqrt(in)",
            """\
random = np.random.default_rng(seed)
parameters = []
for above, below in zip(layer_sizes[:-1], layer_sizes[1:]):
    limit = 1 / np.sqrt(above)
    parameters.append((random.uniform(-limit, limit, (above, below)), random.uniform(-limit, limit, below)))
return parameters""",
            ("init", "initialise", "init_params", "init_parameters", "initialize_parameters", "initialize_weights",
             "init_weights", "initialise_parameters"),
        ),
        Step(
            "feed_forward", "x, parameters",
            "Feed images x, shape (N, pixels), through the network; return probabilities (N, C).",
            "a_0 = x; z_k = a_(k-1) W_k + b_k; a_k = sigmoid(z_k); p = softmax(z_last)",
            """\
a = x
for weights, bias in parameters[:-1]:
    a = sigmoid(a @ weights + bias)
weights, bias = parameters[-1]
return softmax(a @ weights + bias)""",
            ("feedforward", "forward", "forward_pass", "forward_prop", "forward_propagation", "forward_propagate",
             "predict_proba", "predict_probabilities"),
            level=1,
        ),
        Step(
            "cross_entropy", "probabilities, y",
            "Mean cross-entropy of probabilities (N, C) and one-hot rows y (N, C), in nats.",
            "L = -1/N sum_n sum_k y_nk ln p_nk",
            "return -np.sum(y * np.log(np.maximum(probabilities, 1e-300))) / len(y)",
            ("loss", "cross_entropy_loss", "categorical_cross_entropy", "categorical_crossentropy", "crossentropy",
             "compute_loss", "compute_cost", "cost", "loss_function"),
        ),
        Step(
            "back_propagate", "x, y, parameters",
            "Return (loss, [(dW, db), ...]): the mean loss of the batch, and its gradient for each layer.",
            "delta_last = (p - y) / N; delta_k = (delta_(k+1) W_(k+1)^T) sigmoid'(z_k); "
            "dW_k = a_(k-1)^T delta_k; db_k = sum_n delta_k",
            """\
inputs, a = [], x
for k, (weights, bias) in enumerate(parameters):
    inputs.append(a)
    z = a @ weights + bias
    a = softmax(z) if k == len(parameters) - 1 else sigmoid(z)
loss = cross_entropy(a, y)
delta = (a - y) / len(x)
gradients = []
for k in reversed(range(len(parameters))):
    gradients.insert(0, (inputs[k].T @ delta, delta.sum(axis=0)))
    if k > 0:
        delta = (delta @ parameters[k][0].T) * inputs[k] * (1 - inputs[k])
return loss, gradients""",
            ("backpropagate", "backprop", "back_prop", "backward", "backward_pass", "backpropagation",
             "back_propagation", "backward_propagation", "backward_prop", "compute_gradients", "gradients"),
            level=1,
        ),
        Step(
            "update", "parameters, gradients, learning_rate",
            "Make one step of gradient descent, in place or on what is returned.",
            "W <- W - learning_rate dW; b <- b - learning_rate db",
            """\
return [
    (weights - learning_rate * d_weights, bias - learning_rate * d_bias)
    for (weights, bias), (d_weights, d_bias) in zip(parameters, gradients)
]""",
            ("update_parameters", "update_params", "update_weights", "gradient_descent", "sgd", "step", "sgd_step",
             "gradient_step", "apply_gradients"),
            level=1,
        ),
        Step(
            "predict", "x, parameters",
            "Return the most probable class of each image, shape (N,).",
            "argmax_k p_nk",
            "return feed_forward(x, parameters).argmax(axis=1)",
            ("classify", "get_predictions", "predict_labels"),
        ),
        Step(
            "accuracy", "predicted, labels",
            "Share of correct predictions, 0 ... 1.",
            "number of n with predicted_n = label_n, divided by N",
            "return np.mean(predicted == labels)",
            ("get_accuracy", "compute_accuracy", "accuracy_score", "calculate_accuracy"),
        ),
        Step(
            "misclassified", "predicted, labels",
            "Positions of the wrong predictions.",
            "all n with predicted_n != label_n",
            "return np.flatnonzero(predicted != labels)",
            ("errors", "wrong_predictions", "misclassifications", "find_misclassified", "get_misclassified"),
        ),
        Step(
            "train", "x, y, parameters, epochs, batch_size, learning_rate, seed",
            "Train by mini-batch gradient descent; return the parameters. Optional.",
            "each epoch: shuffle, and make one update for each batch",
            """\
random = np.random.default_rng(seed)
for _ in range(epochs):
    order = random.permutation(len(x))
    for start in range(0, len(x), batch_size):
        batch = order[start:start + batch_size]
        loss, gradients = back_propagate(x[batch], y[batch], parameters)
        parameters = update(parameters, gradients, learning_rate) or parameters
return parameters""",
            ("fit", "train_network", "train_model", "sgd_train", "training"),
            level=3,
        ),
    )
}  # fmt: skip
"""The steps by name, in the order in which they are checked."""

WHOLE = {
    "gradient": "The gradient against central differences of the loss",
    "first_loss": "The loss before training, ln(classes) with small weights",
    "by_heart": "Twenty images learned by heart",
    "one_epoch": "One epoch on the sample, beside the reference with the same seed",
}
"""Checks of all functions together, after the steps."""

LEVELS = {
    1: "the four functions of back-propagation; the rest is given",
    2: "the functions of the recipe; the optional loop is given",
    3: "everything, from the names alone",
}
