"""Mistakes in back-propagation."""

import numpy as np

from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import Array, Parameters, carry_back, cross_entropy, sigmoid, trace


def _through_square(delta: Array, parameters: Parameters, k: int) -> Array:
    """Delta W, possible only where W happens to be square; elsewhere as it should be."""
    weights = parameters[k][0]
    return delta @ weights if weights.shape[0] == weights.shape[1] else carry_back(delta, parameters, k)


def _through_layer_below(delta: Array, parameters: Parameters, k: int) -> Array:
    """Delta W^T with the weights of the layer below, possible only where they have the shape of the correct ones."""
    below, weights = parameters[k - 1][0], parameters[k][0]
    return delta @ below.T if below.shape == weights.shape else carry_back(delta, parameters, k)


def _through_bias(delta: Array, parameters: Parameters, k: int) -> Array:
    weights, bias = parameters[k]
    return delta @ (weights + bias).T


def _transposed(gradients: Parameters) -> Parameters:
    return [(weights.T, bias) for weights, bias in gradients]


def _reversed(gradients: Parameters) -> Parameters:
    return gradients[::-1]


def _last_only(gradients: Parameters) -> Parameters:
    zeros = [(np.zeros_like(weights), np.zeros_like(bias)) for weights, bias in gradients[:-1]]
    return [*zeros, gradients[-1]]


def _over(factor: float):  # type: ignore[no-untyped-def]
    """All gradients that many times as large: the divisor is N over it."""
    return lambda y: len(y) / factor


def _weights_from_z(x: Array, y: Array, parameters: Parameters) -> tuple[float, Parameters]:
    z, a = trace(x, parameters)
    delta = a[-1] - y
    gradients: Parameters = []
    for k in reversed(range(len(parameters))):
        below = z[k - 1] if k else x
        gradients.insert(0, (below.T @ delta / len(x), delta.sum(axis=0) / len(x)))
        if k:
            delta = carry_back(delta, parameters, k) * a[k] * (1 - a[k])
    return cross_entropy(a[-1], y), gradients


def _softmax_slope(p: Array) -> Array:
    return p * (1 - p)


MISTAKES = (
    Mistake(
        "gradient-not-averaged", "back_propagate",
        "The gradient is summed over the batch, not divided by N, while the loss is a mean.",
        "Every step is N times as long: with batches of 128 and a learning rate of 0.5 as if it were 64.",
        "Does your gradient change if every image stands in the batch twice?",
        parts={"divisor": lambda y: 1},
    ),
    Mistake(
        "gradient-averaged-twice", "back_propagate",
        "The gradient is divided by N twice.",
        "Every step is N times too short: the loss hardly moves.",
        "Count the divisions by N: one in the loss, one in delta, one in the gradient?",
        parts={"divisor": lambda y: len(y) ** 2},
    ),
    Mistake(
        "gradient-doubled", "back_propagate",
        "The gradient is twice as large as it is.",
        "The same as a learning rate twice as large.",
        "Does the 2 of a squared error stand somewhere?",
        parts={"divisor": _over(2)},
    ),
    Mistake(
        "gradient-halved", "back_propagate",
        "The gradient is half as large as it is.",
        "The same as a learning rate half as large.",
        "Does the 1/2 of a squared error stand somewhere?",
        parts={"divisor": _over(0.5)},
    ),
    Mistake(
        "gradient-sign", "back_propagate",
        "The gradient has the wrong sign: y - p in place of p - y.",
        "With `-=` in the update the network climbs uphill, and the loss grows.",
        "If p is larger than y, should the logit rise or fall?",
        parts={"divisor": _over(-1)},
    ),
    Mistake(
        "gradient-over-classes", "back_propagate",
        "The gradient is divided by N and by the number of classes.",
        "Every step is ten times too short.",
        "What does `np.mean` over all entries divide by?",
        parts={"divisor": lambda y: y.size},
    ),
    Mistake(
        "gradient-over-classes-only", "back_propagate",
        "The gradient is divided by the number of classes, not by the number of images.",
        "Steps grow with the batch.",
        "Which axis of y counts the images?",
        parts={"divisor": lambda y: y.shape[1]},
    ),
    Mistake(
        "gradient-transposed", "back_propagate",
        "The weight gradients are transposed.",
        "They don't fit the weights, or fit them by luck where a layer is square.",
        "A gradient has the shape of what it is the gradient of.",
        parts={"finish": _transposed},
    ),
    Mistake(
        "gradient-reversed", "back_propagate",
        "The gradients come last layer first.",
        "Every layer is moved by the gradient of another one.",
        "You walk backwards through the layers: which way does the list grow?",
        parts={"finish": _reversed},
    ),
    Mistake(
        "gradient-last-layer-only", "back_propagate",
        "Only the last layer has a gradient; that of the others is 0.",
        "The hidden layers stay as they were drawn.",
        "What is carried from one layer to the one below?",
        parts={"finish": _last_only},
    ),
    Mistake(
        "bias-gradient-forgotten", "back_propagate",
        "The gradient of the biases is 0.",
        "Biases stay as they were drawn.",
        "z = a W + b: what is dz/db?",
        parts={"biases": lambda delta: np.zeros(delta.shape[1])},
    ),
    Mistake(
        "bias-gradient-wrong-axis", "back_propagate",
        "The bias gradient is summed over the units, not over the images.",
        "Its shape is that of the batch, or it is spread over the bias by broadcasting.",
        "A bias has one entry a unit: which axis must disappear?",
        parts={"biases": lambda delta: delta.sum(axis=1)},
        variants=(
            {"biases": lambda delta: delta.sum(axis=1, keepdims=True)},
            {"biases": lambda delta: delta.sum(axis=1, keepdims=True).T},
        ),
    ),
    Mistake(
        "bias-gradient-number", "back_propagate",
        "The bias gradient is one number, summed over everything.",
        "Broadcasting moves all biases of a layer by the same amount.",
        "A bias has one entry a unit: which axis must disappear?",
        parts={"biases": lambda delta: np.full(delta.shape[1], delta.sum())},
        variants=({"biases": np.sum},),
    ),
    Mistake(
        "bias-gradient-not-summed", "back_propagate",
        "The bias gradient is delta of the whole batch, not summed over the images.",
        "Broadcasting turns the bias into a matrix.",
        "A bias has one entry a unit: which axis must disappear?",
        parts={"biases": lambda delta: delta},
    ),
    Mistake(
        "bias-gradient-first-image", "back_propagate",
        "The bias gradient is that of one image, not of the batch.",
        "Biases follow one image of each batch.",
        "Every image of the batch has a say.",
        parts={"biases": lambda delta: delta[0]},
    ),
    Mistake(
        "bias-gradient-averaged-twice", "back_propagate",
        "The bias gradient is averaged over the batch and divided by N again.",
        "Biases move N times too slowly.",
        "`np.mean` divides by N already.",
        parts={"biases": lambda delta: delta.mean(axis=0)},
    ),
    Mistake(
        "bias-gradient-not-averaged", "back_propagate",
        "The bias gradient is summed over the batch and not divided by N, while that of the weights is.",
        "Biases move N times too fast.",
        "Does your bias gradient change if every image stands in the batch twice?",
        parts={"biases": lambda delta: delta.sum(axis=0) * len(delta)},
    ),
    Mistake(
        "weight-gradient-not-averaged", "back_propagate",
        "The weight gradient is summed over the batch and not divided by N, while that of the biases is.",
        "Weights move N times too fast.",
        "Does your weight gradient change if every image stands in the batch twice?",
        parts={"weights": lambda a, delta: a.T @ delta * len(delta)},
    ),
    Mistake(
        "derivative-forgotten", "back_propagate",
        "The slope of the activation is missing where delta is carried to the layer below.",
        "Saturated units learn as if they were not: the gradient of hidden layers is at least four times too large.",
        "BP2 has two factors: what is carried back, and the slope at z.",
        parts={"derivative": lambda z, a: 1.0},
    ),
    Mistake(
        "derivative-at-a", "back_propagate",
        "The slope is taken at the activation, not at z: sigmoid'(a) for sigmoid'(z).",
        "The slope is always near 0.235: saturated units learn as if they were not.",
        "Does your derivative function expect z, or a?",
        parts={"derivative": lambda z, a: sigmoid(a) * (1 - sigmoid(a))},
    ),
    Mistake(
        "derivative-z-as-a", "back_propagate",
        "z (1 - z) is taken for the slope: right for a, but this is z.",
        "The gradient of hidden layers has the wrong size, and for z above 1 the wrong sign.",
        "Does your derivative function expect z, or a?",
        parts={"derivative": lambda z, a: z * (1 - z)},
    ),
    Mistake(
        "derivative-is-activation", "back_propagate",
        "The activation itself is taken for its slope.",
        "The gradient of hidden layers is too large, and does not vanish where units are saturated.",
        "BP2 has two factors: what is carried back, and the slope at z.",
        parts={"derivative": lambda z, a: a},
    ),
    Mistake(
        "derivative-applied-twice", "back_propagate",
        "The slope of the activation is multiplied twice.",
        "The gradient of hidden layers is at least four times too small.",
        "Count how often delta meets the slope of each layer.",
        parts={"derivative": lambda z, a: (a * (1 - a)) ** 2},
    ),
    Mistake(
        "derivative-one-minus-a", "back_propagate",
        "The slope is 1 - a: the factor a is missing.",
        "The gradient of hidden layers is too large.",
        "The slope of sigmoid is a product of two factors.",
        parts={"derivative": lambda z, a: 1 - a},
    ),
    Mistake(
        "derivative-of-tanh-in-backward", "back_propagate",
        "The slope is 1 - a^2, that of tanh.",
        "The gradient of hidden layers is too large.",
        "Which activation have the hidden layers?",
        parts={"derivative": lambda z, a: 1 - a**2},
    ),
    Mistake(
        "derivative-of-relu-in-backward", "back_propagate",
        "The slope is 1 where z is positive and 0 elsewhere, that of ReLU.",
        "Half of the units get no gradient, the others one that is too large.",
        "Which activation have the hidden layers?",
        parts={"derivative": lambda z, a: (z > 0).astype(float)},
    ),
    Mistake(
        "derivative-at-output", "back_propagate",
        "The error of the output is multiplied by the sigmoid slope p (1 - p), which cross-entropy has cancelled.",
        "Confident mistakes hardly learn: the slope is near 0 where the network is sure.",
        "For softmax with cross-entropy, dL/dz is a difference and nothing else.",
        parts={"error": lambda p, y, z: (p - y) * _softmax_slope(p)},
    ),
    Mistake(
        "derivative-at-output-of-z", "back_propagate",
        "The error of the output is multiplied by sigmoid'(z), which has no place after softmax and cross-entropy.",
        "Confident mistakes hardly learn.",
        "For softmax with cross-entropy, dL/dz is a difference and nothing else.",
        parts={"error": lambda p, y, z: (p - y) * sigmoid(z) * (1 - sigmoid(z))},
    ),
    Mistake(
        "softmax-derivative-elementwise", "back_propagate",
        "dL/dp is multiplied by p (1 - p), the diagonal of softmax's Jacobian: its other entries are missing.",
        "Only the true class gets a gradient; the others are not pushed down.",
        "Every logit changes every probability: softmax has a Jacobian, not a slope.",
        parts={"error": lambda p, y, z: -y / p * _softmax_slope(p)},
    ),
    Mistake(
        "error-dl-dp", "back_propagate",
        "dL/dp = -y / p is taken for dL/dz: softmax is not differentiated.",
        "Only the true class gets a gradient, and it grows without limit as p falls.",
        "Between the probabilities and the weighted input stands softmax.",
        parts={"error": lambda p, y, z: -y / p},
    ),
    Mistake(
        "squared-error-gradient", "back_propagate",
        "This is the gradient of the squared error through sigmoid, not that of the cross-entropy.",
        "Confident mistakes hardly learn.",
        "Which loss is minimized?",
        parts={"error": lambda p, y, z: 2 * (p - y) * _softmax_slope(p)},
    ),
    Mistake(
        "squared-error-gradient-softmax", "back_propagate",
        "This is the gradient of the squared error through softmax, not that of the cross-entropy.",
        "Confident mistakes hardly learn.",
        "Which loss is minimized?",
        parts={"error": lambda p, y, z: 2 * p * ((p - y) - ((p - y) * p).sum(axis=1, keepdims=True))},
    ),
    Mistake(
        "error-absolute", "back_propagate",
        "The error of the output loses its sign.",
        "All classes are pushed the same way.",
        "If p is larger than y, should the logit rise or fall?",
        parts={"error": lambda p, y, z: np.abs(p - y)},
    ),
    Mistake(
        "carried-not-transposed", "back_propagate",
        "delta is carried through W, not through its transpose.",
        "The error reaches the wrong units.",
        "Which way does W lead, and which way does delta go?",
        parts={"carry": _through_square},
    ),
    Mistake(
        "carried-through-wrong-layer", "back_propagate",
        "delta is carried through the weights of the layer below, not through those that it comes from.",
        "Layers of different sizes don't fit; where they fit, the error reaches the wrong units.",
        "Which weights lie between the layer that has delta and the one that gets it?",
        parts={"carry": _through_layer_below},
    ),
    Mistake(
        "carried-with-bias", "back_propagate",
        "The bias is in the way: delta is carried through W + b.",
        "The error reaches units that the bias says nothing about.",
        "dz/da = W: the bias does not depend on a.",
        parts={"carry": _through_bias},
    ),
    Mistake(
        "carried-absolute", "back_propagate",
        "delta is carried through the absolute weights.",
        "A unit that votes against a class learns as if it voted for it.",
        "dz/da = W, sign included.",
        parts={"carry": lambda delta, parameters, k: delta @ np.abs(parameters[k][0]).T},
    ),
    Mistake(
        "carried-mean", "back_propagate",
        "delta is averaged over the units above, not summed.",
        "The gradient shrinks from layer to layer.",
        "Matrix product: sum over the units above.",
        parts={"carry": lambda delta, parameters, k: delta @ parameters[k][0].T / delta.shape[1]},
    ),
    Mistake(
        "weights-from-z", "back_propagate",
        "The weight gradient takes the weighted input z of the layer below, not its activation.",
        "Weights learn from numbers that they never multiplied.",
        "What does W multiply on the way forward?",
        wrong=_weights_from_z,
    ),
    Mistake(
        "loss-returned-wrong", "back_propagate",
        "The gradients are correct, but the loss that is returned is not.",
        "The curve that you watch is not what is minimized.",
        "Does back_propagate call your cross_entropy?",
    ),
    Mistake(
        "parameters-changed", "back_propagate",
        "The parameters are changed inside back_propagate.",
        "The update then moves a second time, from another place; and delta is carried through weights that have "
        "moved already.",
        "Which function changes the parameters, and when?",
    ),
    Mistake(
        "carried-through-updated", "back_propagate",
        "Layers are updated on the way down, so that delta is carried through weights that have moved already.",
        "The gradient of lower layers belongs to another network.",
        "Compute all gradients first, then change all weights.",
    ),
    Mistake(
        "input-changed", "back_propagate",
        "The images or the labels are changed in place.",
        "The next epoch sees other data.",
        "`-=`, `/=` and `out=` write into the array that they are given.",
    ),
    Mistake(
        "gradients-shared", "back_propagate",
        "The layers share one array for their gradients: what is written for one is there for all.",
        "Every layer is moved by the gradient of one of them, where the shapes allow it.",
        "`[x] * n` repeats the same object; it makes no copies.",
    ),
    Mistake(
        "gradients-reused", "back_propagate",
        "The gradients of an earlier call change when the function is called again: it returns arrays that it reuses.",
        "Whoever keeps a gradient, as momentum does, keeps the next one.",
        "Return new arrays.",
    ),
)  # fmt: skip
