"""What docs/security.md says of a learner's code, with bubblewrap and without."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_core.assignment import sandbox as module
from mnist_core.assignment.sandbox import CALL_SECONDS, Limits, Sandbox, bubblewrap, describe_isolation
from mnist_core.assignment.source import parse_submission
from tests.core.assignment.marked import marking, new_mark, wait_for_marked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and bubblewrap are those of Linux")


@pytest.fixture(params=["bubblewrap", "alone"])
def kind(request, monkeypatch):
    if request.param == "bubblewrap" and not bubblewrap():
        pytest.skip("needs bubblewrap")
    if request.param == "alone":
        monkeypatch.setattr(module, "bubblewrap", lambda: None)
    return request.param


def ask(body, *args, **options):
    """What a function with this body returns, or the sentence of its failure."""
    text = "import os, sys\nimport numpy as np\ndef f(x):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    with Sandbox(parse_submission("a.py", text.encode()), **options) as sandbox:
        assert sandbox.load() is None
        reply = sandbox.call("f", *(args or (1.0,)), seconds=20.0)
        return reply.failure.sentence if reply.failure else reply.value


def limit(name):
    return f"import resource\nreturn resource.getrlimit(resource.{name})[0]"


def test_limits(kind):
    assert CALL_SECONDS == 5
    assert ask(limit("RLIMIT_CPU")) == 120
    assert ask(limit("RLIMIT_AS")) == 2e9
    assert ask(limit("RLIMIT_FSIZE")) == 1e7
    assert "MemoryError" in ask("return np.ones(10**9)")
    assert ask("open('a', 'wb').write(bytes(9_000_000))\nreturn 1") == 1
    assert "File too large" in ask("open('a', 'wb').write(bytes(11_000_000))\nreturn 1")


def test_the_page_says_which_it_is(kind):
    said = describe_isolation()
    assert ("without network" in said) == (kind == "bubblewrap")
    assert ("none of your files" in said) == (kind == "bubblewrap" and module._visible() != module.WHOLE_SYSTEM)
    assert ("can read your files and use the network" in said) == (kind == "alone")


def test_it_works_in_an_empty_folder_that_is_deleted(kind):
    folder = ask("open('mine', 'w').write('x')\nreturn os.getcwd()")
    assert ask("return os.listdir('.')") == []
    assert not Path(folder).exists()


def test_writing_elsewhere(kind, tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if len(folder.parts) > 2:
            folder.chmod(0o777)
    place = tmp_path / "mine"
    said = ask(f"open({str(place)!r}, 'w').write('x')\nreturn 1")
    assert place.exists() == (kind == "alone"), said
    if kind == "bubblewrap":
        assert "Read-only file system" in said or "No such file" in said


def test_reading_elsewhere(kind):
    said = ask("return open('/etc/passwd').read()")
    assert said.startswith("root:") == (kind == "alone" or module._visible() == module.WHOLE_SYSTEM), said


def test_the_network(kind):
    with socket.create_server(("127.0.0.1", 0)) as server:  # which answers without being asked
        said = ask(
            f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), timeout=3)\nreturn 1"
        )
    assert (said == 1) == (kind == "alone"), said


def test_other_processes(kind):
    seen = ask("return len([name for name in os.listdir('/proc') if name.isdigit()])")
    assert (seen < 6) == (kind == "bubblewrap")


def test_no_process_stays(kind):
    mark = new_mark()
    hide = (
        "if os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0:\n        import time; time.sleep(600)\n    os._exit(0)\nreturn 1"
    )
    assert ask(f"{marking(mark)}\n{hide}") == 1
    wait_for_marked(mark, present=False)


def test_output_and_input(kind):
    text = "def f(x):\n    for _ in range(10000): print('x' * 100)\n    return 1\n"
    with Sandbox(parse_submission("a.py", text.encode())) as sandbox:
        sandbox.load()
        assert sandbox.call("f", 1.0).value == 1
    assert 0 < len(sandbox.output) <= 20_000
    assert "EOFError" in ask("return input()")
    assert ask("import sys\nreturn sys.stdin.read()") == ""


def test_changes_of_numpy_stay_there(kind):
    assert ask("np.sum = np.dot = lambda *a, **k: 42\nreturn np.sum(x)", np.ones(3)) == 42
    assert np.sum(np.ones(3)) == 3


def test_the_reference(kind):
    assert "ModuleNotFoundError" in ask("import mnist_core.assignment.reference")
    place = str(Path(module.__file__).with_name("reference.py"))
    hidden = kind == "bubblewrap" and module._visible() != module.WHOLE_SYSTEM
    assert ask(f"return os.path.exists({place!r})") != hidden


def test_a_grown_environment_is_not_passed_on(kind, monkeypatch):
    monkeypatch.setenv("MY_SECRET_TOKEN", "abc")
    assert "MY_SECRET_TOKEN" not in ask("return ' '.join(os.environ)")


def test_it_ends_with_its_sandbox(kind):
    text = "def f(x):\n    import os\n    return os.getpid()\n"
    with Sandbox(parse_submission("a.py", text.encode()), Limits()) as sandbox:
        sandbox.load()
        process = sandbox._process
    assert process.poll() is not None
    assert not sandbox.alive


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="is about root")
def test_root_gives_up_its_rights_without_bubblewrap(monkeypatch):
    monkeypatch.setattr(module, "bubblewrap", lambda: None)
    if not module._free_user():
        pytest.skip("others can't read Python here")
    assert ask("return os.getuid()") >= module.FIRST_USER


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="is about root")
def test_no_two_processes_have_one_user(monkeypatch):
    monkeypatch.setattr(module, "USERS", 2)
    monkeypatch.setattr(module, "_free_user", module._draw_user)
    first, submission = module.FIRST_USER, parse_submission("a.py", b"")
    with Sandbox(submission) as sandbox, subprocess.Popen(["sleep", "60"], user=first) as stranger:
        for _ in range(4):
            sandbox.end()
            sandbox._start()
            assert module._users == {sandbox._user} == {first + 1}
        sandbox.end()
        assert stranger.poll() is None
        stranger.kill()
    with Sandbox(submission) as sandbox, Sandbox(submission) as other:
        sandbox._start()
        other._start()
        assert {sandbox._user, other._user} == {first, first + 1}
    assert not module._users
