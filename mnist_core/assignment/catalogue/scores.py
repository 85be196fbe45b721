"""Mistakes in prediction and scores."""

import numpy as np

from mnist_core.assignment.mistake import Mistake

MISTAKES = (
    Mistake(
        "predict-wrong-axis", "predict",
        "argmax goes along the batch: it returns one image for each class.",
        "The result has as many entries as there are classes, and accuracy is that of guessing.",
        "One label an image: which axis must disappear?",
        parts={"choose": lambda p: p.argmax(axis=0)},
    ),
    Mistake(
        "predict-flat", "predict",
        "argmax without an axis returns one position in the whole batch.",
        "All images get the same, meaningless label.",
        "One label an image: which axis must disappear?",
        parts={"choose": lambda p: p.argmax()},
    ),
    Mistake(
        "predict-probability", "predict",
        "The largest probability is returned, not the class that has it.",
        "No prediction equals a label.",
        "`max` gives the value, and what gives its place?",
        parts={"choose": lambda p: p.max(axis=1)},
    ),
    Mistake(
        "predict-one-based", "predict",
        "Classes are counted from 1.",
        "Every prediction is one too large.",
        "Labels begin at 0.",
        parts={"choose": lambda p: p.argmax(axis=1) + 1},
    ),
    Mistake(
        "predict-smallest", "predict",
        "The least probable class is returned.",
        "Accuracy is near 0 %.",
        "Which entry of the row is it?",
        parts={"choose": lambda p: p.argmin(axis=1)},
    ),
    Mistake(
        "predict-rounded", "predict",
        "Probabilities are rounded to 0 and 1: rows, not labels.",
        "Images without a probability above one half get no class.",
        "One label an image.",
        parts={"choose": lambda p: (p > 0.5).astype(int)},
    ),
    Mistake(
        "accuracy-count", "accuracy",
        "The number of correct predictions is returned, not their share.",
        "Scores depend on the number of images.",
        "What is 9,000 correct of 10,000 as a share?",
        wrong=lambda predicted, labels: float(np.sum(predicted == labels)),
    ),
    Mistake(
        "accuracy-percent", "accuracy",
        "Accuracy is given in percent; the contract asks for a share from 0 to 1.",
        "Hardly any, but comparisons are off by a factor of 100.",
        "What is 9,000 correct of 10,000 as a share?",
        wrong=lambda predicted, labels: 100 * float(np.mean(predicted == labels)),
    ),
    Mistake(
        "accuracy-error-rate", "accuracy",
        "This is the share of errors.",
        "A good network looks bad.",
        "Which share should be 1 for a perfect network?",
        wrong=lambda predicted, labels: float(np.mean(predicted != labels)),
    ),
    Mistake(
        "accuracy-integer", "accuracy",
        "The share is rounded down to a whole number.",
        "Accuracy is 0 until everything is correct.",
        "`//` and `int` drop the fraction.",
        wrong=lambda predicted, labels: float(int(np.mean(predicted == labels))),
    ),
    Mistake(
        "misclassified-correct-ones", "misclassified",
        "The positions of the correct predictions are returned.",
        "The gallery of errors shows what is right.",
        "Equal, or unequal?",
        wrong=lambda predicted, labels: np.flatnonzero(predicted == labels),
    ),
    Mistake(
        "misclassified-mask", "misclassified",
        "A mask is returned, not positions.",
        "Used as an index by numbers it picks images 0 and 1 alone.",
        "Where is the mask true?",
        wrong=lambda predicted, labels: predicted != labels,
    ),
    Mistake(
        "misclassified-count", "misclassified",
        "The number of errors is returned, not their positions.",
        "No image can be shown.",
        "Where are they?",
        wrong=lambda predicted, labels: np.sum(predicted != labels),
    ),
    Mistake(
        "misclassified-labels", "misclassified",
        "The wrong labels themselves are returned, not their positions.",
        "The gallery shows the wrong images.",
        "Where are they?",
        wrong=lambda predicted, labels: predicted[predicted != labels],
    ),
)  # fmt: skip
