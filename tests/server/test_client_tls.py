"""Tests of server/client_tls.py: files that are no certificates; handshakes are in test_push_tls.py."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from logonscope.server.client_tls import ClientTls, TlsFileError
from tests.server.sinks.receivers import make_certificate


def test_the_server_is_always_verified_and_a_client_certificate_is_loaded(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(Path(certificate.certificate).read_text() + Path(certificate.key).read_text())
    for tls in (ClientTls(), ClientTls(certificate.certificate, str(both))):
        context = tls.make_context()
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_key_that_cannot_be_used_is_an_error_and_no_question_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, other = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    key = serialization.load_pem_private_key(Path(certificate.key).read_bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    for key_text, reason in (
        (encrypted.decode(), "its key is encrypted"),
        (Path(other.key).read_text(), "its key is not that of its certificate"),
        ("", "it has no certificate with its key"),
    ):
        file = tmp_path / "file.pem"
        file.write_text(Path(certificate.certificate).read_text() + key_text)
        with pytest.raises(TlsFileError, match=reason):
            ClientTls(client_certificate=str(file)).make_context()


def test_a_file_that_is_missing_or_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    for name, reason in (("missing", "No such file"), ("text", "it has no certificate")):
        path = str(tmp_path / name)
        for tls in (ClientTls(ca=path), ClientTls(client_certificate=path)):
            with pytest.raises(TlsFileError, match=f"{name}: {reason}"):
                tls.make_context()
