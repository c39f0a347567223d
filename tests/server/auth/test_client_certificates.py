"""Client certificates, over real TLS: who is authenticated by one, as whom, and who is not."""

import http.client
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from logonscope.server.authorization import CERTIFICATE_PROFILE
from logonscope.server.certificate import common_name
from tests.server.json_requests import basic
from tests.server.running import ADMIN, RunningServer, running
from tests.server.serving import wait_until


class Authority(NamedTuple):
    """A certificate authority."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def subject(*names: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])


def certificate(
    key: ec.EllipticCurvePrivateKey, names: x509.Name, issuer: Authority | None, *, is_expired: bool = False
) -> x509.Certificate:
    end = datetime.now(UTC) + timedelta(days=-1 if is_expired else 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(issuer.certificate.subject if issuer else names)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=3))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, certificate(key, subject(name), None))


OURS, OTHER = authority("ours"), authority("ours")


def client_file(folder: Path, *names: str, issuer: Authority = OURS, is_expired: bool = False) -> str:
    """Write a client certificate with its key, and return the file."""
    key, path = ec.generate_private_key(ec.SECP256R1()), folder / "client.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate(key, subject(*names), issuer, is_expired=is_expired).public_bytes(pem))
    return str(path)


def authority_file(folder: Path) -> str:
    """Write the certificate of the authority that the server trusts, and return the file."""
    path = folder / "ca.pem"
    path.write_bytes(OURS.certificate.public_bytes(serialization.Encoding.PEM))
    return str(path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(client_ca=authority_file(tmp_path_factory.mktemp("ca"))) as found:
        yield found


def ask(server: RunningServer, file: str | None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Ask for the logon sessions; return the status, and the users or the error."""
    context = ssl.create_default_context(cafile=server.certificate)
    if file is not None:
        context.load_cert_chain(file)
    connection = http.client.HTTPSConnection("127.0.0.1", server.https, context=context, timeout=30)
    try:
        sent = {"Content-Type": "application/json", **(headers or {})}
        for _ in range(2):  # the second request of a connection is authenticated, too
            connection.request("POST", "/v1/sessions", b"{}", sent)
            response = connection.getresponse()
            lines = [json.loads(line) for line in response.read().splitlines()]
        if response.status != 200:
            return response.status, lines[0]["error"]["message"]
        return response.status, {line["user"] for line in lines}
    finally:
        connection.close()


def test_the_common_name_is_the_user(server: RunningServer, tmp_path: Path) -> None:
    assert ask(server, client_file(tmp_path, "alice")) == (200, {"alice"})
    assert ask(server, client_file(tmp_path, "bob"))[1] <= {"bob"}
    everything = {"alice", "bob", None}
    assert ask(server, client_file(tmp_path, ADMIN[0]))[1] >= everything
    events = [json.loads(line) for line in (server.folder / "audit").read_text(encoding="utf-8").splitlines()]
    logins = [event["user"] for event in events if event.get("scheme") == "certificate" and event["accepted"]]
    assert logins == ["alice", "bob", ADMIN[0]]  # one line for each connection


def test_the_profile_of_ws_management_is_no_credentials(server: RunningServer, tmp_path: Path) -> None:
    profile = {"Authorization": CERTIFICATE_PROFILE}
    assert ask(server, client_file(tmp_path, "alice"), profile) == (200, {"alice"})
    assert ask(server, None, profile) == (401, "authentication required")


@pytest.mark.parametrize("names", [("nobody-of-this-name",), ("alice", "bob"), (), ("alice\0",), ("\u0430lice",)])
def test_a_certificate_that_names_no_user(server: RunningServer, tmp_path: Path, names: tuple[str, ...]) -> None:
    status, message = ask(server, client_file(tmp_path, *names))
    assert status == 401
    assert message in {"authentication required", "authentication failed: the certificate names no user of this server"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"issuer": OTHER}, "certificate signature failure"), ({"is_expired": True}, "certificate has expired")],
)
def test_a_certificate_that_is_not_valid_ends_the_connection_and_is_logged(
    server: RunningServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        ask(server, client_file(tmp_path, "alice", **options))
    line = f"TLS handshake with 127.0.0.1 failed: the client's certificate is not valid: {reason}"
    wait_until(lambda: line in caplog.messages)


def test_clients_without_a_certificate_send_a_password(server: RunningServer, tmp_path: Path) -> None:
    assert ask(server, None)[0] == 401
    assert ask(server, None, basic(ADMIN))[0] == 200
    # Credentials win over the certificate, also where they are wrong.
    assert ask(server, client_file(tmp_path, "alice"), basic((ADMIN[0], "wrong")))[0] == 401
    assert len(ask(server, client_file(tmp_path, "alice"), basic(ADMIN))[1]) > 1


def test_a_server_without_authorities_requests_no_certificate(tmp_path: Path) -> None:
    with running() as server:
        assert ask(server, client_file(tmp_path, "alice"))[0] == 401


def test_the_common_name_of_a_subject() -> None:
    assert common_name(None) is None
    assert common_name({}) is None
    assert common_name({"subject": ((("organizationName", "x"),), (("commonName", "bob"),))}) == "bob"
    assert common_name({"subject": ((("commonName", "bob"), ("commonName", "eve")),)}) is None
