"""What can't be understood is answered with what was probably meant."""

import re

import pytest

from mnist_core.cli import build_parser, main
from mnist_core.models.formats import FORMATS
from mnist_core.training.config import PRESETS, TrainingConfig

COMMANDS = tuple(build_parser().commands.choices)
SETTINGS = TrainingConfig.settings()


def refused(capsys, *arguments):
    """The two lines that wrong usage prints: usage and error."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    usage, error = printed.err.splitlines()
    assert usage.startswith("usage: ")
    assert error.startswith("error: ")
    return usage, error


def without_third(word):
    """A word as a person may mistype it; never the beginning of the word, which is an abbreviation."""
    at = word.startswith("--") * 2 + 1
    return word[:at] + word[at + 1 :]


def test_without_arguments_the_help_is_shown(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("usage: ")
    assert [line.split()[0] for line in printed.out.splitlines() if re.match(r" {4}\w", line)] == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_command(command, capsys):
    for typed in (without_third(command), command + "s", command.upper()):
        if typed in COMMANDS:
            continue
        usage, error = refused(capsys, typed)
        assert usage.endswith("COMMAND [OPTIONS]")
        assert f"{typed!r} is no command" in error
        assert f"Did you mean {command}?" in error


@pytest.mark.parametrize("option", [setting.option for setting in SETTINGS.values()] + ["--preset", "--runs-dir"])
def test_a_mistyped_option(option, capsys):
    for typed in {without_third(option), option + "x", option.replace("-", "_").replace("__", "--"), option.upper()}:
        if typed != option:
            usage, error = refused(capsys, "train", typed, "3")
            assert usage.endswith(" train [OPTIONS]")
            assert f"{typed} is no option of " in error
            assert f"Did you mean {option}?" in error


@pytest.mark.parametrize(
    ("option", "name"),
    [("--preset", name) for name in PRESETS]
    + [("--source", "sample")]
    + [
        (setting.option, name)
        for setting in SETTINGS.values()
        if hasattr(setting, "table")
        for name in setting.table
        if len(name) > 3
    ],
)
def test_a_mistyped_choice(option, name, capsys):
    _, error = refused(capsys, "train", option, name[:-2] + name[-1])
    assert f"argument {option}: found" in error
    assert f"Did you mean {name}?" in error


@pytest.mark.parametrize("name", FORMATS)
def test_a_mistyped_format(name, capsys):
    assert f"Did you mean {name}?" in refused(capsys, "export", "latest", "--format", name.upper())[1]


def test_a_mistyped_verb(capsys):
    assert "Did you mean resume?" in refused(capsys, "runs", "resum", "x")[1]


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS.values() if "--" + setting.url != setting.option])
def test_the_short_name_of_the_address_leads_to_the_option(setting, capsys):
    if not any(other.option.startswith(f"--{setting.url}") for other in SETTINGS.values()):  # an abbreviation is taken
        assert f"write {setting.option}." in refused(capsys, "train", f"--{setting.url}", "3")[1]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["train", "--resume", "2026"], "a run goes on with `python -m mnist_core runs resume RUN`"),
        (["train", "--resume=2026"], "runs resume RUN"),
        (["resume", "2026"], "write `python -m mnist_core runs resume RUN`"),
        (["stop"], "runs stop RUN"),
        (["list"], "write `python -m mnist_core runs`"),
        (["help"], "write `python -m mnist_core --help`"),
        (["train", "fast"], "write --preset fast"),
        (["--epochs", "3"], "--epochs follows a command: python -m mnist_core train --epochs"),
        (["--json"], "--json follows a command: python -m mnist_core evaluate --json"),
        (["xyz"], f"expected one of {', '.join(COMMANDS)}"),
        (["evaluate", "a", "b"], "evaluate takes no 'b'"),
        (["runs", "list", "2026"], "list takes no run"),
        (["runs", "stop"], "stop needs the id of a run"),
        (["runs", "stop", "2026", "--json"], "--json lists runs"),
        (["train", "--source", "sample", "--data-dir", "x"], "--source sample and --data-dir name different data"),
        (["train", "--data-dir", ""], "found an empty path, expected that of a folder or a file"),
    ],
)
def test_advice_for_what_people_try(arguments, advice, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["__main__.py"])
    assert advice in refused(capsys, *arguments)[1]


@pytest.mark.parametrize(
    ("option", "text", "meant"),
    [
        ("--learning-rate", "0,1", "write 0.1."),
        ("--learning-rate", "1,5e-3", "write 1.5e-3."),
        ("--dropout", "20%", "write 0.2."),
        ("--validation-fraction", "12,5 %", "write 0.125."),
        ("--epochs", "1,000", "write 1000."),
        ("--epochs", "1 000", "write 1000."),
        ("--epochs", "10.0", "write 10."),
        ("--epochs", "1e3", "write 1000."),
        ("--epochs", "many", "found 'many', expected a whole number."),
        ("--epochs", "0,1", "found '0,1', expected a whole number."),
        ("--learning-rate", "1,2,3", "found '1,2,3', expected a number."),
        ("--learning-rate", "", "found '', expected a number."),
        ("--seed", "9" * 5000, "expected a whole number."),
        ("--hidden-layers", "300,100", "write 300 100."),
        ("--hidden-layers", "128-64", "write 128 64."),
        ("--hidden-layers", "[128, 64]", "write 128 64."),
        ("--hidden-layers", "none", "write the option alone for no layers."),
        ("--hidden-layers", "few", "found 'few', expected a whole number."),
    ],
)
def test_a_number_in_another_notation(option, text, meant, capsys):
    _, error = refused(capsys, "train", option, text)
    assert f"argument {option}: found {text[:40]!r}, expected " in error
    assert meant in error
    assert len(error) < 250


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usage_is_that_of_the_command_in_one_line(command, capsys):
    usage, error = refused(capsys, command, "--no-such-option", "a", "b", "c")
    assert f" {command} " in usage
    assert error.endswith(f" {command} --help")


def test_control_characters_of_an_argument_do_not_reach_the_terminal(capsys):
    for arguments in (
        ["\x1b[2J"],
        ["train", "--\x1b]0;x\x07"],
        ["evaluate", "a", "\x9b2J\n"],
        ["train", "--preset", "\x1b"],
    ):
        _, error = refused(capsys, *arguments)
        assert error.isprintable()
