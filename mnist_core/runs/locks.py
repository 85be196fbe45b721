"""Ask for a lock without taking it: whoever only looks needs no permission to write, and gets in nobody's way."""

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

if sys.platform != "win32":
    import fcntl


def is_held(path: Path) -> bool:
    """Whether a process holds the lock in this file; looking neither creates the file nor changes it."""
    if not path.exists():
        return False
    if sys.platform == "win32":
        try:
            with FileLock(path).acquire(timeout=0):
                return False
        except (Timeout, OSError):
            return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # removed since, or nobody may open it: then no process of this user holds it
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
