"""Tests of server/certificate.py: the server has the right certificate, and other TLS clients accept it."""

import hashlib
import os
import socket
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.server.certificate import (
    channel_binding,
    fingerprint,
    public_certificate_path,
    self_signed_certificate,
    tls_context,
)
from logonscope.server.configuration import Settings
from tests.lab.fixtures import skip_or_fail
from tests.server.serving import serving, shown_to

pytestmark = pytest.mark.usefixtures("promptly")


def openssl(*words: str, given: str = "") -> str:
    try:
        done = subprocess.run(["openssl", *words], input=given, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        skip_or_fail("openssl is not installed")
    return done.stdout + done.stderr


def pair(folder: Path, name: str = "a", kind: str = "rsa:2048", *more: str) -> Settings:
    """Have openssl make a certificate and its key."""
    files = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    words = ["req", "-x509", "-newkey", *kind.split(), "-nodes", "-subj", "/CN=localhost", "-out", files[0]]
    said = openssl(*words, "-keyout", files[1], *more)
    assert os.path.exists(files[0]), said
    return Settings(certificate=files[0], key=files[1])


def read(path: str | Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(path).read_bytes())


def test_one_is_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    path = self_signed_certificate(str(folder))
    made = Path(path).read_bytes()
    assert sorted(entry.name for entry in folder.iterdir()) == ["self-signed.crt", "self-signed.pem"]
    assert (os.stat(path).st_mode & 0o777, os.stat(folder).st_mode & 0o777) == (0o600, 0o700)
    assert os.stat(public_certificate_path(str(folder))).st_mode & 0o777 == 0o644
    assert b"PRIVATE" not in Path(public_certificate_path(str(folder))).read_bytes()
    assert read(public_certificate_path(str(folder))) == read(path)
    assert self_signed_certificate(str(folder)) == path
    assert Path(path).read_bytes() == made


def test_it_has_the_names_of_this_machine_and_openssl_finds_nothing_wrong(tmp_path: Path) -> None:
    path = self_signed_certificate(str(tmp_path))
    told = openssl("x509", "-in", path, "-noout", "-text")
    for name in (f"DNS:{socket.gethostname()}", "DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"):
        assert name in told
    for words in ("prime256v1", "ecdsa-with-SHA256", "CA:FALSE", "TLS Web Server Authentication"):
        assert words in told
    checks = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost", "-CAfile", path)
    assert openssl("verify", *checks, path) == f"{path}: OK\n"
    whole = timedelta(days=3651) - (read(path).not_valid_after_utc - read(path).not_valid_before_utc)
    assert abs(whole) < timedelta(minutes=1)


def expire(path: str) -> None:
    """Replace a self-signed certificate by the same one that ended a second ago."""
    data = Path(path).read_bytes()
    key, valid = serialization.load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        valid.issuer, valid.subject, key.public_key(), x509.random_serial_number(), valid.not_valid_before_utc,
        datetime.now(UTC) - timedelta(seconds=1), [*valid.extensions],
    )  # fmt: skip
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    Path(path).write_bytes(data[: data.index(b"-----BEGIN CERTIFICATE")] + certificate)


def test_one_that_is_over_is_replaced(tmp_path: Path) -> None:
    path = self_signed_certificate(str(tmp_path))
    expire(path)
    old = read(path)
    new = read(self_signed_certificate(str(tmp_path)))
    assert (old.not_valid_after_utc < datetime.now(UTC), new.not_valid_after_utc < datetime.now(UTC)) == (True, False)


def test_one_for_another_host_name_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = read(self_signed_certificate(str(tmp_path)))
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed.example")  # not the machine, for one test
    new = read(self_signed_certificate(str(tmp_path)))
    assert old != new
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "renamed.example" in names.get_values_for_type(x509.DNSName)
    assert read(self_signed_certificate(str(tmp_path))) == read(public_certificate_path(str(tmp_path))) == new
    Path(public_certificate_path(str(tmp_path))).unlink()
    self_signed_certificate(str(tmp_path))
    assert read(public_certificate_path(str(tmp_path))) == new


def test_one_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        InvalidParameterError, match=r"cannot write the certificate to .*/file/x: Not a directory; run it"
    ):
        self_signed_certificate(f"{tmp_path}/file/x")
    with pytest.raises(AccessDeniedError, match=r"cannot write the certificate to /proc/1/fdinfo/x"):
        as_nobody(lambda: self_signed_certificate("/proc/1/fdinfo/x"))


def as_nobody(deed: Callable[[], object]) -> None:
    """Do something as a user who may do nothing."""
    if os.geteuid() != 0:
        deed()
        return
    os.seteuid(65534)
    try:
        deed()
    finally:
        os.seteuid(0)


def test_what_is_kept_and_is_none_is_refused_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "self-signed.pem").write_text("mine", encoding="ascii")
    with pytest.raises(InvalidParameterError, match=r"self-signed\.pem': expected a certificate in PEM form; give"):
        tls_context(Settings(state=str(tmp_path)))
    assert (tmp_path / "self-signed.pem").read_text(encoding="ascii") == "mine"


def test_what_an_administrator_gave_is_taken_as_two_files_or_as_one(tmp_path: Path) -> None:
    told = pair(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(Path(told.key).read_text() + Path(told.certificate).read_text())
    expected = fingerprint(read(told.certificate))
    assert tls_context(told).fingerprint == expected
    assert tls_context(Settings(certificate=str(both))).fingerprint == expected
    said = openssl("x509", "-in", told.certificate, "-noout", "-fingerprint", "-sha256")
    assert said == f"sha256 Fingerprint={expected}\n"


def test_files_that_do_not_do_are_refused(tmp_path: Path) -> None:
    one, other = pair(tmp_path, "a"), pair(tmp_path, "b")
    locked = str(tmp_path / "locked.key")
    openssl("pkcs8", "-topk8", "-in", one.key, "-out", locked, "-passout", "pass:x")
    (tmp_path / "empty").touch()
    empty = str(tmp_path / "empty")
    for certificate_, key, said in (
        (
            one.certificate,
            other.key,
            "cannot use the certificate in .*/a.pem with the key in .*/b.key: they do not match",
        ),
        (one.certificate, locked, "cannot use the private key: it is encrypted; give a key without passphrase"),
        (one.certificate, empty, "cannot use the certificate in .*/a.pem with the key in .*/empty: .*; give PEM files"),
        (one.certificate, one.certificate, "cannot use the certificate in .*/a.pem with the key in .*/a.pem: "),
        (empty, one.key, "invalid certificate file '.*/empty': expected a certificate in PEM form"),
        (str(tmp_path / "none"), one.key, "cannot read .*/none: No such file or directory; check --certificate"),
        (one.certificate, str(tmp_path / "none"), "cannot read .*/none: No such file or directory"),
        (str(tmp_path), one.key, "cannot read .*: Is a directory"),
    ):
        with pytest.raises(InvalidParameterError, match=said):
            tls_context(Settings(certificate=certificate_, key=key))


@pytest.mark.parametrize(("kind", "cipher"), [("rsa:2048", "RSA"), ("ec -pkeyopt ec_paramgen_curve:P-256", "ECDSA")])
def test_clients_get_the_certificate_and_sound_ciphers(kind: str, cipher: str, tmp_path: Path) -> None:
    told = pair(tmp_path, "a", kind)
    with serving("https://127.0.0.1:0", certificate=told.certificate, key=told.key) as server:
        port = server.addresses[0][1]
        said = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-alpn", "h2,http/1.1", given="Q")
        assert f"Cipher is ECDHE-{cipher}-AES256-GCM-SHA384" in said
        assert "ALPN protocol: http/1.1" in said
        assert tls_context(told).options & ssl.OP_NO_RENEGOTIATION
        assert "TLSv1.3" in openssl("s_client", "-connect", f"127.0.0.1:{port}", given="Q")
        old = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL@SECLEVEL=0", given="Q")
        assert "Cipher is (NONE)" in old
        weak = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", "AES128-SHA:ECDHE+SHA256")
        assert "Cipher is (NONE)" in weak


def test_a_client_may_trust_the_self_signed_one_and_reads_the_binding_from_it(tmp_path: Path) -> None:
    with serving("https://127.0.0.1:0", "https://[::1]:0", state=str(tmp_path)) as server:
        for number in (0, 1):
            with server.connect(number, trusting=tmp_path / "self-signed.pem") as client:
                assert isinstance(client, ssl.SSLSocket)
                seen = hashlib.sha256(client.getpeercert(binary_form=True) or b"").hexdigest()
                told = shown_to(client)
                assert (told["tls"], told["binding"]) == (True, seen)


@pytest.mark.parametrize(
    ("signed_with", "expected"),
    [("-md5", "sha256"), ("-sha1", "sha256"), ("-sha256", "sha256"), ("-sha384", "sha384"), ("-sha512", "sha512")],
)
def test_the_binding_is_by_the_hash_of_the_signature(signed_with: str, expected: str, tmp_path: Path) -> None:
    """RFC 5929 4.1, held against openssl."""
    made = read(pair(tmp_path, "a", "rsa:2048", signed_with).certificate)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "a.pem").read_text(encoding="ascii"))
    assert channel_binding(made) == hashlib.new(expected, der).digest()


def test_where_no_hash_is_in_the_signature_there_is_no_binding() -> None:
    assert channel_binding(_signed_by(ed25519.Ed25519PrivateKey.generate(), None)) is None


def test_a_certificate_without_binding_does_not_start_a_server_that_requires_one(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    file = tmp_path / "ed25519.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + _signed_by(key, None).public_bytes(pem))
    assert tls_context(Settings(certificate=str(file))).channel_binding is None
    with pytest.raises(InvalidParameterError, match="its signature defines no hash"):
        tls_context(Settings(certificate=str(file), channel_binding="required"))


def test_other_signatures_have_their_hash() -> None:
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        made = _signed_by(key, hashes.SHA384())
        assert channel_binding(made) == made.fingerprint(hashes.SHA384())


def _signed_by(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, by: hashes.SHA384 | None
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, by)
