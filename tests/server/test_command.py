"""Tests of server/command.py: `logonscope serve` serves with its settings, and reports at once why it cannot."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.server.auth.user_file import UserFile
from tests.lab.systemd import free_port
from tests.server.running import ADMIN, QUICK
from tests.server.test_http import GET, basic

LOGONSCOPE = [sys.executable, "-m", "logonscope"]


def said(*words: str) -> tuple[int, str, str]:
    """Run the command to its end."""
    done = subprocess.run([*LOGONSCOPE, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@contextmanager
def serving(*words: str) -> Iterator[str]:
    """Serve for a while; return where it listens, as it says."""
    with subprocess.Popen([*LOGONSCOPE, "serve", *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_it_answers_about_this_machine_until_a_signal(tmp_path: Path) -> None:
    UserFile(tmp_path / "users", hasher=QUICK).add(*ADMIN, administrator=True)
    options = [
        "--listen",
        "http://127.0.0.1:0",
        "--users",
        str(tmp_path / "users"),
        "--pam",
        "",
        "--state",
        str(tmp_path),
    ]
    with serving(*options) as where:
        connection = http.client.HTTPConnection("127.0.0.1", int(where.rsplit(":", 1)[1]))
        body = GET.replace(b"Win32_LogonSession", b"Win32_Process").replace(b"LogonId", b"Handle")
        connection.request("POST", "/wsman", body.replace(b">41<", b">%d<" % os.getpid()), basic(ADMIN))
        answer = connection.getresponse().read()
        connection.close()
    assert f"<p:ProcessId>{os.getpid()}</p:ProcessId>".encode() in answer


def test_check_prints_the_settings_and_does_nothing(tmp_path: Path) -> None:
    UserFile(tmp_path / "users", hasher=QUICK).add(*ADMIN, administrator=True, ntlm=True)
    port = free_port()
    settings = f'listen = ["http://127.0.0.1:{port}"]\nusers = "{tmp_path / "users"}"\npam = ""\n'
    (tmp_path / "my.toml").write_text(settings)
    code, out, err = said("serve", "--config", str(tmp_path / "my.toml"), "--check")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"listen: http://127.0.0.1:{port}",
        f"users: 1 in {tmp_path / 'users'}, 1 with NTLM",
        "tokens: 0 in /etc/logonscope/tokens",
        "PAM: off",
        "Kerberos: off",
        "client certificates: off",
        "methods: off",
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--config", "/nowhere"], "cannot read /nowhere: No such file or directory; create it, or omit --config"),
        (
            ["--workers", "0"],
            'invalid --workers "0": expected a whole number from 1 to 64; see `logonscope serve --help`',
        ),
        (["--pam", "no-such-service", "--check"], "unknown PAM service 'no-such-service': PAM would use `other`"),
        (["--listen", "http://192.0.2.1:1", "--pam", ""], "cannot listen on http://192.0.2.1:1"),
    ],
)
def test_an_error_is_printed_in_one_line(words: list[str], reason: str, tmp_path: Path) -> None:
    UserFile(tmp_path / "users", hasher=QUICK).add(*ADMIN, administrator=True, ntlm=True)
    code, out, err = said("serve", "--users", str(tmp_path / "users"), "--state", str(tmp_path), *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"logonscope: {reason}")
    assert err.count("\n") == 1


def test_help_names_every_key_and_shows_examples() -> None:
    code, out, _ = said("serve", "--help")
    assert code == 0
    assert "--allow-methods" in out
    assert "sudo logonscope serve --listen https://0.0.0.0:5986" in out
    assert "serve" in said("--help")[1]
    assert "--max-envelope" in said("completion", "bash")[1]
