"""Logging in to the page by a Kerberos ticket of a real KDC, with curl in place of the browser."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.fixtures import realm
from tests.lab.realm import Realm
from tests.server.auth.keytabs import WITHOUT_KERBEROS
from tests.server.running import ADMIN, RunningServer, running

__all__ = ["realm"]

for _library in ("gssapi", "krb5"):
    pytest.importorskip(_library, reason=WITHOUT_KERBEROS, exc_type=ImportError)

HOST = "web1.lab.test"
STRANGER = "stranger"
"""Has a ticket, but is no user of the server."""
SIGN_IN = "/page/sign-in-by-ticket"


@pytest.fixture(scope="module")
def tickets(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let the server and its clients live in the realm; return the folder of the tickets."""
    folder = tmp_path_factory.mktemp("tickets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_CONFIG", realm.config)
        patch.setenv("KRB5RCACHENAME", f"file2:{folder / 'replay'}")
        patch.setenv("KRB5_KTNAME", "FILE:/nowhere")
        realm.add(ADMIN[0], STRANGER, f"HTTP/{HOST}")
        for name in (ADMIN[0], STRANGER):
            realm.ticket(name, f"FILE:{folder / name}")
        yield folder


@pytest.fixture(scope="module")
def server(realm: Realm, tickets: Path) -> Iterator[RunningServer]:
    keytab = realm.keytab(str(tickets / "keytab"), f"HTTP/{HOST}")
    with running(keytab=keytab, hosts=[HOST]) as server:
        yield server


def curl(server: RunningServer, ticket: Path, *requests: tuple[str, tuple[str, ...]]) -> list[tuple[int, Any]]:
    """Send requests on one connection; return the status and the members of each answer."""
    words: list[str] = []
    for path, options in requests:
        url = f"https://{HOST}:{server.https}{path}"
        words += ["--next"] if words else []
        words += ["--silent", "--insecure", "--resolve", f"{HOST}:{server.https}:127.0.0.1", "--data", "{}"]
        words += ["--header", "Content-Type: application/json", "--write-out", "\n%{http_code}\n", *options, url]
    environment = {**os.environ, "KRB5CCNAME": f"FILE:{ticket}"}
    done = subprocess.run(["curl", *words], env=environment, capture_output=True, text=True, timeout=30, check=True)
    lines = [line for line in done.stdout.splitlines() if line]
    return [(int(status), json.loads(body)) for body, status in zip(lines[::2], lines[1::2], strict=True)]


def test_a_ticket_begins_a_session(server: RunningServer, tickets: Path, tmp_path: Path) -> None:
    jar = str(tmp_path / "cookies")
    ((status, members),) = curl(
        server, tickets / ADMIN[0], (SIGN_IN, ("--negotiate", "--user", ":", "--cookie-jar", jar))
    )
    assert (status, members["user"]) == (200, ADMIN[0])
    token = f"Logonscope-CSRF: {members['csrf_token']}"
    ((status, _),) = curl(server, tickets / "none", ("/v1/identify", ("--cookie", jar, "--header", token)))
    assert status == 200


def test_a_ticket_authenticates_neither_the_connection_nor_the_cookie_alone(
    server: RunningServer, tickets: Path, tmp_path: Path
) -> None:
    jar = str(tmp_path / "cookies")
    sign_in = (SIGN_IN, ("--negotiate", "--user", ":", "--cookie-jar", jar))
    answers = curl(server, tickets / ADMIN[0], sign_in, ("/v1/identify", ()), ("/v1/identify", ("--cookie", jar)))
    assert [status for status, _ in answers] == [200, 401, 401]


@pytest.mark.parametrize(
    ("ticket", "options", "answer"),
    [
        (STRANGER, ("--negotiate", "--user", ":"), (403, "the Kerberos ticket is of no user who may log in here")),
        (ADMIN[0], (), (401, "the browser sent no Kerberos ticket")),
        (ADMIN[0], ("--header", "Authorization: Negotiate YIIB"), (403, "the Kerberos ticket")),
        (ADMIN[0], ("--header", "Authorization: Negotiate TlRMTVNTUAABAAAA"), (403, "the Kerberos ticket")),
        (ADMIN[0], ("--header", "Origin: https://other.test"), (403, "origin")),
    ],
    ids=["a stranger", "no ticket", "no token", "NTLM", "another page"],
)  # fmt: skip
def test_nothing_else_begins_a_session(
    server: RunningServer, tickets: Path, ticket: str, options: tuple[str, ...], answer: tuple[int, str]
) -> None:
    ((status, members),) = curl(server, tickets / ticket, (SIGN_IN, options))
    assert status == answer[0]
    assert answer[1] in members["error"]["message"]
