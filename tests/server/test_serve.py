"""Tests of server/serve.py: the parts of the server follow the settings."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from logonscope import errors
from logonscope.broker import Caller
from logonscope.dispatch.operation import Limits
from logonscope.errors import InvalidParameterError
from logonscope.ownership import LINUX
from logonscope.server.auth.local_accounts import find_account
from logonscope.server.auth.peer import Peer
from logonscope.server.auth.user_file import UserFile
from logonscope.server.configuration import Settings, read_settings
from logonscope.server.http import HttpDoor, ServerParts
from logonscope.server.serve import DOORS, ServedHost, build_server_parts
from tests.server.auth.keytabs import made_keytab
from tests.server.running import ADMIN, QUICK, example

HERE = Peer("127.0.0.1", tls=False, loopback=True)


def settings_in(folder: Path, **more: Any) -> Settings:
    users = UserFile(folder / "users", hasher=QUICK)
    if not users.users():
        users.add(*ADMIN, administrator=True)
    return read_settings(None, {"users": str(users.path), "state": str(folder), "pam": "", **more})


def services(folder: Path, **more: Any) -> ServerParts:
    host = ServedHost(example(), LINUX, lambda uid: Caller(str(uid), uid, administrator=uid == 0))
    return build_server_parts(host, settings_in(folder, **more))


def test_settings_reach_the_parts_that_use_them(tmp_path: Path) -> None:
    made = services(
        tmp_path, allow_methods="true", max_envelope="9000", operation_timeout="7", max_request="8192", workers="3",
        metrics="loopback",
    )  # fmt: skip
    assert (made.dispatcher.allow_methods, made.dispatcher.limits) == (True, Limits(9000, 7.0))
    assert (made.max_request_octets, made.are_metrics_open_on_loopback) == (8192, True)
    assert made.metrics is not None
    plain = services(tmp_path)
    assert (plain.dispatcher.allow_methods, plain.metrics, plain.are_metrics_open_on_loopback) == (False, None, False)


def test_the_audit_goes_to_the_log_a_file_or_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for target in ("-", str(tmp_path / "audit"), ""):
        audit = services(tmp_path, audit_log=target).dispatcher.audit
        assert (audit is None) is (target == "")
        with caplog.at_level(logging.INFO):
            if audit is not None:
                audit.record_authentication("::1", "basic", "alice", None)
    (record,) = caplog.records
    assert json.loads(record.message)["user"] == "alice"
    assert json.loads((tmp_path / "audit").read_text())["user"] == "alice"


def test_a_broken_file_of_users_is_no_file_to_start_with(tmp_path: Path) -> None:
    made = settings_in(tmp_path)
    Path(made.users).write_text("not a user\n")
    with pytest.raises(InvalidParameterError, match="line 1"):
        build_server_parts(ServedHost(example(), LINUX, lambda _: Caller("", None, False)), made)


def test_likely_mistakes_are_logged_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    services(tmp_path, users=str(tmp_path / "nobody"), listen="http://127.0.0.1:0")
    assert caplog.messages == [
        f"no client can authenticate over the network: no users in {tmp_path}/nobody; see `logonscope user add`"
    ]


def test_a_keytab_is_looked_into_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5_KTNAME", "")
    keytab = made_keytab(tmp_path / "keytab", "host/web1@CORP", "HTTP/web1@CORP")
    with_keytab, plain = services(tmp_path, keytab=keytab).authenticator, services(tmp_path).authenticator
    assert with_keytab.authenticate(HERE, None).offers[:2] == ("Negotiate", "Kerberos")
    assert "Kerberos" not in plain.authenticate(HERE, None).offers
    with pytest.raises(InvalidParameterError, match=r"keytab .* does not exist"):
        services(tmp_path, keytab=str(tmp_path / "nothing"))


def test_a_locked_line_of_the_user_file_locks_the_account_of_its_name(tmp_path: Path) -> None:
    parts, users = services(tmp_path), tmp_path / "users"
    certificate = Peer("192.0.2.1", tls=True, loopback=False, certificate_user="daemon")
    caller = parts.authenticator.authenticate(certificate, None).caller
    assert caller == find_account("daemon")
    for line in ("Daemon:1:user:!:", "daemon:1:auditor:secret:", "daemon:1:user:!::2027-01-01"):
        users.write_text(line)
        again = Peer("192.0.2.1", tls=True, loopback=False, certificate_user="daemon")
        answer = parts.authenticator.authenticate(again, None)
        assert (answer.caller, answer.reason) == (
            None, "authentication failed: the certificate names no user of this server",
        ), line  # fmt: skip
        users.write_text("# nothing")
        assert parts.authenticator.authenticate(again, None).caller == caller


LEAVES = [leaf for leaf in vars(errors).values() if isinstance(leaf, type) and issubclass(leaf, errors.LogonscopeError)]


@pytest.mark.parametrize("http_door", DOORS, ids=lambda http_door: repr(http_door.door))
@pytest.mark.parametrize("leaf", LEAVES)
def test_every_door_has_a_fault_for_every_error(http_door: HttpDoor, leaf: type[errors.LogonscopeError]) -> None:
    reply = http_door.door.fault(leaf("it is so", "do that"), None, "web1")
    assert reply.status >= 400
    assert b"it is so" in reply.body
    assert b"do that" in reply.body


def test_every_path_is_one_doors() -> None:
    paths = [path for http_door in DOORS for path in http_door.paths]
    assert len(set(paths)) == len(paths)
