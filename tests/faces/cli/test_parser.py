"""Tests of faces/cli/parser.py: options are accepted before and after the command, and every command is documented."""

import subprocess
import sys

import pytest

from logonscope.faces.cli.exit_codes import EXIT_CODE_MEANINGS
from logonscope.faces.cli.parser import COMMANDS, SERVER_COMMAND_NAMES, build_parser, command_module, parse
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
    for command in set(COMMANDS) - set(SERVER_COMMAND_NAMES):
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


def test_the_seconds_of_watch_follow_an_equals_sign() -> None:
    assert "--watch[=SECONDS]" in reply(["ps", "--help"])[1]
    assert reply(["--watch", "5"])[2] == (
        "logonscope: unknown command '5'; the seconds follow an equals sign: --watch=5; see `logonscope --help`\n"
    )


COMMAND_WORDS = {
    "tree": (), "sessions": (), "ps": (), "leftovers": (), "whose": ("1",), "get": ("Win32_Process=1",),
    "enumerate": ("Win32_LogonSession",), "associators": ("Win32_Process=1",), "references": ("Win32_Process=1",),
    "query": ("SELECT Name FROM Win32_LogonSession",), "invoke": ("Win32_Process=1", "GetOwner"), "classes": (),
    "class": ("Win32_Process",), "user": ("list", "--users", "/dev/null"), "record": ("no/such/folder/file",),
    "doctor": (), "completion": ("bash",), "--version": (), "bogus": (),
}  # fmt: skip
"""A command line of each command, and two without a command."""

OTHER_FILES = {"leftovers": {"ps"}, "completion": set(COMMANDS)}
"""Files of other commands: leftovers are listed as processes are, and the completion covers all commands."""

NEEDED_BY_FEW = {
    "logonscope.wql.parse": {"query"}, "logonscope.wql.lalr": {"query"}, "shtab": {"completion"},
    "logonscope.sources.recording": {"record"}, "gzip": {"record"}, "importlib.resources": {"completion"},
}  # fmt: skip
"""What takes long to import, and the commands that may."""

NEVER_NEEDED = {"lark", "rich", "asyncio", "jeepney", "logonscope.wql.build", "lxml", "starlette", "uvicorn"}

WITHOUT_HOST = {"--version", "bogus"}
"""Command lines that read no host."""


def imported(*words: str) -> set[str]:
    """Return the modules that a command line imports."""
    program = "import sys; from logonscope.command import main; main(); print(); print(*sys.modules)"
    child = [sys.executable, "-c", program, *words]
    return set(subprocess.run(child, capture_output=True, text=True, check=True).stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", COMMAND_WORDS)
def test_a_command_imports_its_own_file_alone(command: str) -> None:
    modules = imported(command, *COMMAND_WORDS[command])
    files = {name: f"logonscope.faces.cli.{name}{'_' * (name == 'class')}" for name in COMMANDS if name != "serve"}
    others = {name for name, file in files.items() if file in modules} - {command}
    assert others <= OTHER_FILES.get(command, set())


def test_whose_imports_nothing_that_it_does_not_need() -> None:
    modules = imported("whose", "1")
    assert modules >= {"logonscope.faces.cli.whose", "logonscope.broker.whose"}
    assert not modules & {"rich", "shtab", "lark", "json", "gzip", "asyncio", "socket", "jeepney", "subprocess", "csv"}
    assert not modules & {"hashlib", "logonscope.sources.recording"}


def test_classes_of_facts_that_are_seldom_asked_for_are_not_made() -> None:
    unneeded = {
        "logonscope.machine.events", "logonscope.machine.history", "logonscope.facts.failed_logon",
        "logonscope.facts.login_history", "logonscope.facts.authentication", "logonscope.facts.user_change",
        "logonscope.broker.records", "logonscope.broker.profiles",
    }  # fmt: skip
    for words in (["whose", "1"], ["sessions"], ["tree"], ["ps"], ["get", "Win32_Process=1"]):
        assert not imported(*words) & unneeded


COMPILED_TEXTS = """
import sys
texts = []
sys.addaudithook(lambda event, args: texts.append(str(args)) if event == "compile" and "<string>" in args else None)
from logonscope.command import main
main()
print()
print([text for text in texts if "lambda _cls" not in text])  # without those of collections.namedtuple
"""


@pytest.mark.parametrize("words", [("whose", "1"), ("sessions",), ("get", "Win32_Process=1")])
def test_a_short_command_compiles_no_text(words: tuple[str, ...]) -> None:
    # typing compiles an annotation in quotes where a class or an alias needs its value: the first one takes 1 ms
    child = [sys.executable, "-c", COMPILED_TEXTS, *words]
    output = subprocess.run(child, capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", COMMAND_WORDS)
def test_what_takes_long_is_imported_only_where_it_is_needed(command: str) -> None:
    modules = imported(command, *COMMAND_WORDS[command])
    assert not modules & NEVER_NEEDED
    assert {module for module, commands in NEEDED_BY_FEW.items() if command not in commands} & modules == set()
    assert ("logonscope.app" in modules) is (command not in WITHOUT_HOST)


def test_parameters_of_a_method_may_stand_around_options() -> None:
    words = ["invoke", "Win32_Process=1", "SetPriority", "a=1", "-n", "root/cimv2", "b=2", "-o", "json", "c=3"]
    assert parse(words).parameters == ["a=1", "b=2", "c=3"]
    assert parse(["invoke", "Win32_Process=1", "-n", "root/cimv2", "Terminate"]).parameters == []


@pytest.mark.parametrize("words", [["get", "a", "b"], ["invoke", "a", "b", "-n", "x", "--what"]])
def test_words_that_nothing_takes_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert "unrecognized arguments" in capsys.readouterr().err
