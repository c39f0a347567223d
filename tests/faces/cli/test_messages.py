"""Tests of faces/cli/messages.py: an error of a command on classes and instances begins with WMI's name and number."""

import argparse
import json
from pathlib import Path

import pytest

from logonscope.errors import AccessDeniedError, Hint, HintCode, NotFoundError
from logonscope.faces.cli.messages import error_text, print_error
from logonscope.faces.cli.parser import parse
from tests.conversation import reply
from tests.example import recording

ERROR = NotFoundError("no \x1b[2J here", "ask again")


def asked(command: str, output: str) -> argparse.Namespace:
    return parse([command, "Win32_Process=1", "-o", output])


@pytest.mark.parametrize(
    ("command", "output", "said"),
    [
        ("get", "table", "WBEM_E_NOT_FOUND (0x80041002): no \ufffd[2J here; ask again\n"),
        ("get", "csv", "WBEM_E_NOT_FOUND (0x80041002): no \ufffd[2J here; ask again\n"),
        ("whose", "table", "logonscope: no \ufffd[2J here; ask again\n"),
        (None, None, "logonscope: no \ufffd[2J here; ask again\n"),
    ],
)
def test_an_error_is_one_line(
    command: str | None, output: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_error(ERROR, asked(command, output) if command and output else None)
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("command", ["whose", "get"])
def test_a_script_that_requested_json_gets_an_object(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_error(ERROR, asked(command, "json"))
    assert json.loads(capsys.readouterr().err) == {
        "error": {
            "name": "WBEM_E_NOT_FOUND", "number": 0x80041002, "message": "no \x1b[2J here", "hint": "ask again",
        }
    }  # fmt: skip


def test_a_watch_has_the_names_of_wmi_for_a_query_alone(tmp_path: Path) -> None:
    host = recording(tmp_path)
    assert reply(["--host", host, "watch", "--exec", "no-such-program"])[2].startswith("logonscope: cannot run ")
    assert reply(["--host", host, "watch", "SELECT * FROM Win32_Process"])[2].startswith("WBEM_E_")


def test_every_command_refuses_in_that_form(tmp_path: Path) -> None:
    host = recording(tmp_path)
    for words in (["whose", "99"], ["get", "Win32_Process=99"]):
        code, out, err = reply([*words, "-o", "jsonl", "--host", host])
        assert (code, out, json.loads(err)["error"]["number"]) == (1, "", 0x80041002)


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        ([], HintCode.SEE_OTHERS, "use sudo or --readable"),
        (["--as", "bob"], HintCode.SEE_OTHERS, "leave out --as"),
        (["--as", "bob"], HintCode.GET_RIGHTS, "leave out --as"),
        (["--as", "bob"], HintCode.RUN_AS_ROOT, "use sudo"),
        (["--host", "https://bob@web1"], HintCode.SEE_OTHERS, "connect as an administrator"),
        (["--host", "https://bob@web1", "--as", "bob"], HintCode.RUN_AS_ROOT, "connect as an administrator"),
        (["--host", "https://bob@web1", "--as", "bob"], HintCode.SEE_OTHERS, "leave out --as"),
        (["--host", "unix:/run/x"], HintCode.SEE_OTHERS, "use sudo"),
        (["--host", "unix:///run/x"], HintCode.GET_RIGHTS, "use sudo"),
        (["--host", "web1.lsr"], HintCode.SEE_OTHERS, "use sudo or --readable"),
    ],
)
def test_the_advice_on_rights_depends_on_the_host_and_the_view(options: list[str], code: HintCode, hint: str) -> None:
    error = AccessDeniedError("no", Hint(code))
    assert error_text(error, parse(["whose", "1", *options])) == f"no; {hint}"
