"""Tests of server/configuration.py: settings are read from file and flags, and each mistake is explained."""

import argparse
import os
import tomllib
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.journal.policy import MIN_BYTES
from logonscope.server.configuration import (
    SETTINGS,
    Listener,
    Settings,
    add_flags,
    pam_service,
    parse_listener,
    read_settings,
    settings_reference,
)

NO_FILE = "/nonexistent/logonscope.toml"
"""The default file of tests: this machine may have a real one."""


@pytest.fixture(autouse=True)
def no_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


def written(folder: Path, text: str) -> str:
    (folder / "logonscope.toml").write_text(text, encoding="utf-8")
    return str(folder / "logonscope.toml")


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InvalidParameterError) as refused:
        read_settings(written(folder, text))
    return str(refused.value).removeprefix(f"{folder}/logonscope.toml: ")


def test_without_a_file_and_without_flags_the_defaults_hold() -> None:
    told = read_settings(default_file=NO_FILE)
    assert told == Settings()
    assert [str(one) for one in told.listen] == [
        "http://127.0.0.1:5985", "http://[::1]:5985", "https://127.0.0.1:5986", "https://[::1]:5986",
    ]  # fmt: skip
    assert all(one.loopback for one in told.listen)
    assert not told.allow_methods
    assert (told.state, told.administrators) == ("/var/lib/logonscope", ("sudo", "wheel"))
    assert told.pam == ("logonscope" if Path("/etc/pam.d/logonscope").exists() else "")


def test_the_command_line_has_priority_over_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path, 'listen = ["https://[::]:5986"]\nmax_envelope = 600000\nallow_methods = true\nworkers = 3\n'
    )
    told = read_settings(file, {"workers": "5", "allow_methods": "false", "contexts": None})
    assert told.listen == (Listener("https", "::", 5986, "", tls=True, loopback=False),)
    assert (told.max_envelope, told.allow_methods, told.workers, told.contexts) == (600_000, False, 5, 500)
    assert read_settings(None, {"workers": "5"}, file).max_envelope == 600_000


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(Settings(), "workers", 5)  # noqa: B010 -- mypy knows it too


def test_a_default_may_depend_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/logonscope-2:/var/lib/other")
    assert read_settings(default_file=NO_FILE).state == "/var/lib/logonscope-2"
    assert pam_service(str(tmp_path)) == ""
    (tmp_path / "logonscope").touch()
    assert pam_service(str(tmp_path)) == "logonscope"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://0.0.0.0", Listener("http", "0.0.0.0", 5985, "", tls=False, loopback=False)),  # noqa: S104 -- a test
        ("https://[::1]/", Listener("https", "::1", 5986, "", tls=True, loopback=True)),
        ("https://192.0.2.7:443", Listener("https", "192.0.2.7", 443, "", tls=True, loopback=False)),
        ("http://[fe80::1%eth0]:80", Listener("http", "fe80::1%eth0", 80, "", tls=False, loopback=False)),
        ("unix:/run/a.sock", Listener("unix", "", 0, "/run/a.sock", tls=False, loopback=True)),
    ],
)
def test_where_to_listen(url: str, expected: Listener) -> None:
    assert parse_listener(url) == expected
    assert parse_listener(str(expected)) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        *((url, "expected http://ADDRESS:PORT, https://ADDRESS:PORT or unix:/PATH")
          for url in ("", "5985", "0.0.0.0:5985", "http://", "http://[::1:80", "http://::1", "ftp://127.0.0.1",
                      "unix:run", "http://127.0.0.1:")),
        *((url, f"'{host}' is not an IP address such as 127.0.0.1, 0.0.0.0 or [::1]")
          for url, host in (("http://localhost:5985", "localhost"), ("http://1.2.3:80", "1.2.3"),
                            ("http://[1]:80", "[1]"))),
        ("http://127.0.0.1:65536", "port '65536' is not a number from 0 to 65535"),
        ("http://127.0.0.1:80 ", "port '80 ' is not a number from 0 to 65535"),
        ("http://127.0.0.1/wsman", "path '/wsman' is not allowed; every listener has /wsman"),
    ],
)  # fmt: skip
def test_invalid_listen_addresses(url: str, why: str, tmp_path: Path) -> None:
    said = f'invalid listen address "{url}": {why}'
    with pytest.raises(ValueError) as refused:
        parse_listener(url)
    assert str(refused.value) == said
    assert refusal(tmp_path, f'listen = ["{url}"]').startswith(f"{said}; correct it")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_envelop = 1", "unknown key 'max_envelop'; did you mean max_envelope?"),
        ("allow-methods = true", "unknown key 'allow-methods'; did you mean allow_methods?"),
        ("[server]\nworkers = 1", f"unknown key 'server'; remove it; the keys are {', '.join(SETTINGS)}"),
        ("workers = '3'", 'invalid workers "3": expected a whole number from 1 to 64; {do}'),
        ("workers = true", "invalid workers true: expected a whole number from 1 to 64; {do}"),
        ("workers = 0", "invalid workers 0: expected a whole number from 1 to 64; {do}"),
        ("max_request = 1e6", "invalid max_request 1000000.0: expected a whole number from 8192 to 4194304; {do}"),
        ("negotiate = 1", "invalid negotiate 1: expected true or false; {do}"),
        ("metrics = 'all'", 'invalid metrics "all": expected one of "", "administrators", "loopback"; {do}'),
        ("history_size = '10 MB'",
         'invalid history_size "10 MB": expected a size of at least 16 MB, such as "2 GB"; {do}'),
        ("history_size = '0 TB'",
         'invalid history_size "0 TB": expected a size of at least 16 MB, such as "2 GB"; {do}'),
        ("pam = '../su'", 'invalid pam "../su": expected the name of a PAM service; {do}'),
        ('users = "a\\u0000b"', 'invalid users "a\\u0000b": expected the path of a file; {do}'),
        ("administrators = [1]",
         'invalid administrators [1]: expected a list of groups such as ["sudo", "wheel"]; {do}'),
        ("hosts = [1]", 'invalid hosts [1]: expected a list of names such as ["web1.example.com"]; {do}'),
        ("origins = 1", 'invalid origins 1: expected a list of origins such as ["https://web1"]; {do}'),
        ("users = 2026-01-01", 'invalid users "2026-01-01": expected the path of a file; {do}'),
    ],
)  # fmt: skip
def test_an_invalid_setting_is_reported_with_a_hint(text: str, said: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text) == said.replace("{do}", "correct it, or remove it to use the default")


@pytest.mark.parametrize("urls", ["[]", '"http://127.0.0.1"', "[1]"])
def test_listeners_that_are_none(urls: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, f"listen = {urls}").startswith(
        "invalid listen " + urls + ': expected a list such as ["http://127.0.0.1:5985", '
    )


def test_keys_that_do_not_go_together(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path, "key = '/k.pem'")
        == "`key` is set, but `certificate` is not; set `certificate` too, or remove `key`"
    )
    assert refusal(tmp_path, "keytab = '/k'\nnegotiate = false").startswith("`keytab` is set, but `negotiate` is off; ")
    assert refusal(tmp_path, "contexts = 9").startswith("contexts_per_caller = 50 is greater than contexts = 9; ")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "logonscope.toml"
    with pytest.raises(
        InvalidParameterError, match=f"cannot read {path}: No such file or directory; create it, or omit"
    ):
        read_settings(str(path))
    with pytest.raises(InvalidParameterError, match=f"cannot read {tmp_path}: Is a directory"):
        read_settings(str(tmp_path))
    path.write_text("workers = ", encoding="ascii")
    with pytest.raises(InvalidParameterError, match=r"invalid TOML in .*: Invalid value \(at .*\); correct it"):
        read_settings(default_file=str(path))
    path.write_bytes(b"pam = '\xff'")
    with pytest.raises(InvalidParameterError, match="invalid TOML"):
        read_settings(default_file=str(path))


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    os.chmod(file, 0)
    if os.access(file, os.R_OK):  # root may all the same: ask as a user who may not
        child = os.fork()
        if child == 0:
            os.setresuid(65534, 65534, 65534)
            os._exit(refused(file))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    else:
        assert refused(file) == 0


def refused(file: str) -> int:
    try:
        read_settings(file)
    except AccessDeniedError as error:
        return 0 if "Permission denied; use sudo" in str(error) else 2
    return 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="logonscope serve")
    add_flags(made)
    return made


def test_every_key_is_a_flag() -> None:
    told = vars(parser().parse_args([]))
    assert list(told) == list(SETTINGS)
    assert set(told.values()) == {None}
    words = [
        "--listen", "http://127.0.0.1:1,http://[::1]:1", "--listen", "unix:/a", "--allow-methods", "--negotiate=false",
        "--max-envelope", "8192", "--audit-log", "-", "--administrators", "adm", "--log-format", "json", "--pam=",
    ]  # fmt: skip
    made = read_settings(None, vars(parser().parse_args(words)), NO_FILE)
    assert [str(one) for one in made.listen] == ["http://127.0.0.1:1", "http://[::1]:1", "unix:/a"]
    assert (made.allow_methods, made.negotiate, made.max_envelope, made.audit_log) == (True, False, 8192, "-")
    assert (made.administrators, made.log_format, made.pam) == (("adm",), "json", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "many"], 'invalid --workers "many": expected a whole number from 1 to 64; {do}'),
        (["--allow-methods=yes"], 'invalid --allow-methods "yes": expected true or false; {do}'),
        (["--listen=http://a:x"],
         "invalid listen address \"http://a:x\": port 'x' is not a number from 0 to 65535; {do}"),
        (["--workers=0"], 'invalid --workers "0": expected a whole number from 1 to 64; {do}'),
        (["--state="], 'invalid --state "": expected the path of a directory; {do}'),
        (["--history-keep=logins=long"],
         'invalid --history-keep "logins=long": expected a table such as logins=400 days,system=30 days; {do}'),
        (["--history-exclude=bob"],
         ('invalid --history-exclude ["bob"]: expected a list such as '
          "user:backup,program:/usr/bin/sensor,unit:cron.service; {do}")),
    ],
)  # fmt: skip
def test_a_flag_that_is_wrong(words: list[str], said: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        read_settings(None, vars(parser().parse_args(words)), NO_FILE)
    assert str(refused.value) == said.replace("{do}", "see `logonscope serve --help`")


def test_the_help_and_the_reference_show_every_key() -> None:
    shown = parser().format_help()
    rows = settings_reference().splitlines()
    for name in SETTINGS:
        assert f"--{name.replace('_', '-')} " in shown
    assert [row.split("|")[1].strip() for row in rows[2:]] == [f"`{name}`" for name in SETTINGS]
    assert {row.count("|") for row in rows} == {5}


def test_a_flag_shows_its_words_and_its_default_as_they_can_be_typed() -> None:
    parser = argparse.ArgumentParser(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=1000))
    add_flags(parser)
    shown = " ".join(parser.format_help().split())
    for words in (
        '--metrics ""|administrators|loopback ',
        "--log-level debug|info|warning|error ",
        "--log-format text|json ",
        "--users FILE ",
        "--state DIRECTORY ",
        "--pam SERVICE ",
        "whose common name is the user; empty: none (default: none)",
    ):
        assert words in shown
    assert "(default: sudo,wheel)" in shown
    assert "(default: $STATE_DIRECTORY if systemd sets it, else /var/lib/logonscope)" in shown
    listeners = shown.partition("replace them (default: ")[2].partition(")")[0]
    assert read_settings(None, {"listen": listeners}, NO_FILE).listen == Settings().listen


def test_the_minimum_of_the_history_is_that_of_the_journal(tmp_path: Path) -> None:
    minimum = MIN_BYTES >> 20
    assert read_settings(written(tmp_path, f'history_size = "{minimum} MB"')).history_size == f"{minimum} MB"
    assert "at least" in refusal(tmp_path, f'history_size = "{minimum - 1} MB"')


def test_the_defaults_of_the_reference_are_what_a_file_may_say(tmp_path: Path) -> None:
    shown = [row.split("|")[3].strip() for row in settings_reference().splitlines()[2:]]
    literal = {name: text.strip("`") for name, text in zip(SETTINGS, shown, strict=True) if text.count("`") == 2}
    assert len(literal) == len(SETTINGS) - 2
    text = "\n".join(f"{name} = {value}" for name, value in literal.items())
    assert tomllib.loads(text)
    assert read_settings(written(tmp_path, text)) == Settings()
