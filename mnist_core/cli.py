"""The command line, as ``mnist`` or ``python -m mnist_core``; each command is a file of ``commands``.

Nothing is imported before :func:`main` runs, so that it can answer Ctrl-C while the modules load.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = ("download", "train", "evaluate", "predict", "export", "runs", "data", "assignment", "check", "grade")
"""Modules of ``commands``, in the order of the help."""

EXAMPLES = """\
a first session:
  {prog} download                  fetch the 70,000 images (11.6 MB), once
  {prog} train                     the reference recipe: 784-128-64-10, 100 epochs
  {prog} train --preset best       over 99 %: ReLU, AdamW, one-cycle, augmented images
  {prog} train --epochs 5 --hidden-layers 300 100 --learning-rate 0.1
  {prog} data digits.zip           what data of your own hold: IDX, CSV, npz, pictures, ...
  {prog} train --data-dir digits.zip
  {prog} runs                      all runs, with their test accuracy
  {prog} evaluate latest           scores and errors of the newest run
  {prog} evaluate 2026 --json      for scripts; the beginning of a run id is enough
  {prog} predict latest seven.png  classify an image of your own
  {prog} assignment                a starter file for a network of your own
  {prog} check my_network.py       check it step by step, and name the mistake
  {prog} grade submissions         grade the files of a class, one a student
  {prog} export latest --format python --output model.py    also onnx, npz, safetensors

Without the download, training uses the sample of 6,000 MNIST images included in the project.
Runs are folders, which the dashboard (streamlit run app.py) shows live.
Ctrl-C ends training and keeps its model.
exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage, 130 ended by Ctrl-C"""

BROKEN_PIPE = 128 + 13
"""Exit code of a program whose reader ended first, as in ``mnist runs | head``."""


def build_parser(words: "Sequence[str]" = ()) -> "argparse.ArgumentParser":
    """Describe the commands and their options.

    Parameters
    ----------
    words : sequence of str
        The command line. If it begins with a command, that one alone is loaded: the others take time and add nothing.
    """
    import argparse
    from importlib import import_module

    from mnist_core.commands.parser import ProgramParser, program_name

    program = program_name()
    hints = {
        **{verb: f"write `{program} runs {verb} RUN`" for verb in ("pause", "resume", "stop")},
        "list": f"write `{program} runs`",
        "help": f"write `{program} --help`",
        "test": f"write `{program} evaluate RUN`",
    }
    parser = ProgramParser(
        hints,
        prog=program,
        usage="%(prog)s COMMAND [OPTIONS]",
        description="Train and examine neural networks on MNIST, in plain NumPy.",
        epilog=EXAMPLES.format(prog=program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in words[:1] if words and words[0] in COMMANDS else COMMANDS:
        import_module(f"mnist_core.commands.{name}").add(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        Words of the command line after the program's name; those of this process by default.

    Returns
    -------
    int
        Exit code: 0 if the command succeeded, 1 if it failed, with one sentence on stderr, 128 and the number of the
        signal if one ended it.

    Raises
    ------
    SystemExit
        With code 2 if the usage is wrong, 0 after ``--help``.
    """
    from mnist_core.commands import signals

    own_process = arguments is None
    if own_process:
        signals.answer_with(signals.end_at_once)  # while modules load, and when all is done
        _prepare_streams()
    code = 0
    try:
        try:
            code = _perform(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        code = code or BROKEN_PIPE
    except OSError as error:
        code = _fail(error)
    if own_process and code:
        _discard_output()
        if code in signals.EXIT_CODES:
            signals.end_at_terminal(signals.EXIT_CODES[code])
    return code


def _perform(arguments: list[str] | None) -> int:
    """Run a command; an error becomes a sentence and an exit code."""
    from mnist_core.commands import signals
    from mnist_core.errors import MnistError

    try:
        words = sys.argv[1:] if arguments is None else arguments
        parsed = build_parser(words).parse_args(words)
        with signals.answered_by(signals.interrupt):
            return parsed.action(parsed) or 0
    except MnistError as error:
        return _fail(error)
    except MemoryError:
        return _fail("This machine ran out of memory: end other programs, or use a smaller model or data set.")
    except signals.Interrupted as interruption:
        return _fail(interruption, 128 + interruption.number)


def _fail(problem: BaseException | str, code: int = 1) -> int:
    from mnist_core.commands.output import complain

    complain(problem)
    return code


def _prepare_streams() -> None:
    """Let no character and no closed stream end the program."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started it, as with >&-
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        else:
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Give up what can't be written, so that Python does not try again, and complain, when the process ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
