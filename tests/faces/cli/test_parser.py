"""Tests of faces/cli/parser.py: options are accepted before and after the command, and every command is documented."""

import subprocess
import sys

import pytest

from logonscope.faces.cli.exit_codes import EXIT_CODE_MEANINGS
from logonscope.faces.cli.parser import COMMANDS, EXTERNAL_COMMAND_NAMES, build_parser, command_module, parse
from tests.conversation import reply


def test_without_a_command_it_is_tree() -> None:
    assert parse([]).command == "tree"
    assert parse(["-o", "json"]).command == "tree"
    assert parse(["--all"]).all is True


def test_options_stand_before_and_after_the_command() -> None:
    for words in (["-o", "json", "ps"], ["ps", "-o", "json"], ["ps", "-ojson"], ["ps", "--output=json"]):
        args = parse(words)
        assert (args.command, args.output, args.host, args.color) == ("ps", "json", None, None)


def test_the_value_of_an_option_is_no_command() -> None:
    args = parse(["--host", "tree", "sessions", "alice"])
    assert (args.command, args.host, args.which) == ("sessions", "tree", "alice")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str) -> None:
    code, out, err = reply([command, "--help"])
    assert (code, err) == (0, "")
    assert "examples:" in out
    assert f"logonscope {command}" in out
    assert "--host HOST" in out


def test_every_command_has_a_file_that_runs() -> None:
    for command in set(COMMANDS) - set(EXTERNAL_COMMAND_NAMES):
        assert callable(command_module(command).run)


def test_a_command_that_is_elsewhere_is_loaded_from_there() -> None:
    assert command_module("serve", {"serve": lambda: test_help_names_the_exit_codes}) is test_help_names_the_exit_codes
    assert COMMANDS["serve"] not in build_parser().format_help()


def test_help_names_the_exit_codes() -> None:
    text = build_parser().format_help()
    assert all(f"  {code:<5}{meaning}\n" in text for code, meaning in EXIT_CODE_MEANINGS.items())


def test_a_pid_typed_as_a_command_is_understood_as_a_question() -> None:
    _, _, err = reply(["4312"])
    assert err == (
        "logonscope: unknown command '4312'; did you mean `logonscope whose 4312`? See `logonscope --help`\n"
    )


def test_whose_imports_nothing_that_it_does_not_need() -> None:
    program = "import sys; from logonscope.app import main; main(); print(*sorted(sys.modules))"
    child = [sys.executable, "-c", program, "whose", "1"]
    modules = set(subprocess.run(child, capture_output=True, text=True, check=True).stdout.splitlines()[-1].split())
    assert modules >= {"logonscope.faces.cli.whose", "logonscope.broker.whose"}
    assert not modules & {"rich", "shtab", "lark", "json", "gzip", "asyncio", "socket", "jeepney", "subprocess", "csv"}
    assert not modules & {"logonscope.faces.cli.tree", "logonscope.sources.recording"}


def test_parameters_of_a_method_may_stand_around_options() -> None:
    words = ["invoke", "Win32_Process=1", "SetPriority", "a=1", "-n", "root/cimv2", "b=2", "-o", "json", "c=3"]
    assert parse(words).parameters == ["a=1", "b=2", "c=3"]
    assert parse(["invoke", "Win32_Process=1", "-n", "root/cimv2", "Terminate"]).parameters == []


@pytest.mark.parametrize("words", [["get", "a", "b"], ["invoke", "a", "b", "-n", "x", "--what"]])
def test_words_that_nothing_takes_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert "unrecognized arguments" in capsys.readouterr().err
