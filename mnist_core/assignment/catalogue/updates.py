"""Mistakes in the update and in the loop of training."""

from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import Array, update


def _uphill(value: Array, gradient: Array, learning_rate: float) -> Array:
    return value + learning_rate * gradient


def _stays(value: Array, gradient: Array, learning_rate: float) -> Array:
    return value


MISTAKES = (
    Mistake(
        "update-uphill", "update",
        "The gradient is added, not subtracted.",
        "The loss grows with every step.",
        "The gradient points uphill.",
        parts={"weight_step": _uphill, "bias_step": _uphill},
    ),
    Mistake(
        "update-weights-uphill", "update",
        "The gradient of the weights is added; that of the biases is subtracted.",
        "The loss grows with nearly every step.",
        "Both go downhill.",
        parts={"weight_step": _uphill},
    ),
    Mistake(
        "update-bias-uphill", "update",
        "The gradient of the biases is added; that of the weights is subtracted.",
        "Biases climb while weights descend.",
        "Both go downhill.",
        parts={"bias_step": _uphill},
    ),
    Mistake(
        "update-bias-forgotten", "update",
        "The biases are not updated.",
        "Biases stay as they were drawn.",
        "Which parameters does a layer have?",
        parts={"bias_step": _stays},
    ),
    Mistake(
        "update-weights-forgotten", "update",
        "The weights are not updated.",
        "Only the biases learn.",
        "Which parameters does a layer have?",
        parts={"weight_step": _stays},
    ),
    Mistake(
        "update-copy", "update",
        "Nothing changes: a copy is updated and thrown away, and nothing is returned.",
        "The loss stays where it began.",
        "`w = w - ...` makes a new array and leaves the old one as it was.",
        parts={"weight_step": _stays, "bias_step": _stays},
    ),
    Mistake(
        "update-no-learning-rate", "update",
        "The learning rate is not used.",
        "Steps have the length of the gradient.",
        "Which argument decides how far a step goes?",
        wrong=lambda parameters, gradients, learning_rate: [
            (w - dw, b - db) for (w, b), (dw, db) in zip(parameters, gradients, strict=True)
        ],
    ),
    Mistake(
        "update-divided", "update",
        "The gradient is divided by the learning rate.",
        "A smaller learning rate makes longer steps.",
        "Twice the learning rate, twice the step.",
        wrong=lambda parameters, gradients, learning_rate: [
            (w - dw / learning_rate, b - db / learning_rate)
            for (w, b), (dw, db) in zip(parameters, gradients, strict=True)
        ],
    ),
    Mistake(
        "update-replaced", "update",
        "The parameters are replaced by the step; the old value is lost.",
        "Nothing that was learned is kept.",
        "A step starts from where the parameters are.",
        wrong=lambda parameters, gradients, learning_rate: [
            (-learning_rate * dw, -learning_rate * db) for dw, db in gradients
        ],
    ),
    Mistake(
        "update-last-layer-only", "update",
        "Only the last layer is updated.",
        "The hidden layers stay as they were drawn.",
        "Does the loop visit every layer?",
        wrong=lambda parameters, gradients, learning_rate: [
            *parameters[:-1],
            tuple(p - learning_rate * g for p, g in zip(parameters[-1], gradients[-1], strict=True)),
        ],
    ),
    Mistake(
        "update-first-layer-only", "update",
        "Only the first layer is updated.",
        "The other layers stay as they were drawn.",
        "Does the loop visit every layer? A `return` inside it ends it.",
        wrong=lambda parameters, gradients, learning_rate: [
            tuple(p - learning_rate * g for p, g in zip(parameters[0], gradients[0], strict=True)),
            *parameters[1:],
        ],
    ),
    Mistake(
        "update-all-but-last", "update",
        "The last layer is not updated.",
        "The output stays as it was drawn; the hidden layers learn around it.",
        "Where does `range` end?",
        wrong=lambda parameters, gradients, learning_rate: [
            *update(parameters[:-1], gradients[:-1], learning_rate), parameters[-1]
        ],
    ),
    Mistake(
        "update-one-gradient", "update",
        "All layers are moved by the gradient of one layer, where the shapes allow it.",
        "Layers are moved at random.",
        "Which gradient belongs to layer k?",
        wrong=lambda parameters, gradients, learning_rate: [
            tuple(
                p - learning_rate * (g if p.shape == g.shape else own)
                for p, g, own in zip(parameters[k], gradients[0], gradients[k], strict=True)
            )
            for k in range(len(parameters))
        ],
    ),
    Mistake(
        "update-twice", "update",
        "The step is made twice: in place, and again on what is returned.",
        "The same as twice the learning rate.",
        "Either change the arrays or return new ones.",
        wrong=lambda parameters, gradients, learning_rate: [
            (w - 2 * learning_rate * dw, b - 2 * learning_rate * db)
            for (w, b), (dw, db) in zip(parameters, gradients, strict=True)
        ],
    ),
    Mistake(
        "update-remembers", "update",
        "The same step made twice has another length the second time: it depends on earlier calls, as with momentum.",
        "Training may even be faster; but the learning rates of plain gradient descent don't fit.",
        "What is kept between two calls?",
    ),
    Mistake(
        "train-labels-not-shuffled", "train",
        "The images are shuffled, but not their labels.",
        "Every image gets the label of another one: accuracy stays at that of guessing.",
        "One order for both: shuffle positions, not arrays.",
    ),
    Mistake(
        "train-partial-batch-dropped", "train",
        "The images of the last, smaller batch are never used.",
        "Up to a batch of images is lost; with fewer images than a batch nothing is learned.",
        "How many batches has an epoch, if the number of images is no multiple of the batch size?",
    ),
    Mistake(
        "train-partial-batch-divided", "train",
        "The last, smaller batch is divided by the full batch size.",
        "Its images count less than the others.",
        "How many images has the last batch, and what is a mean divided by?",
    ),
    Mistake(
        "train-no-learning", "train",
        "The parameters that come back are those that went in.",
        "Nothing is learned.",
        "What does `update` return, and what do you do with it?",
    ),
    Mistake(
        "train-one-batch", "train",
        "Each epoch uses the first batch alone.",
        "The network learns a few images by heart.",
        "Where does the next batch begin?",
    ),
    Mistake(
        "train-epochs-ignored", "train",
        "The number of epochs makes no difference.",
        "Training ends early, or goes on too long.",
        "How often does the outer loop run?",
    ),
    Mistake(
        "train-seed-ignored", "train",
        "The same seed gives another result each time.",
        "No result can be repeated.",
        "Which generator shuffles?",
    ),
)  # fmt: skip
