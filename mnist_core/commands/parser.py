"""Read the command line; what can't be understood is answered with what was probably meant."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mnist_core.data.published.catalogue import NAMED, SAMPLE_NAME
from mnist_core.errors import did_you_mean
from mnist_core.untrusted import UntrustedText

if TYPE_CHECKING:
    from mnist_core.data.dataset import Dataset
    from mnist_core.data.formats.source import Progress

WRONG_USAGE = 2


def program_name() -> str:
    """How the command line was invoked: the installed command ``mnist``, or ``python -m mnist_core``."""
    return "mnist" if Path(sys.argv[0]).stem == "mnist" else "python -m mnist_core"


class CommandParser(argparse.ArgumentParser):
    """The parser of a command.

    Parameters
    ----------
    hints : mapping of str to str
        What to write in place of a word that people try.
    **settings
        Of :class:`argparse.ArgumentParser`.
    """

    def __init__(self, hints: Mapping[str, str] | None = None, **settings: Any) -> None:
        self.options: list[str] = []
        self.hints = dict(hints or {})
        super().__init__(**settings)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Add an argument, as the base class does, and remember its name for suggestions."""
        self.options += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **settings)

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Parse as the base class does; a word that is not known is an error of this command, not of the program."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._describe_unknown(unknown))
        return parsed, unknown

    def _describe_unknown(self, words: list[str]) -> str:
        word = next((word for word in words if word.startswith("-")), words[0]).partition("=")[0]
        found = f"{word} is no option of {self.prog}" if word.startswith("-") else f"{self.prog} takes no {word!r}"
        hint = self.hints.get(word)
        return f"{found}: {hint}." if hint else f"{found}.{did_you_mean(word, self.options)}"

    def error(self, message: str) -> NoReturn:
        """End with one line of usage, and one that says what is wrong."""
        self.print_usage(sys.stderr)
        text = " ".join(UntrustedText(message).plain.split())
        end = "" if text.endswith((".", "?")) else "."
        self.exit(WRONG_USAGE, f"error: {text}{end} More: {self.prog} --help\n")


class ProgramParser(CommandParser):
    """The parser of the program, which knows the names of the commands."""

    def __init__(self, hints: Mapping[str, str] | None = None, **settings: Any) -> None:
        super().__init__(hints, **settings)
        self.commands = self.add_subparsers(
            dest="command", required=True, metavar="COMMAND", prog=self.prog, parser_class=CommandParser
        )

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Parse a command; without any word, show the help."""
        words = sys.argv[1:] if args is None else list(args)
        if not words:
            self.print_help()
            self.exit(0)
        if words[0] not in ("-h", "--help", *self.commands.choices):
            self.error(self._describe_unknown(words))
        return super().parse_known_args(words, namespace)

    def _describe_unknown(self, words: list[str]) -> str:
        word, known = words[0], list(self.commands.choices)
        if hint := self.hints.get(word):
            return f"{word!r} is no command: {hint}."
        option = word.partition("=")[0]
        owners = [name for name, command in self.commands.choices.items() if option in command.options]
        if owners:
            return f"{option} follows a command: {self.prog} {owners[0]} {option}"
        return f"{word!r} is no command, expected one of {', '.join(known)}.{did_you_mean(word, known)}"


def add_command(
    program: ProgramParser, name: str, synopsis: str, about: str, action: Callable[[argparse.Namespace], int | None],
    hints: Mapping[str, str] | None = None,
) -> CommandParser:  # fmt: skip
    """Add a command.

    Parameters
    ----------
    program : ProgramParser
    name : str
    synopsis : str
        What follows the name, in a few words.
    about : str
        One line.
    action : callable
        Does the work; returns an exit code, or None for 0.
    hints : mapping of str to str, optional
        What to write in place of a word that people try.
    """
    command = program.commands.add_parser(name, help=about, usage=f"%(prog)s {synopsis}", hints=hints)
    command.set_defaults(action=action, usage_error=command.error)
    return command


def add_run(command: CommandParser) -> None:
    """Add the argument that names a run."""
    command.add_argument("run", metavar="RUN", help="a run id, the beginning of one, or 'latest'")


def add_json(command: CommandParser, about: str) -> None:
    """Add the option for output that programs read."""
    command.add_argument("--json", action="store_true", help=about)


def add_data_dir(command: CommandParser) -> None:
    """Add the option that names a data set."""
    command.add_argument(
        "--data-dir",
        type=read_path,
        metavar="PATH",
        help="folder or file of a data set: IDX, CSV, npz, pictures, ... (default: MNIST_DATA_DIR, then the cache)",
    )


def add_data(command: CommandParser) -> None:
    """Add the option that names a data set, or a path."""
    command.add_argument(
        "--data",
        metavar="NAME|PATH",
        help=f"a data set: {SAMPLE_NAME}, {', '.join(NAMED)}, or a path (see `{program_name()} download --help`)",
    )


def chosen_data(arguments: argparse.Namespace, progress: "Progress | None" = None) -> "Dataset | None":
    """Load the data set that ``--data`` or ``--data-dir`` names, with progress if asked; None without either.

    Raises
    ------
    DatasetError
        If it can't be loaded.
    """
    from mnist_core.data.dataset import load_dataset  # what commands without data don't wait for
    from mnist_core.data.published.named import open_data

    if arguments.data is not None and arguments.data_dir:
        arguments.usage_error("--data and --data-dir name different data: leave one of them out")
    if arguments.data is not None:
        return open_data(arguments.data, progress)
    return load_dataset("full", arguments.data_dir, progress) if arguments.data_dir else None


def read_path(text: str) -> Path:
    """Read a path; an empty one, which would be the folder where one is, is an error."""
    if not text.strip():
        raise argparse.ArgumentTypeError("found an empty path, expected that of a folder or a file")
    return Path(text)


def add_runs_dir(command: CommandParser) -> None:
    """Add the option that names the folder of the runs."""
    command.add_argument("--runs-dir", type=Path, help="folder of the runs (default: MNIST_RUNS_DIR, then ./runs)")


def one_of(names: Iterable[str]) -> dict[str, Any]:
    """Arguments of ``add_argument`` for one of a few names."""
    known = tuple(names)

    def read(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"found {text!r}, expected one of {', '.join(known)}.{did_you_mean(text, known)}"
            )
        return text

    return {"type": read, "metavar": f"{{{','.join(known)}}}"}


def number(whole: bool, limits: tuple[int, int] | None = None) -> Callable[[str], int | float]:
    """Make a function that reads a number, if need be one between two others, for ``type`` of ``add_argument``."""
    kind, noun = (int, "a whole number") if whole else (float, "a number")

    def read(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError as error:
            meant = _meant_number(text, whole)
            advice = "" if meant is None else f": write {meant}"
            raise argparse.ArgumentTypeError(f"found {text[:40]!r}, expected {noun}{advice}") from error
        if limits and not limits[0] <= value <= limits[1]:
            raise argparse.ArgumentTypeError(f"found {value}, expected {limits[0]} to {limits[1]}")
        return value

    return read


def layer_size(text: str) -> int:
    """Read the units of one layer; several in one word are an error that shows how to write them."""
    sizes = re.split(r"[-,x:; ]+", text.strip("[]() "))
    if len(sizes) > 1 and all(size.isdecimal() for size in sizes):
        raise argparse.ArgumentTypeError(f"found {text[:40]!r}, expected whole numbers apart: write {' '.join(sizes)}")
    if text == "none":
        raise argparse.ArgumentTypeError("found 'none', expected whole numbers: write the option alone for no layers")
    return int(number(whole=True)(text))


def _meant_number(text: str, whole: bool) -> str | None:
    """Guess the number that a text in another notation means: decimal comma, thousands, per cent."""
    text = text.strip()
    if re.fullmatch(r"[+-]?\d+,\d+(e[+-]?\d+)?", text, re.I) and not whole:
        return text.replace(",", ".")
    if re.fullmatch(r"[+-]?\d{1,3}([, '_]\d{3})+", text):
        return re.sub(r"[, '_]", "", text)
    if match := re.fullmatch(r"(\d+(?:[.,]\d+)?) ?%", text):
        return None if whole else f"{float(match[1].replace(',', '.')) / 100:g}"
    if whole and re.fullmatch(r"\d{1,9}(\.0+|e\d)", text, re.I):
        return f"{float(text):.0f}"
    return None
