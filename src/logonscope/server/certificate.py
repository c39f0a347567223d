"""By which certificate is the server known? The administrator's, or one that it made for itself at its first start.

The self-signed one is ECDSA on P-256 with SHA-256: the one kind for which every Windows since 2008 R2, and everybody
else, has a cipher with forward secrecy and authenticated encryption in TLS 1.2. It is good for ten years: nobody
vouches for it, clients know it by its fingerprint, and each new one breaks what they pinned without making any safer.
For the same reason only an expired one, or one for another host name, is ever replaced.
"""

import hashlib
import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError
from logonscope.server.atomic_file import put
from logonscope.server.configuration import Settings

LIFE = timedelta(days=3650)
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all sound, and always on."""

_FILE, _PUBLIC = "self-signed.pem", "self-signed.crt"


class TlsContext(ssl.SSLContext):
    """How connections are encrypted, and as whom: what a connection has to know of it stays with it."""

    channel_binding: bytes | None = None
    fingerprint: str = ""


def tls_context(settings: Settings) -> TlsContext:
    """Return the context of the certificate that is configured, else of our own, made now if need be.

    Raises:
        AccessDeniedError: a file may not be read, or not be written.
        InvalidParameterError: a file is not there, or is none.
    """
    certificate = settings.certificate or self_signed(settings.state)
    key = settings.key or certificate
    context = TlsContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    leaf = _leaf(certificate)
    _readable(key)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        why = "not of the same pair" if error.reason == "KEY_VALUES_MISMATCH" else f"no pair: {error.reason or error}"
        raise InvalidParameterError(
            f"the certificate in {certificate} and the key in {key} are {why}", "give PEM files that belong together"
        ) from None
    context.channel_binding, context.fingerprint = channel_binding(leaf), fingerprint(leaf)
    return context


def trusted(folder: str) -> str:
    """Return the file that has our own certificate without its key: what clients are given."""
    return os.path.join(folder, _PUBLIC)


def described(context: TlsContext, settings: Settings) -> str:
    """Say by which certificate clients know the server, and of our own where they find it."""
    own = "" if settings.certificate else f"; clients are to trust {trusted(settings.state)}"
    return f"certificate with SHA-256 fingerprint {context.fingerprint}{own}"


def kept(folder: str) -> str:
    """Return the file of our own certificate and its key; "" where a new one has to be made.

    Raises:
        InvalidParameterError: it is there, but is none.
    """
    path = os.path.join(folder, _FILE)
    return path if os.path.exists(path) and _serves(_leaf(path), socket.gethostname()) else ""


def channel_binding(certificate: x509.Certificate) -> bytes | None:
    """Return its tls-server-end-point (RFC 5929 4.1); None where the RFC defines none, as for Ed25519."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return None
    weak = algorithm.name in {"md5", "sha1"}  # "if the ... hash function ... is either MD5 or SHA-1, then use SHA-256"
    return certificate.fingerprint(hashes.SHA256() if weak else algorithm)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return its SHA-256 as ``openssl x509 -fingerprint -sha256`` shows it."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest().hex(":").upper()


def self_signed(folder: str) -> str:
    """Return the file of our own certificate and its key, in one so that they are replaced as one.

    Beside it the certificate stands alone, for everybody to read.

    Raises:
        AccessDeniedError: it cannot be kept there.
        InvalidParameterError: it is there, but is none.
    """
    path, public = os.path.join(folder, _FILE), trusted(folder)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not kept(folder):
            put(path, _made(_names(socket.gethostname())))
        alone = _leaf(path).public_bytes(serialization.Encoding.PEM)
        if not os.path.exists(public) or _readable(public) != alone:
            put(public, alone, mode=0o644)
    except OSError as error:
        _refuse(f"no certificate can be kept in {folder}", error, "run it as root, or give --state or --certificate")
    return path


def _leaf(path: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_readable(path))[0]
    except ValueError:
        raise InvalidParameterError(f"{path} has no certificate in PEM form", "give another, or remove it") from None


def _readable(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        _refuse(f"{path} cannot be read", error, "see --certificate and --key, and who may read the file")


def _refuse(what: str, error: OSError, hint: str) -> NoReturn:
    kind: type[LogonscopeError] = AccessDeniedError if isinstance(error, PermissionError) else InvalidParameterError
    raise kind(f"{what}: {error.strerror}", hint) from None


def _no_password() -> NoReturn:
    """Refuse, where OpenSSL would ask the terminal and wait."""
    raise InvalidParameterError(
        "the private key is encrypted", "give one without a passphrase, readable for root alone"
    )


def _serves(certificate: x509.Certificate, host: str) -> bool:
    if datetime.now(UTC) >= certificate.not_valid_after_utc:
        return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return host in names.get_values_for_type(x509.DNSName)


def _names(host: str) -> list[str]:
    """Return the names of this host; the full one is looked up, and may change with the network: it is a courtesy."""
    return list(dict.fromkeys(name for name in (host, socket.getfqdn(host), "localhost") if name.isascii()))


def _made(names: list[str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    loopback = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names), *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + made.public_bytes(pem)
