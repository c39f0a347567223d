"""The TLS certificate of the server: that of the settings, or a self-signed one that is created at the first start.

The self-signed certificate is ECDSA on P-256 with SHA-256. With this kind of key, every client (also every Windows
since 2008 R2) has a cipher with forward secrecy and authenticated encryption in TLS 1.2. The certificate is valid for
ten years. It is replaced only when it has expired or is for another host name: clients trust the certificate itself, so
a new certificate breaks their configuration and makes no client safer.
"""

import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError
from logonscope.regular_files import open_regular
from logonscope.server.atomic_file import write_atomically
from logonscope.server.configuration import Settings

VALIDITY = timedelta(days=3650)
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The ciphers of TLS 1.2; those of TLS 1.3 are all secure, and always enabled."""

_CERTIFICATE_HINT = "check --certificate and --key, and the permissions of the file"
_CLIENT_CA_HINT = "check --client-ca"

_FILE, _PUBLIC = "self-signed.pem", "self-signed.crt"


class TlsContext(ssl.SSLContext):
    """The TLS context, with the properties of its certificate that connections and the log need."""

    channel_binding: bytes | None = None
    fingerprint: str = ""


def tls_context(settings: Settings) -> TlsContext:
    """Return the TLS context for the certificate of the settings, or for the self-signed one.

    The self-signed certificate is created if necessary.

    Raises:
        AccessDeniedError: no permission to read or write a file.
        InvalidParameterError: a file is missing, its content is not valid, or the settings require channel binding and
            the certificate allows none.
    """
    certificate = settings.certificate or self_signed_certificate(settings.state)
    key = settings.key or certificate
    context = TlsContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    leaf = _leaf(certificate)
    _read_file(key)  # load_cert_chain does not report which of its files it cannot read
    try:
        context.load_cert_chain(certificate, key, password=_reject_encrypted_key)
    except ssl.SSLError as error:
        is_mismatch = error.reason == "KEY_VALUES_MISMATCH"
        reason = "they do not match" if is_mismatch else str(error.reason or error)
        raise InvalidParameterError(
            f"cannot use the certificate in {certificate} with the key in {key}: {reason}",
            "give PEM files that belong together",
        ) from None
    context.channel_binding, context.fingerprint = channel_binding(leaf), fingerprint(leaf)
    if context.channel_binding is None and settings.channel_binding == "required":
        raise InvalidParameterError(
            f"cannot require channel binding with the certificate in {certificate}: its signature defines no hash",
            'give a certificate signed with RSA or ECDSA, or set channel_binding = "relaxed"',
        )
    if settings.client_ca:
        request_client_certificates(context, settings.client_ca)
    return context


def request_client_certificates(context: ssl.SSLContext, path: str) -> None:
    """Request a certificate from each client. A client need not have one, but an invalid one ends the handshake.

    Raises:
        AccessDeniedError, InvalidParameterError: the file of authorities cannot be read, or is not valid.
    """
    _read_file(path, _CLIENT_CA_HINT)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        reason = f"cannot use the certificates in {path}: {error.reason or error}"
        raise InvalidParameterError(reason, f"{_CLIENT_CA_HINT}: a PEM file with authorities") from None
    context.verify_mode = ssl.CERT_OPTIONAL


def common_name(certificate: Mapping[str, Any] | None) -> str | None:
    """Return the common name in a verified certificate (``getpeercert``); None: it has none, or more than one."""
    parts = [part for names in (certificate or {}).get("subject", ()) for part in names]
    names = [str(value) for name, value in parts if name == "commonName"]
    return names[0] if len(names) == 1 else None


def public_certificate_path(folder: str) -> str:
    """Return the path of the self-signed certificate without its key, the file for clients."""
    return os.path.join(folder, _PUBLIC)


def describe_certificate(context: TlsContext, settings: Settings) -> str:
    """Describe the certificate for the log: its fingerprint, and for the self-signed one the file for clients."""
    advice = "" if settings.certificate else f"; clients must trust {public_certificate_path(settings.state)}"
    return f"certificate: SHA-256 fingerprint {context.fingerprint}{advice}"


def existing_certificate_path(folder: str) -> str:
    """Return the path of the self-signed certificate with its key; "" if it must be created or replaced.

    Raises:
        AccessDeniedError: the file cannot be read.
        InvalidParameterError: the file exists, but has no certificate.
    """
    path = os.path.join(folder, _FILE)
    return path if os.path.exists(path) and _is_valid(_leaf(path), socket.gethostname()) else ""


def channel_binding(certificate: x509.Certificate) -> bytes | None:
    """Return the tls-server-end-point of a certificate (RFC 5929 4.1); None if there is none, such as for Ed25519."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return None
    weak = algorithm.name in {"md5", "sha1"}  # "if the ... hash function ... is either MD5 or SHA-1, then use SHA-256"
    return certificate.fingerprint(hashes.SHA256() if weak else algorithm)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint of a certificate in the form of ``openssl x509 -fingerprint -sha256``."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest().hex(":").upper()


def self_signed_certificate(folder: str) -> str:
    """Return the path of the self-signed certificate with its key; create or replace the file if necessary.

    Certificate and key are in one file, so that they are replaced together. Another file has the certificate alone,
    readable by all users.

    Raises:
        AccessDeniedError: no permission to read the file or to write to the directory.
        InvalidParameterError: the directory cannot be written, or the file exists without a certificate.
    """
    path, public_path = os.path.join(folder, _FILE), public_certificate_path(folder)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not existing_certificate_path(folder):
            write_atomically(path, _create_certificate(_host_names(socket.gethostname())))
        public_pem = _leaf(path).public_bytes(serialization.Encoding.PEM)
        if not os.path.exists(public_path) or _read_file(public_path) != public_pem:
            write_atomically(public_path, public_pem, mode=0o644)
    except OSError as error:
        hint = "run it as root, or give --state or --certificate"
        _raise_for(error, f"cannot write the certificate to {folder}", hint)
    return path


def _leaf(path: str) -> x509.Certificate:
    """Return the first certificate of a PEM file: that of the server. The certificates of issuers follow."""
    try:
        return x509.load_pem_x509_certificates(_read_file(path))[0]
    except ValueError:
        reason = f"invalid certificate file '{path}': expected a certificate in PEM form"
        raise InvalidParameterError(reason, "give another file, or remove this one") from None


def _read_file(path: str, hint: str = _CERTIFICATE_HINT) -> bytes:
    try:
        with open(path, "rb", opener=open_regular) as file:
            return file.read()
    except OSError as error:
        _raise_for(error, f"cannot read {path}", hint)


def _raise_for(error: OSError, action: str, hint: str) -> NoReturn:
    """Raise the error of a failed file operation; ``action`` begins its message, such as ``cannot read FILE``.

    Raises:
        AccessDeniedError: permission was denied.
        InvalidParameterError: the operation failed for another reason.
    """
    is_denied = isinstance(error, PermissionError)
    error_class: type[LogonscopeError] = AccessDeniedError if is_denied else InvalidParameterError
    raise error_class(f"{action}: {error.strerror}", hint) from None


def _reject_encrypted_key() -> NoReturn:
    """Reject an encrypted key: OpenSSL would ask for its passphrase on the terminal, and wait."""
    raise InvalidParameterError(
        "cannot use the private key: it is encrypted", "give a key without passphrase, readable by root only"
    )


def _is_valid(certificate: x509.Certificate, host: str) -> bool:
    """Return whether a certificate has not expired and is for this host name."""
    if datetime.now(UTC) >= certificate.not_valid_after_utc:
        return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return host in names.get_values_for_type(x509.DNSName)


def _host_names(host: str) -> list[str]:
    """Return the names of this host for a new certificate."""
    # The full name is only a convenience for clients: it depends on the resolver, and may change with the network.
    return list(dict.fromkeys(name for name in (host, socket.getfqdn(host), "localhost") if name.isascii()))


def _create_certificate(names: list[str]) -> bytes:
    """Return a new private key and its self-signed certificate, in PEM form."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    loopback = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the clock of a client may be behind
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names), *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)
