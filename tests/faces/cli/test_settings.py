"""Tests of faces/cli/settings.py: options and the environment override settings; an error names the line."""

import os
from pathlib import Path

import pytest

from logonscope import InvalidParameterError
from logonscope.faces.cli.run import resolve_host, settings_path
from logonscope.faces.cli.settings import parse_settings
from tests.conversation import reply
from tests.example import recording

WHOLE = """\
host = "https://scanner@web1"
ca = "/etc/web1.pem"
color = "always"
pager = ""
quiet = true
readable = false
[columns]
sessions = ["user", "state"]
"""


def test_every_setting_is_read() -> None:
    assert parse_settings("f", WHOLE.encode()) == {
        "host": "https://scanner@web1", "ca": "/etc/web1.pem", "color": "always", "pager": "", "quiet": True,
        "readable": False, "columns": {"sessions": ["user", "state"]},
    }  # fmt: skip
    assert parse_settings("f", b"") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "hots = 1",
            "f, line 1: unknown setting 'hots': expected one of host, ca, color, pager, columns, quiet, readable",
        ),
        ('\n# x\n[other]\na = "b"', "f, line 3: unknown setting 'other': expected one of host,"),
        ("host = 1", "f, line 1: invalid value 1: expected a string"),
        ('host = ""', "f, line 1: invalid value '': expected a non-empty string"),
        ('\n\ncolor = "red"', "f, line 3: invalid color 'red': expected auto, always, never"),
        ("quiet = 1", "f, line 1: invalid value 1: expected true or false"),
        ("pager = true", "f, line 1: invalid value True: expected a string"),
        ("columns = 1", "f, line 1: unknown listing 1 in columns: expected one of sessions, ps, leftovers, classes"),
        ("[columns]\nwhose = []", "f, line 1: unknown listing 'whose' in columns"),
        ("[columns]\nps = 'pid'", "f, line 1: invalid columns of ps: expected a list of names"),
        ("[columns]\nps = [1]", "f, line 1: invalid columns of ps: expected a list of names"),
        ("host = ", "cannot read f: not TOML: Invalid value (at end of document)"),
        ("host", "cannot read f: not TOML: "),
        ("\udcff", "cannot read f: not TOML: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError) as error:
        parse_settings("f", text.encode(errors="surrogateescape"))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_the_file_is_where_xdg_says() -> None:
    assert settings_path({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == "/x/logonscope/config.toml"
    assert settings_path({"XDG_CONFIG_HOME": "x", "HOME": "/h"}) == "/h/.config/logonscope/config.toml"
    assert settings_path({}) is None


@pytest.mark.parametrize(
    ("option", "variable", "setting", "host"),
    [
        ("a", "b", "c", "a"),
        (None, "b", "c", "b"),
        (None, None, "c", "c"),
        (None, None, None, None),
        ("local", "b", "c", None),
        (None, "local", "c", None),
        (None, "", "local", None),
    ],
)
def test_the_option_names_the_host_then_the_environment_then_the_file(
    option: str | None, variable: str | None, setting: str | None, host: str | None
) -> None:
    environment = {} if variable is None else {"LOGONSCOPE_HOST": variable}
    assert resolve_host(option, environment, setting) == host


def test_commands_follow_the_environment_and_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = recording(tmp_path)
    folder = tmp_path / "logonscope"
    folder.mkdir()
    (folder / "config.toml").write_text(f'host = "{host}"\n[columns]\nsessions = ["id", "left"]\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert reply(["sessions", "bob"]) == (0, "ID  LEFT\n37  2\n", "")
    assert reply(["sessions", "bob", "--columns", "user"]) == (0, "USER\nbob\n", "")
    assert reply(["sessions", "bob", "-o", "csv"])[1].startswith("logon_id,user,")
    assert reply(["sessions", "bob", "--host", "local"])[0] == 1
    monkeypatch.setenv("LOGONSCOPE_HOST", str(tmp_path / "other.lsr"))
    assert f"recording '{tmp_path}/other.lsr' does not exist" in reply(["sessions"])[2]
    assert reply(["sessions", "bob", "--host", host])[0] == 0


def test_a_wrong_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = recording(tmp_path)
    file = tmp_path / "logonscope/config.toml"
    file.parent.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file.write_text('[columns]\nsessions = ["bogus"]\n')
    code, out, err = reply(["sessions", "--host", host])
    assert (code, out) == (2, "")
    assert err.startswith(f"logonscope: {file}, columns of sessions: invalid column 'bogus': expected one of id, user,")
    file.write_text("hots = 1\n")
    assert reply(["sessions", "--host", host])[2].startswith(f"logonscope: {file}, line 1: unknown setting 'hots'")
    file.unlink()
    file.mkdir()
    assert reply(["sessions", "--host", host])[2] == (
        f"logonscope: cannot read {file}: {os.strerror(21)}; make it readable, or remove it\n"
    )
