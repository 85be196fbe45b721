"""Mistakes in the activations."""

import numpy as np

from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import Array, row_sum, sigmoid, softmax


def _naive_sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) as it is computed with an overflow that ends in NaN: exp(z) / (1 + exp(z))."""
    exp = np.exp(z)
    return exp / (1 + exp)


def _nothing(z: Array) -> float:
    return 0.0


MISTAKES = (
    Mistake(
        "sigmoid-sign", "sigmoid",
        "The sign of z is wrong: this computes sigmoid(-z).",
        "Every unit responds the opposite way; the gradient then has the wrong sign.",
        "For large z, sigmoid is near 1: which way does yours go?",
        wrong=lambda z: sigmoid(-z),
    ),
    Mistake(
        "sigmoid-overflow", "sigmoid",
        "For large inputs exp overflows, and the result is not a number.",
        "One large input makes the loss NaN, and every weight after it.",
        "Which of exp(z) and exp(-z) stays small, for z > 0 and for z < 0?",
        wrong=_naive_sigmoid,
    ),
    Mistake(
        "sigmoid-is-tanh", "sigmoid",
        "This is tanh, which goes from -1 to 1; sigmoid goes from 0 to 1.",
        "Training works if the derivative is that of tanh too; else the gradient is wrong.",
        "What is sigmoid(0)?",
        wrong=np.tanh,
    ),
    Mistake(
        "sigmoid-is-relu", "sigmoid",
        "This is ReLU: the largest of z and 0.",
        "Training works if the derivative is that of ReLU too; else the gradient is wrong.",
        "What is sigmoid(0)?",
        wrong=lambda z: np.maximum(z, 0),
    ),
    Mistake(
        "sigmoid-missing-one", "sigmoid",
        "The 1 in the denominator is missing: this computes exp(z).",
        "Activations grow without limit.",
        "The result must stay between 0 and 1.",
        wrong=np.exp,
    ),
    Mistake(
        "sigmoid-precedence", "sigmoid",
        "`1 / 1 + exp(-z)` divides first: brackets are missing around the denominator.",
        "Activations are above 1, and grow without limit to the left.",
        "Which part does the division apply to?",
        wrong=lambda z: 1 + np.exp(-z),
    ),
    Mistake(
        "derivative-of-a-for-z", "sigmoid_derivative",
        "This is z (1 - z): right if z were already the activation, but the function gets z.",
        "The gradient has the wrong size and, for z above 1, the wrong sign.",
        "The slope is a (1 - a) with a = sigmoid(z): is z already a here?",
        wrong=lambda z: z * (1 - z),
    ),
    Mistake(
        "derivative-is-sigmoid", "sigmoid_derivative",
        "This is sigmoid itself, not its derivative.",
        "Gradients are at least twice as large as they are, and do not vanish where they should.",
        "The derivative is largest at 0, and 0 far away on both sides.",
        wrong=sigmoid,
    ),
    Mistake(
        "derivative-twice", "sigmoid_derivative",
        "Sigmoid is applied twice: this takes the derivative at sigmoid(z).",
        "The slope never falls below 0.196: saturated units look alive.",
        "Count how often sigmoid is applied to z.",
        wrong=lambda z: sigmoid(sigmoid(z)) * (1 - sigmoid(sigmoid(z))),
    ),
    Mistake(
        "derivative-without-first-factor", "sigmoid_derivative",
        "This is 1 - a: the factor a is missing.",
        "Gradients are too large, most of all where units are off.",
        "The derivative is a product of two factors.",
        wrong=lambda z: 1 - sigmoid(z),
    ),
    Mistake(
        "derivative-squared", "sigmoid_derivative",
        "This is a (1 - a)^2 or a (1 - a^2), close to, but not the derivative.",
        "The gradient has the wrong size.",
        "Derive a = 1 / (1 + exp(-z)) once more on paper.",
        wrong=lambda z: sigmoid(z) * (1 - sigmoid(z) ** 2),
    ),
    Mistake(
        "derivative-sign", "sigmoid_derivative",
        "The sign is wrong: this is -a (1 - a).",
        "Hidden layers climb uphill while the output goes downhill.",
        "Sigmoid rises everywhere: which sign has its derivative?",
        wrong=lambda z: -sigmoid(z) * (1 - sigmoid(z)),
    ),
    Mistake(
        "derivative-of-tanh", "sigmoid_derivative",
        "This is 1 - tanh(z)^2, the derivative of tanh.",
        "Gradients are up to four times as large.",
        "Which activation does the network have?",
        wrong=lambda z: 1 - np.tanh(z) ** 2,
    ),
    Mistake(
        "softmax-over-batch", "softmax",
        "Softmax sums over the batch, not over the classes of each image.",
        "The probabilities of an image do not sum to 1 and depend on the other images of its batch.",
        "After softmax, each row sums to 1: which axis is summed?",
        parts={"total": lambda exp: exp.sum(axis=0, keepdims=True), "largest": lambda z: z.max(axis=0, keepdims=True)},
        variants=({"total": lambda exp: exp.sum(axis=0, keepdims=True)},),
    ),
    Mistake(
        "softmax-maximum-over-batch", "softmax",
        "The maximum is taken over the batch, a number for each class: the logits of an image are shifted unequally.",
        "The probabilities of an image depend on the other images of its batch.",
        "Softmax stays as it is only if all logits of a row are shifted by the same number.",
        parts={"largest": lambda z: z.max(axis=0, keepdims=True)},
    ),
    Mistake(
        "softmax-over-everything", "softmax",
        "Softmax divides by the sum over the whole batch.",
        "The probabilities of all images together sum to 1: the loss starts far too high.",
        "After softmax, each row sums to 1: which axis is summed?",
        parts={"total": np.sum, "largest": np.max},
    ),
    Mistake(
        "softmax-no-maximum", "softmax",
        "The maximum is not subtracted, so exp overflows for large logits: the result is not a number.",
        "Training ends in NaN as soon as a logit passes 709.",
        "Subtracting the same number from all logits of a row leaves softmax as it is.",
        parts={"largest": _nothing},
    ),
    Mistake(
        "softmax-maximum-of-all", "softmax",
        "The maximum of the whole batch is subtracted: a row far below it becomes 0 / 0.",
        "One image with large logits makes the others NaN.",
        "Which maximum keeps every row's largest exponent at 0?",
        parts={"largest": np.max},
    ),
    Mistake(
        "softmax-without-exp", "softmax",
        "Logits are divided by their sum, without exp.",
        "Probabilities can be negative, and their logarithm is not a number.",
        "What makes every entry positive?",
        wrong=lambda z: z / row_sum(z),
    ),
    Mistake(
        "softmax-is-sigmoid", "softmax",
        "This is sigmoid for each class alone: the rows do not sum to 1.",
        "The gradient p - y no longer belongs to the loss.",
        "After softmax, each row sums to 1.",
        wrong=sigmoid,
    ),
    Mistake(
        "softmax-unnormalized", "softmax",
        "The exponentials are not divided by their sum.",
        "Probabilities can be above 1, and the loss negative.",
        "After softmax, each row sums to 1.",
        parts={"total": lambda exp: 1.0},
    ),
    Mistake(
        "softmax-sign", "softmax",
        "The sign of the logits is wrong: the largest logit gets the smallest probability.",
        "The network learns with its last layer upside down; the gradient p - y then points uphill.",
        "Which class should get the largest probability?",
        wrong=lambda z: softmax(-z),
    ),
    Mistake(
        "softmax-logarithm", "softmax",
        "This is the logarithm of softmax.",
        "A loss that takes the logarithm again is not a number.",
        "Probabilities are between 0 and 1.",
        wrong=lambda z: np.log(np.maximum(softmax(z), np.finfo(float).tiny)),
    ),
)  # fmt: skip
