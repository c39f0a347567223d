"""Tests of server/settings_check.py: `serve --check` reports what the server would do, and changes nothing."""

import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError
from logonscope.server.auth.token_file import TokenFile
from logonscope.server.certificate import self_signed_certificate
from logonscope.server.configuration import Settings, read_settings
from logonscope.server.settings_check import check_settings
from logonscope.server.sinks.settings import SinkSettings, Target
from tests.server.auth.keytabs import made_keytab
from tests.server.test_certificate import as_nobody
from tests.server.test_serve import settings_in

HERE = "http://127.0.0.1:0"


def refusal(made: Settings) -> str:
    with pytest.raises(LogonscopeError) as refused:
        check_settings(made)
    return str(refused.value)


def warned(made: Settings) -> list[str]:
    return [line.removeprefix("warning: ") for line in check_settings(made) if line.startswith("warning: ")]


def test_check_prints_everything_and_writes_nothing(tmp_path: Path) -> None:
    urls = ["https://127.0.0.1:0", f"unix:{tmp_path}/socket"]
    made = settings_in(tmp_path, state=str(tmp_path / "new" / "state"), listen=urls, audit_log=str(tmp_path / "audit"))
    assert check_settings(made) == [
        f"listen: https://127.0.0.1:0, unix:{tmp_path}/socket",
        f"certificate: self-signed, to be created at start; clients must trust {tmp_path}/new/state/self-signed.crt",
        f"users: 1 in {tmp_path}/users, 0 with NTLM",
        "tokens: 0 in /etc/logonscope/tokens",
        "PAM: off",
        "Kerberos: off",
        "client certificates: off",
        "methods: off",
        f"audit log: {tmp_path}/audit",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["users"]


def test_an_existing_certificate_is_reported(tmp_path: Path) -> None:
    self_signed_certificate(str(tmp_path))
    (tmp_path / "self-signed.crt").unlink()
    said = check_settings(settings_in(tmp_path, listen=["https://127.0.0.1:0"]))[1]
    assert said.startswith("certificate: SHA-256 fingerprint ")
    assert said.endswith(f"; clients must trust {tmp_path}/self-signed.crt")
    assert not (tmp_path / "self-signed.crt").exists()


def test_a_history_needs_events(tmp_path: Path) -> None:
    assert refusal(settings_in(tmp_path, history=True, live="false")) == (
        'history = true needs the events of this machine; set live = "auto"'
    )
    assert check_settings(settings_in(tmp_path, history=True))


@pytest.mark.parametrize("url", [HERE, "https://127.0.0.1:0"])
def test_the_authorities_of_client_certificates_are_read_without_a_listener_for_them(tmp_path: Path, url: str) -> None:
    self_signed_certificate(str(tmp_path))
    missing = settings_in(tmp_path, listen=[url], client_ca=str(tmp_path / "none.pem"))
    assert refusal(missing) == f"cannot read {tmp_path}/none.pem: No such file or directory; check --client-ca"
    (tmp_path / "bad.pem").write_text("hello")
    invalid = settings_in(tmp_path, listen=[url], client_ca=str(tmp_path / "bad.pem"))
    assert refusal(invalid).startswith(f"cannot use the certificates in {tmp_path}/bad.pem: ")
    valid = settings_in(tmp_path, listen=[url], client_ca=str(tmp_path / "self-signed.crt"))
    assert f"client certificates: {tmp_path}/self-signed.crt" in check_settings(valid)


def test_a_given_certificate_is_checked_without_a_tls_listener(tmp_path: Path) -> None:
    made = settings_in(tmp_path, listen=[HERE], certificate=str(tmp_path / "none.pem"))
    assert refusal(made).startswith(f"cannot read {tmp_path}/none.pem: No such file or directory; ")
    made = settings_in(tmp_path, listen=[HERE], certificate=self_signed_certificate(str(tmp_path)))
    assert check_settings(made)[1].startswith("certificate: SHA-256 fingerprint ")
    assert "trust" not in check_settings(made)[1]


def test_where_it_cannot_listen(tmp_path: Path) -> None:
    said = refusal(settings_in(tmp_path, listen=["http://192.0.2.1:1"]))
    assert (
        said == "cannot listen on http://192.0.2.1:1: Cannot assign requested address; give another address: --listen"
    )
    said = refusal(settings_in(tmp_path, listen=[f"unix:{tmp_path}/none/s"]))
    assert said.startswith(f"cannot listen on unix:{tmp_path}/none/s: the directory {tmp_path}/none does not exist; ")


def test_a_port_that_is_taken_may_be_this_servers_own(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as there:
        url = f"http://127.0.0.1:{there.getsockname()[1]}"
        assert (
            check_settings(settings_in(tmp_path, listen=[url]))[1]
            == f"{url}: address already in use, perhaps by this server"
        )


def test_what_systemd_makes_for_the_service_need_not_be_there(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, listen=[f"unix:{tmp_path}/made/s"], audit_log=str(tmp_path / "made" / "audit"))
    check_settings(settings, [str(tmp_path / "made")])
    assert refusal(settings).startswith(f"cannot listen on unix:{tmp_path}/made/s: ")


def test_an_audit_log_that_cannot_be_written(tmp_path: Path) -> None:
    missing = settings_in(tmp_path, listen=[HERE], audit_log=str(tmp_path / "none" / "audit"))
    assert refusal(missing).startswith(f"cannot write {tmp_path}/none/audit: {tmp_path}/none does not exist; ")
    assert refusal(settings_in(tmp_path, listen=[HERE], audit_log=str(tmp_path))) == (
        f"cannot write {tmp_path}: Is a directory; give another --audit-log"
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("audit_log", "/usr/x", "cannot write /usr/x: no write permission for /usr; use sudo, or give another"),
        ("state", "/usr/x", "cannot write the certificate to /usr/x: no write permission for /usr; use sudo, or give"),
        (
            "listen",
            "http://127.0.0.1:0,unix:/usr/x",
            "cannot listen on unix:/usr/x: Permission denied; use sudo, or another",
        ),
    ],
)
def test_what_there_is_no_right_to(key: str, value: str, said: str) -> None:
    made = read_settings(
        None,
        {"users": "/nowhere", "pam": "", "listen": ["https://127.0.0.1:0" if key == "state" else HERE], key: value},
    )
    with pytest.raises(AccessDeniedError, match=said):
        as_nobody(lambda: check_settings(made))


def test_likely_mistakes(tmp_path: Path) -> None:
    nobody: dict[str, Any] = {"users": str(tmp_path / "nobody"), "pam": "", "state": str(tmp_path)}
    said = f"no client can authenticate over the network: no users in {tmp_path}/nobody; see `logonscope user add`"
    assert warned(read_settings(None, nobody | {"listen": [HERE]})) == [said]
    assert warned(read_settings(None, nobody | {"listen": [f"unix:{tmp_path}/s"]})) == []
    tokens = TokenFile(str(tmp_path / "tokens"))
    with_tokens = read_settings(None, nobody | {"listen": [HERE], "tokens": tokens.path})
    assert warned(with_tokens) == [said]
    tokens.add("dashboard", uid=None, administrator=True, scope="read", seconds=60, hosts=["*"])
    assert warned(with_tokens) == []
    assert f"tokens: 1 in {tokens.path}" in check_settings(with_tokens)
    names = ["root", "sudo", "wheel", "no-such-group"]
    assert warned(settings_in(tmp_path, listen=[HERE], administrators=names)) == [
        "administrators: unknown group 'no-such-group'"
    ]


def test_a_broken_file_of_users(tmp_path: Path) -> None:
    made = settings_in(tmp_path, listen=[HERE])
    Path(made.users).write_text("not a user\n")
    with pytest.raises(InvalidParameterError, match="line 1"):
        check_settings(made)


def test_a_keytab_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5_KTNAME", "")
    keytab = made_keytab(tmp_path / "keytab", "host/web1@CORP", "HTTP/web1@CORP")
    assert "Kerberos: HTTP/web1@CORP" in check_settings(settings_in(tmp_path, listen=[HERE], keytab=keytab))
    assert "nothing does not exist" in refusal(settings_in(tmp_path, listen=[HERE], keytab=str(tmp_path / "nothing")))


def test_what_opens_more_than_it_seems_to(tmp_path: Path) -> None:
    certificate = Path(self_signed_certificate(str(tmp_path)))
    certificate.chmod(0o666)
    made = settings_in(
        tmp_path,
        listen=[HERE, "http://0.0.0.0:0"],
        certificate=str(certificate),
        metrics="loopback",
        allow_methods=True,
    )
    assert warned(made) == [
        "http://0.0.0.0:0: 1 of 1 users cannot authenticate, passwords need TLS; use https://, or --ntlm users",
        f"private key {certificate} has mode 666: other users can access it; use mode 600 or 640",
        "metrics = loopback: every user of this host, and every client of a proxy on it, can read /metrics",
        (
            "allow_methods: over the network, administrators can end every process and control every service; other "
            "users can end their own processes, and control services as systemd permits them"
        ),
    ]
    certificate.chmod(0o640)  # a group for certificates, as Debian's ssl-cert
    assert warned(settings_in(tmp_path, listen=[HERE, "https://0.0.0.0:0"], certificate=str(certificate))) == []


def test_secret_files_that_other_users_can_read(tmp_path: Path) -> None:
    certificate = Path(self_signed_certificate(str(tmp_path)))
    key, token = tmp_path / "key", tmp_path / "token"
    for path in (key, token):
        path.write_text("s")
    for path in (certificate, key, token):
        path.chmod(0o644)
    sinks = (
        SinkSettings("a", "webhook", Target("https", "b", 443, "/"), secret_file=str(key), token_file=str(token)),
        SinkSettings("c", "syslog", Target("tls", "d", 6514, ""), client_certificate=str(certificate)),
    )
    expected = {"signing key": key, "bearer token": token, "client certificate": certificate}
    made = replace(settings_in(tmp_path, listen=[HERE]), sinks=sinks)
    assert warned(made) == [
        f"{name} {path} has mode 644: other users can access it; use mode 600 or 640" for name, path in expected.items()
    ]
    for path in expected.values():
        path.chmod(0o600)
    assert warned(made) == []
