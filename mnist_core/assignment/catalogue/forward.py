"""Mistakes in the first parameters and in feeding forward."""

import numpy as np

from mnist_core.assignment.mistake import Mistake
from mnist_core.assignment.reference import sigmoid, softmax, trace

MISTAKES = (
    Mistake(
        "initialize-zero", "initialize",
        "All weights begin at 0.",
        "All units of a layer compute the same and get the same gradient: they stay equal for ever, and the network "
        "tells little more than one unit could.",
        "What makes two units of a layer different at the start?",
    ),
    Mistake(
        "initialize-constant", "initialize",
        "All weights of a layer begin at the same value.",
        "All units of a layer compute the same and get the same gradient: they stay equal for ever.",
        "What makes two units of a layer different at the start?",
    ),
    Mistake(
        "initialize-too-large", "initialize",
        "The weights are so large that most units are saturated from the start.",
        "Gradients vanish in the hidden layers, and the loss begins far above ln(10).",
        "The more inputs a unit has, the smaller each weight must be.",
    ),
    Mistake(
        "initialize-positive", "initialize",
        "No weight is negative.",
        "The weighted inputs of all units are large and positive: they saturate.",
        "Around which number should the weights be drawn?",
    ),
    Mistake(
        "initialize-same-layers", "initialize",
        "Layers of the same size get the same numbers.",
        "Training works, but the layers begin as copies of each other.",
        "Is a new generator with the same seed made for each layer?",
    ),
    Mistake(
        "initialize-seed-ignored", "initialize",
        "The same seed gives other numbers each time.",
        "No result can be repeated.",
        "Where does the seed go?",
    ),
    Mistake(
        "initialize-seed-fixed", "initialize",
        "Another seed gives the same numbers: the argument is not used.",
        "Repeats with other seeds are no repeats.",
        "Where does the seed go?",
    ),
    Mistake(
        "initialize-global-seed", "initialize",
        "The global generator of NumPy is seeded.",
        "Every other use of random numbers in the program begins again at the same place, such as the shuffling.",
        "`np.random.default_rng(seed)` is a generator of its own.",
    ),
    Mistake(
        "initialize-shared-arrays", "initialize",
        "Two layers share one array: changing one changes the other.",
        "The layers can't learn different things.",
        "`[x] * n` repeats the same object; it makes no copies.",
    ),
    Mistake(
        "initialize-layer-missing", "initialize",
        "There is one layer of weights too few, or one too many.",
        "The network has another depth than asked for.",
        "Between n layer sizes there are n - 1 weight matrices.",
    ),
    Mistake(
        "forward-no-bias", "feed_forward",
        "The bias is not added.",
        "Every unit's boundary goes through the origin: accuracy stays some points lower.",
        "What stands in z beside a W?",
        parts={"affine": lambda a, weights, bias: a @ weights},
    ),
    Mistake(
        "forward-bias-subtracted", "feed_forward",
        "The bias is subtracted.",
        "The gradient of the bias then has the wrong sign.",
        "z = a W + b.",
        parts={"affine": lambda a, weights, bias: a @ weights - bias},
    ),
    Mistake(
        "forward-no-hidden-activation", "feed_forward",
        "The hidden layers have no activation.",
        "All layers together are one linear layer: accuracy stays near 92 %.",
        "What stands between two matrix products?",
        parts={"hidden": lambda z: z},
    ),
    Mistake(
        "forward-sigmoid-output", "feed_forward",
        "The output layer has sigmoid in place of softmax.",
        "The outputs of an image do not sum to 1, and the gradient p - y no longer belongs to the loss.",
        "Which activation has the last layer?",
        parts={"output": sigmoid},
    ),
    Mistake(
        "forward-softmax-of-sigmoid", "feed_forward",
        "The output layer applies sigmoid and then softmax.",
        "No probability can pass e / (e + 9) = 23 %, so the loss stays above 1.46.",
        "The last layer has one activation.",
        parts={"output": lambda z: softmax(sigmoid(z))},
    ),
    Mistake(
        "forward-softmax-twice", "feed_forward",
        "Softmax is applied twice.",
        "No probability can pass 23 %, so the loss stays above 1.46.",
        "The last layer has one activation: where is it applied?",
        parts={"output": lambda z: softmax(softmax(z))},
    ),
    Mistake(
        "forward-logits", "feed_forward",
        "The output layer returns its weighted inputs: softmax is missing.",
        "The logarithm in the loss meets negative numbers.",
        "What turns weighted inputs into probabilities?",
        parts={"output": lambda z: z},
    ),
    Mistake(
        "forward-softmax-everywhere", "feed_forward",
        "The hidden layers have softmax in place of sigmoid.",
        "The units of a layer compete for a sum of 1, and most are near 0.",
        "Which activation have the hidden layers?",
        parts={"hidden": softmax},
    ),
    Mistake(
        "forward-hidden-relu", "feed_forward",
        "The hidden layers have ReLU in place of sigmoid.",
        "Training works if the derivative is that of ReLU too; else the gradient is wrong.",
        "Which activation have the hidden layers?",
        parts={"hidden": lambda z: np.maximum(z, 0)},
    ),
    Mistake(
        "forward-hidden-tanh", "feed_forward",
        "The hidden layers have tanh in place of sigmoid.",
        "Training works if the derivative is that of tanh too; else the gradient is wrong.",
        "Which activation have the hidden layers?",
        parts={"hidden": np.tanh},
    ),
    Mistake(
        "forward-two-layers", "feed_forward",
        "Only the first two layers are used, however many there are.",
        "A deeper network is never trained as a whole: the recipe has three layers.",
        "Which loop goes through all pairs of weights and biases?",
        wrong=lambda x, parameters: trace(x, parameters[:2]).a[-1],
    ),
    Mistake(
        "forward-first-layer-skipped", "feed_forward",
        "The images go through an activation before the first weights.",
        "Black becomes 0.5 and white 0.73: contrast is lost, and the gradient of W1 is wrong.",
        "a_0 = x, as it is.",
        wrong=lambda x, parameters: trace(sigmoid(x), parameters).a[-1],
    ),
)  # fmt: skip
