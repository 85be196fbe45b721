"""Submissions of a class, and what grading makes of them."""

from mnist_core.assignment.starter import solution

SOLUTION = solution()

SIGMOID = "import numpy as np\n\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))\n"
"""Checked in no time."""

OVER_BATCH = """
def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)
"""


def write_class(folder, **files):
    """Write a file for each student."""
    folder.mkdir(parents=True, exist_ok=True)
    for student, text in files.items():
        (folder / f"{student}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def by_student(grades):
    """Grades by plain name."""
    return {one.student.plain: one for one in grades}
