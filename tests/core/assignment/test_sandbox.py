"""Code that runs wild ends alone, with a sentence; nothing is left of it."""

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mnist_core.assignment import check as checking
from mnist_core.assignment import sandbox as module
from mnist_core.assignment import worker
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.sandbox import CALL_SECONDS, CHILD, WHOLE_SYSTEM, Limits, Sandbox, _visible, bubblewrap
from mnist_core.assignment.source import parse_submission
from tests.core.assignment.marked import marking, new_mark, wait_for_marked

SECONDS = 2.0


def run(body, head="", **options):
    text = f"import numpy as np\n{head}\ndef sigmoid(z):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    with Sandbox(parse_submission("a.py", text.encode()), Limits(**options)) as sandbox:
        assert sandbox.load() is None
        reply = sandbox.call("sigmoid", np.zeros(3), seconds=SECONDS)
        return reply, sandbox


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("while True: pass", "did not return within 2 s"),
        ("return sigmoid(z)", "RecursionError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import os; os._exit(0)", "ended its own process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended its own process"),
        ("return np.ones(10**10)", "MemoryError"),
        ("open('big', 'wb').write(bytes(50_000_000))", "File too large|ended its own process"),
        ("return input('name? ')", "EOFError: there is nobody to answer"),
        ("import mnist_core.assignment.reference as r; return r.sigmoid(z)", "ModuleNotFoundError|ImportError"),
        ("while True: print('x' * 1000)", "did not return"),
        ("raise type('Odd', (Exception,), {'__str__': lambda s: 1 / 0})()", "its message can't be shown"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_wild_function_gets_a_sentence(body, message):
    began = time.monotonic()
    reply, sandbox = run(body)
    assert reply.failure is not None
    assert pytest.raises(AssertionError, match=message).matches(AssertionError(reply.failure.sentence))
    assert time.monotonic() - began < 30
    assert len(sandbox.output) <= 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="processes are named as on Linux")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.01)", "did not return"),
        ("import os, time\nif os.fork() == 0:\n    os.setsid()\n    if not os.fork(): time.sleep(600)\nreturn z", None),
    ],
    ids=["a fork bomb", "a process that hides"],
)
def test_no_process_stays(body, said):
    mark = new_mark()
    reply, _ = run(f"{marking(mark)}\n{body}", processes=16)
    assert (said in reply.failure.message) if said else reply.failure is None
    wait_for_marked(mark, present=False)


def test_results_come_back_as_plain_arrays_whatever_they_say_of_themselves():
    head = (
        "class Liar(np.ndarray):\n    def __eq__(self, other): return True\n"
        "    def __array__(self, *a, **k): return np.ones(9)"
    )
    reply, _ = run("return z.view(Liar)", head)
    assert type(reply.value) is np.ndarray
    np.testing.assert_array_equal(reply.value, np.zeros(3))


def test_what_a_call_does_besides_is_seen():
    reply, _ = run("z += 1\nnp.random.rand()\nreturn z")
    assert list(reply.changed) == [0]
    assert reply.seeded
    reply, _ = run("a = np.zeros(3)\nreturn [a, a]")
    assert reply.shared


def test_another_process_is_started_after_one_has_ended():
    submission = parse_submission("a.py", b"def f(x):\n    while x > 1: pass\n    return x\n")
    with Sandbox(submission) as sandbox:
        sandbox.load()
        assert sandbox.call("f", 2.0, seconds=0.5).failure.ended
        assert not sandbox.alive
        assert sandbox.load() is None
        assert sandbox.call("f", 1.0).value == 1.0


def test_files_stay_in_a_folder_that_is_deleted():
    submission = parse_submission("a.py", b"def f(x):\n    open('note.txt', 'w').write('x')\n    return x\n")
    with Sandbox(submission) as sandbox:
        sandbox.load()
        assert sandbox.call("f", 1.0).failure is None
        folder = sandbox.folder
        assert (folder / "note.txt").exists()
    assert not folder.exists()


def test_what_is_printed_is_kept_even_if_the_process_is_ended():
    for body in ("print('so far'); return z", "print('so far', end='')\nwhile True: pass"):
        _, sandbox = run(body)
        assert sandbox.output.strip() == "so far"


@pytest.mark.skipif(os.name == "nt", reason="Windows stops no process so")
def test_a_process_that_does_not_read_holds_nobody_up():
    text = (
        "import os, signal\ndef f(x):\n"
        "    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGSTOP))\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.2)\n"
    )
    submission = parse_submission("a.py", text.encode())
    with Sandbox(submission) as sandbox:
        sandbox.load()
        assert sandbox.call("f", 1.0).failure is None
        time.sleep(0.6)
        began = time.monotonic()
        reply = sandbox.call("f", np.zeros(10**6), seconds=1.0)
        assert "did not return within 1 s" in reply.failure.sentence
        assert time.monotonic() - began < 20


def test_while_a_call_is_awaited_there_is_time_for_other_things():
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    submission = parse_submission("a.py", b"def f(x):\n    while True: pass\n")
    with Sandbox(submission, on_wait=stop) as sandbox, pytest.raises(Enough):
        sandbox.load()
        sandbox.call("f", 1.0)
    assert not sandbox.alive


@pytest.mark.skipif(not bubblewrap() or _visible() == WHOLE_SYSTEM, reason="needs bubblewrap, and Python in few places")
def test_with_bubblewrap_the_code_sees_no_file_of_yours(tmp_path):
    secret = tmp_path / "other_student.py"
    secret.write_text("secret")
    shown = [secret, Path(__file__), CHILD.with_name("reference.py"), Path("/etc/passwd")]
    body = f"import os\nreturn [os.path.exists(path) for path in {[str(path) for path in shown]!r}]"
    reply, _ = run(body)
    assert reply.value == [False] * len(shown)


@pytest.mark.skipif(not bubblewrap(), reason="needs bubblewrap")
@pytest.mark.parametrize("place", ["/", "/tmp", "/usr", str(CHILD.parent)])
def test_with_bubblewrap_the_code_writes_into_its_folder_alone(place):
    reply, _ = run(f"open({place!r} + '/mark', 'w')")
    assert reply.failure is not None
    assert reply.failure.error in ("OSError", "PermissionError", "FileNotFoundError")


KILLS_ITS_WATCHER = "import ctypes, os, time\n{}os.kill(os.getppid(), 9)\ntime.sleep(40)"
FORGETS = "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\n"


@pytest.fixture
def alone(monkeypatch):
    """As it is for an ordinary user without bubblewrap."""
    monkeypatch.setattr(module, "bubblewrap", lambda: None)
    monkeypatch.setattr(module, "_free_user", lambda: 0)


@pytest.mark.skipif(sys.platform != "linux", reason="is about Linux")
@pytest.mark.parametrize(
    ("body", "watched", "sentence"),
    [
        (KILLS_ITS_WATCHER.format(""), True, "ended its own process"),
        (KILLS_ITS_WATCHER.format(FORGETS), True, "ended its own process"),
        ("import os, time\nos.fork() or time.sleep(40)\nreturn z", False, None),
    ],
    ids=["it kills its watcher", "it also stays alive then", "a child stays where nobody watches"],
)
def test_nobody_waits_for_a_process_that_got_away(alone, monkeypatch, tmp_path, body, watched, sentence):
    if not watched:
        program = tmp_path / "child.py"
        program.write_text(
            f"import runpy, sys\nsys.platform = 'darwin'\nrunpy.run_path({str(CHILD)!r}, run_name='__main__')\n"
        )
        monkeypatch.setattr(module, "CHILD", program)
    mark = new_mark()
    found = []
    thread = threading.Thread(target=lambda: found.append(run(f"{marking(mark)}\n{body}")[0]), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert sentence is None or sentence in found[0].failure.sentence
    wait_for_marked(mark, present=False, seconds=5)


def frames(size, count):
    """A body that finds the pipe of the replies and writes forged ones into it."""
    return (
        "import os, stat, struct\n"
        "pipes = [fd for fd in range(3, 20) if is_pipe(fd)]\n"
        f"frame = struct.pack('<Q', {size}) + bytes(min({size}, 1_000_000))\n"
        f"for _ in range({count}): os.write(pipes[-1], frame)\n"
        "return z"
    )


IS_PIPE = """
def is_pipe(fd):
    import os, stat
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:
        return False
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize(("size", "count"), [(1_000_000, 100), (300_000_000, 1), (2**63, 1)])
def test_forged_answers_end_the_process_and_fill_no_memory(size, count):
    text = f"import numpy as np\n{IS_PIPE}\ndef f(z):\n" + "".join(
        f"    {s}\n" for s in frames(size, count).split("\n")
    )
    with Sandbox(parse_submission("a.py", text.encode())) as sandbox:
        sandbox.load()
        channel, failure = sandbox._channel, None
        while failure is None:  # the first forged answers may come in time for a question
            failure = sandbox.call("f", 1.0, seconds=SECONDS).failure
        assert "answered nonsense" in failure.sentence
        assert channel._replies.qsize() <= 1
        assert not sandbox.alive
        assert sandbox.load() is None


def test_a_whole_check_has_an_end(monkeypatch):
    text = "def one_hot(y, n):\n    while True: pass\n\n" + "".join(
        f"def {name}(z):\n    while True: pass\n\n" for name in ("normalize", "sigmoid")
    )
    monkeypatch.setattr(checking, "Sandbox", partial(Sandbox, limits=Limits(total_seconds=2)))
    began = time.monotonic()
    report = checking.check(parse_submission("a.py", text.encode()))
    assert time.monotonic() - began < 2 * CALL_SECONDS  # each of the three could take one
    found = {one.step: (one.state, one.sentence) for one in report.findings}
    sentence = "The whole check took more than 2 s: look for what takes so long."
    stopped = [found[step] for step in STEPS if step in ("normalize", "one_hot", "sigmoid")]
    assert stopped == [("wrong", sentence), *[("skipped", sentence)] * 2]
    assert not report.correct


def test_a_training_may_take_longer_than_a_check():
    assert worker.LIMITS.total_seconds is None and Limits().total_seconds == 60
