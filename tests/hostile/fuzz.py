"""Let readers read many hostile inputs in a process of its own; print a line of JSON for each, with what went wrong.

    python -m tests.hostile.fuzz idx "run archive" [--examples 300] [--seed 11] [--world FOLDER]

The same seed draws the same inputs.
"""

import argparse
import json
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from mnist_core.errors import MnistError
from tests.hostile.file_readers import FILE_READERS
from tests.hostile.guard import Guard, Reader, Unbounded, check_sentence, limit_process
from tests.hostile.page_readers import PAGE_READERS
from tests.hostile.run_readers import RUN_READERS
from tests.hostile.source_readers import SOURCE_READERS
from tests.hostile.word_readers import WORD_READERS
from tests.hostile.world import World, make_world

READERS = {**FILE_READERS, **SOURCE_READERS, **RUN_READERS, **WORD_READERS, **PAGE_READERS}

LONGEST_REPORT = 4000

BATCH = 2000

WARM = 20
"""Most inputs that are read before time and memory are measured, so that everything is imported."""


def fuzz(reader: Reader, examples: int, seed: int) -> dict[str, Any]:
    """Read ``examples`` inputs; count how each ended, and keep the shortest input of each kind of failure."""
    outcomes: Counter[str] = Counter()
    failures: dict[str, tuple[int, str]] = {}

    def warm_up(content: Any) -> None:
        with suppress(Exception):
            reader.read(content)

    draw(reader.inputs, min(WARM, examples // 2), seed, warm_up)
    guard = Guard()

    def read(content: Any) -> None:
        try:
            with guard.reading():
                try:
                    reader.read(content)
                    outcomes["read"] += 1
                except MnistError as error:
                    check_sentence(error)
                    outcomes[type(error).__name__] += 1
        except (Exception, Unbounded) as error:
            outcomes["failed"] += 1
            size, kind = len(repr(content)), _kind(error)
            if kind not in failures or size < failures[kind][0]:
                failures[kind] = size, _describe(error, content)

    for number, start in enumerate(range(0, examples, BATCH)):  # hypothesis remembers all that it drew
        draw(reader.inputs, min(BATCH, examples - start), seed + number, read)
    return {
        "seed": seed,
        "inputs": outcomes.total(),
        "outcomes": dict(outcomes.most_common()),
        "slowest_seconds": round(guard.slowest, 3),
        "most_megabytes": round((guard.most - guard.start) / 1e6),
        "failures": [text for _, text in failures.values()],
    }


def draw(inputs: SearchStrategy[Any], examples: int, seed: int, action: Callable[[Any], None]) -> None:
    """Let hypothesis draw inputs, and act on each."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(inputs)
    def each(content: Any) -> None:
        action(content)

    each()


def _kind(error: BaseException) -> str:
    """Failures of one kind are raised in the same line, for the same cause."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    words = str(error)[:20] if isinstance(error, Unbounded | AssertionError) else ""
    return f"{type(error).__name__} {words} in {frame.filename}:{frame.lineno}"


def _describe(error: BaseException, content: Any) -> str:
    text = "".join(traceback.format_exception(error))[-LONGEST_REPORT:]
    return f"{text}\ninput: {repr(content)[:LONGEST_REPORT]}"


def main() -> None:
    """Fuzz some readers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="+", choices=tuple(READERS))
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--world", type=Path, help="folder of a world made before")
    options = parser.parse_args()
    limit_process()
    with tempfile.TemporaryDirectory() as folder:
        made, scratch = options.world or Path(folder) / "made", Path(folder) / "scratch"
        if not options.world:
            make_world(made)
        for name in options.readers:
            (scratch / name).mkdir(parents=True)
            report = fuzz(READERS[name](World(made, scratch / name)), options.examples, options.seed)
            print(json.dumps({"reader": name, **report}), flush=True)


if __name__ == "__main__":
    main()
