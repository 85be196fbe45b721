"""Processes of a learner's code that can be told from all others: by a name that they give themselves."""

import time
from pathlib import Path


def new_mark():
    """A name that no other process has; Linux keeps 15 characters."""
    return f"M{time.time_ns() % 10**14}"


def marking(mark):
    """Line of Python that gives its process this name, and its children with it."""
    named = f"assert {mark!r} in open('/proc/self/comm').read()"
    return f"import ctypes; ctypes.CDLL(None).prctl(15, b'{mark}', 0, 0, 0); {named}"


def wait_for_marked(mark, present, seconds=20):
    """Wait until a process of this name is there, or until none is."""
    deadline = time.monotonic() + seconds
    while any(_name(process) == mark for process in Path("/proc").glob("[0-9]*")) != present:
        assert time.monotonic() < deadline, f"expected {'a' if present else 'no'} process {mark}"
        time.sleep(0.05)


def _name(process):
    """Name of a process; none of one that has ended, whether it is still listed or not."""
    try:
        return (process / "comm").read_text().strip() if (process / "cmdline").read_bytes() else ""
    except OSError:
        return ""
