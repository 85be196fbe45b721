"""What tests of several rooms use."""

import errno
import io
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace

import numpy as np
from PIL import Image

from mnist_core.jobs.job import PROJECT
from mnist_core.runs.files import write_json
from mnist_core.runs.schema import write_record
from mnist_core.training.config import REGULARIZATION, TrainingConfig
from mnist_core.training.setting import Number, default


@dataclass(frozen=True, kw_only=True)
class WiderConfig(TrainingConfig):
    """A configuration with one more setting, which is one field."""

    noise: float = default(
        0.0,
        Number(
            "Noise", "Adds this much noise.", group=REGULARIZATION, low=0.0, high=2.0, unit="pixels", usual=(0.0, 1.0)
        ),
    )


def wait(run, until=lambda run: not run.status.active, seconds=30):
    deadline = time.monotonic() + seconds
    while not until(run):
        assert time.monotonic() < deadline, f"still {run.status}: {(run.path / 'log.txt').read_text()}"
        time.sleep(0.02)
        run = run.refresh()
    return run


def write_config(run, content):
    """Change config.json on purpose: its checksum no longer holds."""
    write_json(run.path / "config.json", content)
    write_record(run.path / "status.json", replace(run.status, checksums={}))


def assert_same_parameters(network, other):
    for ours, theirs in zip(network.weights + network.biases, other.weights + other.biases, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def mnist(*arguments, **options):
    """Run the command line in a process of its own; options are those of `subprocess.run`."""
    command = [sys.executable, "-m", "mnist_core", *map(str, arguments)]
    return subprocess.run(command, **{"capture_output": True, "text": True, "cwd": PROJECT, "check": False, **options})


def without_checksums(run):
    """Make it a run of an older version."""
    status = asdict(replace(run.status, checksums={}))
    del status["checksums"], status["model_epoch"]
    write_json(run.path / "status.json", status)
    return run.refresh()


def work(run):
    command = [sys.executable, "-m", "mnist_core.jobs.worker", str(run.path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)


def shown(markdown):
    """What a person reads of escaped Markdown."""
    return re.sub(r"\\([^\w\s]|_)", r"\1", markdown.replace("\u2060", ""))


def encode(pixels, kind="PNG", **options):
    buffer = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def enlarged(image, factor=10, margins=(40, 70)):
    """Draw an image of MNIST large in black on white paper."""
    height, width = image.shape
    large = Image.fromarray(image).resize((factor * width, factor * height), Image.Resampling.BICUBIC)
    return 255 - np.pad(np.asarray(large), [(margins[0], margins[0]), (margins[1], margins[1])])


def page_of(images, columns, factor=4, gap=40):
    """Lay images out in rows on white paper."""
    rows = [
        np.hstack([np.pad(enlarged(image, factor, (0, 0)), ((gap, 0), (gap, 0)), constant_values=255) for image in row])
        for row in (images[start : start + columns] for start in range(0, len(images), columns))
    ]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 0), (0, width - row.shape[1])), constant_values=255) for row in rows]
    return np.pad(np.vstack(rows), ((0, gap), (0, gap)), constant_values=255)


def go(page, title):
    """Follow a link of the sidebar."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    page.get_by_role("heading", name=title, level=1).wait_for()


def set_number(page, label, value):
    """Type into an exact number field, and wait until the app took it."""
    field = page.get_by_label(f"{label}, exactly")
    field.fill(str(value))
    field.press("Enter")
    settle(page)


def settle(page):
    """Wait until the app is not running a script."""
    page.wait_for_timeout(150)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def by_label(elements, label):
    """The one element with this label."""
    (found,) = [element for element in elements if element.label == label]
    return found


def use_folder(app, folder):
    """Choose a folder as data, on the overview."""
    app.radio[0].set_value("full").run()
    app.text_input[0].set_value(str(folder)).run()
    by_label(app.button, "Use this data").click().run()


def texts(elements):
    """All texts of some elements in one."""
    return "\n".join(element.value for element in elements)


def unescaped(elements):
    """All texts as a person reads them, without Markdown's backslashes."""
    return texts(elements).replace("\\", "")


def places(app, kind):
    """Where elements of a kind stand in the tree of the page: at another place, a browser makes a new one."""

    def walk(block, place):
        for index, node in block.children.items():
            if node.type == kind:
                yield (*place, index)
            if hasattr(node, "children"):
                yield from walk(node, (*place, index))

    return list(walk(app.main, ()))


def full_disk(*_, **__):
    """Take the place of a function that writes, on a disk without room."""
    raise OSError(errno.ENOSPC, "No space left on device")


def html(app):
    """All HTML of the page in one text."""
    return "\n".join(element.proto.body for element in app.get("html"))
